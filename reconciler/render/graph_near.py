"""Which edges are drawn as lines. The others end at a pill that names where they come from.

A line that crosses the whole picture is followed by nobody, and forty of them from one group hide all others.
"""

from collections import Counter
from collections.abc import Sequence

from reconciler.graph import Edge
from reconciler.render.graph_columns import Card, Link, columns_of

_HUB = 6
"""Edges of one tail from which on it is named at each head."""
_FAR = 2
"""Columns that a line may go."""
_BAND = 4
"""Columns that stand side by side; what follows is a part of its own."""


def near_links(keys: Sequence[str], edges: Sequence[Edge]) -> tuple[Edge, ...]:
    """Choose the edges between different groups that are drawn as lines."""
    heads = Counter(tail for tail, _ in {(edge.tail, edge.head) for edge in edges})
    links = [edge for edge in edges if heads[edge.tail] < _HUB]
    cards = [Card(key, 0, 0) for key in keys]
    columns = columns_of(cards, [Link(edge.tail, edge.head, 0) for edge in links])
    return tuple(edge for edge in links if _is_near(columns[edge.tail], columns[edge.head]))


def _is_near(tail: int, head: int) -> bool:
    return abs(head - tail) <= _FAR and head // _BAND == tail // _BAND
