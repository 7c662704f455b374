"""The canonical security group rule: two rules are the same rule exactly when these tuples are equal."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Direction = Literal["ingress", "egress"]
Ethertype = Literal["IPv4", "IPv6"]

PORT_PROTOCOLS = frozenset({"tcp", "udp", "udplite", "sctp", "dccp"})
"""Protocols whose two range fields are ports (Neutron `_validate_port_range`)."""

ICMP_PROTOCOLS = frozenset({"icmp", "ipv6-icmp"})
"""Protocols whose two range fields are the ICMP type and code."""


EVERY_PROTOCOL = frozenset({None, "0"})
"""Protocols of rules that match whatever protocol a packet has (Neutron's API reference names `any` and 0 as one)."""


class Rule(NamedTuple):
    """A rule without id and description, in the one spelling that `model.canonical` gives it.

    A tuple rather than a dataclass: it is the key of every set and dictionary of the diff, and a tuple hashes and
    compares in C. Only `model.canonical` makes one from foreign input.

    `protocol` is a published name, or a number as text where no name is known; None is every protocol. So is "0", by
    what it admits, but to Neutron it is another rule (`EVERY_PROTOCOL`).
    `port_range_min` and `port_range_max` are ports, or the type and the code of icmp and ipv6-icmp; None is all.
    At most one of `remote_ip_prefix` (a masked CIDR, never a /0) and `remote_group_id` is set; neither is everywhere.
    """

    direction: Direction
    ethertype: Ethertype
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None


NO_NAMES: Mapping[str, str] = {}


def describe_rule(rule: Rule, names: Mapping[str, str] = NO_NAMES) -> str:
    """Write a rule on one line; `names` maps ids of remote groups to their names."""
    where = "from" if rule.direction == "ingress" else "to"
    parts = (f"{rule.direction:<7}", rule.ethertype, rule.protocol or "any", describe_range(rule), where)
    return " ".join(filter(None, (*parts, describe_remote(rule, names))))


def describe_range(rule: Rule) -> str:
    """Write the ports, or the ICMP type and code; empty where the rule has none."""
    low, high = rule.port_range_min, rule.port_range_max
    if low is None and high is None:
        return ""
    if rule.protocol in ICMP_PROTOCOLS:
        return f"type {low}" if high is None else f"type {low} code {high}"
    return str(low) if low == high else f"{low}-{high}"


def describe_remote(rule: Rule, names: Mapping[str, str] = NO_NAMES) -> str:
    """Write the prefix, the remote group, or everywhere."""
    if rule.remote_group_id is not None:
        name = names.get(rule.remote_group_id)
        return f"group {name}" if name else f"group {rule.remote_group_id}"
    return rule.remote_ip_prefix or ("0.0.0.0/0" if rule.ethertype == "IPv4" else "::/0")
