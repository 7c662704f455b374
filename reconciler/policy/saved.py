"""What a saved plan says of its own judgement: whether that can be true, and in words for whoever applies it. Pure.

Who computes a plan's digest anew can change what it was judged by, but not without saying so. What follows from the
changes, the policies and the limits in the file is computed once more here, and has to be there. What cannot be known
from a plan alone: whether it was allowed to lift a guardrail, how much there is beyond its own groups (`scope`, which
`stops_by_live` bounds), what was found in groups that it does not change, and which rules there are outside the
repository. That is shown.
"""

from collections.abc import Iterator

from reconciler.api.backend import BACKENDS
from reconciler.loading.policies import saved_policies, saved_rulebook
from reconciler.model.clock import day_of
from reconciler.model.errors import PlanFileError
from reconciler.model.files import PLAN_LIMIT, read_bounded
from reconciler.model.policies import LIFTABLE, Finding, Limits
from reconciler.model.text import count, printable
from reconciler.planning import planfile
from reconciler.planning.diff import Action
from reconciler.planning.ignored import count_ignored
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import NOTHING_SENT
from reconciler.policy.damage import GAP, LOCKOUT, MASS_DELETE, MASS_REWRITE
from reconciler.policy.judge import FINDING_LIMIT, key_of
from reconciler.policy.judge_plan import found_in_changes, found_in_groups, lifted_notes
from reconciler.policy.judging import Judging
from reconciler.policy.softened import Judge, judge_of, softened, told_outside


def read_plan(path: str) -> Plan:
    """Read a plan file, as a review saw it.

    Raises `PlanFileError` when it cannot be read, is not a plan, was edited, or says less of its judgement than follows
    from it.

    >>> from reconciler.planning import planfile
    >>> with open("plan.json", "w") as file:
    ...     file.writelines(planfile.iterdumps(plan(desired, api)))
    >>> [change.difference.name for change in read_plan("plan.json").changes]
    ['web']
    """
    try:
        data = read_bounded(path, PLAN_LIMIT, or_pipe=True)
    except OSError as error:
        raise PlanFileError(f"cannot read {path}: {error.strerror or error}") from None
    plan = planfile.loads(data, path, BACKENDS)
    refuse_forged(plan, path)
    return plan


def refuse_forged(plan: Plan, name: str) -> None:
    """Refuse a plan that says less of its judgement than follows from it. Raises `PlanFileError`."""
    reason = next(_reasons(plan), None)
    if reason is not None:
        raise PlanFileError(f"{name} is not a plan as sgctl makes it: {printable(reason)}", NOTHING_SENT)


def made_for(plan: Plan) -> str:
    """Say in a sentence to which API a saved plan goes, and its digest, which tells it from any other.

    What a forged file may hold as an address comes last, and stands for nothing else.
    """
    return f"digest {plan.digest}, made at {plan.created_at} for {plan.base_url}"


def judged_by(plan: Plan) -> str:
    """Say in a sentence by what a plan was judged, and what was lifted."""
    policies = plan.policies
    brought = f"{policies.where} ({', '.join(sorted(policies.settings))})" if policies.settings else "the defaults"
    limits = "the default limits" if plan.limits == Limits() else "limits of its own"
    groups, rules = count(plan.scope.groups, "group"), count(plan.scope.rules, "managed rule")
    more = "; ".join(("", *told_outside(plan.outside), *lifted_notes(plan)))
    return f"judged by the policies of {brought} and {limits}, as part of {groups} with {rules}{more}"


def judge_of_plan(plan: Plan) -> Judge:
    """Say by what a plan was judged, and which guardrails it asked."""
    outside = saved_rulebook(plan.outside) if plan.outside else None
    without = () if plan.protect_ssh_from else (LOCKOUT,)
    return judge_of("plan", saved_policies(plan.policies), plan.limits, outside, without)


def _reasons(plan: Plan) -> Iterator[str]:
    for guardrail in plan.lifted:
        if guardrail not in (MASS_DELETE, MASS_REWRITE, GAP, *LIFTABLE):
            yield f"`lifted` names {guardrail!r}, which nothing lifts"
    yield from _scope(plan)
    policies, today = saved_policies(plan.policies), day_of(plan.created_at)
    for note in (*softened(policies, plan.limits), *told_outside(plan.outside), *lifted_notes(plan)):
        if note not in plan.notes:
            yield f"`notes` leaves out what follows from the rest: {note}"
    yield from _findings(plan, Judging.of(policies, today, len(plan.changes)), plan.limits)
    if plan.outside is not None:
        outside = saved_rulebook(plan.outside)
        strictly = Judging.of(outside.policies, today, len(plan.changes), heeds_exceptions=False)
        yield from _findings(plan, strictly, outside.limits)


def _findings(plan: Plan, judging: Judging, limits: Limits) -> Iterator[str]:
    if any(each.guardrail == FINDING_LIMIT and each.stops for each in plan.findings):
        return  # nothing lifts it, and it says that there is more
    saved = {key_of(each): each for each in plan.findings}
    for found in found_in_changes(plan, judging, limits):
        there = saved.get(key_of(found))
        if there is None or (there != found and not there.stops):  # from outside, it may be found more strictly
            yield _left_out(found)
    kinds = {(each.guardrail, each.group, stops) for each in plan.findings for stops in {each.stops, False}}
    for found in found_in_groups(plan, judging):
        if (found.guardrail, found.group, found.stops) not in kinds:
            yield _left_out(found)


def _left_out(found: Finding) -> str:
    return (
        f"`findings` leaves out what its policies and limits find in its changes: {found.message} [{found.guardrail}]"
    )


def _scope(plan: Plan) -> Iterator[str]:
    """Hold the size of the whole to its parts."""
    differences = [change.difference for change in plan.changes]
    kept = [each for each in differences if each.action is not Action.DELETE]
    managed = [each for each in kept if each.live and (each.changes_rules or each.unchanged)]
    ignored = count_ignored(managed)
    rules = sum(len(each.live.rules) for each in managed if each.live) - ignored
    if (
        plan.scope.groups < len(kept)
        or plan.scope.rules < rules
        or plan.scope.ignored_rules < ignored
        or plan.scope.owned_groups < len(differences) - len(kept)
    ):
        yield "`scope` is smaller than what the plan changes"
