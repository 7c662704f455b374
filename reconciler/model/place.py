"""Where something was written: a file, a line and a column."""

from typing import NamedTuple


class Place(NamedTuple):
    """A position in a file, as editors count: the first line and the first column are 1.

    Written as `path:line:column`, unwrapped, so that editors and scripts find it.
    """

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"
