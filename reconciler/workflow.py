"""The line itself: what plans and applies, a function each. No printing, no argv, no environment.

    load -> desired state \
                           > plan -> apply -> report
    read -> live state    /

The functions are the library, and what the commands call; `load`, `read` and what only looks are in `reading.py`.
Beside what each says of itself, all that take an `Api` raise `ApiError` when live state cannot be read whole.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.api.backend import BACKENDS
from reconciler.api.connection import Api
from reconciler.api.live import Watch, nobody, read_live
from reconciler.applying import apply as applying
from reconciler.applying.journal_reading import Journal
from reconciler.applying.outcome import NoJournal, Recorder, Result, Status
from reconciler.applying.rollback import created_groups, named_as_live, plan_way_back, refuse_other_api, targets_of
from reconciler.applying.session import ApplyContext
from reconciler.applying.stale import Done, Stale
from reconciler.drift.compare import Severity, by_target
from reconciler.drift.watch import Enforce, Round, narrows, only_narrowing
from reconciler.model.clock import format_time
from reconciler.model.desired import DesiredState, Kind, Target
from reconciler.model.errors import GuardrailStop, StalePlan, UsageError
from reconciler.model.live import Directory, Instances, LiveGroup, LiveState, UnreadTarget
from reconciler.model.policies import Policies
from reconciler.model.text import count, shown
from reconciler.planning.orphans import LikelyRename, find_orphans, find_renames, rename_findings
from reconciler.planning.plan import Change, Plan, PlanOptions, choose, match_groups, plan_groups
from reconciler.planning.quota import quota_notes
from reconciler.planning.resolve import Match
from reconciler.policy.judge_plan import judge_plan, stops_by_live
from reconciler.reading import MOST_INSTANCE_READS, detect_drift, find_targets


def plan(
    desired: DesiredState,
    api: Api,
    options: PlanOptions | None = None,
    *,
    show_instances: bool = False,
    partial: bool = False,
    progress: Watch = nobody,
) -> Plan:
    """Read the live state of the desired groups' targets, and plan what makes it the desired one. Changes nothing.

    `show_instances` reads the instances of every group that changes, one read each. Where groups are to be created,
    the quotas are read once, and a note says what will not fit; where one of them looks like an orphan, the instances
    of that are read. Guardrails do not raise: they are findings of the plan, which is to be shown all the same.
    With `partial`, a target that cannot be read is one of the plan's `unread`, unless none can; such a plan is to be
    shown, and is neither saved nor applied.

    >>> proposal = plan(desired, api, PlanOptions(groups=("web",)))
    >>> [(change.difference.name, len(change.requests)) for change in proposal.changes]
    [('web', 1)]
    """
    options = options or PlanOptions()
    desired = find_targets(desired, api)
    unread: list[UnreadTarget] | None = [] if partial else None
    live = read_live(api.reader, desired.targets, parallelism=api.parallelism, progress=progress, unread=unread)
    groups = tuple(group for group in desired.groups if group.target in live) if unread else desired.groups
    desired = replace(desired, targets=tuple(live), groups=groups)
    matches = match_groups(desired, live, options)
    renames = _find_renames(desired, live, matches, options)
    going = find_orphans(desired, live, matches) if options.prune else ()
    instances = api.read_instances(going)
    instances |= api.read_instances(_not_in(instances, (each.live for each in renames if each.is_ours)), lenient=True)
    created_at = format_time(api.clock.now())
    proposal = _plan(desired, live, matches, options, renames, instances, base_url=api.base_url, created_at=created_at)
    proposal = replace(_note_quotas(proposal, api), unread=tuple(unread or ()))
    return _show_instances(proposal, api, instances) if show_instances else proposal


def _find_renames(
    state: DesiredState, live: LiveState, matches: Sequence[Match], options: PlanOptions
) -> tuple[LikelyRename, ...]:
    return find_renames(state, live, matches, choose(matches, options.groups)) if options.whole else ()


def _not_in(known: Mapping[str, Instances], groups: Iterable[LiveGroup]) -> tuple[LiveGroup, ...]:
    return tuple(group for group in groups if group.id not in known)[:MOST_INSTANCE_READS]


def _note_quotas(plan: Plan, api: Api) -> Plan:
    if not plan.summary.groups_to_create:
        return plan
    return replace(plan, notes=(*plan.notes, *quota_notes(plan, api.reader.read_quotas())))


def _show_instances(plan: Plan, api: Api, known: Mapping[str, Instances]) -> Plan:
    """Add the instances of the groups that change, and a note where they are not known of all."""
    groups = [change.difference.live for change in plan.changes if change.difference.live is not None]
    found = {**known, **api.read_instances(_not_in(known, groups), lenient=True)}
    unknown = sum(group.id not in found for group in groups)
    note = (
        f"the instances of {count(unknown, 'changed group')} are not known: the API refuses to tell, or they are more"
    )
    note += f" than {MOST_INSTANCE_READS:,}"
    changes = tuple(_with_instances(change, found) for change in plan.changes)
    return replace(plan, changes=changes, notes=(*plan.notes, note) if unknown else plan.notes)


def _with_instances(change: Change, found: Mapping[str, Instances]) -> Change:
    live = change.difference.live
    if live is None or live.id not in found:
        return change
    instances = found[live.id]
    return replace(
        change, difference=replace(change.difference, instances=instances.number, instance_names=instances.names)
    )


def make_plan(
    state: DesiredState,
    live: LiveState,
    options: PlanOptions,
    *,
    base_url: str,
    created_at: str,
    instances: Mapping[str, Instances] | None = None,
) -> Plan:
    """Plan and judge, given the live state. Pure.

    `instances` are, by group id, those of the orphans, one of which pruning deletes only where it has none.
    Raises `InputError` for what cannot be planned, each with its place, and `UsageError` for options that exclude
    each other.
    """
    if state.names:
        raise UsageError("the names of projects and regions are not looked up yet", hint="Call `find_targets` first.")
    matches = match_groups(state, live, options)
    renames = _find_renames(state, live, matches, options)
    return _plan(state, live, matches, options, renames, instances or {}, base_url=base_url, created_at=created_at)


def _plan(
    state: DesiredState,
    live: LiveState,
    matches: Sequence[Match],
    options: PlanOptions,
    renames: Iterable[LikelyRename],
    instances: Mapping[str, Instances],
    *,
    base_url: str,
    created_at: str,
) -> Plan:
    backend = BACKENDS[options.api_version]
    proposal = plan_groups(
        state, live, matches, options, backend, base_url=base_url, created_at=created_at, instances=instances
    )
    chosen = choose(matches, options.groups)
    proposal = judge_plan(proposal, state.policies, options.limits, chosen, live, options.outside)
    return replace(proposal, findings=(*proposal.findings, *rename_findings(renames, instances)))


def check_stale(
    plan: Plan, api: Api, *, skip_stale: bool = False, progress: Watch = nobody
) -> tuple[Stale | Done, ...]:
    """Read the groups of a plan and compare them with its fingerprints. Changes nothing.

    Returns the changes that need no request: groups that moved, and groups that are as planned already. Raises
    `StalePlan` when one moved since the plan was made, unless those are to be skipped, and when a project or a region
    has another name than the plan shows; `GuardrailStop` when it changes too large a share of what is there now.

    >>> check_stale(plan(desired, api), api)
    ()
    """
    _refuse_other_names(plan, api)
    live = api.for_apply(plan.api_version).read((change.difference.target for change in plan.changes), progress)
    settled = applying.check_stale(plan, live, skip_stale=skip_stale)
    if stops := stops_by_live(plan, live):
        said = "".join(f"\n  {finding.message}" for finding in stops)
        raise GuardrailStop(
            "stopped by a guardrail; nothing was sent: the plan says that more is managed than is live; with all "
            f"that is live counted as managed:{said}",
            hint="Plan again.",
        )
    return settled


def _refuse_other_names(plan: Plan, api: Api) -> None:
    """Hold the names of projects and regions that a plan shows to the API's lists; nothing is read where none is shown.

    What is sent goes by ids alone, and whoever reviews a plan reads the names.
    """
    targets = [change.difference.target for change in plan.changes]
    directory = _list_names(targets, api)
    named: list[tuple[Kind, int, str | None]] = []
    for target in targets:
        named += [("project", target.project_id, target.project), ("region", target.region_id, target.region)]
    found = [(kind, number, name) for kind, number, name in dict.fromkeys(named) if name is not None]
    for kind, number, name in found:
        now = directory.of(kind).get(number)
        if name != now:
            known = f"is {shown(now)}" if now else "is none that the key can see"
            raise StalePlan(
                f"the plan calls {kind} {number} {shown(name)}, and it {known}; nothing was sent", hint="Plan again."
            )


def _list_names(targets: Sequence[Target], api: Api) -> Directory:
    """List the names of projects, and of regions, where a target shows one."""
    shown_of: Mapping[Kind, bool] = {
        "project": any(target.project is not None for target in targets),
        "region": any(target.region is not None for target in targets),
    }
    return api.list_names(kind for kind, is_shown in shown_of.items() if is_shown)


def apply(
    plan: Plan,
    api: Api,
    *,
    skip_stale: bool = False,
    settled: Sequence[Stale | Done] | None = None,
    recorder: Recorder | None = None,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[Result], None] = nobody,
) -> applying.Report:
    """Send what a plan says, group by group, each verified by reading it back.

    `settled` is what `check_stale` said, which is called here where nothing is given. `recorder` is told every write;
    once `stopped` says so, no further one is sent. The report's `error` is None when every group is as planned.

    Raises `GuardrailStop` for a plan that a guardrail stops, and `StalePlan` when a group moved since the plan was
    made; in both cases nothing was sent. Ctrl-C raises `Interrupted`, a `KeyboardInterrupt` with the report so far;
    what became of a request under way is then not known.

    >>> report = apply(plan(desired, api), api)
    >>> [(result.change.difference.name, str(result.status)) for result in report.results]
    [('web', 'applied')]
    >>> report.error is None
    True
    """
    if plan.unread:
        raise UsageError(f"this plan is a part of one: {plan.unread[0].target} could not be read")
    if plan.stopped_by:
        raise GuardrailStop("; ".join(finding.message for finding in plan.stopped_by))
    if settled is None:
        settled = check_stale(plan, api, skip_stale=skip_stale)
    reader, backend = api.for_apply(plan.api_version).reader, BACKENDS[plan.api_version]
    context = ApplyContext(reader, api.writer, api.clock, backend, recorder or NoJournal(), stopped)
    return applying.apply(plan, context, settled, parallelism=api.parallelism, progress=progress)


def rollback(
    journal: Journal,
    api: Api,
    options: PlanOptions | None = None,
    *,
    show_instances: bool = False,
    progress: Watch = nobody,
) -> Plan:
    """Plan the way back to the state before an apply, from the journal that was kept of it. Changes nothing.

    Of the options, all count but those about files: `groups`, `prune` and `take_over`. Raises `InputError` where a
    group cannot get its name back, and `PlanFileError` for a journal about another API.

    >>> with JournalFile("apply.journal", api.clock, base_url=api.base_url, api_version="v1") as journal:
    ...     report = apply(plan(desired, api), api, recorder=journal)
    >>> back = rollback(read_journal("apply.journal"), api)
    >>> [(str(change.difference.action), change.difference.name) for change in back.changes]
    [('delete', 'web')]
    """
    options = options or PlanOptions()
    refuse_other_api(journal, api.base_url)
    journal = named_as_live(journal, _list_names(targets_of(journal), api))
    live = api.read(targets_of(journal), progress)
    instances = api.read_instances(created_groups(journal, live))
    now, backend = format_time(api.clock.now()), BACKENDS[options.api_version]
    proposal, matches = plan_way_back(journal, live, instances, options, backend, created_at=now)
    policies = options.policies or Policies()
    proposal = _note_quotas(judge_plan(proposal, policies, options.limits, matches, live, options.outside), api)
    return _show_instances(proposal, api, instances) if show_instances else proposal


def reconcile(
    desired: DesiredState,
    api: Api,
    enforce: Enforce = Enforce.NONE,
    options: PlanOptions | None = None,
    *,
    fail_on: Severity = Severity.COSMETIC,
    whole: bool = True,
    carry_out: Callable[[Plan, Api], applying.Report] = apply,
) -> Round:
    """Look for drift, put right what may be put right by itself, and look again: one round of a watch.

    `whole` is as in `detect_drift`. A plan that a guardrail or a policy stops is not applied; the round says what
    stopped it, and which groups could not be put right. Raises what `detect_drift`, `plan` and `apply` raise.

    >>> reconcile(desired, api).drift.counted
    True
    >>> reconcile(desired, api, Enforce.NARROW).mended
    0
    >>> reconcile(desired, api, Enforce.ALL).mended
    1
    """
    desired = find_targets(desired, api)
    found = detect_drift(desired, api, fail_on=fail_on, whole=whole)
    compared = {target: len(state.groups) for target, state in by_target(desired).items()}
    wanted = desired
    if enforce is Enforce.NARROW:
        wanted = only_narrowing(desired, (each.difference for each in found.drifted))
    if enforce is Enforce.NONE or not found.drifted or not wanted.groups:
        return Round(found, compared)
    proposal = plan(wanted, api, options)
    is_allowed = enforce is Enforce.ALL or all(narrows(change.difference) for change in proposal.changes)
    if proposal.stopped_by or not proposal.changes or not is_allowed:  # what narrowed may have moved since
        return Round(found, compared, stopped_by=proposal.stopped_by)
    results = carry_out(proposal, api).results
    return Round(
        detect_drift(desired, api, fail_on=fail_on, whole=whole),
        compared,
        mended=sum(result.status is Status.APPLIED for result in results),
        failed=tuple(
            f"{result.change.difference.name} ({result.change.difference.target}): {result.message}"
            for result in results
            if result.status is not Status.APPLIED
        ),
    )
