"""What a plan says of its own judge, for whoever reviews it.

Where policies and limits are softer than the defaults, and which rules from outside the repository hold beside them.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from reconciler.model.policies import Limits, Policies, RulebookSource

_LEVELS = ("off", "warning", "error")
_DEFAULTS = Policies()


def softened(policies: Policies, limits: Limits) -> tuple[str, ...]:
    """Say in sentences which settings let more pass than the defaults do; nothing where none does."""
    settings, higher = "; ".join(_policies(policies)), "; ".join(_limits(limits))
    return (
        *((f"judged by {policies.source.where}, softer than the defaults: {settings}",) if settings else ()),
        *((f"judged by limits over the defaults: {higher}",) if higher else ()),
    )


def told_outside(outside: RulebookSource | None) -> tuple[str, ...]:
    """Say which rules from outside hold as well: a plan without this sentence was judged by its own files alone."""
    if outside is None:
        return ()
    brought = ", ".join((*sorted(outside.policies.settings), *_limits_of_its_own(outside.limits))) or "the defaults"
    return (f"judged by {outside.policies.where} as well, which nothing in these files softens: {brought}",)


def _limits_of_its_own(limits: Limits) -> Iterator[str]:
    return (each.name for each in fields(Limits) if getattr(limits, each.name) != getattr(Limits(), each.name))


def _policies(policies: Policies) -> Iterator[str]:
    for each in fields(Policies):
        if each.name == "smtp_egress":
            continue  # off lets nothing pass that the cloud would have refused: it says that the account may
        setting, default = getattr(policies, each.name), getattr(_DEFAULTS, each.name)
        level, usual = _level(setting), _level(default)
        if level is not None and usual is not None and _LEVELS.index(level) < _LEVELS.index(usual):
            yield f"{each.name} is {level} ({usual})"
    ports = _ports(_DEFAULTS.world_open_management.ports) - _ports(policies.world_open_management.ports)
    if ports:
        yield f"world_open_management leaves out {len(ports)} of its ports"
    most, usual_most = policies.world_open_any_port.max_ports, _DEFAULTS.world_open_any_port.max_ports
    if most > usual_most:
        yield f"world_open_any_port.max_ports is {most:,} ({usual_most:,})"
    days, usual_days = policies.expires.warn_days, _DEFAULTS.expires.warn_days
    if days < usual_days:
        yield f"expires.warn_days is {days} ({usual_days})"


def _limits(limits: Limits) -> Iterator[str]:
    for each in fields(Limits):
        setting, usual = getattr(limits, each.name), getattr(Limits(), each.name)
        if setting > usual:
            yield f"{each.name} is {setting} ({usual})"


def _level(setting: Any) -> str | None:
    return setting if isinstance(setting, str) else getattr(setting, "level", None)


def _ports(ranges: tuple[tuple[int, int], ...]) -> set[int]:
    return {port for low, high in ranges for port in range(low, high + 1)}
