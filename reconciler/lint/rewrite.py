"""Remedies as edits of the text: an entry of a list is removed, a key and its value are replaced, added or removed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.lint.findings import Remedy, Rewrite
from reconciler.lint.text import Edit, Text
from reconciler.lint.written import WrittenRule

_Pair = tuple[Node, Node]


class CannotRewrite(Exception):
    """The text is written in a way that is not edited; the message says which."""


def edits_for(text: Text, remedies: Iterable[Remedy]) -> list[Edit]:
    """Return the edits that make remedies true. Raises `CannotRewrite`."""
    found: list[Edit] = []
    for remedy in remedies:
        found += [_remove_item(text, rule) for rule in remedy.removes]
        for rewrite in remedy.rewrites:
            found += _rewrite(text, rewrite)
    return found


def _remove_item(text: Text, rule: WrittenRule) -> Edit:
    """Remove an entry of the list of rules: the lines of a block list, the part up to a neighbour of a flow list."""
    rules, index = _list_of(rule)
    items = rules.value
    if rules.flow_style:
        if index:
            return Edit(text.end(items[index - 1]), text.end(rule.node), "")
        return Edit(text.start(rule.node), text.start(items[1]), "")
    dash = text.text.rfind("-", 0, text.start(rule.node))
    start = text.line_start(dash)
    if text.text[dash + 1 : text.start(rule.node)].strip() or text.text[start:dash].strip(" "):
        raise CannotRewrite("its dash is not at the start of a line")
    return Edit(start, text.line_end(text.end(rule.node)), "")


def _list_of(rule: WrittenRule) -> tuple[SequenceNode, int]:
    """Find the list that an entry is in, and its number there."""
    *steps, number = rule.path
    node: Any = rule.document.node
    for step in steps:
        if isinstance(step, int):
            node = node.value[step]
        else:
            node = next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, SequenceNode) and isinstance(number, int) and node.value[number : number + 1] == [rule.node]:
        return node, number
    raise CannotRewrite("its list comes from a merge")


def _rewrite(text: Text, rewrite: Rewrite) -> Iterator[Edit]:
    node = rewrite.rule.node
    if not isinstance(node, MappingNode):
        raise CannotRewrite("it is no mapping of its own")
    pairs: list[_Pair] = node.value
    new = f"{rewrite.key}: {_written(rewrite.value)}"
    there = [index for index, (key, _) in enumerate(pairs) if key.value in rewrite.replaces]
    if not there:
        yield _add(text, node, pairs, new)
        return
    key, value = pairs[there[0]]
    yield Edit(text.start(key), max(text.end(value), text.end(key) + 1), new)
    for index in there[1:]:
        yield _remove_pair(text, node, pairs, index)


def _add(text: Text, node: MappingNode, pairs: Sequence[_Pair], new: str) -> Edit:
    """Add a pair after the direction, which every rule has."""
    key, value = next(pair for pair in pairs if pair[0].value == "direction")
    if node.flow_style:
        at = text.end(value)
        return Edit(at, at, f", {new}")
    at = text.line_end(text.end(value))
    missing = "" if text.text.endswith(("\n", "\r"), 0, at) else text.newline
    return Edit(at, at, f"{missing}{' ' * key.start_mark.column}{new}{text.newline}")


def _remove_pair(text: Text, node: MappingNode, pairs: Sequence[_Pair], index: int) -> Edit:
    """Remove a pair that is not the first."""
    key, value = pairs[index]
    if node.flow_style:
        return Edit(text.end(pairs[index - 1][1]), text.end(value), "")
    start = text.line_start(text.start(key))
    if text.text[start : text.start(key)].strip(" "):
        raise CannotRewrite("its keys are not on lines of their own")
    return Edit(start, text.line_end(max(text.end(value), text.end(key))), "")


def _written(value: Any) -> str:
    """Write a number, a range, a prefix or a list of them."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    text = str(value)
    return f'"{text}"' if text.startswith(":") or text.endswith(":") else text
