"""What rules, flows and JSON flows admit, asked of one point at a time and written without anything of the algebra.

A point is one packet: a protocol (also one that no rule names), a number (port, or ICMP type and code), and a remote,
which is an address or a group as such (also one that no rule names). Sets agree exactly when they agree at all
corners: for each dimension the ends of everything in play and their neighbours.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import product
from typing import Any, NamedTuple

from hypothesis import strategies as st

from reconciler.model.rule import Rule
from reconciler.traffic import Flow, Remote

PORTS = {"tcp", "udp"}
ICMP = {"icmp", "ipv6-icmp"}
FAMILIES = {"IPv4": 32, "IPv6": 128}
UNNAMED_PROTOCOL = "nobody-named-this"
UNNAMED_GROUP = "nobody-named-this"


class Point(NamedTuple):
    direction: str
    ethertype: str
    protocol: str
    number: tuple[int, int]  # (port, 0), (type, code), or (0, 0)
    address: IPv4Address | IPv6Address | None
    group: str | None


def rule_admits(rule: Rule, point: Point) -> bool:
    if (rule.direction, rule.ethertype) != (point.direction, point.ethertype):
        return False
    return _service_admits(rule, point) and _remote_admits(rule, point)


def _service_admits(rule: Rule, point: Point) -> bool:
    if rule.protocol is not None and rule.protocol != point.protocol:
        return False
    low, high = rule.port_range_min, rule.port_range_max
    if rule.protocol in PORTS:
        return low is None or high is None or low <= point.number[0] <= high
    if rule.protocol in ICMP:
        return low in (None, point.number[0]) and high in (None, point.number[1])
    return True


def _remote_admits(rule: Rule, point: Point) -> bool:
    if rule.remote_group_id is not None:
        return point.group == rule.remote_group_id
    if rule.remote_ip_prefix is not None:
        return point.address is not None and point.address in ip_network(rule.remote_ip_prefix)
    return True


def any_admits(rules: Iterable[Rule], point: Point) -> bool:
    return any(rule_admits(rule, point) for rule in rules)


def flow_admits(flow: Flow, point: Point) -> bool:
    """Exceptions count for prefixes as well."""
    if (flow.direction, flow.ethertype) != (point.direction, point.ethertype):
        return False
    if flow.protocol not in (None, point.protocol) or point.protocol in flow.except_protocols:
        return False
    first, second = point.number
    ranges = (flow.ports, first), (flow.icmp_types, first), (flow.icmp_codes, second)
    if any(some is not None and not some[0] <= number <= some[1] for some, number in ranges):
        return False
    remote = flow.remote is None or remote_admits(flow.remote, point)
    return remote and not any(remote_admits(one, point) for one in flow.except_remotes)


def remote_admits(remote: Remote, point: Point) -> bool:
    if remote.group is not None:
        return point.group == remote.group
    return point.address is not None and point.address in ip_network(remote.prefix or "")


def json_admits(flow: dict[str, Any], point: Point) -> bool:
    """Read by the letter of the contract: exceptions count only where the remote, or the protocol, is null."""
    if (flow["direction"], flow["ethertype"]) != (point.direction, point.ethertype):
        return False
    if flow["protocol"] not in (None, point.protocol):
        return False
    if flow["protocol"] is None and point.protocol in flow["except_protocols"]:
        return False
    number = {"ports": point.number[0], "icmp_types": point.number[0], "icmp_codes": point.number[1]}
    if any(flow[key] and not flow[key][0] <= number[key] <= flow[key][1] for key in number):
        return False
    remotes = flow["except_remotes"] if flow["remote"] is None else [flow["remote"]]
    hit = any(
        point.group == remote["group"]
        if "group" in remote
        else point.address is not None and point.address in ip_network(remote["prefix"])
        for remote in remotes
    )
    return hit != (flow["remote"] is None)


def corners(rules: Iterable[Rule], flows: Iterable[Flow] = ()) -> Iterator[Point]:
    """Yield the corners of everything in play, plane by plane."""
    rules, flows = list(rules), list(flows)
    for direction, ethertype in sorted({(one.direction, one.ethertype) for one in (*rules, *flows)}):
        mine = [rule for rule in rules if (rule.direction, rule.ethertype) == (direction, ethertype)]
        made = [flow for flow in flows if (flow.direction, flow.ethertype) == (direction, ethertype)]
        protocols = {rule.protocol for rule in mine if rule.protocol} | {flow.protocol for flow in made}
        remotes = list(_remotes(mine, made, ethertype))
        for protocol in sorted(protocols - {None} | {UNNAMED_PROTOCOL, "tcp"}):
            for number, (address, group) in product(_numbers(mine, made, protocol), remotes):
                yield Point(direction, ethertype, protocol, number, address, group)


def _numbers(rules: list[Rule], flows: list[Flow], protocol: str) -> list[tuple[int, int]]:
    if protocol in PORTS:
        ends = {1, 65535}
        for rule in rules:
            if rule.protocol == protocol and rule.port_range_min and rule.port_range_max:
                ends |= {rule.port_range_min, rule.port_range_max}
        for flow in flows:
            ends |= set(flow.ports or ()) if flow.protocol == protocol else set()
        return [(port, 0) for port in sorted({end + step for end in ends for step in (-1, 0, 1)}) if 1 <= port <= 65535]
    if protocol in ICMP:
        types, codes = {0, 255}, {0, 255}
        for rule in rules:
            if rule.protocol == protocol:
                types |= {rule.port_range_min} - {None}
                codes |= {rule.port_range_max} - {None}
        for flow in flows:
            if flow.protocol == protocol:
                types |= set(flow.icmp_types or ())
                codes |= set(flow.icmp_codes or ())
        return list(product(_beside(types), _beside(codes)))
    return [(0, 0)]


def _beside(ends: set[int]) -> list[int]:
    return sorted({end + step for end in ends for step in (-1, 0, 1)} & set(range(256)))


def _remotes(
    rules: list[Rule], flows: list[Flow], ethertype: str
) -> Iterator[tuple[IPv4Address | IPv6Address | None, str | None]]:
    groups = {rule.remote_group_id for rule in rules if rule.remote_group_id} | {UNNAMED_GROUP}
    yield from ((None, group) for group in sorted(groups))
    prefixes = {rule.remote_ip_prefix for rule in rules if rule.remote_ip_prefix}
    for flow in flows:
        prefixes |= {one.prefix for one in (flow.remote, *flow.except_remotes) if one is not None and one.prefix}
    top = 1 << FAMILIES[ethertype]
    ends = {0, top - 1}
    for prefix in prefixes:
        network = ip_network(prefix)
        first, last = int(network.network_address), int(network.broadcast_address)
        ends |= {first - 1, first, last, last + 1}
    kind = type(ip_address("::" if ethertype == "IPv6" else "0.0.0.0"))
    yield from ((kind(end), None) for end in sorted(ends) if 0 <= end < top)


@cache
def prefixes(ethertype: str) -> st.SearchStrategy[str]:
    """Prefixes that nest and touch often: around few addresses, of any length."""
    bits = FAMILIES[ethertype]
    base = 0x0A010200 if bits == 32 else 0x20010DB8000A << 80
    near = st.builds(lambda low, high: base ^ low ^ (high << (bits - 4)), st.integers(0, 7), st.integers(0, 2))
    lengths = st.integers(1, bits) if bits == 32 else st.sampled_from([1, 2, 3, 4, 32, 48, 64, 96, 125, 126, 127, 128])

    def network(address: int, length: int) -> str:
        kind = IPv4Address if bits == 32 else IPv6Address
        return str(ip_network((kind(address), length), strict=False))

    return st.builds(network, near, lengths)


DIRECTIONS = st.sampled_from(["ingress", "ingress", "ingress", "egress"])
ETHERTYPES = st.sampled_from(["IPv4", "IPv4", "IPv4", "IPv6"])
PROTOCOLS = {
    ethertype: st.sampled_from(["tcp", "tcp", "tcp", "udp", icmp, "gre", "99", None])
    for ethertype, icmp in (("IPv4", "icmp"), ("IPv6", "ipv6-icmp"))
}
RANGES = st.one_of(
    st.just((None, None)),
    *[st.tuples(*[st.sampled_from([1, 2, 3, 5, 22, 23, 24, 80, 65534, 65535])] * 2).map(sorted).map(tuple)] * 4,
).map(lambda ends: (None, None) if ends == (1, 65535) else ends)
TYPES_AND_CODES = st.one_of(
    st.just((None, None)), st.tuples(st.sampled_from([0, 1, 8, 255]), st.sampled_from([None, 0, 1, 255]))
)
KINDS = st.sampled_from(["prefix", "prefix", "prefix", "group", "all"])
GROUPS = st.sampled_from(["app", "db"])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    ethertype = draw(ETHERTYPES)
    protocol = draw(PROTOCOLS[ethertype])
    low, high = draw(RANGES) if protocol in PORTS else draw(TYPES_AND_CODES) if protocol in ICMP else (None, None)
    kind = draw(KINDS)
    prefix = draw(prefixes(ethertype)) if kind == "prefix" else None
    group = draw(GROUPS) if kind == "group" else None
    return Rule(draw(DIRECTIONS), ethertype, protocol, low, high, prefix, group)  # type: ignore[arg-type]  # drawn from both


def rule_lists(size: int = 7) -> st.SearchStrategy[list[Rule]]:
    return st.lists(rules(), max_size=size)
