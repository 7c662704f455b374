"""Which of the live groups that nobody names any more may go. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.cloud import DEFAULT_GROUP
from reconciler.model.errors import Issue
from reconciler.model.ignore_rules import find_entry
from reconciler.model.live import PROTECTION_TAG, Instances, LiveGroup, LiveRule, LiveState
from reconciler.model.problems import ProblemName
from reconciler.model.rounds import in_rounds
from reconciler.model.text import count
from reconciler.planning.diff import Difference, LostRule, diff_deletion
from reconciler.planning.resolve import Match


@dataclass(frozen=True, slots=True)
class Pruning:
    """The deletions in a safe order, and why other orphans stay."""

    deletions: tuple[Difference, ...]
    notes: tuple[str, ...]


def prune(
    groups: Collection[LiveGroup], instances: Mapping[str, Instances], live: LiveState, matches: Collection[Match]
) -> Pruning:
    """Plan the deletion of orphans that may go: not `default`, not protected, attached to no instance."""
    numbers = {group_id: each.number for group_id, each in instances.items()}
    reasons = {group.id: reason for group in groups if (reason := why_kept(group, numbers.get(group.id, 0)))}
    going = [group for group in groups if group.id not in reasons]
    notes = tuple(
        f"{group.target}: {group.name!r} is not deleted: {reasons[group.id]}" for group in groups if group.id in reasons
    )
    lost = _lost_rules({group.id for group in going}, live, matches)
    return Pruning(tuple(diff_deletion(group, lost.get(group.id, ())) for group in _referring_first(going)), notes)


def refuse_lost(pruning: Pruning, matches: Iterable[Match]) -> Iterator[Issue]:
    """Refuse to delete what a file still refers to: the cloud would delete that rule too, and no plan bring it back."""
    going = {each.live.id: each.name for each in pruning.deletions if each.live is not None}
    for match in matches:
        for rule in match.desired.rules or ():
            name = going.get(rule.rule.remote_group_id or "")
            if name is not None:
                message = f"this rule refers to {name!r}, which no file names any more and --prune would delete"
                yield Issue(
                    rule.place,
                    ProblemName.PRUNED_REMOTE_GROUP,
                    message,
                    fix="remove the rule, or add the group to a file",
                )


def why_kept(group: LiveGroup, instances: int) -> str | None:
    """Say why a group cannot be deleted; None where it can."""
    if group.name == DEFAULT_GROUP:
        return "the group named 'default' cannot be deleted"
    if any(tag.key == PROTECTION_TAG for tag in group.tags):
        return "it is protected; apply `prevent_destroy: false` first"
    if instances:
        return f"it is attached to {count(instances, 'instance')}"
    return None


def _lost_rules(going: set[str], live: LiveState, matches: Iterable[Match]) -> dict[str, tuple[LostRule, ...]]:
    """Rules that no file manages and that refer to a group that goes: the cloud deletes them with it.

    In a group whose rules are managed, these are the ones that are left to others.
    """
    managed = {match.live.id: match for match in matches if match.live is not None and match.desired.rules is not None}
    lost: dict[str, list[LostRule]] = {}
    for groups in live.values():
        for group in groups:
            if group.id in going:
                continue
            match = managed.get(group.id)
            rules = group.rules if match is None else _ignored_rules(match)
            for rule in rules:
                if rule.rule.remote_group_id in going:
                    lost.setdefault(rule.rule.remote_group_id, []).append(LostRule(group.id, group.name, rule))
    return {group_id: tuple(rules) for group_id, rules in lost.items()}


def _ignored_rules(match: Match) -> tuple[LiveRule, ...]:
    entries = match.desired.ignore_rules
    if match.live is None or not entries:
        return ()
    return tuple(rule for rule in match.live.rules if find_entry(entries, rule.rule, rule.description))


def _referring_first(groups: Collection[LiveGroup]) -> Iterator[LiveGroup]:
    """Order groups so that one that refers to another goes before it; where they refer in a circle, as they come."""
    by_id = {group.id: group for group in groups}
    referring: dict[str, set[str]] = {group_id: set() for group_id in by_id}
    for group in groups:
        for rule in group.rules:
            if rule.rule.remote_group_id in referring:
                referring[rule.rule.remote_group_id].add(group.id)
    return (by_id[group_id] for group_id in in_rounds(referring))
