"""Stage 6: plan -> outcome. Checks that the plan is not stale, then carries it out, group by group, in a safe order.

Everything that can be done at once is, within `parallelism`; `execution.py` says what that is.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Event

from reconciler.api.live import read_live
from reconciler.api.threads import in_threads
from reconciler.applying.execution import Execution, Work
from reconciler.applying.outcome import Result, Status
from reconciler.applying.patience import Patience
from reconciler.applying.session import ApplyContext
from reconciler.applying.stale import Done, Stale, find_stale
from reconciler.model.errors import AppliedInPart, SgctlError, StalePlan
from reconciler.model.live import LiveState
from reconciler.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Report:
    """How every change of a plan ended, in the plan's order."""

    results: tuple[Result, ...]

    @property
    def error(self) -> SgctlError | None:
        """The error that the outcome amounts to: none, `AppliedInPart`, or nothing applied (`StalePlan` if stale)."""
        bad = [result for result in self.results if result.status is not Status.APPLIED]
        if not bad:
            return None
        message = f"{len(bad)} of {len(self.results)} groups are not as planned"
        hint = "Plan again to see what is left, and apply that."
        if any(result.is_refused for result in bad):
            hint = "What the API refused it refuses until the reason is gone: see each group, then plan again."
        if any(result.is_silent for result in bad):
            hint = "What was sent may still be carried out: wait some minutes, then plan again to see what is left."
        if len(bad) < len(self.results) or any(result.touched for result in bad):
            return AppliedInPart(message, hint)
        if all(result.status is Status.STALE for result in bad):
            return StalePlan(f"{message}: the plan is stale; nothing was sent", "Plan again.")
        return SgctlError(f"{message}; nothing was applied", hint)


class Interrupted(KeyboardInterrupt):
    """The `KeyboardInterrupt` that abandoned an apply; `report` tells how every change stood then."""

    def __init__(self, report: Report) -> None:
        super().__init__("the apply was abandoned")
        self.report = report


def check_stale(plan: Plan, live: LiveState, *, skip_stale: bool = False) -> tuple[Stale | Done, ...]:
    """Compare every group with its fingerprint: which moved, and which need no change any more.

    Raises `StalePlan` where some moved, unless those are to be skipped.
    """
    found = find_stale(plan, live)
    stale = [each for each in found if isinstance(each, Stale)]
    if stale and not skip_stale:
        named = [(each, f"{each.change.difference.name} ({each.change.difference.target})") for each in stale]
        lines = [f"  {name}: {reason}" for each, name in named for reason in each.reasons]
        raise StalePlan(
            f"the plan is stale, and nothing was sent: {len(stale)} of its groups moved since it was made\n"
            + "\n".join(lines),
            hint="Plan again; or pass --skip-stale to apply the other groups.",
        )
    return found


def read_for(plan: Plan, context: ApplyContext, parallelism: int) -> LiveState:
    """Read the targets of a plan: one list each."""
    return read_live(context.reader, (change.difference.target for change in plan.changes), parallelism=parallelism)


def apply(
    plan: Plan,
    context: ApplyContext,
    settled: Iterable[Stale | Done] = (),
    *,
    parallelism: int = 16,
    progress: Callable[[Result], None] = lambda _: None,
) -> Report:
    """Carry out a plan, but for the changes that are settled (`check_stale`); `progress` is told each result.

    Once `context.stopped` is true, requests under way are finished and no further one is begun. A `KeyboardInterrupt`
    abandons even those, and is raised as `Interrupted`: the threads that wait for their answers live on, and send no
    further write.
    """
    abandoned = Event()
    own = replace(context, names=plan.group_names, stopped=lambda: abandoned.is_set() or context.stopped())
    execution = Execution(own, progress, Patience(parallelism))
    for each in settled:
        execution.settle(each)
    try:
        for wave in execution.waves(plan.changes):
            in_threads(_do, wave, parallelism)
    except KeyboardInterrupt:
        abandoned.set()
        raise Interrupted(Report(execution.results(plan))) from None
    return Report(execution.results(plan))


def _do(work: Work) -> None:
    work()
