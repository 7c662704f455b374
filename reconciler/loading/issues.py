"""What is wrong in the files of a run: problems of a fragment, and issues with their place and line."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reconciler.model.errors import Issue
from reconciler.model.place import Place
from reconciler.model.text import crop


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


Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence about the value at `path` of a fragment (about its key where `at_key`), and what to write instead.

    `guess` is a misspelled word and what it may have been meant to be: comparing is slow, and left to who shows it.
    """

    path: Path
    message: str
    fix: str | None = None
    related: tuple[tuple[str, Path], ...] = ()
    at_key: bool = False
    guess: tuple[str, tuple[str, ...]] | None = None


LIMIT = 1000
"""So many issues of a stage are worded; the rest is counted, so that a file of nothing but errors costs no more."""


class Issues:
    """The issues found so far. Past the limit they are counted only: ask `full` before wording is expensive.

    An alias brings what it stands for again and again, but what is wrong in there is one issue.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._found: dict[tuple[Place, str], Issue] = {}
        self._omitted = 0

    def __len__(self) -> int:
        return len(self._found) + self._omitted

    @property
    def full(self) -> bool:
        """Whether further issues are only counted."""
        return len(self._found) >= self._limit

    def add(
        self,
        source: Source,
        place: Place,
        message: str,
        fix: str | None = None,
        related: tuple[tuple[str, Place], ...] = (),
    ) -> None:
        """Note an issue at a place of a file."""
        if self.full:
            self.count()
        else:
            self.append(source.issue(place, message, fix, related))

    def append(self, issue: Issue) -> None:
        """Note an issue that is worded already."""
        if self.full:
            self.count()
        else:
            self._found.setdefault((issue.place, issue.message), issue)

    def count(self, number: int = 1) -> None:
        """Count issues without wording them."""
        self._omitted += number

    def worded(self) -> tuple[Issue, ...]:
        """Return the issues in the order of the files, and at the end how many are not shown."""
        issues = tuple(sorted(self._found.values(), key=lambda issue: issue.place))
        if not self._omitted:
            return issues
        more = f"{self._omitted:,} more error{'s' if self._omitted != 1 else ''} in the files, not shown"
        return (*issues, Issue(issues[-1].place, more))
