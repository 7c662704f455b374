"""The plan of what goes wrong.

A faults file is JSON or YAML: a list of faults, or an object with `knobs` (see `knobs`) and `faults`::

    knobs: {order: deletes_first, atomicity: partial, latency_ms: 20, task_polls: 3}
    faults:
      - {method: PATCH, path: /securitygroups/, nth: 2, fault: reset, when: after}
      - {fault: status, status: 429, retry_after: 2, count: 3}

Which request, all optional:

    method    GET, POST, PATCH, DELETE; any when left out
    path      a regular expression, searched for in the path; any path when left out
    nth       the first of the matching requests to be hit; 1 when left out
    count     how many matching requests in a row are hit; 1 when left out, 0 for all that follow

Which fault, in `fault`; with `when: before` (the default where both make sense) the server has not acted, with
`when: after` it has:

    delay          answers `seconds` later; `when` says whether the work is done before or after the wait
    hang           never answers; `when`
    reset          resets the connection (TCP RST) instead of answering; `when`
    close          closes the connection (FIN) instead of answering; `when`
    status         answers `status` (any from 400) with `message`; `when`; for 429 and 503 also `retry_after` in
                   seconds, or `retry_after_date`: the same as an HTTP date
    html           answers a page of HTML with `status`, 200 when left out; `when`
    truncate       acts, then answers the first half of the JSON as a complete answer
    cut            acts, then closes the connection in the middle of the answer
    task_error     the v2 task of this request ends in ERROR with `message`; with `when: after` the work is done
    slow_task      the v2 task of this request is found unfinished by `polls` reads, so a group appears only later
    foreign_change before the request is worked on, somebody else changes a group: `rule` is added to it, or, with
                   `delete_rule: N`, its Nth rule is deleted. The group is the one in the path, or that of the name
                   `group` in the path's project and region
    locked         answers 409, as the cloud does while another task is at work on the resource

Several faults may hit one request; `delay`, the two task faults and `foreign_change` go together with any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .files import check_raw_rule, load
from .knobs import Knobs, knobs_from
from .records import EmulatorError
from .store import Store

KINDS = (
    "delay",
    "hang",
    "reset",
    "close",
    "status",
    "html",
    "truncate",
    "cut",
    "task_error",
    "slow_task",
    "foreign_change",
    "locked",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the plan; the module's text says what each field does."""

    fault: str
    method: str | None = None
    path: str = ""
    nth: int = 1
    count: int = 1
    when: Literal["before", "after"] = "before"
    seconds: float = 0
    status: int | None = None
    message: str = "injected by the fault plan"
    retry_after: float | None = None
    retry_after_date: float | None = None
    polls: int = 0
    group: str | None = None
    rule: Mapping[str, Any] | None = None
    delete_rule: int | None = None

    def __post_init__(self) -> None:
        """Refuse, with EmulatorError, what makes no sense."""
        if self.fault not in KINDS:
            raise EmulatorError(f"fault: {self.fault!r} is not one of {', '.join(KINDS)}")
        if self.when not in {"before", "after"}:
            raise EmulatorError("when: must be before or after")
        if self.fault == "status" and (self.status is None or not 400 <= self.status <= 599):
            raise EmulatorError("status: a fault of this kind needs a status from 400 to 599")
        if self.fault == "foreign_change" and self.rule is None and self.delete_rule is None:
            raise EmulatorError("rule: a foreign change needs `rule` or `delete_rule`")
        if self.rule is not None:
            check_raw_rule(self.rule, "rule")
        try:
            re.compile(self.path)
        except re.error as problem:
            raise EmulatorError(f"path: {self.path!r} is not a regular expression: {problem}") from None

    def hits(self, method: str, path: str) -> bool:
        """Whether the fault is about such requests."""
        return self.method in {None, method} and re.search(self.path, path) is not None


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults, in order."""

    faults: tuple[Fault, ...] = ()

    @staticmethod
    def of(*faults: Fault) -> FaultPlan:
        """Return a plan of these faults."""
        return FaultPlan(faults)


@dataclass(slots=True)
class Counters:
    """How often each fault of a plan has met a matching request."""

    plan: FaultPlan
    seen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seen = [0] * len(self.plan.faults)

    def draw(self, method: str, path: str) -> list[Fault]:
        """Return the faults that hit this request. Counts it."""
        drawn = []
        for index, fault in enumerate(self.plan.faults):
            if fault.hits(method, path):
                self.seen[index] += 1
                past = self.seen[index] - fault.nth
                if past >= 0 and (fault.count == 0 or past < fault.count):
                    drawn.append(fault)
        return drawn


@dataclass(slots=True)
class Control:
    """What one running emulator consists of; a test may change the knobs and the faults while it runs."""

    store: Store
    knobs: Knobs
    faults: FaultPlan
    counters: Counters = field(init=False)

    def __post_init__(self) -> None:
        self.counters = Counters(self.faults)

    def plan(self, faults: FaultPlan) -> None:
        """Put another fault plan in place; its counters start anew."""
        self.faults = faults
        self.counters = Counters(faults)


def load_faults(path: str | Path) -> tuple[Knobs, FaultPlan]:
    """Return the knobs and the plan of a faults file. Raises EmulatorError, naming file and place."""
    content = load(path)
    if isinstance(content, list):
        content = {"faults": content}
    if not isinstance(content, Mapping):
        raise EmulatorError(f"{path}: must be a list of faults, or an object with knobs and faults")
    for name in content:
        if name not in {"knobs", "faults"}:
            raise EmulatorError(f"{path}: {name}: unknown key; known are faults, knobs")
    entries = content.get("faults", [])
    if not isinstance(entries, list):
        raise EmulatorError(f"{path}: faults: must be a list")
    knobs = knobs_from(content.get("knobs", {}), f"{path}: knobs")
    return knobs, FaultPlan(tuple(_fault(entry, f"{path}: faults[{index}]") for index, entry in enumerate(entries)))


def _fault(entry: Any, place: str) -> Fault:
    if not isinstance(entry, Mapping):
        raise EmulatorError(f"{place}: must be an object")
    if "fault" not in entry:
        raise EmulatorError(f"{place}: the key `fault` is missing")
    for name, value in entry.items():
        check = _TYPES.get(name)
        if check is None:
            raise EmulatorError(f"{place}.{name}: unknown key; known are {', '.join(sorted(_TYPES))}")
        if not check(value):
            raise EmulatorError(f"{place}.{name}: {value!r} does not fit")
    try:
        return Fault(**entry)
    except EmulatorError as problem:
        raise EmulatorError(f"{place}.{problem}") from None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_TYPES: Mapping[str, Callable[[object], bool]] = (
    dict.fromkeys(("fault", "method", "path", "when", "message", "group"), _is_text)
    | dict.fromkeys(("nth", "count", "status", "polls", "delete_rule"), _is_count)
    | dict.fromkeys(("seconds", "retry_after", "retry_after_date"), _is_number)
    | {"rule": lambda value: isinstance(value, Mapping)}
)
