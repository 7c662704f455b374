"""Sets of points of one axis, as a flat sorted tuple of boundaries.

`(a, b, c, d)` holds the points `a <= p < b` and `c <= p < d`. The boundaries rise strictly, so a set has one spelling
only and two sets are equal exactly when their tuples are. An even index opens a stretch, an odd one closes it; that
is the whole trick: a bisection tells by its parity whether a point is inside.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

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


def size(column: Spans) -> int:
    """Return how many numbers a set holds, whose stretches each keep to one name."""
    numbers = [number for _, number in column]
    return sum(numbers[1::2]) - sum(numbers[::2])


def meets(column: Spans, span: Span) -> bool:
    """Tell whether any point of a span, which is not empty, is in a set."""
    start, end = span
    i = bisect_right(column, start)
    return i % 2 == 1 or (i < len(column) and column[i] < end)


def holds(column: Spans, span: Span) -> bool:
    """Tell whether every point of a span, which is not empty, is in a set."""
    start, end = span
    i = bisect_right(column, start)
    return i % 2 == 1 and end <= column[i]


class Measure:
    """How many points of a set there are up to each place; none of its stretches reaches from one name into another."""

    def __init__(self, column: Spans) -> None:
        self._column = column
        lengths = (end - start for (_, start), (_, end) in stretches(column))
        self._before = list(accumulate(lengths, initial=0))

    def within(self, span: Span) -> int:
        """Return how many points of the set are in a span."""
        start, end = span
        return max(0, self._up_to(end) - self._up_to(start))

    def _up_to(self, point: Point) -> int:
        i = bisect_right(self._column, point)
        inside = point[1] - self._column[i - 1][1] if i % 2 else 0
        return self._before[i // 2] + inside


class Cells:
    """The cells between the given points; bit i is the cell that starts at the i-th of them."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._points = sorted({BOTTOM, TOP, *points})
        self._below = {point: (1 << i) - 1 for i, point in enumerate(self._points)}
        self._decoded: dict[int, Spans] = {0: ()}

    def mask(self, span: Span) -> int:
        """Return the cells of a span between two of the points."""
        start, end = span
        return self._below[end] & ~self._below[start]

    def encode(self, column: Spans) -> int:
        """Return the cells of a set whose boundaries are among the points."""
        mask = 0
        for point in column:
            mask ^= self._below[point]  # each stretch is what is below its end and not below its start
        return mask

    def decode(self, mask: int) -> Spans:
        """Return the set as spans. Equal sets are the same object."""
        column = self._decoded.get(mask)
        if column is None:
            edges = f"{mask ^ (mask << 1):b}"[::-1]  # a one where a stretch starts and where it ends
            found: list[Point] = []
            i = edges.find("1")
            while i >= 0:
                found.append(self._points[i])
                i = edges.find("1", i + 1)
            column = self._decoded[mask] = tuple(found)
        return column
