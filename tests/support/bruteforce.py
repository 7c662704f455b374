"""What rule sets admit, asked packet by packet at the corners of all rules in play, without the traffic algebra."""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from itertools import product

from reconciler.model.rule import Rule

Packet = tuple[str, str, str, int, str, str]
"""Direction, family, protocol, port (or ICMP type), remote address, remote group (empty for none)."""

_PORTS = {"tcp", "udp"}
_ICMP = {"icmp", "ipv6-icmp"}
_OUTSIDE = {"IPv4": "198.51.100.77", "IPv6": "2001:db8:ffff::77"}


def corners(rules: Iterable[Rule]) -> list[Packet]:
    """Every combination of the ends of all rules and their neighbours, and of things no rule names."""
    rules = list(rules)
    ports = {0, 65535}
    for rule in rules:
        for end in (rule.port_range_min, rule.port_range_max):
            if end is not None:
                ports |= {end - 1, end, end + 1}
    packets = []
    for direction, family in sorted({(rule.direction, rule.ethertype) for rule in rules}):
        mine = [rule for rule in rules if (rule.direction, rule.ethertype) == (direction, family)]
        protocols = sorted({rule.protocol or "tcp" for rule in mine} | {"gre"})
        groups = sorted({rule.remote_group_id or "" for rule in mine} | {""})
        addresses = {_OUTSIDE[family]}
        for rule in mine:
            if rule.remote_ip_prefix:
                network = ip_network(rule.remote_ip_prefix)
                addresses |= {str(network[0]), str(network[-1])}
        packets += list(product([direction], [family], protocols, sorted(ports), sorted(addresses), groups))
    return packets


def admits(rule: Rule, packet: Packet) -> bool:
    """Tell whether one rule admits one packet."""
    direction, family, protocol, port, address, group = packet
    if (rule.direction, rule.ethertype) != (direction, family) or rule.protocol not in {None, protocol}:
        return False
    low, high = rule.port_range_min, rule.port_range_max
    if rule.protocol in _PORTS and low is not None and high is not None and not low <= port <= high:
        return False
    if rule.protocol in _ICMP and low not in {None, port}:
        return False
    if rule.remote_group_id is not None:
        return rule.remote_group_id == group
    return rule.remote_ip_prefix is None or _is_in(address, rule.remote_ip_prefix)


@lru_cache(1 << 16)
def _is_in(address: str, prefix: str) -> bool:
    return ip_address(address) in ip_network(prefix)


def cut_or_opened(
    sets: Iterable[Sequence[Rule]], old: Collection[Rule], new: Collection[Rule], ignored: Collection[Rule] = ()
) -> str:
    """Tell which of the rule sets on the way from old to new refuses or admits too much; nothing if none does.

    `ignored` are the rules whose descriptions change: they are gone for a moment, and what only they admit with them.
    """
    packets = corners([*old, *new])
    known: dict[Rule, int] = {}

    def admitted(rules: Iterable[Rule]) -> int:
        """One bit a packet that some rule admits."""
        bits = 0
        for rule in rules:
            if rule not in known:
                known[rule] = sum(1 << number for number, packet in enumerate(packets) if admits(rule, packet))
            bits |= known[rule]
        return bits

    either = admitted(old) | admitted(new)
    both = admitted(set(old) - set(ignored)) & admitted(set(new) - set(ignored))
    for number, rules in enumerate(sets):
        now = admitted(rules)
        for what, bits in (("refuses", both & ~now), ("admits", now & ~either)):
            if bits:
                packet = packets[bits.bit_length() - 1]
                return f"step {number} {what} {packet}: {rules}"
    return ""
