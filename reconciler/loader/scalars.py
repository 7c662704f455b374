"""What a plain (unquoted) scalar means.

YAML 1.1, which PyYAML reads, and YAML 1.2, which editors and other languages read, disagree about many of them: `22:30`
is 1350 to one and text to the other, `010` is 8 or 10, `on` is true or text. Here a plain scalar means something only
where both agree: null, true and false, decimal numbers, and text. Everything else is an issue with both readings in it.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from yaml.resolver import Resolver

TEXT = "text"
"""The class of a scalar that is text. Compared by identity, so that no tag in a file can pass for it."""


class Plain(NamedTuple):
    """A plain scalar that is not text: null, a boolean or a number."""

    value: bool | int | float | None


class Surprise(NamedTuple):
    """A plain scalar that YAML versions read differently: what is wrong with it, and what to write instead."""

    problem: str
    fix: str
    is_date: bool = False


MERGE = Surprise("`<<` is read as a merge", 'write "<<" for text')
Meaning = str | Plain | Surprise

_WORDS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)").fullmatch
_NUMBER_1_2 = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    r"|0o[0-7]+|0x[0-9a-fA-F]+"
).fullmatch
_MAYBE_SPECIAL = re.compile(r"[-+.0-9][-+.:_0-9a-zA-Z \t]*|[nNtTfFyYoO][a-zA-Z]{1,4}|~|=|<<|").fullmatch
_LONGEST_NUMBER = 18
_LONGEST_SHOWN = 40
_LARGEST_KNOWN = 100_000


class PlainScalars(dict[str | None, Meaning]):
    """The meaning of every plain scalar seen so far, looked up as `plain[text]`: TEXT, a Plain or a Surprise.

    A file of 50,000 rules holds 700,000 scalars and few different ones, apart from text; a dictionary is the quickest
    way from one to its meaning.
    """

    def __missing__(self, text: str) -> Meaning:
        meaning = classify(text) if _MAYBE_SPECIAL(text) else TEXT
        if len(self) < _LARGEST_KNOWN:
            self[text] = meaning
        return meaning


@lru_cache(1 << 14)
def classify(text: str) -> Meaning:
    """Tell what a plain scalar means. Remembered across files: a thousand small ones hold the same few numbers."""
    if text in _WORDS:
        return Plain(_WORDS[text])
    kind = _kind_in_yaml_1_1(text)
    if kind == "merge":
        return MERGE
    if kind == "int" and _INTEGER(text):
        if len(text) <= _LONGEST_NUMBER:
            return Plain(int(text))
        return Surprise(f"a number of {len(text):,} digits is too large", "quote it if it is text")
    if kind == "float" and _NUMBER_1_2(text):
        return Plain(float(text.lower().replace(".inf", "inf").replace(".nan", "nan")))
    return TEXT if kind == "str" and not _NUMBER_1_2(text) else _surprise(text, kind)


def _kind_in_yaml_1_1(text: str) -> str:
    for tag, pattern in Resolver.yaml_implicit_resolvers.get(text[0], ()):
        if pattern.match(text):
            return str(tag).rpartition(":")[2]
    return "str"


def _surprise(text: str, kind: str) -> Surprise:
    short = _short(text)
    if kind == "str":
        return Surprise(f"{short} is text to YAML 1.1 and a number to YAML 1.2", _quote(text))
    if kind == "bool":
        value = text.lower() in {"yes", "on"}
        word = str(value).lower()
        return Surprise(f"{short} is read as {word}, a YAML 1.1 boolean", f"write {word}, or {_quoted(text)} for text")
    if kind == "timestamp":
        return Surprise(f"{short} is read as a date", _quote(text), is_date=True)
    if kind == "value":
        return Surprise(f"{short} has a meaning of its own in YAML 1.1", _quote(text))
    if len(text) > _LONGEST_SHOWN:
        return Surprise(f"{short} is read as a number", "quote it for text")
    return _number(text, kind)


def _number(text: str, kind: str) -> Surprise:
    """Word a number that only YAML 1.1 knows. The text is short."""
    digits = text.replace("_", "").lstrip("+-")
    if ":" in digits:
        whole, value = digits.split(":"), 0.0
        for part in whole:
            value = value * 60 + float(part)
        ports = f"write {whole[0]}-{whole[1]} for a range, or " if len(whole) == 2 and kind == "int" else ""
        base_60 = f"{_sign(text)}{value:.15g}"
        return Surprise(f"`{text}` is read as {base_60}, a base-60 number", f"{ports}{_quote(text)}")
    if kind == "float":
        return Surprise(f"`{text}` is read as a number", _quote(text))
    name, number = _integer_of(digits.lower())
    if name == "an octal number":
        plain = digits.lstrip("0") or "0"
        return Surprise(
            f"`{text}` is read as {_sign(text)}{number}, {name}",
            f"write {_sign(text)}{plain} for the decimal number, or {_quoted(text)} for text",
        )
    return Surprise(
        f"`{text}` is read as {_sign(text)}{number}, {name}",
        f"write {_sign(text)}{number}, or {_quoted(text)} for text",
    )


def _integer_of(digits: str) -> tuple[str, int]:
    if digits.startswith("0x"):
        return "a hexadecimal number", int(digits[2:] or "0", 16)
    if digits.startswith("0b"):
        return "a binary number", int(digits[2:] or "0", 2)
    if digits.startswith("0") and len(digits) > 1:
        return "an octal number", int(digits, 8)
    return "a number with underscores", int(digits)


def _sign(text: str) -> str:
    return "-" if text.startswith("-") else ""


def _short(text: str) -> str:
    return f"`{text}`" if len(text) <= _LONGEST_SHOWN else f"`{text[:_LONGEST_SHOWN]}...`"


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= _LONGEST_SHOWN else "quotes around it"


def _quote(text: str) -> str:
    return f"write {_quoted(text)} for text"
