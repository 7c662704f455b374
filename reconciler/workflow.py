"""The straight line: desired state and API -> plan, or drift. No printing, no argv."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime

from reconciler.clock import Clock
from reconciler.drift import Drift, Severity, by_target, compare, join
from reconciler.live import LiveState, Reader, Watch, nobody, read_each, read_live
from reconciler.model.desired import DesiredState
from reconciler.model.plan import Change, Plan
from reconciler.planning import prune
from reconciler.planning.plan import PlanOptions, make_plan, resolve_or_fail


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
    now = clock.now().astimezone(UTC)
    plan = make_plan(
        state,
        live,
        options,
        base_url=reader.base_url,
        created_at=format_time(now),
        instances=_instances(state, live, reader, options),
    )
    return _with_instances(plan, reader, parallelism) if show_instances else plan


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
        lambda target, groups: compare(desired[target], groups, fail_on),
        parallelism=parallelism,
        progress=progress,
    )
    return join(parts.values(), state, fail_on, today)


def format_time(time: datetime) -> str:
    """Write a time as plan files do: ISO 8601 in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instances(state: DesiredState, live: LiveState, reader: Reader, options: PlanOptions) -> Mapping[str, int]:
    """Count the instances of the groups that pruning may delete: one read each, and only of those."""
    if not options.prune:
        return {}
    groups = prune.candidates(state, live, resolve_or_fail(state, live, options))
    return {group.id: reader.count_instances(group.target, group.id) for group in groups}


def _with_instances(plan: Plan, reader: Reader, parallelism: int) -> Plan:
    def count(change: Change) -> Change:
        difference = change.difference
        if difference.live is None:
            return change
        instances = reader.count_instances(difference.target, difference.live.id)
        return replace(change, difference=replace(difference, instances=instances))

    with ThreadPoolExecutor(max_workers=parallelism) as pool:
        return replace(plan, changes=tuple(pool.map(count, plan.changes)))
