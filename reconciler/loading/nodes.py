"""YAML text -> nodes, each scalar with its class.

libyaml does the parsing. Two things make it quick and safe: this parser's `resolve` replaces PyYAML's dozen regular
expressions a scalar by one look-up, and its `descend_resolver` and `ascend_resolver`, which libyaml's binding calls
around each node, count the nesting, so that no input reaches the end of the C stack.

YAML 1.1, which PyYAML reads, and YAML 1.2, which editors and other languages read, disagree about many plain scalars:
`22:30` is 1350 to one and text to the other, `010` is 8 or 10, `on` is true or text. Here a plain scalar means
something only where both agree: null, true and false, decimal numbers, and text. Everything else is an issue with both
readings.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from yaml._yaml import CParser
from yaml.error import Mark, MarkedYAMLError
from yaml.nodes import Node, ScalarNode
from yaml.resolver import Resolver

from reconciler.model.problems import ProblemName

TEXT = "text"
"""The class of a scalar that is text. Compared by identity, so that no tag in a file can pass for it."""


class Plain(NamedTuple):
    """A plain scalar that is not text: null, a boolean or a number."""

    value: bool | int | float | None


class Surprise(NamedTuple):
    """A plain scalar that YAML versions read differently: what is wrong with it, and what to write instead."""

    problem: str
    fix: str
    name: ProblemName = ProblemName.AMBIGUOUS_VALUE


MERGE = Surprise("`<<` is read as a merge", 'write "<<" for text')
Meaning = str | Plain | Surprise

EMPTY = Plain(None)
"""What stands behind a key without a value. Compared by identity: a null that is written is another one."""

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
        return Plain(_WORDS[text]) if text else EMPTY
    kind = _kind_in_yaml_1_1(text)
    if kind == "merge":
        return MERGE
    if kind == "int" and _INTEGER(text):
        if len(text) <= _LONGEST_NUMBER:
            return Plain(int(text))
        return Surprise(
            f"a number of {len(text):,} digits is too large", "quote it if it is text", ProblemName.NUMBER_TOO_LARGE
        )
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
        return Surprise(f"{short} is read as a date", _quote(text), ProblemName.DATE_FOR_TEXT)
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


MAX_DEPTH = 32
"""Levels of nesting that are read. The format itself has eight."""

COLLECTION = "collection"
"""The class of a list or mapping without a tag. Compared by identity, as TEXT is."""


MAX_ENTRIES = 100_000
"""Entries of a list or mapping, and documents of a file, that are read: what bounds the cost of hostile input."""


class TooMuch(MarkedYAMLError):
    """The text is deeper or wider than any document of ours."""

    def __init__(self, name: ProblemName, problem: str, mark: Mark) -> None:
        super().__init__(problem=problem, problem_mark=mark)
        self.name = name


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
                raise TooMuch(ProblemName.TOO_LARGE, f"more than {MAX_ENTRIES:,} documents", node.start_mark)
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
            raise TooMuch(ProblemName.TOO_LARGE, f"more than {MAX_ENTRIES:,} entries", parent.start_mark)
        if depth > MAX_DEPTH:
            raise TooMuch(ProblemName.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels", parent.start_mark)

    def ascend() -> None:
        nonlocal depth
        depth -= 1

    return descend, ascend
