"""YAML text -> nodes -> plain values, and back from a value to its place.

libyaml does the parsing. Two things make it quick and safe: this parser's `resolve` replaces PyYAML's dozen regular
expressions a scalar by one look-up, and its `descend_resolver` and `ascend_resolver`, which libyaml's binding calls
around each node, count the nesting, so that no input reaches the end of the C stack.
"""

from collections.abc import Callable, Iterator
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
    """Composes the nodes of each document. The `tag` of a node is TEXT, a Plain, COLLECTION or the tag as written.

    What the binding calls are closures rather than methods: each is called for each node, and that is a third quicker.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.resolve = _resolver()
        self.descend_resolver, self.ascend_resolver = _nesting()

    def nodes(self) -> Iterator[Node]:
        """Yield the root of each document that is not empty."""
        while self.check_node():
            node = self.get_node()
            if node is not None and not _is_empty(node):
                yield node


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == "" and not node.style


def _resolver() -> Callable[[type[Node], str | None, Any], object]:
    plain: dict[str | None, Any] = PlainScalars({None: COLLECTION})

    def resolve(_kind: type[Node], value: str | None, implicit: Any) -> object:
        """Class a node without a tag. A scalar comes with a pair, whose first says that it is plain."""
        meaning = plain[value]
        return meaning if meaning is TEXT or meaning is COLLECTION or implicit[0] else TEXT

    return resolve


def _nesting() -> tuple[Callable[[Node | None, Any], None], Callable[[], None]]:
    depth = 0

    def descend(parent: Node | None, _index: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            mark = parent.start_mark if parent is not None else None
            raise TooDeep(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)

    def ascend() -> None:
        nonlocal depth
        depth -= 1

    return descend, ascend
