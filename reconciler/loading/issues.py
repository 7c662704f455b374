"""What is wrong in the files of a run: problems of a fragment, and issues with their place and line."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from reconciler.model.desired import Note
from reconciler.model.errors import Issue
from reconciler.model.place import Key, Place, position_of
from reconciler.model.problems import ProblemName
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

    def show(self, issue: Issue) -> Issue:
        """Add to an issue at a place of this file the line as it stands there; not to one about the file as a whole."""
        place = position_of(issue.place)
        if place is None or issue.name is ProblemName.NOT_OURS or not 0 < place.line <= len(self.lines):
            return issue
        line, caret = crop(self.lines[place.line - 1], place.column)
        return replace(issue, line=line, caret=caret)


Path = tuple[Key, ...]
QUOTE = "quote it"
TYPE_ANEW = "type it anew"
NO_TEMPLATING = "there is no templating: write the value itself, or have another tool fill it in before"
_TEMPLATE = re.compile(r"\{\{|\{%|\$\{")


def is_template(text: str) -> bool:
    """Whether a text has `{{`, `{%` or `${` in it, by which other tools fill in values."""
    return _TEMPLATE.search(text) is not None


_BLANKS = r"\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff"
_LOOKALIKE = re.compile(rf"^[ -]*\w*(\uff1a)|(?:^[ -]*|(?<=[:,-]))([{_BLANKS}])|([{_BLANKS}])$")


def find_lookalike(text: str) -> tuple[int, str] | None:
    """Find a character that looks like a blank or a colon where YAML would need one, as text copied from a page has it.

    Returns its index, and what to say of it.
    """
    found = _LOOKALIKE.search(text)
    if found is None:
        return None
    index = found.start(found.lastindex or 0)
    like = "a colon" if found[1] else "a blank"
    return index, f"U+{ord(text[index]):04X} looks like {like}, and is none in YAML"


def yaml_text(prefix: str) -> str:
    """Spell a prefix for a file: one that begins with a colon needs quotes between brackets."""
    return f'"{prefix}"' if prefix.startswith(":") else prefix


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence about the value at `path` of a fragment (about its key where `at_key`), and what to write instead.

    `guess` is a misspelled word and what it may have been meant to be: comparing is slow, and left to who shows it.
    `replacement` is as in `Issue`. A `fix` that is `QUOTE` stands for the value as it is written, in quotes.
    """

    path: Path
    name: ProblemName
    message: str
    fix: str | None = None
    related: tuple[tuple[str, Path], ...] = ()
    at_key: bool = False
    guess: tuple[str, tuple[str, ...]] | None = None
    replacement: str | None = None

    def below(self, path: Path) -> "Problem":
        """Return the problem of a fragment as one of what the fragment is in, where it has this path."""
        related = tuple((what, (*path, *inner)) for what, inner in self.related)
        return replace(self, path=(*path, *self.path), related=related)


class Budget:
    """What a run may still take of something that small input can ask for without end."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._left = most

    @property
    def is_spent(self) -> bool:
        """Whether more was asked for than there is."""
        return self._left < 0

    def take(self, number: int) -> bool:
        """Take so much of it; tell whether that was there."""
        self._left -= number
        return self._left >= 0


LIMIT = 1000
"""So many issues of a stage are worded; the rest is counted, so that a file of nothing but errors costs no more."""


class Issues:
    """The issues found so far. Past the limit they are counted only: ask `full` before wording is expensive.

    An alias brings what it stands for again and again, and so does a use of a rule set, but what is wrong in there is
    one issue. Of those that have a replacement, and so can be mended, `most_mended` are kept whatever the limit is.
    """

    def __init__(self, limit: int = LIMIT, most_mended: int = 0) -> None:
        self._limit = limit
        self._most_mended = most_mended
        self._found: dict[tuple[str | Place, ...], Issue] = {}
        self._omitted = 0
        self.notes: list[Note] = []

    def __len__(self) -> int:
        return len(self._found) + self._omitted

    def alike(self) -> "Issues":
        """Return an empty collection of the same limits."""
        return Issues(self._limit, self._most_mended)

    @property
    def full(self) -> bool:
        """Whether further issues are only counted."""
        return not self.keeps(None)

    def keeps(self, replacement: str | None) -> bool:
        """Tell whether one more issue that has this replacement, or none, would not only be counted."""
        return len(self._found) < (self._limit if replacement is None else max(self._limit, self._most_mended))

    def add(
        self,
        place: Place,
        name: ProblemName,
        message: str,
        fix: str | None = None,
        related: tuple[tuple[str, Place], ...] = (),
        replacement: str | None = None,
    ) -> None:
        """Note an issue at a place."""
        self.append(Issue(place, name, message, fix=fix, related=related, replacement=replacement))

    def append(self, issue: Issue) -> None:
        """Note an issue that is worded already."""
        if issue.what not in self._found:
            if self.keeps(issue.replacement):
                self._found[issue.what] = issue
            else:
                self.count()

    def note(self, place: Place, message: str) -> None:
        """Note what is not wrong, and may have been meant otherwise; past the limit no more of it."""
        if len(self.notes) < self._limit:
            self.notes.append(Note(place, message))

    def take(self, others: "Issues") -> None:
        """Note those of another collection as well."""
        for issue in others._found.values():  # noqa: SLF001 - of the same class
            self.append(issue)
        self.count(others._omitted)  # noqa: SLF001 - the same

    def count(self, number: int = 1) -> None:
        """Count issues without wording them."""
        self._omitted += number

    def worded(self, sources: Iterable[Source] = ()) -> tuple[Issue, ...]:
        """Return the issues in the order of places, with their lines, and at the end how many are not shown.

        `sources` are the files that were read.
        """
        by_path = {source.path: source for source in sources} if self._found else {}
        issues = tuple(
            by_path[issue.place.source].show(issue) if issue.place.source in by_path else issue
            for issue in sorted(self._found.values(), key=lambda issue: issue.place.order)
        )
        if not self._omitted:
            return issues
        more = f"{self._omitted:,} more error{'s' if self._omitted != 1 else ''} in the files, not shown"
        return (*issues, Issue(issues[-1].place, ProblemName.MORE_PROBLEMS, more))
