"""Deleted and created rules that are one rule with something changed, and what changed.

For people: the API knows no such thing, and is sent both.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.model.desired import DesiredRule
from reconciler.model.live import LiveRule
from reconciler.model.rule import describe_remote

_ASPECTS = (
    frozenset({"port_range_min", "port_range_max"}),
    frozenset({"remote_ip_prefix", "remote_group_id"}),
    frozenset({"protocol"}),
)
"""What two rules may differ in and still be shown as one changed rule, in order of preference.

One aspect only: where the description changed as well, they are two rules to whoever reads the plan.
"""


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A deleted and a created rule that differ in one aspect, and that difference in words."""

    live: LiveRule
    desired: DesiredRule
    change: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """The pairs that were found, and what was left on either side."""

    changed: tuple[ChangedRule, ...]
    creates: tuple[DesiredRule, ...]
    deletes: tuple[LiveRule, ...]


def pair(creates: Sequence[DesiredRule], deletes: Sequence[LiveRule]) -> Pairing:
    """Find the pairs, each rule in one at most; linear in the number of rules."""
    if not creates or not deletes:
        return Pairing((), tuple(creates), tuple(deletes))
    changed: list[ChangedRule] = []
    new, old = {id(rule): rule for rule in creates}, {rule.id: rule for rule in deletes}
    for aspect in _ASPECTS:
        candidates: defaultdict[tuple[Any, ...], list[LiveRule]] = defaultdict(list)
        for live in old.values():
            candidates[_without(live, aspect)].append(live)
        for desired in list(new.values()):
            if found := candidates[_without(desired, aspect)]:
                live = found.pop(0)
                changed.append(ChangedRule(live, desired, "; ".join(field_changes(live, desired))))
                del old[live.id], new[id(desired)]
    return Pairing(tuple(changed), tuple(new.values()), tuple(old.values()))


def field_changes(live: LiveRule, desired: DesiredRule) -> Iterator[str]:
    """Say field by field how two rules differ: `port_range_max 80 -> 90`."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - 0.1 s, needed only when something changed

    tree = DeepDiff(_fields(live), _fields(desired), view="tree")
    for kind in ("values_changed", "type_changes"):
        for item in sorted(tree.get(kind, ()), key=lambda item: str(item.path())):
            name = item.path(output_format="list")[0]
            yield f"{name} {_value(item.t1)} -> {_value(item.t2)}"


def _without(rule: LiveRule | DesiredRule, aspect: Iterable[str]) -> tuple[Any, ...]:
    return (*(value for field, value in rule.rule._asdict().items() if field not in aspect), rule.description)


def _fields(rule: LiveRule | DesiredRule) -> dict[str, Any]:
    fields: dict[str, Any] = {**rule.rule._asdict(), "description": rule.description}
    remote = "remote_group_id" if rule.rule.remote_group_id else "remote_ip_prefix"
    fields[remote] = fields[remote] or describe_remote(rule.rule)
    return fields


def _value(value: Any) -> str:
    return "none" if value is None else str(value) if not isinstance(value, str) or value else '""'
