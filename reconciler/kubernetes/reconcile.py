"""One look at a target: the plan between what is asked for and what is live, and what of it is carried out.

The plan is the command's, made and applied by `workflow`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from reconciler import workflow
from reconciler.api.connection import Api
from reconciler.applying.apply import Report
from reconciler.applying.outcome import Status
from reconciler.drift.watch import narrows, only_narrowing
from reconciler.kubernetes.propose import Proposal, propose
from reconciler.kubernetes.resources import Key, Mode, Snapshot
from reconciler.model.clock import format_time
from reconciler.model.desired import DesiredState
from reconciler.model.errors import StalePlan
from reconciler.model.live import LiveGroup, LiveState
from reconciler.planning.plan import Plan, PlanOptions


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a target after a look at it.

    `proposal` is what is left to do. `gone` are resources that are deleted and may go; `report` is how the apply went,
    None for none, and `approved` the digest of the plan that was approved for it. `void` is an approval that is worth
    nothing: of a plan that is not the one there is, or where nothing is ever done. `moved` says that live groups moved
    between the plan and its apply, so that nothing was sent.
    """

    proposal: Proposal
    report: Report | None = None
    approved: str | None = None
    void: str | None = None
    moved: bool = False
    gone: frozenset[Key] = field(default_factory=frozenset)

    @property
    def is_unfinished(self) -> bool:
        """Whether something was begun that another look may finish."""
        return self.moved or (self.report is not None and self.report.error is not None)

    @property
    def mended(self) -> int:
        """Groups that were put right."""
        return sum(not _failed(each.status) for each in self.report.results) if self.report else 0

    @property
    def failed(self) -> Mapping[str, str]:
        """What was not put right, and why: by the name of the group."""
        if self.report is None:
            return {}
        bad = (each for each in self.report.results if _failed(each.status))
        return {each.change.difference.name: each.message for each in bad}


def _failed(status: Status) -> bool:
    return status is not Status.APPLIED


def reconcile(
    snapshot: Snapshot,
    api: Api,
    options: PlanOptions,
    claim: Callable[[str], bool],
    carry_out: Callable[[Plan, Api], Report],
) -> Outcome:
    """Look at a target once, and do what its mode lets be done.

    `claim` takes an approval away, so that nobody uses it again, and tells whether it was there. Raises what reading
    live state and applying raise, and `InputError` where what is wrong is the target's own.
    """
    target = snapshot.target
    live = api.read([target.target])
    proposal = propose(snapshot, live, api, options)
    approval = target.approval
    is_void = approval is not None and (approval != proposal.digest or target.mode is Mode.OBSERVE)
    void = approval if is_void else None
    chosen, approved = choose(proposal, target.mode, approval, live, api, options)
    if approved is not None and not claim(approved):
        chosen, approved = None, None
    if chosen is None:
        return Outcome(proposal, void=void, gone=_gone(proposal, snapshot))
    try:
        report = carry_out(chosen, api)
    except StalePlan:
        proposal = propose(snapshot, api.read([target.target]), api, options)
        return Outcome(proposal, void=void, moved=True, gone=_gone(proposal, snapshot))
    if report.error is None and chosen is proposal.plan:
        proposal = replace(proposal, plan=_left_of(chosen), live=_kept(proposal))
    else:
        proposal = propose(snapshot, api.read([target.target]), api, options)
    return Outcome(proposal, report, approved, void, gone=_gone(proposal, snapshot))


def _left_of(plan: Plan) -> Plan:
    """Return the plan that a look would come to after all of this one was done."""
    differences = [change.difference for change in plan.changes if change.difference.place is not None]
    more = sum(len(each.creates) - len(each.deletes) for each in differences)
    return replace(plan, changes=(), findings=(), scope=replace(plan.scope, rules=plan.scope.rules + more))


def _kept(proposal: Proposal) -> dict[Key, LiveGroup]:
    """Live groups of deleted resources that the plan does not delete."""
    deleted = {change.difference.live.id for change in proposal.plan.changes if change.difference.live is not None}
    return {key: group for key, group in proposal.live.items() if group.id not in deleted}


def _gone(proposal: Proposal, snapshot: Snapshot) -> frozenset[Key]:
    return frozenset(
        each.key for each in snapshot.going if each.key not in proposal.live and each.key not in proposal.refused
    )


def choose(
    proposal: Proposal, mode: Mode, approval: str | None, live: LiveState, api: Api, options: PlanOptions
) -> tuple[Plan | None, str | None]:
    """Say which plan may be carried out now, None for none, and whose approval it takes."""
    plan = proposal.plan
    if not plan.changes or mode is Mode.OBSERVE:
        return None, None
    if approval == proposal.digest and not plan.stopped_by:
        return plan, approval
    if mode is Mode.ENFORCE:
        return (None if plan.stopped_by else plan), None
    if mode is Mode.NARROW:
        state = only_narrowing(proposal.state, (change.difference for change in plan.changes))
        if state.groups:
            narrow = _make_plan(state, live, api, options)
            if not narrow.stopped_by and all(narrows(change.difference) for change in narrow.changes):
                return narrow, None
    return None, None


def _make_plan(state: DesiredState, live: LiveState, api: Api, options: PlanOptions) -> Plan:
    created_at = format_time(api.clock.now())
    return workflow.make_plan(state, live, replace(options, whole=False), base_url=api.base_url, created_at=created_at)
