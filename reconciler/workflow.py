"""The line itself: what the commands and the library do, a function each. No printing, no argv, no environment.

    load -> desired state \
                           > plan -> apply -> report
    read -> live state    /

The functions are the library, and what the commands call. Beside what each says of itself, all that take an `Api` raise
`ApiError` when live state cannot be read whole.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from reconciler.api.backend import BACKENDS
from reconciler.api.connection import Api
from reconciler.api.live import Watch, nobody, read_each, read_live
from reconciler.applying import apply as applying
from reconciler.applying.journal_reading import Journal
from reconciler.applying.outcome import NoJournal, Recorder, Result, Status
from reconciler.applying.rollback import created_groups, plan_way_back, refuse_other_api, targets_of
from reconciler.applying.session import ApplyContext
from reconciler.applying.stale import Done, Stale
from reconciler.drift.compare import Drift, Severity, by_target, compare_target, join_targets, look_everywhere
from reconciler.drift.history import History, choose_entries, history_query
from reconciler.drift.watch import Enforce, Round, narrows, only_narrowing
from reconciler.drift.who import attribute, what_to_ask
from reconciler.importing import run as importing
from reconciler.importing.run import Import, ImportOptions, find_existing
from reconciler.loading.head import Defaults
from reconciler.loading.load import load as load_all
from reconciler.loading.names import resolve_names
from reconciler.loading.plain import PlainDocument
from reconciler.loading.walk import Walk
from reconciler.model.action import ActionLog, name_groups
from reconciler.model.clock import format_time
from reconciler.model.cloud import DEFAULT_GROUP
from reconciler.model.desired import DesiredState, Target
from reconciler.model.errors import GuardrailStop, InputError, UsageError
from reconciler.model.live import Instances, LiveGroup, LiveState, RefusedTarget, UnreadTarget
from reconciler.model.policies import Policies, Rulebook
from reconciler.model.text import count
from reconciler.planning.group_view import StateView, live_view, planned_view
from reconciler.planning.orphans import LikelyRename, find_orphans, find_renames, rename_findings
from reconciler.planning.plan import Change, Plan, PlanOptions, choose, match_groups, plan_groups
from reconciler.planning.quota import quota_notes
from reconciler.planning.resolve import Match, resolve
from reconciler.policy import audit as auditing
from reconciler.policy.audit import Audit
from reconciler.policy.judge import judge_plan


def load(
    *sources: str | PlainDocument,
    project_id: int | None = None,
    region_id: int | None = None,
    project: str | None = None,
    region: str | None = None,
    follow_links: bool = False,
) -> DesiredState:
    """Load desired state from files and folders, given by their paths, and from documents that are data already.

    Project and region, by id or by name, fill what documents leave out; names are looked up later, by `find_targets`.
    A link that leads out of its folder is an error unless `follow_links`: it could name any file that this process may
    read.

    Raises `InputError` with everything that is wrong, each issue with its place.

    >>> [group.name for group in load("groups.yaml").groups]
    ['web']
    >>> group = {"name": "database", "rules": []}
    >>> document = PlainDocument("inventory", {"project_id": 1, "region_id": 7, "security_groups": [group]})
    >>> [group.name for group in load("groups.yaml", document).groups]
    ['web', 'database']
    """
    paths = [source for source in sources if isinstance(source, str)]
    documents = [source for source in sources if not isinstance(source, str)]
    defaults = Defaults(project_id, region_id, project=project, region=region)
    return load_all(paths, defaults, documents=documents, walk=Walk(follow_links))


def find_targets(desired: DesiredState, api: Api) -> DesiredState:
    """Look up the projects and regions that files or options name, one list each; nothing is asked where none is named.

    All functions that take an `Api` do so first. Raises `InputError` for a name that none or several have, for a name
    and an id that are not the same one, and for a group that is there twice once names are ids.

    >>> document = {"project": "production", "region_id": 7, "security_groups": []}
    >>> named = load(PlainDocument("inventory", document))
    >>> [str(target) for target in find_targets(named, api).targets]
    ['project production (4242), region 7']
    """
    if not desired.names:
        return desired
    return resolve_names(desired, api.list_names({use.kind for use in desired.names}))


def read(desired: DesiredState, api: Api, *, progress: Watch = nobody) -> LiveState:
    """Read all live groups of the targets of a desired state, several targets at a time. Changes nothing.

    >>> [group.name for groups in read(desired, api).values() for group in groups]
    ['default']
    """
    return api.read(find_targets(desired, api).targets, progress)


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


MOST_INSTANCE_READS = 1000
"""Groups of a plan or an audit whose instances are read: a request each."""


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


def check_stale(plan: Plan, api: Api, *, skip_stale: bool = False) -> tuple[Stale | Done, ...]:
    """Read the groups of a plan and compare them with its fingerprints. Changes nothing.

    Returns the changes that need no request: groups that moved, and groups that are as planned already. Raises
    `StalePlan` when one moved since the plan was made, unless those are to be skipped.

    >>> check_stale(plan(desired, api), api)
    ()
    """
    live = api.for_apply(plan.api_version).read(change.difference.target for change in plan.changes)
    return applying.check_stale(plan, live, skip_stale=skip_stale)


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


def rollback(journal: Journal, api: Api, options: PlanOptions | None = None, *, show_instances: bool = False) -> Plan:
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
    live = api.read(targets_of(journal))
    instances = api.read_instances(created_groups(journal, live))
    now, backend = format_time(api.clock.now()), BACKENDS[options.api_version]
    proposal, matches = plan_way_back(journal, live, instances, options, backend, created_at=now)
    policies = options.policies or Policies()
    proposal = _note_quotas(judge_plan(proposal, policies, options.limits, matches, live, options.outside), api)
    return _show_instances(proposal, api, instances) if show_instances else proposal


def detect_drift(
    desired: DesiredState,
    api: Api,
    *,
    fail_on: Severity = Severity.COSMETIC,
    today: date | None = None,
    also: Sequence[Target] = (),
    whole: bool = True,
    partial: bool = False,
    progress: Watch = nobody,
) -> Drift:
    """Read the live state of one target after the other, and keep of each what differs from the files. Changes nothing.

    `today` is the day that the `expires` dates of rules are compared with: that of the clock when left out. `also` are
    targets that are looked through for orphans, such as those of `Api.list_targets`; one that refuses to be listed is
    told. There are no orphans where the files are not the `whole` of what there is. With `partial`, a target that
    cannot be read is one of the `unread`, unless none can. Raises `InputError` where it is not clear which live group a
    desired one is.

    >>> found = detect_drift(desired, api)
    >>> [(group.difference.name, str(group.severity)) for group in found.drifted]
    [('web', 'missing')]
    """
    desired = find_targets(desired, api)
    refusals = _Refusals(desired.targets)
    if also:
        desired = look_everywhere(desired, also)
    by_targets = by_target(desired)
    unread: list[UnreadTarget] = []
    parts = read_each(
        api.reader,
        desired.targets,
        lambda target, groups: compare_target(by_targets[target], groups, fail_on, whole=whole),
        parallelism=api.parallelism,
        progress=progress,
        on_refusal=refusals,
        unread=unread if partial else None,
    )
    found = join_targets(parts.values(), desired, fail_on, today or api.clock.now().date(), refusals.found)
    return replace(found, unread=tuple(unread))


class _Refusals:
    """Collects targets that refuse to be listed. Those that the files name have to be readable."""

    def __init__(self, required: Iterable[Target]) -> None:
        self._required = frozenset(required)
        self.found: list[RefusedTarget] = []

    def __call__(self, target: Target, status: int) -> bool:
        if target in self._required:
            return False
        self.found.append(RefusedTarget(target, status))
        return True


def find_who(drift: Drift, api: Api) -> Drift:
    """Add to what differs who changed it since it was as written, from the API's log. Changes nothing.

    One request for up to 50 live groups, and one for all that were deleted. What could not be read is a note of `who`.

    >>> found = find_who(detect_drift(desired, api), api)
    >>> found.who.notes
    ()
    """
    differences = [each.difference for each in drift.drifted]
    logs: list[ActionLog] = []
    for each in what_to_ask(differences):
        logs.append(name_groups(api.reader.list_actions(each.query, each.is_enough), drift.group_names))
        if logs[-1].is_closed:
            break
    return replace(drift, who=attribute(differences, logs))


def read_history(
    targets: Sequence[Target], api: Api, groups: Sequence[str] = (), *, since: datetime | None = None
) -> History:
    """Read who changed groups, the newest change first, from the API's log: of all, or of those with a name or an id.

    Names may be globs. Raises `UsageError` for a group of which neither live state nor the log knows anything.

    >>> apply(plan(desired, api), api).error
    >>> history = read_history([Target(1, 7)], api, ["we*"])
    >>> [(entry.action.action, entry.groups) for entry in history.entries][-1]
    ('create', ('web',))
    """
    live = api.read(targets)
    log = api.reader.list_actions(history_query(live, groups, since))
    names = {group.id: group.name for here in live.values() for group in here}
    return choose_entries(name_groups(log, names), live, groups)


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


def audit(
    desired: DesiredState,
    api: Api,
    *,
    today: date | None = None,
    outside: Rulebook | None = None,
    also: Sequence[Target] = (),
    unattached: bool = False,
    whole: bool = True,
    progress: Watch = nobody,
) -> Audit:
    """Judge every live group by the policies, also those that no file names. Changes nothing.

    The files bring policies, places and reviewed exceptions; `outside` is what they cannot soften, and `today` is as in
    `detect_drift`. `also` are further targets, of which one that refuses to be listed is told. `unattached` warns of
    groups that no instance has: one read a group, of `MOST_INSTANCE_READS` of them at most. There are no orphans where
    the files are not the `whole` of what there is.

    >>> audit(desired, api).groups
    1
    """
    desired = find_targets(desired, api)
    refusals = _Refusals(desired.targets)
    if also:
        desired = look_everywhere(desired, also)
    live = read_live(api.reader, desired.targets, parallelism=api.parallelism, progress=progress, on_refusal=refusals)
    groups = [group for groups in live.values() for group in groups if group.name != DEFAULT_GROUP]
    instances = api.read_instances(groups[:MOST_INSTANCE_READS], lenient=True) if unattached else {}
    found = auditing.audit(desired, live, today or api.clock.now().date(), outside, instances, whole=whole)
    return replace(
        found, refused=tuple(sorted(refusals.found)), unknown=len(groups) - len(instances) if unattached else 0
    )


def import_groups(
    target: Target, api: Api, options: ImportOptions, *, processes: int = 1, progress: Watch = nobody
) -> Import:
    """Write live groups as YAML, as texts that planning has shown to change nothing. Writes no file.

    Raises `UsageError` for names that no group has, and `InputError` where existing files are wrong.

    >>> (file,) = import_groups(Target(1, 7), api, ImportOptions(names=("default",))).files
    >>> "name: default" in file.text
    True
    """
    written_as = api.list_names(("project", "region")).by_name(target) if options.by_name else target
    live = api.read([target], progress)
    return importing.import_groups(
        live,
        target,
        options,
        find_existing(options),
        look_up=lambda state: find_targets(state, api),
        written_as=written_as,
        processes=processes,
    )


def view_live(desired: DesiredState, api: Api, *, progress: Watch = nobody) -> StateView:
    """Read what is live, for `trace` and `graph`; the files only add where a rule is written, and need not fit it."""
    desired = find_targets(desired, api)
    live = read(desired, api, progress=progress)
    return live_view(live, resolve(desired, live)[0])


def view_change(desired: DesiredState, api: Api, *, progress: Watch = nobody) -> tuple[StateView, StateView]:
    """Read what is live, and what the files make of it. Raises `InputError` where they do not fit."""
    desired = find_targets(desired, api)
    live = read(desired, api, progress=progress)
    matches, issues = resolve(desired, live)
    if issues:
        raise InputError(issues)
    return live_view(live, matches), planned_view(live, matches)
