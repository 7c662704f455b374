"""Plain data -> documents: what a caller hands over as mappings instead of files, judged as strictly as YAML is.

Nothing is taken on trust: a value is copied while it is looked at, so that afterwards it holds only dictionaries with
text as keys, lists, text, numbers, true, false and null, and nobody else can change it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import log10
from typing import Any

from reconciler.loading.issues import Issues
from reconciler.loading.nodes import MAX_DEPTH, MAX_ENTRIES
from reconciler.loading.values import DATES, MAX_EXPANDED
from reconciler.model.cloud import LARGEST_NUMBER
from reconciler.model.errors import Issue
from reconciler.model.place import Key, PlainPlace, is_document_name, path_text
from reconciler.model.problems import ProblemName
from reconciler.model.text import shown


@dataclass(frozen=True, slots=True)
class PlainDocument:
    """A document as data, such as a custom resource or an answer of another program.

    `name` is what places begin with: `SecurityGroup prod/web: security_groups[0].name`. It is one line, without `: `,
    and does not end like a position in a file. Raises ValueError for another one.
    """

    name: str
    value: Any

    def __post_init__(self) -> None:
        if not is_document_name(self.name):
            message = (
                f"{self.name!r} is no name for a document: one line without `: `, and no `:LINE:COLUMN` at the end"
            )
            raise ValueError(message)

    def place(self, *path: Key) -> PlainPlace:
        """Write a path; where it leads nowhere, the part of it that is there."""
        value = self.value
        for number, step in enumerate(path):
            is_item = isinstance(value, list) and isinstance(step, int) and step < len(value)
            if not is_item and not (isinstance(value, dict) and step in value):
                path = path[:number]
                break
            value = value[step]
        return PlainPlace(self.name, path_text(*path))

    key_place = place

    def item_places(self, *path: Key) -> list[PlainPlace]:
        """List the places of the items of the list at a path, all at once."""
        value = self.value
        for step in path:
            value = value[step]
        above = path_text(*path)
        return [PlainPlace(self.name, f"{above}[{index}]") for index in range(len(value))]

    def written(self, *path: Key) -> str:
        """Spell the scalar at a path; nothing for a list or mapping."""
        value = self.value
        for step in path:
            value = value[step]
        return "" if isinstance(value, list | dict) else value if isinstance(value, str) else shown(value)[1:-1]

    def aliases(self, *_path: Key) -> tuple[tuple[str, PlainPlace], ...]:
        """List nothing: data has no aliases."""
        return ()


def read_plain(documents: Sequence[PlainDocument]) -> tuple[tuple[PlainDocument, ...], tuple[Issue, ...]]:
    """Copy documents, with all that is wrong with them as plain data."""
    issues = Issues()
    read: dict[str, PlainDocument] = {}
    for document in documents:
        if document.name in read:
            issues.add(
                document.place(),
                ProblemName.DOCUMENT_NAME_TWICE,
                "two documents have this name",
                "give each a name of its own",
            )
            continue
        try:
            value = _PlainReader(document.name, issues).read(document.value)
        except _TooMuch as error:
            issues.add(error.place, error.name, str(error))
        else:
            read[document.name] = PlainDocument(document.name, value)
    return tuple(read.values()), issues.worded()


class _TooMuch(Exception):
    """A value is deeper or larger than any document of ours, or has no end."""

    def __init__(self, place: PlainPlace, name: ProblemName, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.name = name


_Copied = tuple[Any, int, int]
"""A copy, how many values it is, and its levels of nesting."""


class _PlainReader:
    """Copies one value. A list or mapping that is met again was copied already, and counts as often as it is met."""

    def __init__(self, name: str, issues: Issues) -> None:
        self._name = name
        self._issues = issues
        self._path: list[Key] = []
        self._copied: dict[int, _Copied] = {}
        self._open: set[int] = set()
        self._repeated = 0

    def read(self, value: Any) -> Any:
        """Copy the value; what is wrong goes to the issues, and something like it is returned."""
        return self._copy(value, 1)[0]

    def _copy(self, value: Any, depth: int, key: str = "") -> _Copied:
        kind = type(value)
        if kind is dict or kind is list:
            return self._collection(value, depth, of_tags=key == "tags")
        return self._scalar(value, kind, key), 1, 1

    def _collection(self, value: Any, depth: int, *, of_tags: bool) -> _Copied:
        number = id(value)
        known = self._copied.get(number)
        if known is not None:
            return self._again(known, depth)
        if number in self._open:
            raise self._too_much(ProblemName.RECURSIVE, "this is a part of itself")
        if len(value) > MAX_ENTRIES:
            raise self._too_much(ProblemName.TOO_LARGE, f"more than {MAX_ENTRIES:,} entries")
        if value and depth >= MAX_DEPTH:
            raise self._too_much(ProblemName.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels")
        self._open.add(number)
        parts = self._mapping(value, depth, of_tags=of_tags) if type(value) is dict else self._list(value, depth)
        self._open.discard(number)
        sizes = [size for _, size, _ in parts.values()]
        levels = max([levels for _, _, levels in parts.values()], default=0)
        copy: Any = {key: part[0] for key, part in parts.items()}
        found = (copy if type(value) is dict else list(copy.values()), 1 + sum(sizes), 1 + levels)
        self._copied[number] = found
        return found

    def _again(self, known: _Copied, depth: int) -> _Copied:
        _, size, levels = known
        self._repeated += size
        if self._repeated > MAX_EXPANDED:
            raise self._too_much(
                ProblemName.TOO_LARGE, f"what is in here more than once comes to more than {MAX_EXPANDED:,} values"
            )
        if depth + levels - 1 > MAX_DEPTH:
            raise self._too_much(ProblemName.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels")
        return known

    def _mapping(self, value: dict[Any, Any], depth: int, *, of_tags: bool) -> dict[Key, _Copied]:
        """Read a mapping. The keys of tags are the user's own, whatever they are called."""
        parts: dict[Key, _Copied] = {}
        for key, part in value.items():
            name = key if type(key) is str and key.isascii() else self._key(key)
            self._path.append(name)
            parts[name] = self._copy(part, depth + 1, "" if of_tags else name)
            self._path.pop()
        return parts

    def _list(self, value: list[Any], depth: int) -> dict[Key, _Copied]:
        parts: dict[Key, _Copied] = {}
        for index, part in enumerate(value):
            self._path.append(index)
            parts[index] = self._copy(part, depth + 1)
            self._path.pop()
        return parts

    def _key(self, key: Any) -> str:
        kind = type(key)
        if kind is str and _is_unicode(key):
            return str(key)
        name = shown(key)[1:-1] if kind in _SCALARS and not _is_huge(key) else kind.__name__
        self._path.append(name)
        if kind is str:
            self._add(ProblemName.NOT_UTF_8, "this is not UTF-8")
        elif kind in _SCALARS and not _is_huge(key):
            self._add(ProblemName.KEY_NOT_TEXT, f"the key {shown(key)} is not text", f'write "{name}"')
        else:
            self._add(
                ProblemName.KEY_NOT_TEXT, f"a value of the type {shown(kind.__name__)} cannot be a key", "keys are text"
            )
        self._path.pop()
        return name

    def _scalar(self, value: Any, kind: type, key: str) -> Any:
        if kind is str and not _is_unicode(value):
            self._add(ProblemName.NOT_UTF_8, "this is not UTF-8")
            return shown(value)
        if kind is int and _is_huge(value):
            self._add(
                ProblemName.NUMBER_TOO_LARGE,
                f"a number of {int(value.bit_length() * log10(2)) + 1:,} digits is too large",
            )
            return 0
        if kind is date or kind is datetime:
            text = value.isoformat()
            if key not in DATES:
                self._add(ProblemName.DATE_FOR_TEXT, f"`{text}` is a date, not text", f'write "{text}" for text')
            return text
        if kind not in _SCALARS:
            self._add(
                ProblemName.NOT_PLAIN_DATA, f"a value of the type {shown(kind.__name__)} is no plain data", _PLAIN
            )
            return None
        return value

    def _too_much(self, name: ProblemName, message: str) -> _TooMuch:
        return _TooMuch(self._place(), name, message)

    def _place(self) -> PlainPlace:
        return PlainPlace(self._name, path_text(*self._path))

    def _add(self, name: ProblemName, message: str, fix: str | None = None) -> None:
        self._issues.add(self._place(), name, message, fix)


_SCALARS = frozenset({str, int, float, bool, type(None)})
_PLAIN = "a document holds dict, list, str, int, float, bool and None"


def _is_huge(value: Any) -> bool:
    return type(value) is int and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER


def _is_unicode(text: str) -> bool:
    """Tell whether a text has no halves of surrogate pairs, which no file and no request can hold."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)
