"""Sets of points of the plane of services and remotes: what one direction and one ethertype admit.

A region is a step function. Going up the axis of remotes, `columns[i]` are the services admitted from `bounds[i]` up to
`bounds[i + 1]` (the last one up to the end of the axis). Neighbouring columns differ, and the first bound is always
`BOTTOM`, so that equal sets of traffic are equal values, whatever rules they came from.

Building one is a single walk over the prefixes. It need not be a general sweep over rectangles: of two prefixes one
holds the other or they are apart, so the rules in force at any address are a stack, and each entry of it is the one
below with a few services added. 500 rules whose prefixes nest give at most 1,001 columns.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import chain
from operator import or_
from typing import NamedTuple

from reconciler.model.rule import Rule
from reconciler.traffic import spans
from reconciler.traffic.extent import BOTTOM, TOP, Point, Span, rectangle
from reconciler.traffic.flow import Flow, flow_remotes, flow_services
from reconciler.traffic.spans import Cells, Spans

Operation = Callable[[int, int], int]
"""What to make of two sets of services, as masks. It must leave nothing as nothing: `|`, `&` and `& ~` do."""


class Region(NamedTuple):
    """A set of (service, remote) points; see the head of this file."""

    bounds: tuple[Point, ...]
    columns: tuple[Spans, ...]


EMPTY = Region((BOTTOM,), ((),))


def of_rules(rules: Iterable[Rule]) -> Region:
    """Return what rules of one direction and one ethertype admit together."""
    rectangles = [rectangle(rule) for rule in rules]
    if not rectangles:
        return EMPTY
    cells = _cells(rectangles)
    return _stack(rectangles, cells).decode(cells)


def of_flows(flows: Iterable[Flow]) -> Region:
    """Return the flows of one direction and one ethertype. They must not overlap.

    Since they do not, a column is what changed in all steps up to it, taken together by exclusive or.
    """
    parts = [(flow_services(flow), flow_remotes(flow)) for flow in flows]
    cells = Cells(chain.from_iterable(services for services, _ in parts))
    changes: dict[Point, int] = defaultdict(int)
    for services, remotes in parts:
        mask = cells.encode(services)
        for point in remotes:
            changes[point] ^= mask
    steps = _Steps()
    for point in sorted(changes):
        if point < TOP:
            steps.put(point, steps.columns[-1] ^ changes[point])
    return steps.decode(cells)


def differences(old: Iterable[Rule], new: Iterable[Rule]) -> tuple[Region, Region]:
    """Return what `new` admits and `old` does not, and the other way round."""
    before, after = [rectangle(rule) for rule in old], [rectangle(rule) for rule in new]
    cells = _cells([*before, *after])
    was, becomes = _stack(before, cells), _stack(after, cells)
    if not before or not after:  # a new group or one that goes
        return becomes.decode(cells), was.decode(cells)
    return _merge(becomes, was, without).decode(cells), _merge(was, becomes, without).decode(cells)


def combine(a: Region, b: Region, operation: Operation) -> Region:
    """Return the region whose column at every remote is `operation` of the columns of `a` and `b` there."""
    if EMPTY in (a, b):  # three planes of four, mostly
        return (a if operation(1, 0) else EMPTY) if b == EMPTY else (b if operation(0, 1) else EMPTY)
    cells = Cells(chain.from_iterable((*a.columns, *b.columns)))
    return _merge(_Steps.encode(a, cells), _Steps.encode(b, cells), operation).decode(cells)


def from_everywhere(region: Region) -> Region:
    """Return the services that are admitted from anywhere, as if from everywhere."""
    cells = Cells(chain.from_iterable(region.columns))
    services = reduce(or_, map(cells.encode, region.columns))
    return Region((BOTTOM,), (cells.decode(services),))


def meets(region: Region, services: Span, remotes: Span) -> bool:
    """Tell whether any flow of a rectangle is in a region."""
    return any(spans.meets(column, services) for column in _columns(region, remotes))


def holds(region: Region, services: Span, remotes: Span) -> bool:
    """Tell whether every flow of a rectangle is in a region."""
    return all(spans.holds(column, services) for column in _columns(region, remotes))


def clip(region: Region, services: Span, remotes: Span) -> Region:
    """Return what of a region lies in a rectangle."""
    start, end = remotes
    first, last = bisect_right(region.bounds, start) - 1, bisect_left(region.bounds, end)
    bounds: list[Point] = [BOTTOM]
    columns: list[Spans] = [()]
    inside = zip((start, *region.bounds[first + 1 : last]), region.columns[first:last], strict=True)
    for at, column in chain(((at, spans.clip(column, *services)) for at, column in inside), ((end, ()),)):
        if column != columns[-1]:
            if bounds[-1] == at:
                columns[-1] = column
            elif at < TOP:
                bounds.append(at)
                columns.append(column)
    return Region(tuple(bounds), tuple(columns))


def _columns(region: Region, remotes: Span) -> tuple[Spans, ...]:
    start, end = remotes
    return region.columns[bisect_right(region.bounds, start) - 1 : bisect_left(region.bounds, end)]


def without(a: int, b: int) -> int:
    """Return the services of `a` that are not in `b`."""
    return a & ~b


class _Steps:
    """A region in the making: columns as masks, collected from left to right."""

    def __init__(self) -> None:
        self.bounds: list[Point] = [BOTTOM]
        self.columns: list[int] = [0]

    def put(self, at: Point, column: int) -> None:
        """Let it be `column` from `at` on. A column of no width is replaced; one like its neighbour is no column."""
        if self.bounds[-1] == at:
            self.bounds.pop()
            self.columns.pop()
        if not self.columns or self.columns[-1] != column:
            self.bounds.append(at)
            self.columns.append(column)

    @staticmethod
    def encode(region: Region, cells: Cells) -> "_Steps":
        steps = _Steps()
        steps.bounds = list(region.bounds)
        steps.columns = [cells.encode(column) for column in region.columns]
        return steps

    def decode(self, cells: Cells) -> Region:
        return Region(tuple(self.bounds), tuple([cells.decode(column) for column in self.columns]))


def _cells(rectangles: Iterable[tuple[Span, Span]]) -> Cells:
    return Cells(chain.from_iterable(services for services, _ in rectangles))


def _stack(rectangles: Iterable[tuple[Span, Span]], cells: Cells) -> _Steps:
    """Walk up the remotes; see the head of this file."""
    admitted: dict[Span, int] = {}
    for services, remotes in rectangles:
        admitted[remotes] = admitted.get(remotes, 0) | cells.mask(services)

    steps = _Steps()
    beyond: Point = (TOP[0], 1)
    stack: list[tuple[Point, int]] = [(beyond, 0)]  # where a prefix ends, and what is admitted up to there
    outermost_first = sorted(sorted(admitted, key=_end, reverse=True), key=_start)
    for remotes in (*outermost_first, (TOP, TOP)):
        start, end = remotes
        while stack[-1][0] <= start:
            left, _ = stack.pop()
            steps.put(left, stack[-1][1])
        if start < TOP:
            stack.append((end, stack[-1][1] | admitted[remotes]))
            steps.put(start, stack[-1][1])
    if steps.bounds[-1] == TOP:  # the end of a rule for every remote is no place where anything begins
        steps.bounds.pop()
        steps.columns.pop()
    return steps


def _start(span: Span) -> Point:
    return span[0]


def _end(span: Span) -> Point:
    return span[1]


def _merge(a: _Steps, b: _Steps, operation: Operation) -> _Steps:
    """Walk up both and combine what is in force."""
    steps = _Steps()
    i, j = 0, 0
    a_bounds, b_bounds = [*a.bounds, TOP], [*b.bounds, TOP]
    at: Point = BOTTOM
    while at < TOP:
        steps.put(at, operation(a.columns[i], b.columns[j]))
        next_a, next_b = a_bounds[i + 1], b_bounds[j + 1]
        at = min(next_a, next_b)
        i, j = i + (next_a == at), j + (next_b == at)
    return steps
