"""Guesses what a misspelled word was meant to be."""

from collections.abc import Iterable
from itertools import islice

_MOST = 500
_LONGEST = 80


def closest(word: str, words: Iterable[str]) -> str | None:
    """Find the word most like another one, if there is one; among the first few hundred, as comparing is slow."""
    from difflib import get_close_matches  # noqa: PLC0415  # only a file with an error needs it

    if len(word) > _LONGEST:
        return None
    known = {known.lower(): known for known in islice(words, _MOST) if len(known) <= _LONGEST}
    found = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return known[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str]) -> str | None:
    """Ask about the closest word."""
    found = closest(word, words)
    return f"did you mean `{found}`?" if found else None
