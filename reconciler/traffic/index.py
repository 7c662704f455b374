"""Rules found by what they overlap and cover, in a handful of operations however many they are.

A set of rules is an integer (bit i is the i-th rule), and for each edge of their rectangles there is the set of rules
whose edge lies below it: a question about a rule is an intersection of four such sets. Made for the rules of a group,
a few hundred: memory grows with the square of their number.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from operator import or_

from reconciler.model.rule import Rule
from reconciler.traffic.extent import PLANES, rectangle

Mask = int
"""Some of the rules of an index."""
_Edge = tuple[int, str, int]
"""Where a rule begins or ends on an axis; of services, with the number of its plane before it."""


class _Axis:
    """Rules by where they begin, or end, on one axis."""

    def __init__(self, edges: Sequence[_Edge]) -> None:
        self._ranked = sorted(range(len(edges)), key=edges.__getitem__)
        self._edges = [edges[i] for i in self._ranked]
        self._masks = list(accumulate((1 << i for i in self._ranked), or_, initial=0))

    def below(self, edge: _Edge) -> Mask:
        """The rules whose edge is below this one."""
        return self._masks[bisect_left(self._edges, edge)]

    def up_to(self, edge: _Edge) -> Mask:
        """The rules whose edge is this one or below it."""
        return self._masks[bisect_right(self._edges, edge)]

    def last(self, some: Mask) -> tuple[Mask, _Edge]:
        """The one of some rules, at least one, whose edge is the highest, and that edge."""
        rank = bisect_left(range(len(self._masks)), 1, key=lambda rank: not some & ~self._masks[rank]) - 1
        return 1 << self._ranked[rank], self._edges[rank]


class RuleIndex:
    """The rules that were given, by their positions."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules

    @cached_property
    def _axes(self) -> tuple[_Axis, _Axis, _Axis, _Axis]:
        lows, highs, starts, ends = zip(*map(_edges, self.rules), strict=True)
        return _Axis(lows), _Axis(highs), _Axis(starts), _Axis(ends)

    def covering(self, rule: Rule) -> Mask:
        """The rules that admit every flow that a rule admits."""
        if not self.rules:
            return 0
        lows, highs, starts, ends = self._axes
        low, high, start, end = _edges(rule)
        return lows.up_to(low) & ~highs.below(high) & starts.up_to(start) & ~ends.below(end)

    def overlapping(self, rule: Rule) -> Mask:
        """The rules that admit some flow that a rule admits."""
        if not self.rules:
            return 0
        lows, highs, starts, ends = self._axes
        low, high, start, end = _edges(rule)
        return lows.below(high) & ~highs.up_to(low) & starts.below(end) & ~ends.up_to(start)

    def hold_corners(self, some: Mask, rule: Rule) -> bool:
        """Tell whether each corner of a rule's rectangle is in some of the rules: where not, they do not cover it."""
        lows, highs, starts, ends = self._axes
        low, high, start, end = _edges(rule)
        before, after = some & lows.up_to(low), some & ~highs.below(high)
        first, last = starts.up_to(start), ~ends.below(end)
        return all((before & first, before & last, after & first, after & last))

    def chain(self, some: Mask, rule: Rule) -> Mask:
        """Choose the fewest of some rules that cover a rule one behind the other; none where they do not.

        Behind each other on one axis, that is, and each of them as wide as the rule on the other.
        """
        lows, highs, starts, ends = self._axes
        low, high, start, end = _edges(rule)
        wide = some & starts.up_to(start) & ~ends.below(end)
        tall = some & lows.up_to(low) & ~highs.below(high)
        return _chain(wide, lows, highs, low, high) or _chain(tall, starts, ends, start, end)


def bits(mask: Mask) -> Iterator[int]:
    """Yield the numbers of the bits that are set, from the lowest."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _chain(some: Mask, begins: _Axis, ends: _Axis, start: _Edge, end: _Edge) -> Mask:
    chosen = 0
    while start < end:
        within_reach = some & begins.up_to(start) & ~ends.up_to(start)
        if not within_reach:
            return 0
        furthest, start = ends.last(within_reach)
        chosen |= furthest
    return chosen


def _edges(rule: Rule) -> tuple[_Edge, _Edge, _Edge, _Edge]:
    """Return where a rule begins and ends: its services, with the plane they are in, and its remotes."""
    (low, high), (start, end) = rectangle(rule)
    plane = PLANES.index((rule.direction, rule.ethertype))
    return (plane, *low), (plane, *high), (0, *start), (0, *end)
