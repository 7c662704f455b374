"""Values -> YAML on one line. Text is left without quotes only where every YAML reader takes it for that text.

Quoted text is double-quoted, with an escape for whatever is not printable: control characters, blanks other than the
plain one, and the marks that turn the direction of text round in an editor.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from reconciler.loader.scalars import TEXT, PlainScalars

Value = str | int | bool | Sequence["Value"] | Mapping[str, "Value"]

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
    if fits(text) and text.isprintable() and text not in _BOOLEANS_ELSEWHERE and PlainScalars()[text] is TEXT:
        return text
    return '"' + "".join([_escaped(character) for character in text]) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
