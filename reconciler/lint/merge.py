"""Rules that could be one: the same but for the ports, for adjacent prefixes, or for the family.

Only rules with the same description are merged: with two descriptions they are two rules to whoever reads them.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from reconciler.lint.findings import REMOTE_KEYS, Kind, LintFinding, Remedy, Rewrite
from reconciler.lint.written import WrittenGroup, WrittenRule
from reconciler.model.cloud import EVERYWHERE
from reconciler.model.rule import ICMP_PROTOCOLS, PORT_PROTOCOLS, Direction, Ethertype

_EVERY_PREFIX = frozenset(EVERYWHERE.values())
_Remote = tuple[Ethertype, str | None, str | None, str | None]
"""Family, protocol, prefix and group."""
_Range = tuple[int, int]
_Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class _Product:
    """A written rule as what it is: every remote with every range of ports (type and code for ICMP)."""

    rule: WrittenRule
    direction: Direction
    remotes: frozenset[_Remote]
    ranges: frozenset[tuple[int | None, int | None]]

    @property
    def protocols(self) -> frozenset[str | None]:
        return frozenset(remote[1] for remote in self.remotes)

    @property
    def ports(self) -> list[_Range]:
        """The port ranges, in rising order; none where there are no ports to speak of."""
        if not self.protocols <= PORT_PROTOCOLS:
            return []
        return sorted((low, high) for low, high in self.ranges if low is not None and high is not None)

    @property
    def prefixes(self) -> list[str]:
        """The prefixes, where they are written in the rule itself."""
        if all(self.rule.value.get(key) is None for key in REMOTE_KEYS["prefixes"]):
            return []
        return [prefix for _, _, prefix, _ in self.remotes if prefix]


def find_mergeable(group: WrittenGroup, superfluous: Iterable[WrittenRule]) -> Iterator[LintFinding]:
    """Find what could be one rule, each rule in one finding at most; superfluous rules are out of it."""
    gone = set(superfluous)
    free = [
        _product(rule)
        for rule in group.rules
        if rule.rules and rule not in gone and not rule.frozen and not rule.has_review and not rule.whole
    ]
    for find in (_ports, _twins, _prefixes):
        used: set[WrittenRule] = set()
        for finding in find(group, free):
            used.update(finding.remedy.rules if finding.remedy else ())
            yield finding
        free = [product for product in free if product.rule not in used]


def _product(rule: WrittenRule) -> _Product:
    return _Product(
        rule,
        rule.rules[0].direction,
        frozenset((each.ethertype, each.protocol, each.remote_ip_prefix, each.remote_group_id) for each in rule.rules),
        frozenset((each.port_range_min, each.port_range_max) for each in rule.rules),
    )


def _ports(group: WrittenGroup, products: Sequence[_Product]) -> Iterator[LintFinding]:
    """Merge rules that are the same but for their ports; and the ports of one list that touch or overlap."""
    for alike in _alike(products, lambda each: each.ports and (each.direction, each.remotes, each.rule.description)):
        written = sorted(port for product in alike for port in product.ports)
        ranges = _coalesce(written)
        if len(alike) == 1 and len(ranges) == len(written):
            continue
        ports = [low if low == high else f"{low}-{high}" for low, high in ranges]
        rewrite = Rewrite(alike[0].rule, REMOTE_KEYS["ports"], "ports", ports[0] if len(ports) == 1 else ports)
        what = "these ports are adjacent or overlap" if len(alike) == 1 else "only the ports differ from"
        yield _finding(group, what, alike, (rewrite,))


def _coalesce(ranges: Iterable[_Range]) -> list[_Range]:
    found: list[_Range] = []
    for low, high in ranges:
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def _twins(group: WrittenGroup, products: Sequence[_Product]) -> Iterator[LintFinding]:
    """Merge a rule for IPv4 and the same for IPv6, from everywhere or from a group."""

    def key(each: _Product) -> Hashable:
        remote = next(iter(each.remotes))
        is_twin = len(each.remotes) == 1 and remote[2] is None and remote[1] not in ICMP_PROTOCOLS
        return is_twin and (each.direction, remote[1], remote[3], each.ranges, each.rule.description)

    for alike in _alike(products, key):
        families = sorted(remote[0] for product in alike for remote in product.remotes)
        if len(alike) == 2 and len(set(families)) == 2:
            rewrites = tuple(_both_families(alike[0].rule, families))
            yield _finding(group, "only the family differs from", alike, rewrites)


def _both_families(rule: WrittenRule, families: list[Ethertype]) -> Iterator[Rewrite]:
    """Write a rule for both families: by its prefix where it has one, and by the ethertype."""
    has_prefix = any(rule.value.get(key) is not None for key in REMOTE_KEYS["prefixes"])
    if has_prefix:
        yield Rewrite(rule, REMOTE_KEYS["prefixes"], "remote_ip_prefixes", [EVERYWHERE[family] for family in families])
    if not has_prefix or "ethertype" in rule.value:
        yield Rewrite(rule, REMOTE_KEYS["ethertype"], "ethertype", list(families))


def _prefixes(group: WrittenGroup, products: Sequence[_Product]) -> Iterator[LintFinding]:
    """Merge two rules that are the same but for prefixes which make up a wider one together; and those of one list."""

    def key(each: _Product) -> Hashable:
        protocols = frozenset((remote[0], remote[1]) for remote in each.remotes)
        return bool(each.prefixes) and (each.direction, protocols, each.ranges, each.rule.description)

    for alike in _alike(products, key):
        halves: dict[_Network, _Product] = {}
        used: set[WrittenRule] = set()
        for product in alike:
            networks = [ip_network(prefix) for prefix in product.prefixes]
            halves |= dict.fromkeys(networks, product)
            twin = next((halves[other] for network in networks if (other := _other_half(network)) in halves), None)
            if twin is None or not used.isdisjoint({product.rule, twin.rule}):
                continue
            pair = [product] if twin is product else [twin, product]
            whole = _collapse(prefix for each in pair for prefix in each.prefixes)
            if not _EVERY_PREFIX.isdisjoint(whole):
                continue  # that would be every remote, groups included
            used.update(each.rule for each in pair)
            one = len(whole) == 1
            rewrite = Rewrite(
                pair[0].rule,
                REMOTE_KEYS["prefixes"],
                "remote_ip_prefix" if one else "remote_ip_prefixes",
                whole[0] if one else whole,
            )
            what = "these prefixes are adjacent" if twin is product else "the prefixes are adjacent to those of"
            yield _finding(group, what, pair, (rewrite,))


def _other_half(network: _Network) -> _Network | None:
    """Return the prefix with which this one makes up the next wider one; a /0 has none."""
    if not network.prefixlen:
        return None
    wider = network.supernet()
    halves: tuple[_Network, ...] = tuple(wider.subnets())
    return halves[1] if halves[0] == network else halves[0]


def _collapse(prefixes: Iterable[str]) -> list[str]:
    networks = [ip_network(prefix) for prefix in prefixes]
    v4 = [network for network in networks if isinstance(network, IPv4Network)]
    v6 = [network for network in networks if isinstance(network, IPv6Network)]
    return [str(network) for network in (*collapse_addresses(v4), *collapse_addresses(v6))]


def _alike(products: Iterable[_Product], key: Any) -> list[list[_Product]]:
    """Group products by a key; a falsy key is none."""
    found: defaultdict[Hashable, list[_Product]] = defaultdict(list)
    for product in products:
        if value := key(product):
            found[value].append(product)
    return list(found.values())


def _finding(group: WrittenGroup, what: str, alike: Sequence[_Product], rewrites: tuple[Rewrite, ...]) -> LintFinding:
    first, *others = (product.rule for product in alike)
    places = tuple(rule.place for rule in others)
    where = (
        f" {', '.join(map(str, places[:3]))}{f' and {len(places) - 3} more' if len(places) > 3 else ''}"
        if places
        else ""
    )
    better = ", ".join(f"{rewrite.key}: {_written(rewrite.value)}" for rewrite in rewrites)
    remedy = Remedy(tuple(others), rewrites)
    message = f"{what}{where}: {better}"
    return LintFinding(Kind.MERGEABLE, first.place, message, group.name, places, remedy, rule_set=group.rule_set)


def _written(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
