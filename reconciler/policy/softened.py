"""What plans and reports say of their own judge, for whoever reviews them.

Where policies and limits are softer than the defaults, which rules from outside the repository hold beside them, and
which guardrails were asked at all.
"""

from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any, NamedTuple

from reconciler.model.policies import Limits, Policies, Rulebook, RulebookSource

_LEVELS = ("off", "warning", "error")
_DEFAULTS = Policies()
_OF_GROUPS = frozenset(
    {
        *("must_allow", "must_deny", "allowed_prefixes", "max_prefix_size", "rule_description", "required_tags"),
        *("forbidden_protocols", "expires", "finding-limit"),
    }
)
_WORLD = frozenset({"world_open_management", "world_open_any_port"})
ASKED = {
    "validate": _OF_GROUPS | {"smtp_egress"},
    "audit": _OF_GROUPS | _WORLD | {"orphan", "unattached"},
    "plan": _OF_GROUPS | _WORLD | {"smtp_egress", "mass-delete", "mass-rewrite", "gap", "protect_ssh"},
}
"""The guardrails that a command always asks, unless they are off: of others it cannot say that they found nothing."""


class Judge(NamedTuple):
    """By what a command judged, in sentences, and the guardrails that it asked."""

    notes: tuple[str, ...]
    asked: frozenset[str]


def judge_of(
    command: str, policies: Policies, limits: Limits, outside: Rulebook | None, without: Collection[str] = ()
) -> Judge:
    """Say by what a command judged; `without` are guardrails that it did not ask this time."""
    judges = [policies, outside.policies] if outside else [policies]
    asked = (name for name in ASKED[command] if any(level_of(each, name) != "off" for each in judges))
    notes = (*softened(policies, limits), *told_outside(outside.source if outside else None))
    return Judge(notes, frozenset(asked).difference(without))


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
        level, usual = level_of(policies, each.name), level_of(_DEFAULTS, each.name)
        if _LEVELS.index(level) < _LEVELS.index(usual):
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


def level_of(policies: Policies, guardrail: str) -> str:
    """Return the level of a guardrail. Flows have one each, and are off when there is none left."""
    settings: Any = getattr(policies, guardrail.replace("-", "_"), None)
    if isinstance(settings, str):
        return settings
    if isinstance(settings, tuple):
        return "error" if any(each.level != "off" for each in settings) else "off"
    return str(getattr(settings, "level", "error"))


def _ports(ranges: tuple[tuple[int, int], ...]) -> set[int]:
    return {port for low, high in ranges for port in range(low, high + 1)}
