"""Pairwise choice from a table of cases: few rows, and still every pair of values of any two columns."""

from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations
from typing import TypeVar

Row = TypeVar("Row", bound=Sequence[Hashable])


def pairs_of(row: Sequence[Hashable]) -> set[tuple[tuple[int, Hashable], ...]]:
    """Return each two cells of a row, every cell with the number of its column."""
    return set(combinations(enumerate(row), 2))


def pairwise(rows: Iterable[Row]) -> list[Row]:
    """Return some of the rows that together have every pair of values which all of them have.

    Greedy, so always the same: the row with the most pairs that are still missing comes next, the first of equals.
    What no row has together (a fault that one version does not know) is not asked for.
    """
    pairs = {row: pairs_of(row) for row in rows}
    missing = set().union(*pairs.values())
    chosen = []
    while missing:
        best = max(pairs, key=lambda row: len(pairs[row] & missing))
        chosen.append(best)
        missing -= pairs.pop(best)
    return chosen
