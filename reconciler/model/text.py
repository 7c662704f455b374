"""Text for people: foreign text made fit to print, counts, and guesses at what a misspelled word was meant to be.

Whatever a file, a server or a file's name may hold passes through `printable` on its way out; each format then escapes
its own markup on top of that.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from posixpath import commonprefix

SHOWN_WIDTH = 120
"""A longer line is shown as the part around the caret."""

_COMMAND = re.compile(r"^([^\S\n]*):(?=:[a-zA-Z][a-zA-Z-]*(?: [^\n]*?)?::)", re.MULTILINE)
_OLD_COMMAND = re.compile(r"##(?=\w*\[)")
"""What the runners of CI systems take for commands: `::error::`, `##[error]`, `##vso[...]`."""


def printable(text: str, *, keep_lines: bool = False, keep_length: bool = False) -> str:
    """Make foreign text safe to print: on one line, without what a terminal or a CI runner would obey.

    Control characters, marks that change the direction of text, lone surrogates and the like are written as escapes, or
    with `keep_length` as one replacement character each.
    """
    if not text.isprintable():
        text = "".join(
            character
            if character.isprintable() or (keep_lines and character == "\n")
            else "\ufffd"
            if keep_length
            else character.encode("unicode_escape").decode("ascii")
            for character in text
        )
    return text if keep_length else without_commands(text)


def without_commands(text: str) -> str:
    """Break what a CI runner would take for a command at the beginning of a line of its log."""
    if "::" in text:
        text = _COMMAND.sub(r"\1\\x3a", text)
    return _OLD_COMMAND.sub(r"#\\x23", text) if "##" in text else text


def crop(line: str, column: int) -> tuple[str, int]:
    """Cut a long line to the part around a column, and make it fit to print; return it with the column in that part."""
    start = max(0, min(column - 1, len(line)) - SHOWN_WIDTH // 2) if len(line) > SHOWN_WIDTH else 0
    part = line[start : start + SHOWN_WIDTH]
    shown = printable(part.replace("\t", " "), keep_length=True)
    before = "..." if start else ""
    after = "..." if start + SHOWN_WIDTH < len(line) else ""
    return f"{before}{shown}{after}", column - start + len(before)


def shown(value: object, width: int = 60) -> str:
    """Spell a value for a message: in backticks, on one line, without what a terminal would obey, and never long."""
    if isinstance(value, str):
        text = value
    elif value is None:
        text = "null"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, int | float):
        text = str(value)
    else:
        return "a list" if isinstance(value, list) else "a mapping"
    part = without_commands(printable(text[:width], keep_length=True))
    return f"`{part}...`" if len(text) > width else f"`{part}`"


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('x') else 's'}"


is_uuid = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
"""Tells whether a text is an id as the cloud writes them."""


def listed(texts: Sequence[str], most: int | None, separator: str = ", ") -> str:
    """Write texts one after the other, `most` of them, and how many more there are."""
    more = f" and {len(texts) - most:,} more" if most is not None and len(texts) > most else ""
    return separator.join(texts[:most]) + more


MOST_WORDS = 200
"""Words that one is compared with: comparing is slow."""

_LONGEST = 80
_LENGTHS_APART = 4


def closest(word: str, words: Iterable[str], likeness: float = 0.6) -> str | None:
    """Find the word most like another one, if one is like it by this ratio, whatever its case."""
    from difflib import get_close_matches  # noqa: PLC0415  # only a file with an error needs it

    if len(word) > _LONGEST:
        return None
    few = (known for known in islice(words, MOST_WORDS) if abs(len(known) - len(word)) <= _LENGTHS_APART)
    by_lower_case = {known.lower(): known for known in few}
    found = get_close_matches(word.lower(), by_lower_case, n=1, cutoff=likeness)
    return by_lower_case[found[0]] if found else None


def alike(word: str, words: Iterable[str]) -> list[str]:
    """Find the words that one may be a slip of: those at most two letters away, the nearest first.

    Those with the same letters and digits, whatever their case and signs, are the same word, and go before all others.
    Where there is one alone, no other word becomes this one by two slips. Of what is half slips nothing is guessed.
    """
    plain, bare = word.lower() if len(word) <= _LONGEST else "", bare_word(word)
    near = [known for known in islice(words, MOST_WORDS) if abs(len(known) - len(plain)) <= _SLIPS]
    apart = {known: 0 if bare_word(known) == bare else _apart(plain, known.lower(), _SLIPS) for known in near}
    found = sorted((known for known in near if apart[known] <= _SLIPS), key=lambda known: apart[known])
    if not found or 2 * apart[found[0]] > len(plain):
        return []
    return found if apart[found[0]] else [known for known in found if not apart[known]]


_SLIPS = 2


def bare_word(word: str) -> str:
    """Return the letters and digits of a word, in lower case."""
    return "".join(filter(str.isalnum, word)).lower()


def _apart(one: str, other: str, most: int) -> int:
    """Count the letters to be changed, added, left out or swapped between two words; `most + 1` stands for more."""
    same = len(commonprefix((one, other)))
    one, other = one[same:], other[same:]
    if not (one and other and most):
        return min(max(len(one), len(other)), most + 1)
    steps = [(one[1:], other[1:]), (one[1:], other), (one, other[1:])]
    if one[:2] == other[1::-1]:
        steps.append((one[2:], other[2:]))
    return 1 + min(_apart(*step, most - 1) for step in steps)


def one_of(words: Sequence[str]) -> str:
    """Write the first three of several words to choose from."""
    *others, last = [f"`{word}`" for word in words[:3]]
    return f"{', '.join(others)} or {last}" if others else last


def did_you_mean(word: str, words: Iterable[str]) -> str | None:
    """Ask about the words that one may be a slip of, or else about the one most like it."""
    some = list(islice(words, MOST_WORDS))
    found = alike(word, some) or list(filter(None, [closest(word, some)]))
    return f"did you mean {one_of(found)}?" if found else None
