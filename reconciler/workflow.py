"""The straight line: desired state and API -> plan, or drift. No printing, no argv."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date

from reconciler.api.backend import BACKENDS, GcoreWriter
from reconciler.api.live import Reader, Watch, nobody, read_each, read_live
from reconciler.api.reader import GcoreReader
from reconciler.applying.apply import Report, check_stale, read_for
from reconciler.applying.apply import apply as carry_out
from reconciler.applying.outcome import NoJournal, Recorder
from reconciler.applying.session import ApplyContext
from reconciler.drift.compare import Drift, Severity, by_target, compare_target, join_targets
from reconciler.loading.head import Defaults
from reconciler.loading.load import load as load_files
from reconciler.model.clock import Clock, SystemClock, format_time
from reconciler.model.cloud import DEFAULT_BASE_URL
from reconciler.model.desired import DesiredState
from reconciler.model.errors import GuardrailStop
from reconciler.model.live import LiveGroup, LiveState
from reconciler.planning import prune
from reconciler.planning.plan import Change, Plan, PlanOptions, match_groups, plan_groups
from reconciler.planning.resolve import Match
from reconciler.policy.judge import judge_plan


def plan_state(
    state: DesiredState,
    reader: Reader,
    options: PlanOptions,
    clock: Clock,
    *,
    parallelism: int = 16,
    show_instances: bool = False,
    progress: Watch = nobody,
) -> Plan:
    """Read the live state of the targets of a desired state, and plan.

    `show_instances` counts the instances of every group that changes, one read each.

    Raises `InputError` for what cannot be planned, `ApiError` when live state cannot be read whole.
    """
    live = read_live(reader, state.targets, parallelism=parallelism, progress=progress)
    matches = match_groups(state, live, options)
    going = prune.candidates(state, live, matches) if options.prune else ()
    plan = _plan(
        state,
        live,
        matches,
        options,
        base_url=reader.base_url,
        created_at=format_time(clock.now().astimezone(UTC)),
        instances=_count_instances(going, reader, parallelism),
    )
    return _with_instances(plan, reader, parallelism) if show_instances else plan


def make_plan(
    state: DesiredState,
    live: LiveState,
    options: PlanOptions,
    *,
    base_url: str,
    created_at: str,
    instances: Mapping[str, int] | None = None,
) -> Plan:
    """Plan and judge, given the live state.

    `instances` counts, by group id, the instances of the groups that pruning may delete (see `prune.candidates`).
    Raises `InputError` for what cannot be planned, each with its place, and `UsageError` for options that exclude
    each other. Guardrails do not raise: they are findings of the plan, which is to be shown all the same.
    """
    matches = match_groups(state, live, options)
    return _plan(state, live, matches, options, base_url=base_url, created_at=created_at, instances=instances)


def _plan(
    state: DesiredState,
    live: LiveState,
    matches: Sequence[Match],
    options: PlanOptions,
    *,
    base_url: str,
    created_at: str,
    instances: Mapping[str, int] | None,
) -> Plan:
    plan = plan_groups(
        state,
        live,
        matches,
        options,
        BACKENDS[options.api_version],
        base_url=base_url,
        created_at=created_at,
        instances=instances,
    )
    return judge_plan(plan, state.policies, options.limits, matches, live, options.outside)


def drift_state(
    state: DesiredState,
    reader: Reader,
    *,
    fail_on: Severity = Severity.COSMETIC,
    today: date | None = None,
    parallelism: int = 16,
    progress: Watch = nobody,
) -> Drift:
    """Read the live state of one target after the other, and keep of each what differs from its desired state.

    Raises `InputError` where it is not clear which live group a desired one is, `ApiError` when live state cannot be
    read whole.
    """
    desired = by_target(state)
    parts = read_each(
        reader,
        state.targets,
        lambda target, groups: compare_target(desired[target], groups, fail_on),
        parallelism=parallelism,
        progress=progress,
    )
    return join_targets(parts.values(), state, fail_on, today)


def _count_instances(groups: Sequence[LiveGroup], reader: Reader, parallelism: int) -> Mapping[str, int]:
    """Count the instances of the groups that pruning may delete: one read each, and only of those."""
    if not groups:
        return {}
    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        counts = pool.map(lambda group: reader.count_instances(group.target, group.id), groups)
        return dict(zip((group.id for group in groups), counts, strict=True))


def _with_instances(plan: Plan, reader: Reader, parallelism: int) -> Plan:
    def count(change: Change) -> Change:
        difference = change.difference
        if difference.live is None:
            return change
        instances = reader.count_instances(difference.target, difference.live.id)
        return replace(change, difference=replace(difference, instances=instances))

    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        return replace(plan, changes=tuple(pool.map(count, plan.changes)))


@dataclass(frozen=True, slots=True)
class Api:
    """A connection to one API; made by `connect`, safe to share between threads."""

    reader: GcoreReader
    writer: GcoreWriter
    clock: Clock
    parallelism: int


@contextmanager
def connect(
    api_key: str,
    *,
    base_url: str = DEFAULT_BASE_URL,
    timeout: float = 30.0,
    parallelism: int = 16,
    clock: Clock | None = None,
) -> Iterator[Api]:
    """Connect to an API for the time of a `with` block; `timeout` in seconds, `parallelism` in requests at once.

    Raises `UsageError` for an address that a key must not be sent to.
    """
    from reconciler.api.http import Http  # noqa: PLC0415 - httpx costs 0.1 s, which whoever stays offline need not pay

    clock = clock or SystemClock()
    with Http(base_url, api_key, clock, timeout=timeout, connections=parallelism) as http:
        yield Api(GcoreReader(http), GcoreWriter(http, clock), clock, parallelism)


def load(*paths: str, project_id: int | None = None, region_id: int | None = None) -> DesiredState:
    """Load desired state from files and folders; project and region fill what documents leave out.

    Raises `InputError` with everything that is wrong, each issue with its place.
    """
    return load_files(paths, Defaults(project_id, region_id))


def plan(desired: DesiredState, api: Api, options: PlanOptions | None = None) -> Plan:
    """Read the live state of the desired groups' targets, and plan what makes it the desired one. Changes nothing.

    Raises `InputError` for what cannot be planned, `ApiError` when live state cannot be read whole.
    """
    return plan_state(desired, api.reader, options or PlanOptions(), api.clock, parallelism=api.parallelism)


def apply(plan: Plan, api: Api, *, skip_stale: bool = False, recorder: Recorder | None = None) -> Report:
    """Send what a plan says, group by group, each verified by reading it back. `recorder` is told every write.

    The report's `error` is None when every group is as planned. Raises `GuardrailStop` for a plan that a guardrail
    stops, and `StalePlan` when a group moved since the plan was made; in both cases nothing was sent.
    """
    if plan.stopped_by:
        raise GuardrailStop("; ".join(finding.message for finding in plan.stopped_by))
    context = ApplyContext(api.reader, api.writer, api.clock, BACKENDS[plan.api_version], recorder or NoJournal())
    stale = check_stale(plan, read_for(plan, context, api.parallelism), skip_stale=skip_stale)
    return carry_out(plan, context, stale, parallelism=api.parallelism)
