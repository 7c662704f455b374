"""All policies at once on a plan: one that was just made, and a saved one. Pure.

Policies about groups look at what is there in the end, policies about change only at the groups that change.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain

from reconciler.loading.policies import bind_texts, saved_policies, saved_rulebook
from reconciler.model.clock import day_of
from reconciler.model.egress import smtp_protocols
from reconciler.model.live import LiveState
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import Finding, Limits, Policies, Rulebook
from reconciler.planning.diff import Action
from reconciler.planning.plan import Change, Plan
from reconciler.planning.resolve import Match
from reconciler.policy.damage import GAP, LOCKOUT, MASS_DELETE, MASS_REWRITE, check_damage, check_lockout
from reconciler.policy.flows import check_flows, check_groups_exist
from reconciler.policy.judge import judge_group, unique_findings
from reconciler.policy.judging import Judging, ended_exception
from reconciler.policy.planned import (
    ids_of,
    names_in_policies,
    planned_subject,
    result_of,
    with_placeholders,
    written_subject,
)
from reconciler.policy.rules import check_smtp
from reconciler.policy.softened import level_of, softened, told_outside
from reconciler.policy.subject import Ids, names_of
from reconciler.policy.world import check_world_open
from reconciler.traffic import may_be_world

_STANDARD = Policies()


def judge_plan(
    plan: Plan,
    policies: Policies,
    limits: Limits,
    matches: Iterable[Match],
    live: LiveState,
    outside: Rulebook | None = None,
) -> Plan:
    """Judge a plan that was just made, as of the day it was made: the plan with its findings and its policies.

    `matches` are the groups that policies look at. What `outside` finds is found as well, whatever the files except,
    and first: what the files find cannot fill the list before.
    """
    matches, today = tuple(matches), day_of(plan.created_at)
    names = {**plan.group_names, **names_in_policies(policies, matches, live)}
    if outside is not None:
        names |= names_in_policies(outside.policies, matches, live)
    source = outside.source if outside else None
    notes = (*softened(policies, limits), *told_outside(source), *lifted_notes(plan), *plan.notes)
    plan = replace(plan, policies=policies.source, limits=limits, outside=source, group_names=names, notes=notes)
    findings = _judge_new(plan, Judging.of(policies, today, len(matches)), limits, matches, live)
    if outside is not None:
        strictly = Judging.of(outside.policies, today, len(matches), heeds_exceptions=False)
        findings = chain(_judge_new(plan, strictly, outside.limits, matches, live), findings)
    return replace(plan, findings=unique_findings(findings))


def _judge_new(
    plan: Plan, judging: Judging, limits: Limits, matches: Sequence[Match], live: LiveState
) -> Iterator[Finding]:
    policies = judging.policies
    ids = ids_of(matches, live) if policies != _STANDARD else {}
    return chain(
        found_in_changes(plan, judging, limits),
        _judge_matches(matches, ids, judging),
        check_groups_exist(judging, (name for here in ids.values() for name in here)),
    )


def judge_again(
    plan: Plan,
    limits: Limits | None = None,
    *,
    policies: Policies | None = None,
    outside: Rulebook | None = None,
    protect_ssh_from: str | None = None,
    today: date | None = None,
) -> Plan:
    """Judge a saved plan by the guardrails of today, which is the day it was made unless another is given.

    Without `policies`, `limits` or `outside` of today, those that are saved with the plan hold. Only the groups that
    change are in a plan: what was found in the others stays found, unless its policy is off by now, and an exception
    that has ended since covers nothing any more. Raises `InputError` when the policies of today name an address group
    that those of the plan did not.
    """
    saved, limits = plan.policies, limits or plan.limits
    policies = saved_policies(saved) if policies is None else bind_texts(policies, saved.address_groups)
    if outside is None and plan.outside is not None:
        outside = saved_rulebook(plan.outside)
    plan = replace(
        plan,
        policies=policies.source,
        limits=limits,
        outside=outside.source if outside else None,
        protect_ssh_from=protect_ssh_from or plan.protect_ssh_from,
    )
    today = today or day_of(plan.created_at)
    judging = Judging.of(policies, today, len(plan.changes))
    again = chain(found_in_changes(plan, judging, limits), found_in_groups(plan, judging))
    if outside is not None:
        strictly = Judging.of(outside.policies, today, len(plan.changes), heeds_exceptions=False)
        again = chain(found_in_changes(plan, strictly, outside.limits), found_in_groups(plan, strictly), again)
    judges = [policies, outside.policies] if outside else [policies]
    return replace(plan, findings=_with_kept(unique_findings(again), plan, judges, today))


def stops_by_live(plan: Plan, live: LiveState) -> tuple[Finding, ...]:
    """Judge again what a saved plan deletes and replaces, as a share of no more than is live in its targets.

    `scope` is the one number of a plan that does not follow from the rest of it. What the plan deletes is counted as
    well, for it may be gone by now.
    """
    groups = {group.id for here in live.values() for group in here}
    rules = {rule.id for here in live.values() for group in here for rule in group.rules}
    changing = [change.difference for change in plan.changes]
    groups |= {each.live.id if each.live else placeholder(each.name) for each in changing}
    for each in changing:
        rules |= {rule.id for rule in each.deletes} if each.action is Action.UPDATE else set()
        rules |= {rule.id for one in each.redescribes for rule in one.live}
    scope = replace(
        plan.scope,
        groups=min(plan.scope.groups, len(groups)),
        rules=min(plan.scope.rules, len(rules)),
        owned_groups=min(plan.scope.owned_groups, len(groups)),
    )
    if scope == plan.scope:
        return ()
    plan = replace(plan, scope=scope)
    found = [*_judge_damage(plan, saved_policies(plan.policies), plan.limits)]
    if plan.outside is not None:
        book = saved_rulebook(plan.outside)
        found += _judge_damage(plan, book.policies, book.limits)
    return replace(plan, findings=unique_findings(found)).stopped_by


_OF_CHANGES = frozenset({MASS_DELETE, MASS_REWRITE, GAP, LOCKOUT})
"""Guardrails that look at nothing but what changes, and so find everything once more in a saved plan."""


def found_in_changes(plan: Plan, judging: Judging, limits: Limits) -> Iterator[Finding]:
    """Judge what a plan does: the same findings for a plan that is made and for one that was saved."""
    names = with_placeholders(plan.group_names)
    return chain(
        _judge_damage(plan, judging.policies, limits),
        (found for change in plan.changes for found in _judge_change(change, names, judging, plan.protect_ssh_from)),
        (found for change in plan.changes for found in _judge_deletion(change, names, judging)),
    )


def found_in_groups(plan: Plan, judging: Judging) -> Iterator[Finding]:
    """Judge the groups that a plan changes, as far as the plan knows them."""
    names = with_placeholders(plan.group_names)
    return (found for change in plan.changes for found in _judge_written(change, names, judging))


def lifted_notes(plan: Plan) -> tuple[str, ...]:
    """Say which guardrails were lifted, for whoever reviews the plan or applies it."""
    if not plan.lifted:
        return ()
    return (f"lifted for this plan, so that they stop nothing: {', '.join(plan.lifted)}",)


def _with_kept(again: tuple[Finding, ...], plan: Plan, judges: Sequence[Policies], today: date) -> tuple[Finding, ...]:
    """Add what was found in groups that do not change, and so are not in the plan."""
    seen = {(found.guardrail, found.place, found.group, found.message) for found in again}
    kept = (_kept(found, judges, today) for found in plan.findings if found.guardrail not in _OF_CHANGES)
    return (
        *again,
        *(each for each in kept if each and (each.guardrail, each.place, each.group, each.message) not in seen),
    )


def _judge_matches(matches: Iterable[Match], ids: Ids, judging: Judging) -> Iterator[Finding]:
    """Judge every group; where nothing but dates is judged, only those that have any."""
    quiet = replace(
        judging.policies,
        world_open_management=_STANDARD.world_open_management,
        world_open_any_port=_STANDARD.world_open_any_port,
        smtp_egress=_STANDARD.smtp_egress,
        mass_delete=_STANDARD.mass_delete,
        mass_rewrite=_STANDARD.mass_rewrite,
        expires=_STANDARD.expires,
    )
    only_dates = quiet == _STANDARD
    names = names_of(ids)
    for match in matches:
        if not only_dates or any(rule.review for rule in match.desired.rules or ()):
            yield from judge_group(planned_subject(match, ids, names), judging)


def _judge_damage(plan: Plan, policies: Policies, limits: Limits) -> Iterator[Finding]:
    levels = {MASS_DELETE: policies.mass_delete, MASS_REWRITE: policies.mass_rewrite}
    for found in check_damage(plan, limits):
        level = levels.get(found.guardrail, "error")
        if level == "error":
            yield found
        elif level == "warning":
            yield replace(found, level="warning")


def _judge_change(
    change: Change, names: Mapping[str, str], judging: Judging, protect_ssh_from: str | None
) -> Iterator[Finding]:
    """Judge what a change opens, which of its new rules the cloud may refuse, and whom it locks out."""
    difference = change.difference
    if any(smtp_protocols(rule.rule) for rule in difference.created_rules):
        yield from check_smtp(written_subject(difference, names), judging)
    if difference.creates:  # what a change opens, its new rules admit
        kept = difference.kept_rules
        if may_be_world((rule.rule for rule in difference.creates), kept):
            subject = written_subject(difference, names)
            yield from check_world_open(subject, difference.traffic.opens, judging, kept)
    if protect_ssh_from:
        yield from check_lockout(difference, result_of(difference), protect_ssh_from)


def _judge_written(change: Change, names: Mapping[str, str], judging: Judging) -> Iterator[Finding]:
    if change.difference.action is not Action.DELETE:
        yield from judge_group(written_subject(change.difference, names), judging)


def _judge_deletion(change: Change, names: Mapping[str, str], judging: Judging) -> Iterator[Finding]:
    """A deleted group admits nothing any more."""
    if change.difference.action is Action.DELETE:
        subject = replace(written_subject(change.difference, names), rules=(), result=())
        yield from check_flows(subject, judging)


def _kept(found: Finding, judges: Sequence[Policies], today: date) -> Finding | None:
    if all(level_of(policies, found.guardrail) == "off" for policies in judges):
        return None
    if found.exception is not None and today > found.exception.until:
        return replace(found, message=found.message + ended_exception(found.exception), exception=None)
    return found
