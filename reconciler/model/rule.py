"""The canonical security group rule: two rules are the same rule exactly when these tuples are equal."""

from typing import Literal, NamedTuple

Direction = Literal["ingress", "egress"]
Ethertype = Literal["IPv4", "IPv6"]

PORT_PROTOCOLS = frozenset({"tcp", "udp", "udplite", "sctp", "dccp"})
"""Protocols whose two range fields are ports (Neutron `_validate_port_range`)."""

ICMP_PROTOCOLS = frozenset({"icmp", "ipv6-icmp"})
"""Protocols whose two range fields are the ICMP type and code."""


class Rule(NamedTuple):
    """A rule without id and description, in the one spelling that `model.canonical` gives it.

    A tuple rather than a dataclass: it is the key of every set and dictionary of the diff, and a tuple hashes and
    compares in C. Only `model.canonical` makes one from foreign input.

    `protocol` is a published name, or a number as text where no name is known; None is every protocol.
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
