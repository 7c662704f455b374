"""sgctl as a library: the three verbs of the command line, on values instead of files and flags.

    from reconciler import connect, load
    from reconciler.planning import plan
    from reconciler.applying import apply

    with connect(api_key) as api:
        proposal = plan(load("groups/"), api)
        report = apply(proposal, api)

Nothing here prints, asks or reads the environment. What goes wrong is an error of `reconciler.errors`; guardrails do
not raise: `plan` tells them as `Plan.findings`, and `apply` refuses a plan that `Plan.stopped_by` anything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.api.address import DEFAULT_BASE_URL
from reconciler.api.http import Http
from reconciler.api.reader import GcoreReader
from reconciler.api.writer import GcoreWriter
from reconciler.applying.apply import Report, check_stale, read_for
from reconciler.applying.apply import apply as carry_out
from reconciler.applying.outcome import NoJournal, Recorder
from reconciler.applying.session import Means
from reconciler.clock import Clock, SystemClock
from reconciler.errors import GuardrailStop
from reconciler.loader.target import Defaults
from reconciler.loading import load as load_files
from reconciler.model.desired import DesiredState
from reconciler.model.plan import Plan
from reconciler.planning.plan import PlanOptions
from reconciler.workflow import plan_state


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
    means = Means(api.reader, api.writer, api.clock, plan.api_version, recorder or NoJournal())
    stale = check_stale(plan, read_for(plan, means, api.parallelism), skip_stale=skip_stale)
    return carry_out(plan, means, stale, parallelism=api.parallelism)
