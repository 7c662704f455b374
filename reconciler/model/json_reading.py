"""Strict reading of JSON data that others may have written: a value is of the kind that is asked for, or a `Fault`.

A reader is a function from a value to what it means. Readers of what is inside pass their faults on through `member`
and `each`, which add the way there, so that a fault in the end names its place from the root.
"""

import re
from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Any, TypeVar

from reconciler.model.text import shown

Json = dict[str, Any]
T = TypeVar("T")
Kind = TypeVar("Kind", bound=StrEnum)

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""An id in the one spelling in which ids are compared: lower case, with hyphens."""

_NONE: frozenset[str] = frozenset()
_LARGEST = 2**63 - 1


class Fault(ValueError):
    """What is wrong with a value: `problem` completes the sentence that begins with its path."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = ""

    def within(self, step: str | int) -> "Fault":
        """Add the step that leads to where the fault is."""
        self.path = (f"[{step}]" if isinstance(step, int) else f".{step}") + self.path
        return self

    def __str__(self) -> str:
        return f"${self.path} {self.problem}"


def members(content: Any, required: Collection[str], optional: Collection[str] = _NONE) -> Json:
    """Read an object that has the required members, may have the optional ones, and has no others."""
    if type(content) is not dict:
        raise Fault(f"is {shown(content)}, not an object")
    for key in required:
        if key not in content:
            raise Fault(f"has no `{key}`")
    if len(content) > len(required):
        for key in content:
            if key not in required and key not in optional:
                raise Fault(f"has {shown(key)}, which is unknown here")
    return content


def member(content: Json, key: str, read: Callable[[Any], T]) -> T:
    """Read one member of an object."""
    try:
        return read(content[key])
    except KeyError:
        raise Fault(f"has no `{key}`") from None
    except Fault as fault:
        raise fault.within(key) from None


def each(content: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
    """Read every item of a list."""
    if type(content) is not list:
        raise Fault(f"is {shown(content)}, not a list")
    done: list[T] = []
    try:
        for item in content:
            done.append(read(item))  # noqa: PERF401 - a comprehension would not tell which item has the fault
    except Fault as fault:
        raise fault.within(len(done)) from None
    return tuple(done)


def each_of(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """Make a reader of lists out of a reader of items."""
    return lambda content: each(content, read)


def optional(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """Make a reader that takes null as well."""
    return lambda content: None if content is None else read(content)


def text(content: Any) -> str:
    """Read text."""
    if type(content) is not str:
        raise Fault(f"is {shown(content)}, not text")
    return content


def flag(content: Any) -> bool:
    """Read true or false."""
    if type(content) is not bool:
        raise Fault(f"is {shown(content)}, neither true nor false")
    return content


def whole(content: Any, low: int = 0, high: int = _LARGEST) -> int:
    """Read a whole number within bounds."""
    if type(content) is not int:
        raise Fault(f"is {shown(content)}, not a whole number")
    if not low <= content <= high:
        # A number of thousands of digits cannot even be written.
        raise Fault(f"is {content if abs(content) <= _LARGEST else 'a huge number'}, not from {low} to {high}")
    return content


def positive(content: Any) -> int:
    """Read a whole number from 1 on, as projects and regions have."""
    return whole(content, 1)


def uuid(content: Any) -> str:
    """Read an id. Ids become parts of paths, and nothing else may."""
    if type(content) is not str or not UUID.fullmatch(content):
        raise Fault(f"is {shown(content)}, not an id in lower case with hyphens")
    return content


def one_of(kinds: type[Kind]) -> Callable[[Any], Kind]:
    """Make a reader of the values of an enum."""
    known = {str(kind): kind for kind in kinds}

    def read(content: Any) -> Kind:
        if type(content) is not str or content not in known:
            raise Fault(f"is {shown(content)}, none of {', '.join(known)}")
        return known[content]

    return read
