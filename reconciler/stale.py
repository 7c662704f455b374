"""Whether live state is still what a plan was computed from, and if not, what moved. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.describe import describe_rule
from reconciler.live import LiveState
from reconciler.model.difference import Action
from reconciler.model.fingerprint import fingerprint
from reconciler.model.live import LiveGroup, LiveRule
from reconciler.model.plan import Change, Plan


@dataclass(frozen=True, slots=True)
class Stale:
    """A change whose group is no longer what it was, and what moved, in sentences."""

    change: Change
    reasons: tuple[str, ...]


def find_stale(plan: Plan, live: LiveState) -> tuple[Stale, ...]:
    """Compare every group of the plan with its fingerprint."""
    leaving = {rule.id for change in plan.changes for rule in change.difference.deletes}
    leaving |= {lost.rule.id for change in plan.changes for lost in change.difference.lost_rules}
    stale = []
    for change in plan.changes:
        reasons = tuple(_reasons(change, live[change.difference.target], leaving))
        if reasons:
            stale.append(Stale(change, reasons))
    return tuple(stale)


def what_moved(old: LiveGroup, new: LiveGroup) -> tuple[str, ...]:
    """Tell in sentences what changed in a group between two readings."""
    return tuple(_moves(old, new))


def _reasons(change: Change, groups: Iterable[LiveGroup], leaving: set[str]) -> Iterator[str]:
    difference = change.difference
    groups = tuple(groups)
    if difference.previous_name is not None or difference.action is Action.CREATE:
        live_id = difference.live.id if difference.live else None
        taken = [group for group in groups if group.name == difference.name and group.id != live_id]
        yield from (f"a group named {difference.name!r} exists now ({group.id})" for group in taken)
    if difference.live is None:
        return
    now = next((group for group in groups if group.id == difference.live.id), None)
    if now is None:
        yield "the group does not exist any more"
    elif fingerprint(now) != change.fingerprint:
        yield from _moves(difference.live, now)
    if difference.action is Action.DELETE:
        for group in groups:
            for rule in group.rules:
                if rule.rule.remote_group_id == difference.live.id and rule.id not in leaving:
                    yield f"{group.name!r} refers to it now: {describe_rule(rule.rule)}"


def _moves(old: LiveGroup, new: LiveGroup) -> Iterator[str]:
    if old.name != new.name:
        yield f"its name changed from {old.name!r} to {new.name!r}"
    if old.description != new.description:
        yield f"its description changed from {old.description!r} to {new.description!r}"
    if set(old.tags) != set(new.tags):
        yield from _tag_moves({tag.key: tag.value for tag in old.tags}, {tag.key: tag.value for tag in new.tags})
    before, after = {rule.id: rule for rule in old.rules}, {rule.id: rule for rule in new.rules}
    yield from (f"rule added: {_rule(after[rule_id])}" for rule_id in after.keys() - before.keys())
    yield from (f"rule removed: {_rule(before[rule_id])}" for rule_id in before.keys() - after.keys())
    for rule_id in before.keys() & after.keys():
        if before[rule_id] != after[rule_id]:
            yield f"rule {rule_id} changed from {_rule(before[rule_id])} to {_rule(after[rule_id])}"
    if old.revision_number != new.revision_number:
        yield f"its revision is {new.revision_number}, the plan was made at {old.revision_number}"


def _tag_moves(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield f"tag {key!r} changed from {old.get(key)!r} to {new.get(key)!r}"


def _rule(rule: LiveRule) -> str:
    return describe_rule(rule.rule) + (f" ({rule.description})" if rule.description else "")
