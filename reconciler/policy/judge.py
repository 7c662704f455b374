"""All policies at once: on desired state, on a plan, on a saved plan, and on live groups. Pure.

Policies about groups look at what is there in the end, policies about change only at the groups that change.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from reconciler.live import LiveState
from reconciler.model.desired import DesiredGroup, DesiredRule, DesiredState, Target
from reconciler.model.difference import Action, Difference
from reconciler.model.live import LiveGroup
from reconciler.model.plan import Change, Finding, Plan
from reconciler.model.policies import Policies
from reconciler.model.rule import Rule
from reconciler.placeholder import placeholder
from reconciler.policy.damage import GAP, MASS_DELETE, Limits, check_damage
from reconciler.policy.descriptions import check_descriptions
from reconciler.policy.expiry import check_expiry
from reconciler.policy.flows import check_flows, check_groups_exist, remote_names
from reconciler.policy.lockout import LOCKOUT, check_lockout
from reconciler.policy.prefixes import check_prefixes
from reconciler.policy.protocols import check_protocols
from reconciler.policy.subject import LiveJudgedRule, Subject, Today, ended_exception
from reconciler.policy.tags import check_tags
from reconciler.policy.world import check_world_open
from reconciler.resolve import Match
from reconciler.traffic import Traffic

Ids = Mapping[Target, Mapping[str, str]]


def judge_desired(state: DesiredState, today: date) -> tuple[Finding, ...]:
    """Judge what the files ask for, offline: groups whose rules they leave out are left to `plan` and `audit`."""
    ids: dict[Target, dict[str, str]] = {}
    for group in state.groups:
        ids.setdefault(group.target, {})[group.name] = group.id or placeholder(group.name)
    subjects = (_desired(group, ids.get(group.target, {})) for group in state.groups if group.rules is not None)
    return _unique(found for subject in subjects for found in _judge_group(subject, state.policies, Today(today)))


def judge_dates(state: DesiredState, today: date) -> tuple[Finding, ...]:
    """Judge nothing but the dates of rules, as the drift cron does."""
    subjects = (_desired(group, {}) for group in state.groups if any(rule.terms for rule in group.rules or ()))
    return _unique(found for subject in subjects for found in check_expiry(subject, state.policies, Today(today)))


def judge_plan(
    plan: Plan, limits: Limits, matches: Iterable[Match], live: LiveState, today: date
) -> tuple[Finding, ...]:
    """Judge a plan that was just made by the policies that it holds."""
    matches = tuple(matches)
    policies, day = plan.policies, Today(today)
    ids = _ids(matches, live)
    names = {each.desired.name for each in matches} | {group.name for groups in live.values() for group in groups}
    return _unique(
        (
            *_judge_damage(plan, limits),
            *(found for change in plan.changes for found in _judge_change(change, plan, day)),
            *(found for match in matches for found in _judge_group(_planned(match, ids), policies, day)),
            *(found for change in plan.changes for found in _judge_deletion(change, plan, day)),
            *check_groups_exist(policies, names),
        )
    )


def judge_saved(plan: Plan, limits: Limits, today: date) -> tuple[Finding, ...]:
    """Judge a saved plan again: what it writes, by the policies that it holds now.

    Only the groups that change are in it. What was found in the others stays found, unless its policy is off by now,
    and an exception that has ended since covers nothing any more.
    """
    policies, day = plan.policies, Today(today)
    again = _unique(
        (
            *_judge_damage(plan, limits),
            *(found for change in plan.changes for found in _judge_change(change, plan, day)),
            *(found for change in plan.changes for found in _judge_written(change, plan, day)),
            *(found for change in plan.changes for found in _judge_deletion(change, plan, day)),
        )
    )
    seen = {(found.guardrail, found.place, found.group, found.message) for found in again}
    kept = (
        _kept(found, policies, day) for found in plan.findings if found.guardrail not in {MASS_DELETE, GAP, LOCKOUT}
    )
    return (
        *again,
        *(each for each in kept if each and (each.guardrail, each.place, each.group, each.message) not in seen),
    )


def judge_live(matches: Iterable[Match], live: LiveState, policies: Policies, today: date) -> tuple[Finding, ...]:
    """Judge every live group as it is, also those that no file names."""
    matches, day = tuple(matches), Today(today)
    desired = {match.live.id: match.desired for match in matches if match.live is not None}
    ids = {target: {group.name: group.id for group in groups} for target, groups in live.items()}
    found: list[Finding] = []
    for target, groups in live.items():
        for group in groups:
            subject = _live(group, desired.get(group.id), ids[target])
            found += _judge_group(subject, policies, day)
            found += check_world_open(subject, Traffic.of(subject.admitted).flows(), policies, day)
    names = {group.name for groups in live.values() for group in groups}
    return _unique((*found, *check_groups_exist(policies, names)))


def _judge_group(subject: Subject, policies: Policies, today: Today) -> Iterator[Finding]:
    """Judge a group by all policies that do not ask what changes."""
    yield from check_flows(subject, policies, today)
    yield from check_prefixes(subject, policies, today)
    yield from check_descriptions(subject, policies, today)
    yield from check_protocols(subject, policies, today)
    yield from check_tags(subject, policies, today)
    yield from check_expiry(subject, policies, today)


def _judge_damage(plan: Plan, limits: Limits) -> Iterator[Finding]:
    level = plan.policies.mass_delete
    for found in check_damage(plan, limits):
        if found.guardrail != MASS_DELETE or level == "error":
            yield found
        elif level == "warning":
            yield replace(found, level="warning")


def _judge_change(change: Change, plan: Plan, today: Today) -> Iterator[Finding]:
    """Judge what a change opens, and whom it locks out."""
    difference = change.difference
    if difference.traffic.opens:
        subject = _written(difference, plan.group_names)
        yield from check_world_open(subject, difference.traffic.opens, plan.policies, today)
    if plan.protect_ssh_from:
        yield from check_lockout(difference, _result(difference), plan.protect_ssh_from)


def _judge_written(change: Change, plan: Plan, today: Today) -> Iterator[Finding]:
    if change.difference.action is not Action.DELETE:
        yield from _judge_group(_written(change.difference, plan.group_names), plan.policies, today)


def _judge_deletion(change: Change, plan: Plan, today: Today) -> Iterator[Finding]:
    """A deleted group admits nothing any more."""
    if change.difference.action is Action.DELETE:
        subject = replace(_written(change.difference, plan.group_names), rules=(), result=())
        yield from check_flows(subject, plan.policies, today)


def _kept(found: Finding, policies: Policies, today: Today) -> Finding | None:
    level = _level(policies, found.guardrail)
    if level == "off":
        return None
    if found.exception is not None and today.date > found.exception.until:
        return replace(found, message=found.message + ended_exception(found.exception), exception=None)
    return found


def _level(policies: Policies, name: str) -> str:
    """Return the level of a policy. Flows have one each, and are off when there is none left."""
    settings: Any = getattr(policies, name, None)
    if isinstance(settings, tuple):
        return "error" if any(each.level != "off" for each in settings) else "off"
    return str(getattr(settings, "level", "error"))


def _desired(group: DesiredGroup, ids: Mapping[str, str]) -> Subject:
    """The group as the files have it; remote groups get ids, for no remote at all would be everyone."""
    rules = tuple(rule if rule.remote_group is None else _with_id(rule, ids) for rule in group.rules or ())
    return Subject(
        group.target, group.name, group.place, rules, group.tags, group.exceptions, ids=ids, names=_names(ids)
    )


def _with_id(rule: DesiredRule, ids: Mapping[str, str]) -> DesiredRule:
    name = rule.remote_group or ""
    return replace(rule, rule=rule.rule._replace(remote_group_id=ids.get(name) or placeholder(name)))


def _planned(match: Match, ids: Ids) -> Subject:
    """The group as the plan leaves it behind."""
    group, live = match.desired, match.live
    result = None if group.rules is not None else tuple(rule.rule for rule in (live.rules if live else ()))
    tags = group.tags
    if tags is None:
        tags = {tag.key: tag.value for tag in live.tags} if live else {}
    here = ids[group.target]
    return Subject(group.target, group.name, group.place, group.rules or (), tags, group.exceptions, result, here)


def _written(difference: Difference, names: Mapping[str, str]) -> Subject:
    """A group with the rules that a change writes; what is kept is known as traffic only.

    Remote groups are known by name here: a saved plan does not hold the id of every group.
    """
    written = (*difference.creates, *(each.desired for each in difference.redescribes))
    tags = {tag.key: tag.value for tag in difference.live.tags} if difference.live else {}
    for tag in difference.tags:
        tags.pop(tag.key, None)
        if tag.new is not None:
            tags[tag.key] = tag.new
    return Subject(
        target=difference.target,
        name=difference.name,
        place=difference.place,
        rules=[replace(rule, rule=_by_name(rule.rule, names)) for rule in written],
        tags=tags,
        exceptions=difference.exceptions,
        result=tuple(_by_name(rule, names) for rule in _result(difference)),
        names={**names, **{placeholder(name): name for name in names.values()}},
    )


def _by_name(rule: Rule, names: Mapping[str, str]) -> Rule:
    name = names.get(rule.remote_group_id or "")
    return rule._replace(remote_group_id=placeholder(name)) if name else rule


def _live(group: LiveGroup, desired: DesiredGroup | None, ids: Mapping[str, str]) -> Subject:
    """A live group, with the places and exceptions that files give it."""
    written = {rule.rule: rule for rule in (desired.rules or () if desired else ())}
    rules = []
    for rule in group.rules:
        same = written.get(rule.rule)
        place, terms = (same.place, same.terms) if same else (None, None)
        rules.append(LiveJudgedRule(rule.rule, rule.description, rule.id, place, terms))
    return Subject(
        target=group.target,
        name=group.name,
        place=desired.place if desired else None,
        rules=rules,
        tags={tag.key: tag.value for tag in group.tags},
        exceptions=desired.exceptions if desired else (),
        ids=ids,
        names=_names(ids),
        is_live=True,
        id=group.id,
    )


def _result(difference: Difference) -> tuple[Rule, ...]:
    if difference.action is Action.DELETE:
        return ()
    gone = {rule.id for rule in difference.deletes}
    kept = (rule.rule for rule in (difference.live.rules if difference.live else ()) if rule.id not in gone)
    return (*kept, *(rule.rule for rule in difference.creates))


def _ids(matches: Iterable[Match], live: LiveState) -> Ids:
    ids = {target: {group.name: group.id for group in groups} for target, groups in live.items()}
    for match in matches:
        name = match.desired.name
        ids.setdefault(match.desired.target, {})[name] = match.live.id if match.live else placeholder(name)
    return ids


def names_in_policies(policies: Policies, matches: Iterable[Match], live: LiveState) -> dict[str, str]:
    """Name the groups that policies speak of by their ids, for a plan to keep."""
    wanted = remote_names(policies)
    if not wanted:
        return {}
    return {
        group_id: name for here in _ids(matches, live).values() for name, group_id in here.items() if name in wanted
    }


def _names(ids: Mapping[str, str]) -> dict[str, str]:
    return {group_id: name for name, group_id in ids.items()}


def _unique(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Several rules of one written rule say the same thing once."""
    return tuple(dict.fromkeys(findings))
