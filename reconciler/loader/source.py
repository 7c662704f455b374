"""The bytes of one file, and its lines for showing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reconciler.errors import Issue
from reconciler.model.place import Place

SHOWN_WIDTH = 120
"""A longer line is shown as the part around the caret."""


@dataclass(frozen=True)
class Source:
    """A file as read. Lines are split as libyaml counts them, and only when one has to be shown."""

    path: str
    data: bytes

    @cached_property
    def lines(self) -> Sequence[str]:
        """The text by line. Bytes that are no UTF-8 are shown as the replacement character."""
        return self.data.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()

    def issue(
        self,
        place: Place,
        message: str,
        fix: str | None = None,
        related: tuple[tuple[str, Place], ...] = (),
    ) -> Issue:
        """Say what is wrong at a place, with the line as it stands there."""
        if not 0 < place.line <= len(self.lines):
            return Issue(place, message, None, fix, related)
        line, caret = crop(self.lines[place.line - 1], place.column)
        return Issue(place, message, line, fix, related, caret)


def crop(line: str, column: int) -> tuple[str, int]:
    """Cut a long line to the part around a column, and make it fit to print; return it with the column in that part."""
    start = max(0, min(column - 1, len(line)) - SHOWN_WIDTH // 2) if len(line) > SHOWN_WIDTH else 0
    part = line[start : start + SHOWN_WIDTH]
    shown = "".join(char if char.isprintable() else " " if char == "\t" else "\ufffd" for char in part)
    before = "..." if start else ""
    after = "..." if start + SHOWN_WIDTH < len(line) else ""
    return f"{before}{shown}{after}", column - start + len(before)


def shown(value: object, width: int = 60) -> str:
    """Spell a value for a message: in backticks, on one line, without what a terminal would obey, and never long."""
    if isinstance(value, str):
        text = value
    elif value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, int | float):
        text = str(value)
    else:
        return "a list" if isinstance(value, list) else "a mapping"
    part = "".join(char if char.isprintable() else "\ufffd" for char in text[:width])
    return f"`{part}...`" if len(text) > width else f"`{part}`"
