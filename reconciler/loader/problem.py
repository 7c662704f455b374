"""What is wrong with a fragment, said with paths inside of it: places are found only when they are shown."""

from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence about the value at `path` of a fragment (about its key where `at_key`), and what to write instead.

    `guess` is a misspelled word and what it may have been meant to be: comparing is slow, and left to who shows it.
    """

    path: Path
    message: str
    fix: str | None = None
    related: tuple[tuple[str, Path], ...] = ()
    at_key: bool = False
    guess: tuple[str, tuple[str, ...]] | None = None
