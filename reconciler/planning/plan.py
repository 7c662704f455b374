"""Stage 5: differences -> ordered, bounded requests. Pure: live state, instance counts and the time are passed in."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatchcase

from reconciler.diff import diff
from reconciler.errors import InputError, UsageError
from reconciler.live import LiveState
from reconciler.loader.policies import bind_texts
from reconciler.model.desired import DesiredState
from reconciler.model.difference import Action, Difference
from reconciler.model.fingerprint import fingerprint
from reconciler.model.live import LiveGroup
from reconciler.model.plan import ApiVersion, Change, Plan, Scope
from reconciler.model.policies import Policies
from reconciler.names import names_of_remotes
from reconciler.placeholder import placeholder
from reconciler.planning import prune
from reconciler.planning.encode import encode_create, encode_update
from reconciler.planning.encode.bodies import delete_group
from reconciler.planning.refusals import refuse_groups, refuse_rules
from reconciler.policy.damage import Limits
from reconciler.policy.judge import judge_plan, judge_saved
from reconciler.policy.subjects import names_in_policies
from reconciler.resolve import Match, resolve

NO_POLICIES = Policies()


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How to plan. `groups` are names or globs to restrict the plan to; `lifted` are names of guardrails.

    `protect_ssh_from` is an address from which no changed group may stop to admit SSH. `policies` are those of a
    settings file; files may bring their own instead.
    """

    api_version: ApiVersion = "v1"
    two_phase: bool = False
    prune: bool = False
    take_over: bool = False
    groups: tuple[str, ...] = ()
    lifted: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    protect_ssh_from: str | None = None
    policies: Policies | None = None


def resolve_or_fail(state: DesiredState, live: LiveState, options: PlanOptions) -> tuple[Match, ...]:
    """Match desired with live groups. Raises `InputError` with every issue, `UsageError` for a glob without a group."""
    matches, issues = resolve(state, live)
    if issues:
        raise InputError(issues)
    return _restrict(matches, options.groups)


def make_plan(
    state: DesiredState,
    live: LiveState,
    options: PlanOptions,
    *,
    base_url: str,
    created_at: str,
    instances: Mapping[str, int] | None = None,
) -> Plan:
    """Compute everything that `apply` will send.

    `instances` counts, by group id, the instances of the groups that pruning may delete (see `prune.candidates`).
    Raises `InputError` for what cannot be planned, each with its place, and `UsageError` for options that exclude
    each other. Guardrails do not raise: they are findings of the plan, which is to be shown all the same.
    """
    _check_options(state, options)
    matches = resolve_or_fail(state, live, options)
    differences = [difference for match in matches if not (difference := diff(match)).is_empty]
    issues = (*refuse_groups(matches, take_over=options.take_over), *refuse_rules(differences, live))
    if issues:
        raise InputError(issues)
    pruning = prune.Pruning((), ())
    if options.prune:
        pruning = prune.prune(prune.candidates(state, live, matches), instances or {}, live, matches)
        if lost := tuple(prune.refuse_lost(pruning, matches)):
            raise InputError(lost)
    plan = plan_differences(
        [*differences, *pruning.deletions],
        matches,
        live,
        options,
        base_url=base_url,
        created_at=created_at,
        scope=_scope(state, live, matches),
        policies=state.policies,
    )
    return replace(plan, notes=pruning.notes)


def plan_differences(
    differences: Sequence[Difference],
    matches: Sequence[Match],
    live: LiveState,
    options: PlanOptions,
    *,
    base_url: str,
    created_at: str,
    scope: Scope,
    policies: Policies = NO_POLICIES,
) -> Plan:
    """Turn differences, wherever they come from, into a plan that is judged by all guardrails.

    `matches` are the groups that policies look at.
    """
    plan = Plan(
        created_at=created_at,
        base_url=base_url,
        api_version=options.api_version,
        changes=tuple(_changes(differences, options)),
        scope=scope,
        two_phase=options.two_phase,
        lifted=tuple(sorted(options.lifted)),
        group_names=names_of_remotes(differences, live) | names_in_policies(policies, matches, live),
        policies=policies,
        protect_ssh_from=options.protect_ssh_from,
    )
    return replace(plan, findings=judge_plan(plan, options.limits, matches, live, day_of(created_at)))


def _check_options(state: DesiredState, options: PlanOptions) -> None:
    if options.prune and options.groups:
        raise UsageError("--group and --prune exclude each other", hint="Pruning looks at everything the files name.")
    if options.prune and not any(state.owners.values()):
        raise UsageError(
            "--prune needs to know whose groups these are, and no file has `owner:`",
            hint="Add `owner: NAME` to the files and apply that first; only groups with this tag are ever deleted.",
        )


def _restrict(matches: tuple[Match, ...], patterns: Sequence[str]) -> tuple[Match, ...]:
    if not patterns:
        return matches
    for pattern in patterns:
        if not any(fnmatchcase(match.desired.name, pattern) for match in matches):
            raise UsageError(f"--group {pattern}: no file names such a group")
    return tuple(match for match in matches if any(fnmatchcase(match.desired.name, pattern) for pattern in patterns))


def _changes(differences: Sequence[Difference], options: PlanOptions) -> Iterator[Change]:
    """Creates first, each after the groups it refers to; then updates; then deletions."""
    ready: set[str] = set()
    for target in dict.fromkeys(difference.target for difference in differences):
        ready.clear()
        here = [each for each in differences if each.target == target]
        for difference in _referred_first([each for each in here if each.action is Action.CREATE]):
            yield Change(difference, fingerprint(None), encode_create(options.api_version, difference, ready))
            ready.add(placeholder(difference.name))
        for difference in here:
            if difference.action is Action.UPDATE:
                yield _update(difference, options)
        for difference in here:
            if difference.action is Action.DELETE and difference.live is not None:
                request = delete_group(difference.target, difference.live.id)
                yield Change(difference, fingerprint(difference.live), (request,))


def _update(difference: Difference, options: PlanOptions) -> Change:
    requests, _ = encode_update(options.api_version, difference, two_phase=options.two_phase)
    if difference.description is not None and options.api_version == "v1":
        note = "the description is changed through v2: v1 has no way to change it"
        difference = replace(difference, notes=(*difference.notes, note))
    return Change(difference, fingerprint(difference.live), requests)


def _referred_first(creates: Sequence[Difference]) -> Iterator[Difference]:
    """Order new groups so that a group comes after those its rules refer to; in a circle, as they come."""
    left = {placeholder(each.name): each for each in creates}
    while left:
        free = [each for each in left.values() if not _refers_to(each) & (left.keys() - {placeholder(each.name)})]
        for each in free or [next(iter(left.values()))]:
            del left[placeholder(each.name)]
            yield each


def _refers_to(difference: Difference) -> set[str | None]:
    return {rule.rule.remote_group_id for rule in difference.creates}


def _scope(state: DesiredState, live: LiveState, matches: Collection[Match]) -> Scope:
    managed = [match.live for match in matches if match.live is not None and match.desired.rules is not None]
    return Scope(
        groups=len(matches),
        rules=sum(len(group.rules) for group in managed),
        owned_groups=sum(_is_owned(group, state) for target in state.targets for group in live[target]),
    )


def _is_owned(group: LiveGroup, state: DesiredState) -> bool:
    return group.owner is not None and group.owner in state.owners.get(group.target, frozenset())


def replace_findings(
    plan: Plan,
    limits: Limits | None = None,
    *,
    policies: Policies | None = None,
    protect_ssh_from: str | None = None,
    today: date | None = None,
) -> Plan:
    """Judge a saved plan by the guardrails of today, which is the day it was made unless another is given.

    Without `policies` of today, those that are saved with the plan hold. Raises `InputError` when those of today name
    an address group that those of the plan did not.
    """
    if policies is not None:
        plan = replace(plan, policies=bind_texts(policies, plan.policies.address_groups))
    plan = replace(plan, protect_ssh_from=protect_ssh_from or plan.protect_ssh_from)
    return replace(plan, findings=judge_saved(plan, limits or Limits(), today or day_of(plan.created_at)))


def day_of(time: str) -> date:
    """Return the day of a time as plan files write it, in UTC."""
    return date.fromisoformat(time[:10])
