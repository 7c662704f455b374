"""The rules of the files as they are written: one entry of a list, with all the rules that it means."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.loading.address_groups import read_address_groups
from reconciler.loading.document import YamlDocument
from reconciler.loading.issues import Issues
from reconciler.loading.nodes import MERGE
from reconciler.loading.rule import expand
from reconciler.model.place import FilePlace, Key
from reconciler.model.placeholder import placeholder
from reconciler.model.rule import Rule

TERMS = frozenset({"expires", "exception"})
"""Keys with which a rule is no longer only its traffic: such a rule is neither merged nor relied upon."""


@dataclass(frozen=True, slots=True, eq=False)
class WrittenRule:
    """An entry of `rules`: a rule or a preset. `rules` are those it means, with placeholders for groups that are named.

    `frozen` says why the text cannot be edited by itself; empty where it can. Two are equal only when they are one.
    """

    document: YamlDocument
    group: str
    path: tuple[Key, ...]
    value: dict[str, Any] = field(repr=False)
    place: FilePlace
    rules: tuple[Rule, ...] = field(repr=False)
    node: Node = field(repr=False)
    frozen: str = ""

    @property
    def has_review(self) -> bool:
        """Tell whether it has an end or an exception."""
        return not TERMS.isdisjoint(self.value)

    @property
    def preset(self) -> str | None:
        """The name of the preset that it is, if it is one."""
        return self.value.get("preset")

    @property
    def description(self) -> str:
        """What it says of itself; none is the empty one."""
        return self.value.get("description") or ""


@dataclass(frozen=True, slots=True)
class WrittenGroup:
    """The rules of one group, in the order written."""

    document: YamlDocument
    name: str
    rules: tuple[WrittenRule, ...]


def read_written(documents: Sequence[YamlDocument]) -> Iterator[WrittenGroup]:
    """Yield the groups whose rules the documents manage. The documents are valid."""
    address_groups = read_address_groups(documents, Issues())
    for document in documents:
        shared = _shared(document)
        for index, group in enumerate(document.value.get("security_groups") or ()):
            path = ("security_groups", index, "rules")
            values = group.get("rules") or ()
            if not values:
                continue
            nodes = _items(document.node, path)
            rules = []
            for number, (value, node) in enumerate(zip(values, nodes, strict=True)):
                expanded = expand(value, address_groups).rules
                rules.append(
                    WrittenRule(
                        document,
                        group["name"],
                        (*path, number),
                        value,
                        FilePlace(document.source.path, node.start_mark.line + 1, node.start_mark.column + 1),
                        tuple(
                            rule._replace(remote_group_id=placeholder(name)) if name else rule
                            for rule, name in expanded
                        ),
                        node,
                        _frozen(node, shared),
                    )
                )
            yield WrittenGroup(document, group["name"], tuple(rules))


def _items(root: Node, path: Sequence[Key]) -> list[Node]:
    """Find the nodes of a list's items. A merge on the way is followed: the last part written wins, as in reading."""
    node: Any = root
    for step in path:
        node = node.value[step] if isinstance(node, SequenceNode) else _get(node, str(step))
    items: list[Node] = node.value
    return items


def _get(node: Any, name: str) -> Any:
    for key, value in reversed(node.value):
        if key.value == name and key.tag is not MERGE:
            return value
    for key, value in node.value:
        if key.tag is MERGE:
            for part in value.value if isinstance(value, SequenceNode) else [value]:
                if (found := _get(part, name)) is not None:
                    return found
    return None


def _frozen(node: Node, shared: frozenset[int]) -> str:
    nodes = list(_walk(node))
    if any(id(each) in shared for each in nodes):
        return "it is shared by a YAML alias"
    if any(isinstance(each, MappingNode) and any(key.tag is MERGE for key, _ in each.value) for each in nodes):
        return "it is merged with `<<`"
    return ""


def _shared(document: YamlDocument) -> frozenset[int]:
    """Find the nodes that several aliases stand for; without an alias there are none, and nothing to walk through."""
    if b"*" not in document.source.data or b"&" not in document.source.data:
        return frozenset()
    counts = Counter(id(node) for node in _walk(document.node))
    return frozenset(node for node, number in counts.items() if number > 1)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _walk(item)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _walk(key)
            yield from _walk(value)
