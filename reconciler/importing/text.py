"""Written groups -> the text of a YAML document: one rule a line where it fits, one key a line where it does not."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from reconciler.importing.shorten import ShortRule, Value
from reconciler.loading.nodes import TEXT, PlainScalars
from reconciler.model.desired import Target
from reconciler.model.text import printable, without_commands

_ALL_PLAIN = re.compile(r"[\w/(](?:[\w .;()/+@%$^~=<>'|\u0080-\U0010ffff-]|:(?=[\w/:]))*(?<! )").fullmatch
"""Without what has a meaning to YAML somewhere: indicators at the beginning, `: `, ` #`, and commas and brackets.

No character fits two parts of it: that keeps the search linear, whatever the text.
"""

_BLOCK_PLAIN = re.compile(r"[\w/(](?:[\w .;()/+@%$^~=<>'|,!?&*\"\u0080-\U0010ffff-]|:(?=[\w/:]))*(?<! )").fullmatch
"""The same for block style, where a comma is a comma."""

_BOOLEANS_ELSEWHERE = frozenset("yYnN")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def spell(value: Value) -> str:
    """Spell a value on one line: text, numbers, and lists and mappings in flow style."""
    if isinstance(value, str):
        return spell_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join([f"{spell_text(key)}: {spell(part)}" for key, part in value.items()]) + "}"
    return "[" + ", ".join([spell(item) for item in value]) + "]"


@lru_cache(1 << 16)
def spell_text(text: str, *, in_block: bool = False) -> str:
    """Spell text, as a key or as a value: `in_block` on a line of its own, else so that it fits into a list as well."""
    fits = _BLOCK_PLAIN if in_block else _ALL_PLAIN
    if fits(text) and printable(text) == text and text not in _BOOLEANS_ELSEWHERE and PlainScalars()[text] is TEXT:
        return text
    return without_commands('"' + "".join([_escaped(character) for character in text]) + '"')


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


WIDTH = 120
"""Columns of the longest line in flow style."""


@dataclass(frozen=True, slots=True)
class GroupText:
    """A group as it is written. None is left out, and so left alone; `remarks` become comments, one a line."""

    name: str
    id: str | None
    description: str | None
    tags: Mapping[str, str] | None
    prevent_destroy: bool
    rules: Sequence[ShortRule] | None
    remarks: Sequence[str] = ()


def document_text(
    target: Target,
    groups: Iterable[GroupText],
    address_groups: Mapping[str, Sequence[str]] | None = None,
    modeline: str | None = None,
    ignored: Sequence[str] = (),
    rule_sets: Mapping[str, Sequence[ShortRule]] | None = None,
) -> str:
    """Write a document of one target; `ignored` are globs for the descriptions of rules that are left to others."""
    head = [modeline] if modeline else []
    head += target_lines(target)
    if address_groups:
        head += _address_groups(address_groups)
    if ignored:
        head += ["ignore_rules:", *(f"  - {spell({'description': glob})}" for glob in ignored)]
    if rule_sets:
        head += _rule_sets(rule_sets)
    blocks = ["\n".join(_group(group)) for group in groups]
    head.append("security_groups:" if blocks else "security_groups: []")
    return "\n".join(head) + "\n" + "\n\n".join(blocks) + ("\n" if blocks else "")


def target_lines(target: Target) -> list[str]:
    """Write the head of a document for a target: by its ids, and by names what has no id."""
    return [
        f"project_id: {target.project_id}" if target.project_id else f"project: {spell_text(target.project or '')}",
        f"region_id: {target.region_id}" if target.region_id else f"region: {spell_text(target.region or '')}",
    ]


def address_groups_text(address_groups: Mapping[str, Sequence[str]], modeline: str | None = None) -> str:
    """Write a document of address groups alone."""
    head = [modeline] if modeline else []
    return "\n".join([*head, *_address_groups(address_groups)]) + "\n"


def rule_sets_text(rule_sets: Mapping[str, Sequence[ShortRule]], modeline: str | None = None) -> str:
    """Write a document of rule sets alone."""
    head = [modeline] if modeline else []
    return "\n".join([*head, *_rule_sets(rule_sets)]) + "\n"


def _rule_sets(rule_sets: Mapping[str, Sequence[ShortRule]]) -> Iterator[str]:
    yield "rule_sets:"
    for name, rules in rule_sets.items():
        yield f"  {spell_text(name)}:"
        for rule in rules:
            yield from _rule(rule, "    - ")


def _address_groups(address_groups: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield "address_groups:"
    for name, prefixes in address_groups.items():
        yield from _entry("  ", name, prefixes)


def _group(group: GroupText) -> Iterator[str]:
    yield f"  - name: {spell_text(group.name)}"
    if group.id is not None:
        yield f"    id: {spell_text(group.id)}"
    if group.description is not None:
        yield f"    description: {spell_text(group.description, in_block=True)}"
    if group.tags is not None:
        yield from _entry("    ", "tags", group.tags)
    if group.prevent_destroy:
        yield "    prevent_destroy: true"
    for remark in group.remarks:
        yield f"    # {remark}"
    if group.rules is not None:
        yield "    rules:" if group.rules else "    rules: []"
        for rule in group.rules:
            yield from _rule(rule)


def _rule(rule: ShortRule, indent: str = "      - ") -> Iterator[str]:
    flow = indent + spell(rule)
    if len(flow) <= WIDTH and "preset" not in rule:
        yield flow
        return
    for key, value in rule.items():
        yield from _entry(indent, key, value)
        indent = " " * len(indent)


def _entry(indent: str, key: str, value: Value) -> Iterator[str]:
    """Write a key and its value: on one line where that fits or where it is no collection."""
    if isinstance(value, str):
        yield f"{indent}{spell_text(key)}: {spell_text(value, in_block=True)}"
        return
    line = f"{indent}{spell_text(key)}: {spell(value)}"
    if len(line) <= WIDTH or isinstance(value, int):
        yield line
        return
    inner = " " * len(indent) + "  "
    yield f"{indent}{spell_text(key)}:"
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _entry(inner, name, part)
    else:
        yield from (f"{inner}- {spell(item)}" for item in value)
