"""YAML text -> nodes -> plain values, and back from a value to its place.

libyaml does the parsing. Two things make it quick and safe: this parser's `resolve` replaces PyYAML's dozen regular
expressions a scalar by one look-up, and its `descend_resolver` and `ascend_resolver`, which libyaml's binding calls
around each node, count the nesting, so that no input reaches the end of the C stack.
"""

from collections.abc import Callable, Iterator
from typing import Any

from yaml._yaml import CParser
from yaml.error import MarkedYAMLError
from yaml.nodes import Node, ScalarNode

from reconciler.loader.scalars import TEXT, PlainScalars

MAX_DEPTH = 32
"""Levels of nesting that are read. The format itself has eight."""

COLLECTION = "collection"
"""The class of a list or mapping without a tag. Compared by identity, as TEXT is."""


MAX_ENTRIES = 100_000
"""Entries of a list or mapping, and documents of a file, that are read: what bounds the cost of hostile input."""


class TooMuch(MarkedYAMLError):
    """The text is deeper or wider than any document of ours."""


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
        number = 0
        while self.check_node():
            node = self.get_node()
            number += 1
            if node is not None and number > MAX_ENTRIES:
                raise TooMuch(problem=f"more than {MAX_ENTRIES:,} documents", problem_mark=node.start_mark)
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


def _nesting() -> tuple[Callable[[Any, Any], None], Callable[[], None]]:
    depth = 0

    def descend(parent: Any, index: Any) -> None:
        """Go to an item (`index` is its number), to a key (None) or to its value (the key) of a collection."""
        nonlocal depth
        depth += 1
        if parent is None:
            return
        entries = len(parent.value) if index is None else index if index.__class__ is int else 0
        if entries >= MAX_ENTRIES:
            raise TooMuch(problem=f"more than {MAX_ENTRIES:,} entries", problem_mark=parent.start_mark)
        if depth > MAX_DEPTH:
            raise TooMuch(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=parent.start_mark)

    def ascend() -> None:
        nonlocal depth
        depth -= 1

    return descend, ascend
