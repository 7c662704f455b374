"""The one place that says when two rules are the same.

Every rule, written or live, passes through `canonical_rule`; afterwards equality of tuples is equality of rules, and no
other stage knows a special case. The facts are OpenStack Neutron's, which the cloud runs:

- `securitygroups_db.py` `_rule_to_key`: direction, ethertype, both ports, protocol and remote make the identity, the
  description does not; no prefix, `0.0.0.0/0` and `::/0` are one remote; a protocol's number and its name are one.
- `_make_canonical_ipv6_icmp_protocol`: with IPv6, `icmp`, `icmpv6` and the number 1 mean `ipv6-icmp`.
- `_validate_ip_prefix`: a bare address gets its full mask.
- 1-65535 is taken for no range at all, before anything asks whether the protocol has ports.
- protocol `0` and `any` are two keys, and a remote group's id is compared as it is written (a real Neutron was asked).

Neutron keeps host bits, and so takes 10.0.0.5/8 and 10.0.0.0/8 for two rules. They admit the same; here they are one,
and where both are live, both are kept.

Nothing here refuses: whatever the API may answer has a canonical form, be it its own spelling.
"""

import re
from functools import lru_cache
from ipaddress import ip_network

from reconciler.model.cloud import MAX_PORT
from reconciler.model.rule import Direction, Ethertype, Rule

PROTOCOL_NUMBERS = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "icmp": 1, "igmp": 2, "ipip": 4, "ipv6-encap": 41,
    "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113,
    "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136, "vrrp": 112,
}  # fmt: skip
"""Names and IANA numbers that Neutron holds to be one protocol (neutron-lib `IP_PROTOCOL_MAP`).

`ipencap` is missing on purpose: Neutron does not know it as a name of number 4.
"""

IPV6_PROTOCOLS = frozenset({"ipv6-encap", "ipv6-frag", "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "ipv6-route"})
"""Protocols that Neutron refuses with IPv4 (`_validate_ethertype_and_protocol`)."""

PUBLISHED_PROTOCOLS = frozenset({*PROTOCOL_NUMBERS, "ipencap"})
"""The names that a request may carry. A protocol outside of them can be live, but never be created."""

_NAMES = {str(number): name for name, number in PROTOCOL_NUMBERS.items()}
_CACHE = 1 << 17
_NUMBER = "(0|[1-9][0-9]{0,2})"
_IPV4_PREFIX = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}\.{_NUMBER}/{_NUMBER}").fullmatch


def canonical_rule(
    direction: Direction,
    ethertype: Ethertype | None,
    protocol: str | int | None,
    port_range_min: int | None,
    port_range_max: int | None,
    remote_ip_prefix: str | None,
    remote_group_id: str | None,
) -> Rule:
    """Spell a rule the one way. Total: any value that the API may answer is taken.

    A missing `ethertype` (live rules may have none) follows from the prefix, then from a protocol that only IPv6 has,
    else it is IPv4.
    """
    if not ethertype:
        ethertype = _family(protocol, remote_ip_prefix)
    name = canonical_protocol(protocol, ethertype)
    if port_range_min == 1 and port_range_max == MAX_PORT:
        port_range_min = port_range_max = None
    return Rule(
        direction,
        ethertype,
        name,
        port_range_min,
        port_range_max,
        canonical_prefix(remote_ip_prefix),
        remote_group_id or None,
    )


def _family(protocol: str | int | None, prefix: str | None) -> Ethertype:
    if prefix:
        return "IPv6" if ":" in prefix else "IPv4"
    return "IPv6" if canonical_protocol(protocol, "IPv4") in IPV6_PROTOCOLS else "IPv4"


@lru_cache(_CACHE)
def canonical_protocol(protocol: str | int | None, ethertype: str) -> str | None:
    """Name a protocol; None is every protocol (`any`). An unknown number stays a number as text, as 0 does."""
    name = "" if protocol is None else str(protocol).strip().lower()
    if name in {"", "any"}:
        return None
    if name.isascii() and name.isdigit() and len(name) < 10:
        name = str(int(name))
        name = _NAMES.get(name, name)
    if name == "icmpv6" or (name == "icmp" and ethertype == "IPv6"):
        return "ipv6-icmp"
    return name


@lru_cache(_CACHE)
def canonical_prefix(prefix: str | None) -> str | None:
    """Write a prefix masked, compressed and with its length; None is every address. Not an address: as it is."""
    if not prefix:
        return None
    if is_canonical_ipv4(prefix):
        return None if prefix.endswith("/0") else prefix
    try:
        network = ip_network(prefix, strict=False)
    except ValueError:
        return prefix
    return None if network.prefixlen == 0 else network.compressed


@lru_cache(_CACHE)
def is_prefix(prefix: str, ethertype: Ethertype) -> bool:
    """Tell whether this is a prefix of that family, masked and without a zone."""
    if is_canonical_ipv4(prefix):
        return ethertype == "IPv4"
    try:
        network = ip_network(prefix)
    except ValueError:
        return False
    return network.version == (4 if ethertype == "IPv4" else 6) and "%" not in prefix


def is_canonical_ipv4(prefix: str) -> bool:
    """Tell whether this is an IPv4 prefix spelled the canonical way, six times faster than `ipaddress` does."""
    written = _IPV4_PREFIX(prefix)
    if not written:
        return False
    first, second, third, fourth, length = map(int, written.groups())
    if max(first, second, third, fourth) > 255 or length > 32:
        return False
    return not (first << 24 | second << 16 | third << 8 | fourth) & (0xFFFFFFFF >> length)
