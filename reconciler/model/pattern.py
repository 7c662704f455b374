"""Regular expressions of users: matched in linear time, whatever they are, for a file of a stranger may hold them."""

from functools import lru_cache
from typing import Any, Protocol


class Pattern(Protocol):
    """A compiled regular expression."""

    def search(self, text: str) -> Any:
        """Find it anywhere in a text; None where it is not there."""

    def fullmatch(self, text: str) -> Any:
        """Match a text as a whole; None where it does not."""


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """Compile a regular expression in the syntax of RE2: no back references, no look-around.

    Raises `ValueError` with what is wrong.
    """
    import re2  # type: ignore[import-untyped]  # it has no stubs  # noqa: PLC0415 - only where a policy has a pattern

    options = re2.Options()
    options.log_errors = False
    try:
        pattern: Pattern = re2.compile(text, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(_words(error)) from None
    return pattern


def _words(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
