"""Collects what is wrong in the files of a run."""

from reconciler.errors import Issue
from reconciler.loader.source import Source
from reconciler.model.place import Place

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
