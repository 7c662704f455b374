"""The plan of what goes wrong: `guide.FAULTS` tells what may stand in it. What a running emulator consists of."""

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
        except (re.error, OverflowError, RecursionError) as problem:
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


_LONGEST = 10**9
"""Seconds, some thirty years: much later there are no dates."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_TYPES: Mapping[str, Callable[[object], bool]] = (
    dict.fromkeys(("fault", "method", "path", "when", "message", "group"), _is_text)
    | dict.fromkeys(("nth", "count", "status", "polls", "delete_rule"), _is_count)
    | dict.fromkeys(("seconds", "retry_after", "retry_after_date"), _is_number)
    | {"rule": lambda value: isinstance(value, Mapping)}
)
