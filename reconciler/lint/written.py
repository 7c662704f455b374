"""The rules of the files as they are written: one entry of a list, with all the rules that it means.

A list is that of a group, or of a rule set: each is judged once, where it is written.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.loading.document import YamlDocument
from reconciler.loading.issues import Issues
from reconciler.loading.nodes import MERGE
from reconciler.loading.rule import expand
from reconciler.loading.rule_sets import read_shared, rule_sets_of
from reconciler.loading.rules import Shared, names_of_use
from reconciler.model.place import FilePlace, Key
from reconciler.model.placeholder import placeholder
from reconciler.model.rule import Rule

TERMS = frozenset({"expires", "exception"})
"""Keys with which a rule is no longer only its traffic: such a rule is neither merged nor relied upon."""


@dataclass(frozen=True, slots=True, eq=False)
class WrittenRule:
    """An entry of a list: a rule, a preset or a use of rule sets. `rules` are those it means.

    They have placeholders for groups that are named. `group` is the one whose list it is, None for a rule set's.
    `frozen` says why the text cannot be edited by itself; empty where it can. Two are equal only when they are one.
    """

    document: YamlDocument
    group: str | None
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
    def whole(self) -> str:
        """What it stands for, where it is no rule: a preset, or rule sets; else empty."""
        if "use" in self.value:
            names = [name for _, name in names_of_use(self.value)]
            return f"the rule set{'s' if len(names) > 1 else ''} {', '.join(names)}"
        return f"the preset {self.value['preset']}" if "preset" in self.value else ""

    @property
    def description(self) -> str:
        """What it says of itself; none is the empty one."""
        return self.value.get("description") or ""


@dataclass(frozen=True, slots=True)
class WrittenGroup:
    """The rules of one group or of one `rule_set`, in the order written; `name` is that of the group."""

    document: YamlDocument
    name: str | None
    rules: tuple[WrittenRule, ...]
    rule_set: str | None = None


def read_written(documents: Sequence[YamlDocument]) -> Iterator[WrittenGroup]:
    """Yield the rule sets, and the groups whose rules the documents manage. The documents are valid."""
    shared = read_shared(documents, Issues())
    for document in documents:
        aliased = _aliased(document)
        for path, name, values in _lists(document):
            nodes = _items(document.node, path)
            rules = [
                WrittenRule(
                    document,
                    name,
                    (*path, number),
                    value,
                    FilePlace(document.source.path, node.start_mark.line + 1, node.start_mark.column + 1),
                    tuple(_meant(value, shared)),
                    node,
                    _frozen(value, node, aliased),
                )
                for number, (value, node) in enumerate(zip(values, nodes, strict=True))
            ]
            yield WrittenGroup(document, name, tuple(rules), str(path[1]) if name is None else None)


def _lists(document: YamlDocument) -> Iterator[tuple[tuple[Key, ...], str | None, Sequence[Any]]]:
    for name, values in rule_sets_of(document).items():
        yield ("rule_sets", name), None, values
    for index, group in enumerate(document.value.get("security_groups") or ()):
        if group.get("rules"):
            yield ("security_groups", index, "rules"), group["name"], group["rules"]


def _meant(item: dict[str, Any], shared: Shared) -> Iterator[Rule]:
    """Yield the rules that an entry means, each once."""
    rules: Iterable[tuple[Rule, str | None]]
    if "use" in item:
        used = (rule for _, name in names_of_use(item) for rule in shared.rule_sets[name])
        rules = dict.fromkeys((rule.rule, rule.remote_group) for rule in used)
    else:
        rules = expand(item, shared.address_groups).rules
    for rule, name in rules:
        yield rule._replace(remote_group_id=placeholder(name)) if name else rule


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


def _frozen(value: Mapping[str, Any], node: Node, aliased: frozenset[int]) -> str:
    if "use" in value:
        return "a rule set is used as a whole, whatever it holds today"
    nodes = list(_walk(node))
    if any(id(each) in aliased for each in nodes):
        return "it is shared by a YAML alias"
    if any(isinstance(each, MappingNode) and any(key.tag is MERGE for key, _ in each.value) for each in nodes):
        return "it is merged with `<<`"
    return ""


def _aliased(document: YamlDocument) -> frozenset[int]:
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
