"""The straight line, end to end: files and API -> plan. No printing, no argv."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from reconciler import prune
from reconciler.clock import Clock
from reconciler.desired import Defaults, load
from reconciler.live import LiveState, Reader, read_live
from reconciler.model.desired import DesiredState, Target
from reconciler.model.plan import Plan
from reconciler.plan import PlanOptions, make_plan, resolve_or_fail


def plan_files(
    paths: Sequence[str],
    defaults: Defaults,
    reader: Reader,
    options: PlanOptions,
    clock: Clock,
    *,
    parallelism: int = 16,
    progress: Callable[[Target], None] = lambda _: None,
) -> Plan:
    """Load the files, read the live state of their targets, and plan.

    Raises `InputError` for everything wrong in the files, `ApiError` when live state cannot be read whole.
    """
    state = load(paths, defaults)
    live = read_live(reader, state.targets, parallelism=parallelism, progress=progress)
    now = clock.now().astimezone(UTC)
    return make_plan(
        state,
        live,
        options,
        base_url=reader.base_url,
        created_at=format_time(now),
        instances=_instances(state, live, reader, options),
    )


def format_time(time: datetime) -> str:
    """Write a time as plan files do: ISO 8601 in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _instances(state: DesiredState, live: LiveState, reader: Reader, options: PlanOptions) -> Mapping[str, int]:
    """Count the instances of the groups that pruning may delete: one read each, and only of those."""
    if not options.prune:
        return {}
    groups = prune.candidates(state, live, resolve_or_fail(state, live, options))
    return {group.id: reader.count_instances(group.target, group.id) for group in groups}
