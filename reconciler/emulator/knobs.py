"""Settings that make the emulator behave like another server for the same API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from .neutron import MAX_RULES
from .records import EmulatorError


class Order(StrEnum):
    """In which order the entries of one PATCH are worked through."""

    LISTED = "listed"
    DELETES_FIRST = "deletes_first"
    CREATES_FIRST = "creates_first"


class Atomicity(StrEnum):
    """What a failing entry leaves behind: nothing, or everything that came before it."""

    ATOMIC = "atomic"
    PARTIAL = "partial"


class DefaultRules(StrEnum):
    """Which rules come by themselves to a group that is created with v1.

    Neutron gives every group two that open egress, whatever was asked for; the cloud was seen to give 39, without
    port 25, to a group whose request has no rules.
    """

    NEUTRON = "neutron"
    CLOUD = "cloud"


@dataclass(frozen=True, slots=True)
class Knobs:
    """How the server behaves where the API leaves it open, and what the account may do: `guide.KNOBS` tells each."""

    order: Order = Order.LISTED
    atomicity: Atomicity = Atomicity.ATOMIC
    latency_ms: float = 0
    task_polls: int = 1
    list_rules: bool = True
    default_egress: bool = True
    default_rules: DefaultRules = DefaultRules.CLOUD
    refuse_port_25: bool = True
    locks: bool = True
    firewall_quota: int = 100_000
    v1_patch_status: int | None = None
    unique_names: bool = False
    max_rules: int = MAX_RULES


def knobs_from(value: Any, place: str) -> Knobs:
    """Return the knobs that a file's object sets; the others keep their defaults. Raises EmulatorError."""
    if not isinstance(value, Mapping):
        raise EmulatorError(f"{place}: must be an object")
    known = {field.name for field in fields(Knobs)}
    for name in value:
        if name not in known:
            raise EmulatorError(f"{place}.{name}: unknown knob; known are {', '.join(sorted(known))}")
    return Knobs(**{name: _CHECKS[name](content, f"{place}.{name}") for name, content in value.items()})


def _one_of(choices: type[StrEnum]) -> Callable[[Any, str], StrEnum]:
    def check(value: Any, place: str) -> StrEnum:
        if value not in list(choices):
            raise EmulatorError(f"{place}: must be one of {', '.join(choices)}")
        return choices(value)

    return check


def _flag(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise EmulatorError(f"{place}: must be true or false")
    return value


def _count(value: Any, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise EmulatorError(f"{place}: must be a whole number, 0 or more")
    return value


def _milliseconds(value: Any, place: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        raise EmulatorError(f"{place}: must be a number of milliseconds, 0 or more")
    return value


def _gone(value: Any, place: str) -> int | None:
    if value not in [None, 404, 405, 410]:  # a list, for the value may have no hash
        raise EmulatorError(f"{place}: must be 404, 405, 410 or null")
    return None if value is None else int(value)


_CHECKS: Mapping[str, Callable[[Any, str], Any]] = {
    "order": _one_of(Order),
    "atomicity": _one_of(Atomicity),
    "latency_ms": _milliseconds,
    "task_polls": _count,
    "list_rules": _flag,
    "default_egress": _flag,
    "default_rules": _one_of(DefaultRules),
    "refuse_port_25": _flag,
    "locks": _flag,
    "firewall_quota": _count,
    "v1_patch_status": _gone,
    "unique_names": _flag,
    "max_rules": _count,
}
