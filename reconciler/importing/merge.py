"""Rules -> as few written rules as mean exactly the same.

A written rule is a product: every port range with every remote. So the rules that have all else in common are a set of
(range, source) pairs, and that is cut into products: once by giving each source its ranges and joining the sources with
equal ones, once the other way round; the shorter of the two is taken. No pair is in two products, and none is added.
Both ways look at each rule once.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_network
from typing import NamedTuple, TypeVar

from reconciler.model.rule import NO_NAMES, PORT_PROTOCOLS, Direction, Ethertype, Rule

Range = tuple[int | None, int | None]
"""First and last port, or ICMP type and code; None is all."""

LiveSource = tuple[Ethertype, str | None]
"""A family, and a prefix in it; None where the remote is everywhere or a group."""

RangeRemote = tuple[Range, LiveSource]
Product = tuple[Sequence[Range], Sequence[LiveSource]]

_ALL: Range = (None, None)
_Left = TypeVar("_Left", bound=Hashable)
_Right = TypeVar("_Right", bound=Hashable)


class MergedRule(NamedTuple):
    """Every range with every source, both sorted. `protocol` is `icmp` for ICMP of both families.

    Several ranges are always ports. The sources have prefixes, or are families of everywhere or of `remote_group_id`.
    """

    direction: Direction
    protocol: str | None
    ranges: tuple[Range, ...]
    sources: tuple[LiveSource, ...]
    remote_group_id: str | None
    description: str


class _Common(NamedTuple):
    """What rules have to have in common to be written as one. `fixed` is a range that no list can hold."""

    direction: Direction
    protocol: str | None
    description: str
    fixed: Range | None
    has_prefix: bool
    remote_group_id: str | None


def merge(rules: Mapping[Rule, str], names: Mapping[str, str] = NO_NAMES) -> list[MergedRule]:
    """Merge rules, each given with its description, and sort them. The order of the rules given means nothing.

    `names` are those of remote groups by id: to sort by ids would give another order in each project.
    """
    parts: dict[_Common, list[RangeRemote]] = {}
    for rule, description in rules.items():
        direction, family, protocol, low, high, prefix, group_id = rule
        fixed = None if low is not None and protocol in PORT_PROTOCOLS else (low, high)
        if protocol == "ipv6-icmp" and fixed == _ALL:
            protocol = "icmp"
        common = _Common(direction, protocol, description, fixed, prefix is not None, group_id)
        parts.setdefault(common, []).append(((low, high), (family, prefix)))
    merged = [rule for common, pairs in parts.items() for rule in _products(common, pairs)]
    merged.sort(key=lambda rule: _rule_order(rule, names))
    return merged


def _products(common: _Common, pairs: list[RangeRemote]) -> Iterator[MergedRule]:
    direction, protocol, description, _, _, group_id = common
    for ranges, sources in _cut(pairs):
        only_ipv6 = protocol == "icmp" and all(family == "IPv6" for family, _ in sources)
        yield MergedRule(
            direction,
            "ipv6-icmp" if only_ipv6 else protocol,
            tuple(sorted(ranges, key=_range_order)),
            tuple(sorted(sources, key=source_order)),
            group_id,
            description,
        )


def _cut(pairs: list[RangeRemote]) -> list[Product]:
    """Cut a set of pairs into products, the fewest of two ways; where they are as many, those with less to read."""
    if len(pairs) == 1:
        return [((pairs[0][0],), (pairs[0][1],))]
    by_range: list[Product] = list(_join(pairs))
    by_source: list[Product] = [(ranges, sources) for sources, ranges in _join((right, left) for left, right in pairs)]
    return min(by_source, by_range, key=_length)


def _length(products: Sequence[Product]) -> tuple[int, int]:
    return len(products), sum(len(ranges) + len(sources) for ranges, sources in products)


def _join(pairs: Iterable[tuple[_Left, _Right]]) -> list[tuple[tuple[_Left, ...], tuple[_Right, ...]]]:
    """Give each left its rights, and join the lefts whose rights are the same."""
    rights: dict[_Left, dict[_Right, None]] = {}
    for left, right in pairs:
        rights.setdefault(left, {})[right] = None
    joined: dict[frozenset[_Right], list[_Left]] = {}
    for left, found in rights.items():
        joined.setdefault(frozenset(found), []).append(left)
    return [(tuple(lefts), tuple(same)) for same, lefts in joined.items()]


def _rule_order(rule: MergedRule, names: Mapping[str, str]) -> tuple[object, ...]:
    """Ingress first, then by protocol (every protocol last), by first port, and by whom it admits."""
    group_id = rule.remote_group_id or ""
    return (
        rule.direction != "ingress",
        rule.protocol is None,
        rule.protocol or "",
        [_range_order(range_) for range_ in rule.ranges],
        names.get(group_id, ""),
        group_id,
        [source_order(source) for source in rule.sources],
        rule.description,
    )


def _range_order(range_: Range) -> tuple[int, int]:
    low, high = range_
    return (-1 if low is None else low, -1 if high is None else high)


@lru_cache(1 << 16)
def source_order(source: LiveSource) -> tuple[str, int, int]:
    """Sort IPv4 before IPv6, everywhere first, then by address."""
    family, prefix = source
    if prefix is None:
        return family, -1, 0
    network = ip_network(prefix)
    return family, int(network.network_address), network.prefixlen
