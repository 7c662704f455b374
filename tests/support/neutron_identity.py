"""When two rules are the same rule to Neutron, from the prose of its documentation, without a line of ours.

Deliberately naive: sets and if-statements, standard library only.
"""

from __future__ import annotations

import ipaddress
from typing import Any

NUMBERS = {
    "1": "icmp", "2": "igmp", "4": "ipip", "6": "tcp", "8": "egp", "17": "udp", "33": "dccp",
    "41": "ipv6-encap", "43": "ipv6-route", "44": "ipv6-frag", "46": "rsvp", "47": "gre", "50": "esp", "51": "ah",
    "58": "ipv6-icmp", "59": "ipv6-nonxt", "60": "ipv6-opts", "89": "ospf", "112": "vrrp", "113": "pgm",
    "132": "sctp", "136": "udplite",
}  # fmt: skip


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Direction, ethertype, protocol, both ports and the remote are equal; the description does not count."""
    return (
        one["direction"] == other["direction"]
        and _family(one) == _family(other)
        and _protocol(one) == _protocol(other)
        and _ports(one) == _ports(other)
        and _addresses(one) == _addresses(other)
        and (one.get("remote_group_id") or "") == (other.get("remote_group_id") or "")
    )


def _family(rule: dict[str, Any]) -> str:
    if rule.get("ethertype"):
        return str(rule["ethertype"])
    if rule.get("remote_ip_prefix"):
        return "IPv6" if ":" in rule["remote_ip_prefix"] else "IPv4"
    spelled = NUMBERS.get(str(rule.get("protocol")), str(rule.get("protocol")))
    return "IPv6" if spelled.startswith("ipv6") or spelled == "icmpv6" else "IPv4"


def _protocol(rule: dict[str, Any]) -> str:
    protocol = str(rule.get("protocol") or "any").lower()
    protocol = NUMBERS.get(protocol, protocol)
    if protocol == "icmpv6":
        return "ipv6-icmp"
    if protocol == "icmp" and _family(rule) == "IPv6":
        return "ipv6-icmp"
    return protocol


def _ports(rule: dict[str, Any]) -> tuple[int | None, int | None]:
    low, high = rule.get("port_range_min"), rule.get("port_range_max")
    return (None, None) if low == 1 and high == 65535 else (low, high)


def _addresses(rule: dict[str, Any]) -> tuple[int, int] | None:
    """First and last address of the remote; every address is the same as no prefix."""
    prefix = rule.get("remote_ip_prefix")
    if not prefix:
        return None
    address, _, length = prefix.partition("/")
    first = int(ipaddress.ip_address(address))
    bits = 128 if ":" in address else 32
    size = 2 ** (bits - int(length or bits))
    first -= first % size
    return None if size == 2**bits else (first, first + size - 1)
