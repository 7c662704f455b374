"""Stage 1: text -> documents, each a plain value whose every part knows its place."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import yaml
from yaml.error import Mark, YAMLError
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.loading.issues import Budget, Issues, Source
from reconciler.loading.nodes import MERGE, NodeParser
from reconciler.loading.values import MAX_EXPANDED, ValueReader, expands_too_far
from reconciler.loading.yaml_problems import conflicts, hidden_break, yaml_issue
from reconciler.model.errors import Issue
from reconciler.model.place import FilePlace, Key, Place
from reconciler.model.problems import ProblemName


class Document(Protocol):
    """A value of dictionaries, lists and scalars, and where each part of it stands."""

    @property
    def name(self) -> str:
        """The path of its file, or its own name."""

    @property
    def value(self) -> Any:
        """The value. Nothing is known of it but that it is plain data."""

    def place(self, *path: Key) -> Place:
        """Find where the value at a path begins; where the path leads nowhere, the last part of it that is there."""

    def key_place(self, *path: Key) -> Place:
        """Find where the last key of a path is written."""

    def item_places(self, *path: Key) -> Sequence[Place]:
        """List the places of the items of the list at a path, all at once."""

    def written(self, *path: Key) -> str:
        """Return the scalar at a path as it is written, without its quotes; nothing for a list or mapping."""

    def aliases(self, *path: Key) -> tuple[tuple[str, Place], ...]:
        """List what belongs to the place of a path where a YAML alias leads there: its anchor, or the alias."""


class AliasMarks:
    """Where the aliases of a file stand, read only when one is asked for: a node tree has no trace of them."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def of(self, above: Node, index: int | None = None) -> Mark | None:
        """Return where the alias is that stands for an item of a list, or for the value of a key."""
        mark = above.start_mark
        return self._marks.get((mark.line, mark.column, index))

    @cached_property
    def _marks(self) -> dict[tuple[int, int, int | None], Mark]:
        """The aliases by the place of the list and the number of the item, or by the place of the key."""
        marks: dict[tuple[int, int, int | None], Mark] = {}
        open_nodes: list[_Open] = []
        events = yaml.parse(self._source.data.removeprefix(b"\xef\xbb\xbf"), Loader=yaml.CSafeLoader)
        with suppress(YAMLError):  # what is behind an error was not read either
            for event in events:
                mark: Any = event.start_mark  # libyaml sets one for every event
                if isinstance(event, yaml.NodeEvent) and open_nodes:
                    above = open_nodes[-1]
                    is_value = above.is_mapping and above.entries % 2
                    at = above.last if is_value else above.start
                    if isinstance(event, yaml.AliasEvent) and (is_value or not above.is_mapping):
                        marks[at.line, at.column, None if is_value else above.entries] = mark
                    above.entries += 1
                    above.last = mark
                if isinstance(event, yaml.CollectionStartEvent):
                    open_nodes.append(_Open(isinstance(event, yaml.MappingStartEvent), mark))
                elif isinstance(event, yaml.CollectionEndEvent):
                    open_nodes.pop()
        return marks


class _Open:
    """A list or mapping whose end is still to come: its place, and its entries so far with the place of the last."""

    def __init__(self, is_mapping: bool, start: Mark) -> None:  # noqa: FBT001 - of two kinds
        self.is_mapping = is_mapping
        self.start = self.last = start
        self.entries = 0


class _Found(NamedTuple):
    """A key and its value (for an item both the item), the alias that stands for it, and one on the way there."""

    key: Node
    node: Node
    alias: Mark | None
    way: Mark | None


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One YAML document of a file.

    It keeps its tree of nodes beside the plain value. Positions are found by walking the tree, and only where one is
    needed.
    """

    source: Source
    value: Any
    node: Node
    marks: AliasMarks
    _pairs: dict[int, dict[Key, tuple[Node, Node]]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The path of the file."""
        return self.source.path

    def place(self, *path: Key) -> FilePlace:
        """Find where the value at a path begins; where the path leads nowhere, the last part of it that is there.

        A value for which an alias stands is where the alias is; what is within such a value, where that is written.
        """
        found = self._find(path)
        return self._place(found.alias or found.node.start_mark)

    def key_place(self, *path: Key) -> FilePlace:
        """Find where the last key of a path is written."""
        return self._place(self._find(path).key.start_mark)

    def item_places(self, *path: Key) -> list[FilePlace]:
        """List the places of the items of the list at a path, all at once."""
        node = self._find(path).node
        if not isinstance(node, SequenceNode):
            return []
        name, first = self.source.path, node.start_mark.index
        marks = [item.start_mark for item in node.value]
        for index, mark in enumerate(marks):
            if mark.index < first:
                marks[index] = self.marks.of(node, index) or mark
            else:
                first = mark.index
        return [FilePlace(name, mark.line + 1, mark.column + 1) for mark in marks]

    def written(self, *path: Key) -> str:
        """Return the scalar at a path as it is written, without its quotes; nothing for a list or mapping."""
        node = self._find(path).node
        return str(node.value) if isinstance(node, ScalarNode) else ""

    def aliases(self, *path: Key) -> tuple[tuple[str, Place], ...]:
        """List what belongs to the place of a path where a YAML alias leads there: its anchor, or the alias."""
        found = self._find(path)
        if found.alias is not None:
            return (("what the alias stands for", self._place(found.node.start_mark)),)
        return (("by way of this alias", self._place(found.way)),) if found.way is not None else ()

    def _find(self, path: Sequence[Key]) -> _Found:
        key = node = self.node
        alias = way = None
        for step in path:
            way = alias or way
            if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                item = node.value[step]
                before = node.value[step - 1] if step else node
                alias = self.marks.of(node, step) if item.start_mark.index < before.start_mark.index else None
                key = node = item
                continue
            pair = self._pairs_of(node).get(step) if isinstance(node, MappingNode) else None
            if pair is None:
                break
            key, value = pair
            alias = self.marks.of(key) if value.start_mark.index < key.start_mark.index else None
            node = value
        return _Found(key, node, alias, way)

    def _pairs_of(self, node: MappingNode) -> dict[Key, tuple[Node, Node]]:
        """Index a mapping by key, once: one with a million keys may be asked for a thousand of them."""
        pairs = self._pairs.get(id(node))
        if pairs is None:
            pairs = {}
            for key, child in node.value:
                if key.tag is MERGE:
                    for part in child.value if isinstance(child, SequenceNode) else [child]:
                        merged = self._pairs_of(part) if isinstance(part, MappingNode) else {}
                        pairs = merged | pairs
                else:
                    pairs[str(key.value)] = (key, child)
            self._pairs[id(node)] = pairs
        return pairs

    def _place(self, mark: Mark) -> FilePlace:
        return FilePlace(self.source.path, mark.line + 1, mark.column + 1)


def read_text(
    path: str, data: bytes, values: Budget | None = None
) -> tuple[tuple[YamlDocument, ...], tuple[Issue, ...]]:
    """Read the documents of a text that is not in its file yet; places name the file all the same.

    `values` are those that its aliases may expand to, as many as in a run where nothing is given.
    """
    issues, source = Issues(), Source(path, data)
    return tuple(parse(source, issues, values)), issues.worded([source])


def parse(source: Source, issues: Issues, values: Budget | None = None) -> list[YamlDocument]:
    """Read the documents of a file, up to what cannot be read on from.

    `values` are those that the aliases of the run may still expand to, all where nothing is given.
    """
    documents = []
    reader, marks = ValueReader(source.path, issues), AliasMarks(source)
    left = values or Budget(MAX_EXPANDED)
    if source.data.startswith((b"\xff\xfe", b"\xfe\xff")):  # libyaml would read it, but places are counted in UTF-8
        place, message = FilePlace(source.path, 1, 1), "the file is UTF-16 or UTF-32, not UTF-8"
        issues.append(Issue(place, ProblemName.NOT_UTF_8, message, fix="save the file as UTF-8"))
        return []
    found = list(conflicts(source)) or list(filter(None, [hidden_break(source)]))
    for issue in found:
        issues.append(issue)
    if found:
        return []
    has_aliases = b"*" in source.data and b"&" in source.data
    try:
        for node in NodeParser(source.data.removeprefix(b"\xef\xbb\xbf")).nodes():
            endless = expands_too_far(node, left) if has_aliases else None
            if endless is not None:
                where, name, message = endless
                mark = where.start_mark
                issues.add(FilePlace(source.path, mark.line + 1, mark.column + 1), name, message, "write it out")
                continue
            documents.append(YamlDocument(source, reader.read_document(node), node, marks))
    except YAMLError as error:
        issues.append(yaml_issue(source, error))
    return documents
