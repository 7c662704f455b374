"""Sets of points of one axis, as a flat sorted tuple of boundaries.

`(a, b, c, d)` holds the points `a <= p < b` and `c <= p < d`. The boundaries rise strictly, so a set has one spelling
only and two sets are equal exactly when their tuples are. An even index opens a stretch, an odd one closes it; that
is the whole trick: a bisection tells by its parity whether a point is inside.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from reconciler.traffic.extent import BOTTOM, TOP, Point, Span

Spans = tuple[Point, ...]


def of(some: Iterable[Span]) -> Spans:
    """Return the union of spans, overlapping or not. Empty ones add nothing."""
    bounds: list[Point] = []
    for start, end in sorted(some):
        if not bounds or start > bounds[-1]:
            if start < end:
                bounds += (start, end)
        elif end > bounds[-1]:
            bounds[-1] = end
    return tuple(bounds)


def stretches(column: Spans) -> Iterator[Span]:
    """Yield the stretches of a set."""
    return zip(column[::2], column[1::2], strict=True)


def complement(column: Spans) -> Spans:
    """Return the points of the axis that are not in a set."""
    if not column:
        return BOTTOM, TOP
    inner = column[1:] if column[0] == BOTTOM else (BOTTOM, *column)
    return inner[:-1] if column[-1] == TOP else (*inner, TOP)


def clip(column: Spans, start: Point, end: Point) -> Spans:
    """Return the points of a set from `start` up to, and without, `end`."""
    i, j = bisect_right(column, start), bisect_left(column, end)
    return (start,) * (i % 2) + column[i:j] + (end,) * (j % 2)
