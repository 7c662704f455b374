"""The API key in a text: found in every form that a program gives it, and replaced."""

import re
from binascii import b2a_base64  # `base64` brings more, to every start
from collections.abc import Iterator

SHORTEST_KEY = 4
"""Characters of a key that is replaced; a shorter one is no secret, and part of any word."""

_PART = 8
"""Characters of the beginning or the end of a key that are replaced, too: a long line is shown cut."""

_STARS = "***"
_ESCAPE = re.compile(
    r"\\{1,4}(?:u00|x)([0-9a-fA-F]{2})|%(?:25){0,3}([0-9a-fA-F]{2})|&#0{0,4}([1-9][0-9]{0,2});"
    r"|&#[xX]0{0,4}([0-9a-fA-F]{2});"
)
"""One character as JSON, a URL or HTML writes it, also when one of them has quoted another."""


_URL_SAFE = str.maketrans("+/", "-_")


class Secret:
    """Replaces one key in texts, with each of its characters as it is or escaped, whole or cut, also in base64.

    A key of less than `shortest` characters is left alone.
    """

    def __init__(self, key: str | None, shortest: int = SHORTEST_KEY) -> None:
        is_secret = key is not None and len(key) >= shortest
        self._forms = tuple(map(_Form, dict.fromkeys(_forms(_meant(key or ""))))) if is_secret else ()
        self._parts = tuple(part for form in self._forms for part in (form.first, form.last))

    def hide(self, text: str) -> str:
        """Return the text without the key."""
        plain = _meant(text)
        for part in self._parts:  # a loop, as nearly all that is ever written passes here
            if part in plain:
                break
        else:
            return text
        for form in self._forms:
            if form.first in plain or form.last in plain:
                text = form.hide(text)
        return text


def _forms(key: str) -> Iterator[str]:
    """Yield a key, and a long one in base64, as it is written after each number of bytes: what is the key's alone."""
    yield key
    if len(key) >= _PART:
        for before, skipped in enumerate((0, 2, 3)):
            data = bytes(before) + key.encode(errors="backslashreplace")
            written = b2a_base64(data, newline=False).decode()
            for each in (written, written.translate(_URL_SAFE)):
                yield each[skipped : len(data) * 8 // 6]


class _Form:
    """One way to write a key."""

    def __init__(self, key: str) -> None:
        self._key = key
        self.first = key[:_PART]
        self.last = key[-_PART:]

    def hide(self, text: str) -> str:
        """Return the text without it."""
        letters = list(_letters(text))
        plain = "".join(letter for letter, _, _ in letters)
        parts, done = [], 0
        for begin, end in self._places(plain):
            parts += [text[done : letters[begin][1]], _STARS]
            done = letters[end - 1][2]
        return "".join([*parts, text[done:]])

    def _places(self, plain: str) -> Iterator[tuple[int, int]]:
        """Find where the key is, or its beginning up to where it was cut, or its end from there on."""
        done = 0
        while True:
            found = [place for part in (self.first, self.last) if (place := plain.find(part, done)) >= 0]
            if not found:
                return
            begin = min(found)
            if plain.startswith(self.first, begin):
                end = begin + _common(plain[begin : begin + len(self._key)], self._key)
            else:
                end = begin + len(self.last)
                before = plain[max(done, end - len(self._key)) : end]
                begin = end - _common(before[::-1], self._key[::-1])
            yield begin, end
            done = end


def _common(one: str, other: str) -> int:
    """Count the characters that two texts begin with in common."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _meant(text: str) -> str:
    """Return the text with its escapes read."""
    return _ESCAPE.sub(_letter, text) if any(mark in text for mark in "\\%&") else text


def _letter(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2] or escape[4]
    return chr(int(digits, 16) if digits else int(escape[3]))


def _letters(text: str) -> Iterator[tuple[str, int, int]]:
    """Take a text apart into the characters that it means, each with the part of the text where it stands."""
    done = 0
    for escape in _ESCAPE.finditer(text):
        yield from ((text[place], place, place + 1) for place in range(done, escape.start()))
        yield _letter(escape), escape.start(), escape.end()
        done = escape.end()
    yield from ((text[place], place, place + 1) for place in range(done, len(text)))
