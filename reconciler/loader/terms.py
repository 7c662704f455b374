"""`expires` and `exception`: what stands beside a rule or a group for its reviewers."""

import re
from datetime import date
from typing import Any, NamedTuple

from reconciler.loader.problem import Path, Problem
from reconciler.loader.source import shown
from reconciler.model.policies import EXCEPTABLE
from reconciler.model.terms import PolicyException, Terms

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_EXCEPTION = frozenset({"policy", "reason", "until"})


class Read(NamedTuple):
    """The terms, or what is wrong with them."""

    terms: Terms | None
    problems: tuple[Problem, ...] = ()


NO_TERMS = Read(None)


def is_date(value: Any) -> bool:
    """Judge the form of a date; whether the calendar has it is no matter of structure."""
    return value.__class__ is str and _DATE(value) is not None


def is_exceptions(value: Any) -> bool:
    """Judge `exception`: one, or a list of them."""
    if value.__class__ is list:
        return bool(value) and all(map(is_exception, value))
    return is_exception(value)


def is_exception(value: Any) -> bool:
    """Judge one exception."""
    return (
        value.__class__ is dict
        and value.keys() == _EXCEPTION
        and value["policy"].__class__ is str
        and value["policy"] in EXCEPTABLE
        and value["reason"].__class__ is str
        and value["reason"] != ""
        and is_date(value["until"])
    )


def read_terms(fragment: dict[str, Any]) -> Read:
    """Read the terms of a well-formed rule or group; None where it has none."""
    if "expires" not in fragment and "exception" not in fragment:
        return NO_TERMS
    problems: list[Problem] = []
    expires = _date(fragment["expires"], ("expires",), problems) if "expires" in fragment else None
    written = fragment.get("exception", [])
    exceptions = []
    for index, one in enumerate(written if isinstance(written, list) else [written]):
        path: Path = ("exception", index, "until") if isinstance(written, list) else ("exception", "until")
        until = _date(one["until"], path, problems)
        if until is not None:
            exceptions.append(PolicyException(one["policy"], one["reason"], until))
    return Read(None, tuple(problems)) if problems else Read(Terms(expires, tuple(exceptions)))


def _date(text: str, path: Path, problems: list[Problem]) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems.append(Problem(path, f"{shown(text)} is no day of the calendar", "write it as year-month-day"))
        return None
