"""What a change of rules opens and closes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.model.rule import EVERY_PROTOCOL, Direction, Ethertype, Rule
from reconciler.traffic import region
from reconciler.traffic.decompose import decompose
from reconciler.traffic.extent import PLANES
from reconciler.traffic.flow import Flow


@dataclass(frozen=True, slots=True)
class TrafficDifference:
    """`opens` is exactly what the new rules admit and the old ones do not, `closes` the other way round.

    The flows of one list do not overlap. Both empty: the same traffic.
    """

    opens: tuple[Flow, ...] = ()
    closes: tuple[Flow, ...] = ()


SAME = TrafficDifference()


def traffic_difference(old: Iterable[Rule], new: Iterable[Rule]) -> TrafficDifference:
    """Return what changes for packets when the rules `old` become the rules `new`."""
    before, after = frozenset(old), frozenset(new)
    changed = before ^ after
    if not changed:
        return SAME
    opens: list[Flow] = []
    closes: list[Flow] = []
    for direction, ethertype in PLANES:
        touched = _protocols(changed, direction, ethertype)
        if not touched:
            continue
        opened, closed = region.differences(
            _concerned(before, touched, direction, ethertype), _concerned(after, touched, direction, ethertype)
        )
        opens += decompose(opened, direction, ethertype)
        closes += decompose(closed, direction, ethertype)
    return TrafficDifference(tuple(opens), tuple(closes))


def _protocols(rules: frozenset[Rule], direction: Direction, ethertype: Ethertype) -> frozenset[str | None]:
    return frozenset(rule.protocol for rule in rules if rule.direction == direction and rule.ethertype == ethertype)


def _concerned(
    rules: frozenset[Rule], touched: frozenset[str | None], direction: Direction, ethertype: Ethertype
) -> Iterator[Rule]:
    """Yield the rules that have a say where something changed.

    A protocol that no changed rule names is admitted before and after alike; then its rules need not be looked at.
    A changed rule for every protocol names them all.
    """
    for rule in rules:
        plane = rule.direction == direction and rule.ethertype == ethertype
        if plane and (touched & EVERY_PROTOCOL or rule.protocol in EVERY_PROTOCOL or rule.protocol in touched):
            yield rule
