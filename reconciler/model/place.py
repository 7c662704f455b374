"""Where something was written: a position in a file, or a path in plain data."""

import json
import re
from typing import NamedTuple, Protocol

Key = str | int
"""A step from a value to a part of it: a mapping's key or a list's index."""

Order = tuple[str, int, tuple[tuple[str, int], ...]]


class Place(Protocol):
    """Where something was written. `str()` of it is what people and programs read; `read_place` undoes that."""

    @property
    def source(self) -> str:
        """The path of the file, or the name of the document."""

    @property
    def order(self) -> Order:
        """What places of any kind are sorted by."""

    def __hash__(self) -> int:
        """Places are keys of dictionaries; two that are written alike are equal."""


class FilePlace(NamedTuple):
    """A position in a file, as editors count: the first line and the first column are 1.

    Written as `path:line:column`, unwrapped, so that editors and scripts find it.
    """

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    @property
    def source(self) -> str:
        """The path of the file."""
        return self.path

    @property
    def order(self) -> Order:
        """Sorts by line and column within a file."""
        return self.path, self.line, (("", self.column),)


class PlainPlace(NamedTuple):
    """A path in a document of plain data, such as `SecurityGroup prod/web: security_groups[0].rules[2].ports`.

    `path` is empty for the document as a whole, which is written as its name alone (see `is_document_name`).
    """

    document: str
    path: str

    def __str__(self) -> str:
        return f"{self.document}: {self.path}" if self.path else self.document

    @property
    def source(self) -> str:
        """The name of the document."""
        return self.document

    @property
    def order(self) -> Order:
        """Sorts by the path, the items of a list by their numbers."""
        text, *rest = _INDEX.split(self.path)
        numbers, texts = [-1, *map(int, rest[::2])], [text, *rest[1::2]]
        return self.document, -1, tuple(zip(texts, numbers, strict=True))


class UsedPlace(NamedTuple):
    """A rule of a rule set, where the set is used: `web.yaml:12:9 (rule set base, sets.yaml:3:5)`.

    `rule` is where the rule is written, in the set of that name; `use` is where the group names it, or another set
    that uses it.
    """

    use: Place
    rule_set: str
    rule: Place

    def __str__(self) -> str:
        return f"{self.use} (rule set {self.rule_set}, {self.rule})"

    @property
    def source(self) -> str:
        """The path of the file, or the name of the document, of the use."""
        return self.use.source

    @property
    def order(self) -> Order:
        """Sorts by the use, and its rules by where they are written."""
        path, line, steps = self.use.order
        source, rule_line, rest = self.rule.order
        return path, line, (*steps, (source, rule_line), *rest)


def used_at(use: Place, rule_set: str, rule: Place) -> UsedPlace:
    """Return the place of a rule of a set that is used; of a set's set, the innermost is the one that counts."""
    return UsedPlace(use, rule.rule_set, rule.rule) if isinstance(rule, UsedPlace) else UsedPlace(use, rule_set, rule)


def position_of(place: Place | None) -> FilePlace | None:
    """Return the position in a file, for editors and annotations; None for plain data, which has none."""
    at = place.use if isinstance(place, UsedPlace) else place
    return at if isinstance(at, FilePlace) else None


def written_at(place: Place) -> Place:
    """Return where a rule is written: the same for all uses of a rule set."""
    return place.rule if isinstance(place, UsedPlace) else place


_INDEX = re.compile(r"\[([0-9]{1,9})\]")
_POSITION = re.compile(r"(.*):([0-9]{1,9}):([0-9]{1,9})", re.DOTALL).fullmatch
_USED = re.compile(r"(.*) \(rule set ([^\s,()]+), (.*)\)", re.DOTALL).fullmatch
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*").fullmatch
_LONGEST_KEY = 60


def is_document_name(name: str) -> bool:
    """Tell whether a name is fit for a document: on one line, and never mistaken for another place."""
    is_one_line = name.strip() == name != "" and name.isprintable()
    return is_one_line and ": " not in name and _POSITION(name) is None and _USED(name) is None


def path_text(*path: Key) -> str:
    """Write a path, such as `security_groups[0].tags["a b"]`; of a long key its beginning."""
    return "".join(map(_step_text, path)).removeprefix(".")


def _step_text(step: Key) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if len(step) > _LONGEST_KEY:
        step = step[:_LONGEST_KEY] + "..."
    return f".{step}" if _PLAIN_KEY(step) else f"[{json.dumps(step, ensure_ascii=not step.isprintable())}]"


def read_place(text: str) -> Place:
    """Read what `str()` makes of a place."""
    position = _POSITION(text)
    if position:
        return FilePlace(position[1], int(position[2]), int(position[3]))
    if used := _USED(text):
        return UsedPlace(read_place(used[1]), used[2], read_place(used[3]))
    document, _, path = text.partition(": ")
    return PlainPlace(document, path)
