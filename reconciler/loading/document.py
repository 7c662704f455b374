"""Stage 1: text -> documents, each a plain value whose every part knows its place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from yaml.error import YAMLError
from yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.loading.issues import Budget, Issues, Source
from reconciler.loading.nodes import MERGE, NodeParser
from reconciler.loading.values import MAX_EXPANDED, ValueReader, expands_too_far
from reconciler.loading.yaml_problems import yaml_issue
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


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One YAML document of a file.

    It keeps its tree of nodes beside the plain value. Positions are found by walking the tree, and only where one is
    needed.
    """

    source: Source
    value: Any
    node: Node
    _pairs: dict[int, dict[Key, tuple[Node, Node]]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The path of the file."""
        return self.source.path

    def place(self, *path: Key) -> FilePlace:
        """Find where the value at a path begins; where the path leads nowhere, the last part of it that is there."""
        return self._place(self._find(path)[1])

    def key_place(self, *path: Key) -> FilePlace:
        """Find where the last key of a path is written."""
        return self._place(self._find(path)[0])

    def item_places(self, *path: Key) -> list[FilePlace]:
        """List the places of the items of the list at a path, all at once."""
        node, name = self._find(path)[1], self.source.path
        marks = [item.start_mark for item in node.value] if isinstance(node, SequenceNode) else []
        return [FilePlace(name, mark.line + 1, mark.column + 1) for mark in marks]

    def _find(self, path: Sequence[Key]) -> tuple[Node, Node]:
        key = node = self.node
        for step in path:
            if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                key = node = node.value[step]
                continue
            pair = self._pairs_of(node).get(step) if isinstance(node, MappingNode) else None
            if pair is None:
                break
            key, node = pair
        return key, node

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

    def _place(self, node: Node) -> FilePlace:
        return FilePlace(self.source.path, node.start_mark.line + 1, node.start_mark.column + 1)


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
    reader = ValueReader(source.path, issues)
    left = values or Budget(MAX_EXPANDED)
    if source.data.startswith((b"\xff\xfe", b"\xfe\xff")):  # libyaml would read it, but places are counted in UTF-8
        issues.append(Issue(FilePlace(source.path, 1, 1), ProblemName.NOT_UTF_8, "the file is UTF-16, not UTF-8"))
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
            documents.append(YamlDocument(source, reader.read(node), node))
    except YAMLError as error:
        issues.append(yaml_issue(source, error))
    return documents
