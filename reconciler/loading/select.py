"""What `select` takes out of a published list: a JMESPath expression, within bounds.

Whoever writes a file writes the expression, and `[].[@,@]` doubles what it is given as often as it stands there. So
every step of jmespath's interpreter is counted, with a tenth of what it returns; what one step can make too large, or
what grows without steps (a list that holds the same list twice, which is long only once it is written out), is refused.
"""

import json
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import jmespath  # type: ignore[import-untyped]  # it has no stubs
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped]  # the same
from jmespath.functions import Functions, signature  # type: ignore[import-untyped]  # the same
from jmespath.visitor import Options, TreeInterpreter  # type: ignore[import-untyped]  # the same

MAX_STEPS = 2_000_000
"""Steps that an expression may take: a few seconds, and many times what the longest list of a cloud needs."""
MAX_COPIES = 64
"""How often one value may stand in what is selected, as far as the expression tells."""
_LONGEST_JOINED = 2**24
"""Characters that the separators of one `join` may come to."""


class _TooMuch(Exception):
    """An expression that is over a bound."""


class _Bounded(TreeInterpreter):  # type: ignore[misc]  # it has no stubs
    """An interpreter that stops at `MAX_STEPS`."""

    def __init__(self) -> None:
        super().__init__(Options(custom_functions=_Functions()))
        self._left = MAX_STEPS

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        found = super().visit(node, *args, **kwargs)
        self._left -= 1 + (len(found) // 10 if isinstance(found, list | dict | str) else 0)
        if self._left < 0:
            raise _TooMuch(f"takes more than {MAX_STEPS:,} steps, over the limit")
        return found


class _Functions(Functions):  # type: ignore[misc]  # it has no stubs
    """The functions of JMESPath, of which `join` alone makes a long text of a short and a long list in one step."""

    @signature({"types": ["string"]}, {"types": ["array-string"]})  # type: ignore[untyped-decorator]  # the same
    def _func_join(self, separator: str, array: list[str]) -> str:
        if len(separator) * len(array) > _LONGEST_JOINED:
            raise _TooMuch(f"joins to more than {_LONGEST_JOINED:,} characters, over the limit")
        return separator.join(array)


def select_texts(text: str, select: str) -> Any:
    """Read JSON, and take out of it what an expression selects; all of it where that is empty.

    Raises `ValueError` with what is wrong.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not select:
        return found
    try:
        return _evaluate(jmespath.compile(select).parsed, found)
    except _TooMuch as error:
        raise ValueError(f"`select` {error}") from None
    except (JMESPathError, RecursionError, TypeError, ArithmeticError) as error:
        raise ValueError(f"`select` does not work: {' '.join(str(error).split())[:200]}") from None


def _evaluate(expression: Mapping[str, Any], value: Any) -> Any:
    copies = prod(_copies(expression))
    if copies > MAX_COPIES:
        raise _TooMuch(f"may take each value {copies:,} times, over the limit of {MAX_COPIES}")
    return _Bounded().visit(expression, value)


def _copies(node: Mapping[str, Any]) -> Iterator[int]:
    """Yield the number of parts of each `[a, b]` and `{a: b}` in an expression."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each["type"] in {"multi_select_list", "multi_select_dict"}:
            yield len(each["children"])
        waiting += [child for child in each.get("children", ()) if isinstance(child, dict)]
