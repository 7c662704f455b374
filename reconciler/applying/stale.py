"""Whether live state is still what a plan was computed from; if not, what moved, or that it is done already. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.applying.unfinished import is_done
from reconciler.model.cloud import MAX_RULES
from reconciler.model.desired import Target
from reconciler.model.live import LiveGroup, LiveRule, LiveState, Tag, fingerprint
from reconciler.model.placeholder import is_placeholder
from reconciler.model.rule import NO_NAMES, describe_rule
from reconciler.planning.diff import Action, Difference, LostRule
from reconciler.planning.plan import Change, Plan

_Reference = tuple[str, str | None]
"""The id of a rule, and of the group that it refers to."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A change whose group is no longer what it was, and what moved, in sentences."""

    change: Change
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A change whose group is already in the state that the change would bring about; `group_id` is None if deleted."""

    change: Change
    group_id: str | None


def find_stale(plan: Plan, live: LiveState) -> tuple[Stale | Done, ...]:
    """Compare every group of the plan with its fingerprint: which ones moved, which need no change any more."""
    done = find_done(plan, live)
    leaving = {_reference(rule) for change in plan.changes for rule in change.difference.deletes}
    leaving |= {_reference(lost.rule) for change in plan.changes for lost in change.difference.lost_rules}
    renamed = {change.difference.live.id: change.difference.name for change in plan.changes if change.difference.live}
    scopes = {target: _Scope.of(groups) for target, groups in live.items()}
    found: list[Stale | Done] = []
    for index, change in enumerate(plan.changes):
        if index in done:
            found.append(Done(change, done[index]))
            continue
        scope = scopes[change.difference.target]
        moved = _names_that_moved(change.difference, scope, plan.group_names, renamed)
        reasons = (*_reasons(change, scope, leaving, plan.group_names), *moved)
        if reasons:
            found.append(Stale(change, reasons))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The groups of a target, their names by id, and the rules that refer to each, with their groups."""

    by_id: Mapping[str, LiveGroup]
    by_name: Mapping[str, Sequence[LiveGroup]]
    names: Mapping[str, str]
    referring: Mapping[str, Sequence[tuple[LiveGroup, LiveRule]]]

    @staticmethod
    def of(groups: Iterable[LiveGroup]) -> "_Scope":
        by_id: dict[str, LiveGroup] = {}
        by_name: dict[str, list[LiveGroup]] = {}
        referring: dict[str, list[tuple[LiveGroup, LiveRule]]] = {}
        for group in groups:
            by_id[group.id] = group
            by_name.setdefault(group.name, []).append(group)
            for rule in group.rules:
                if rule.rule.remote_group_id is not None:
                    referring.setdefault(rule.rule.remote_group_id, []).append((group, rule))
        return _Scope(by_id, by_name, {key: group.name for key, group in by_id.items()}, referring)


def find_done(plan: Plan, live: LiveState) -> dict[int, str | None]:
    """Find the changes that are done already: their positions in the plan, with the ids of their groups.

    A new group counts as the plan's own only where it is the only one of its name and has the planned description, tags
    and rules; where it refers to other new groups, those have to be done as well.
    """
    scopes = {target: _Scope.of(groups) for target, groups in live.items()}
    done = {index: _group_of(change, scopes[change.difference.target]) for index, change in enumerate(plan.changes)}
    done = {
        index: group
        for index, group in done.items()
        if group is not None or _is_gone(plan.changes[index], scopes[plan.changes[index].difference.target])
    }
    gone = {
        lost.rule.id
        for index, change in enumerate(plan.changes)
        if index in done and change.difference.action is Action.DELETE
        for lost in change.difference.lost_rules
    }
    while True:
        ids: dict[Target, dict[str, str]] = {}
        for index, group in done.items():
            difference = plan.changes[index].difference
            if group is not None and difference.action is Action.CREATE:
                ids.setdefault(difference.target, {})[difference.name] = group.id
        wrong = [
            index
            for index, group in done.items()
            if group is not None and not is_done(plan.changes[index].difference, group, ids.get(group.target, {}), gone)
        ]
        if not wrong:
            return {index: None if group is None else group.id for index, group in done.items()}
        for index in wrong:
            del done[index]


def _group_of(change: Change, scope: _Scope) -> LiveGroup | None:
    """Find the group of a change; for a new one, the only one of its name."""
    difference = change.difference
    if difference.action is Action.DELETE:
        return None
    if difference.live is not None:
        return scope.by_id.get(difference.live.id)
    named = scope.by_name.get(difference.name, ())
    return named[0] if len(named) == 1 else None


def _is_gone(change: Change, scope: _Scope) -> bool:
    difference = change.difference
    return difference.action is Action.DELETE and difference.live is not None and difference.live.id not in scope.by_id


def _names_that_moved(
    difference: Difference, scope: _Scope, names: Mapping[str, str], renamed: Mapping[str, str]
) -> Iterator[str]:
    """Groups that it is told by, and that have neither the name the plan shows nor the one it gives them, or share it.

    Those are the groups that its rules refer to, and those that lose rules.
    """
    for group_id in sorted(_told_by(difference) & names.keys() & scope.by_id.keys()):
        name = scope.by_id[group_id].name
        rule = "new rule" if group_id in _referred(difference) else "rule"
        if name not in {names[group_id], renamed.get(group_id)}:
            yield f"a {rule} refers to group {group_id}, which is named {name!r} and not {names[group_id]!r}"
        elif len(scope.by_name[name]) > 1:
            yield f"a {rule} is told by the name of group {group_id}, and others are named {name!r} as well"


def _told_by(difference: Difference) -> set[str]:
    """Ids of the remote groups of rules on either side: a plan shows them, and policies judge them, by their names."""
    live, left = difference.live.rules if difference.live else (), difference.ignored_ids
    remotes = {rule.rule.remote_group_id for rule in live if rule.id not in left}
    remotes |= {lost.group_id for lost in difference.lost_rules}
    return _referred(difference).union(filter(None, remotes))


def moved_since(change: Change, now: LiveGroup, names: Mapping[str, str] = NO_NAMES) -> tuple[str, ...]:
    """Tell in sentences how the group of a change is no longer what it was; nothing where it still is.

    What others do to their rules, and the revision that it raises, changes nothing of what the plan is about: with
    `ignore_rules` the rest is compared, and whether the group still has room. The requests name the rules they touch.
    """
    difference = change.difference
    old = difference.live
    assert old is not None  # noqa: S101 - a change to a group that exists has a live side
    if difference.ignored and fingerprint(now) != change.fingerprint:
        if len(now.rules) > len(old.rules) and len(now.rules) + len(difference.creates) > MAX_RULES:
            return (f"others put {len(now.rules) - len(old.rules)} rules more into it, which leaves the plan no room",)
        left = difference.ignored_ids
        ours = {rule.id for rule in old.rules} - left
        kept = tuple(rule for rule in now.rules if rule.id in ours or not difference.is_of_others(rule))
        now = replace(now, rules=kept, revision_number=0)
        old = replace(old, rules=tuple(rule for rule in old.rules if rule.id in ours), revision_number=0)
    elif fingerprint(now) == change.fingerprint and _irregular(now) == _irregular(old):
        return ()
    if fingerprint(now) == fingerprint(old) and _irregular(now) == _irregular(old):
        return ()
    return what_moved(old, now, names)


def what_moved(old: LiveGroup, new: LiveGroup, names: Mapping[str, str] = NO_NAMES) -> tuple[str, ...]:
    """Tell in sentences what changed in a group between two readings; `names` are those of remote groups by id."""
    return tuple(_moves(old, new, names)) or ("it is not what the plan was computed from",)


def _reasons(change: Change, scope: _Scope, leaving: Collection[_Reference], names: Mapping[str, str]) -> Iterator[str]:
    difference = change.difference
    if difference.previous_name is not None or difference.action is Action.CREATE:
        live_id = difference.live.id if difference.live else None
        taken = [group for group in scope.by_name.get(difference.name, ()) if group.id != live_id]
        yield from (f"a group named {difference.name!r} exists now ({group.id})" for group in taken)
    for remote in sorted(_referred(difference) - scope.by_id.keys()):
        yield f"a new rule refers to group {_named(remote, names)}, which does not exist any more"
    if difference.live is None:
        return
    now = scope.by_id.get(difference.live.id)
    if now is None:
        yield "the group does not exist any more"
    else:
        yield from moved_since(change, now, scope.names)
        yield from _left_by_now(difference, scope)
    if difference.action is Action.DELETE:
        lost = {each.rule.id: each for each in difference.lost_rules}
        for group, rule in scope.referring.get(difference.live.id, ()):
            if _reference(rule) not in leaving:
                yield f"{group.name!r} refers to it now: {describe_rule(rule.rule, scope.names)}"
            elif rule.id in lost and lost[rule.id] != LostRule(group.id, group.name, rule):
                yield f"rule {rule.id} of {group.name!r}, which would be lost, is not what the plan shows"


def _reference(rule: LiveRule) -> _Reference:
    """Return which rule refers to which group: what leaves with one group leaves with no other."""
    return rule.id, rule.rule.remote_group_id


def _left_by_now(difference: Difference, scope: _Scope) -> Iterator[str]:
    """Rules to be deleted that `ignore_rules` leaves to others by now: a group has got the name that an entry gives."""
    touched = (*difference.deletes, *(rule for each in difference.redescribes for rule in each.live))
    for entry, _ in difference.ignored:
        named = tuple(group.id for group in scope.by_name.get(entry.remote_group or "", ()))
        now = replace(entry, remote_group_ids=named)
        for rule in touched if named else ():
            if now.matches(rule.rule, rule.description):
                yield f"rule {rule.id} is left to others now: {_rule(rule, scope.names)} matches {entry}"


def _named(group_id: str, names: Mapping[str, str]) -> str:
    return f"{names[group_id]} ({group_id})" if group_id in names else group_id


def _irregular(group: LiveGroup) -> set[str]:
    return {rule.id for rule in group.rules if rule.irregular}


def _referred(difference: Difference) -> set[str]:
    rules = (*difference.creates, *(each.desired for each in difference.redescribes))
    remotes = {rule.rule.remote_group_id for rule in rules}
    return {remote for remote in remotes if remote is not None and not is_placeholder(remote)}


def _moves(old: LiveGroup, new: LiveGroup, names: Mapping[str, str]) -> Iterator[str]:
    if old.name != new.name:
        yield f"its name changed from {old.name!r} to {new.name!r}"
    if old.description != new.description:
        yield f"its description changed from {old.description!r} to {new.description!r}"
    if set(old.tags) != set(new.tags):
        yield from _tag_moves(old.tags, new.tags)
    before, after = {rule.id: rule for rule in old.rules}, {rule.id: rule for rule in new.rules}
    yield from (f"rule added: {_rule(rule, names)}" for rule in new.rules if rule.id not in before)
    yield from (f"rule removed: {_rule(rule, names)}" for rule in old.rules if rule.id not in after)
    for rule in old.rules:
        if after.get(rule.id, rule) != rule:
            yield f"rule {rule.id} changed from {_rule(rule, names)} to {_rule(after[rule.id], names)}"
    if old.revision_number != new.revision_number:
        yield f"its revision is {new.revision_number}, the plan was made at {old.revision_number}"


def _tag_moves(old: Iterable[Tag], new: Iterable[Tag]) -> Iterator[str]:
    before, after = {tag.key: tag for tag in old}, {tag.key: tag for tag in new}
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            yield f"tag {key!r} changed from {_tag(before.get(key))} to {_tag(after.get(key))}"


def _tag(tag: Tag | None) -> str:
    if tag is None:
        return "nothing"
    return f"{tag.value!r}, read-only" if tag.read_only else repr(tag.value)


def _rule(rule: LiveRule, names: Mapping[str, str]) -> str:
    return describe_rule(rule.rule, names) + (f" ({rule.description})" if rule.description else "")
