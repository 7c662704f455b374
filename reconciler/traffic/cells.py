"""Sets of services as bit masks, while a computation lasts.

The boundaries of all services in play cut the axis into cells, at most two for each rule. Each set of services
met on the way is a set of whole cells, hence an integer, and union and difference are `|` and `& ~`: some hundred
nanoseconds for the thousand cells of 500 rules, where bisecting sorted boundaries takes up to a hundred times that.
Which cells there are depends on the rules, so a mask means nothing outside; results leave as `spans`.
"""

from collections.abc import Iterable

from reconciler.traffic.extent import BOTTOM, TOP, Point, Span
from reconciler.traffic.spans import Spans


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
