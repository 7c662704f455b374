"""YAML text -> nodes -> plain values, and back from a value to its place.

libyaml does the parsing. Two things make it quick and safe: this parser's `resolve` replaces PyYAML's dozen regular
expressions a scalar by one look-up, and its `descend_resolver` and `ascend_resolver`, which libyaml's binding calls
around each node, count the nesting, so that no input reaches the end of the C stack.
"""

from collections.abc import Iterator
from typing import Any

from yaml._yaml import CParser
from yaml.error import Mark, MarkedYAMLError
from yaml.nodes import Node, ScalarNode

from reconciler.loader.scalars import TEXT, PlainScalars

MAX_DEPTH = 32
"""Levels of nesting that are read. The format itself has eight."""

COLLECTION = "collection"
"""The class of a list or mapping without a tag. Compared by identity, as TEXT is."""


class TooDeep(MarkedYAMLError):
    """The text is nested deeper than any document of ours."""

    problem_mark: Mark


class NodeParser(CParser):
    """Composes the nodes of each document. The `tag` of a node is TEXT, a Plain, COLLECTION or the tag as written."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._plain = PlainScalars()
        self._depth = 0

    def resolve(self, _kind: type[Node], value: str | None, implicit: Any) -> object:
        """Class a node that has no tag. A collection comes with no value and a bool, a scalar with a pair."""
        if value is None or implicit.__class__ is bool:
            return COLLECTION
        return self._plain[value] if implicit[0] else TEXT

    def descend_resolver(self, parent: Node | None, _index: object) -> None:
        """Count a level in; libyaml's binding calls this before each node."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = parent.start_mark if parent is not None else None
            raise TooDeep(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)

    def ascend_resolver(self) -> None:
        """Count a level out; called after each node."""
        self._depth -= 1

    def nodes(self) -> Iterator[Node]:
        """Yield the root of each document that is not empty."""
        while self.check_node():
            node = self.get_node()
            if node is not None and not _is_empty(node):
                yield node


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == "" and not node.style
