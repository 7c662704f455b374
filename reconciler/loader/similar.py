"""Guesses what a misspelled word was meant to be."""

from collections.abc import Iterable
from itertools import islice

MOST_WORDS = 200
"""Words that one is compared with: comparing is slow."""

_LONGEST = 80
_LENGTHS_APART = 4


def closest(word: str, words: Iterable[str]) -> str | None:
    """Find the word most like another one, if there is one, whatever its case."""
    from difflib import get_close_matches  # noqa: PLC0415  # only a file with an error needs it

    if len(word) > _LONGEST:
        return None
    few = (known for known in islice(words, MOST_WORDS) if abs(len(known) - len(word)) <= _LENGTHS_APART)
    by_lower_case = {known.lower(): known for known in few}
    found = get_close_matches(word.lower(), by_lower_case, n=1, cutoff=0.6)
    return by_lower_case[found[0]] if found else None


def did_you_mean(word: str, words: Iterable[str]) -> str | None:
    """Ask about the closest word."""
    found = closest(word, words)
    return f"did you mean `{found}`?" if found else None
