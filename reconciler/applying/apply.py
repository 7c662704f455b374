"""Stage 6: plan -> outcome. Checks that the plan is not stale, then carries it out, group by group, in a safe order.

Per target: first all groups are created, one after the other, for later ones may refer to earlier ones; then everything
else is changed, several groups at a time, for no change needs another; last, groups are deleted, one after the other,
each only if every rule that referred to it is gone. A failure stops only what depends on it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from reconciler.api.live import read_live
from reconciler.applying.converge import complete
from reconciler.applying.lifecycle import create, delete
from reconciler.applying.outcome import Result, Status
from reconciler.applying.session import ApplyContext
from reconciler.applying.stale import Stale, find_stale
from reconciler.model.desired import Target
from reconciler.model.errors import AppliedInPart, SgctlError, StalePlan
from reconciler.model.live import LiveState
from reconciler.model.placeholder import names_in, placeholder
from reconciler.planning.diff import Action
from reconciler.planning.plan import Change, Plan


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
        hint = "Plan again to see what is left; applying that converges."
        if len(bad) < len(self.results) or any(result.touched for result in bad):
            return AppliedInPart(message, hint)
        if all(result.status is Status.STALE for result in bad):
            return StalePlan(f"{message}: the plan is stale; nothing was sent", "Plan again.")
        return SgctlError(f"{message}; nothing was applied", hint)


def check_stale(plan: Plan, live: LiveState, *, skip_stale: bool = False) -> tuple[Stale, ...]:
    """Compare every group with its fingerprint. Raises `StalePlan` unless stale groups are to be skipped."""
    stale = find_stale(plan, live)
    if stale and not skip_stale:
        lines = [f"  {each.change.difference.name}: {reason}" for each in stale for reason in each.reasons]
        raise StalePlan(
            f"the plan is stale, and nothing was sent: {len(stale)} of its groups moved since it was made\n"
            + "\n".join(lines),
            hint="Plan again; or pass --skip-stale to apply the other groups.",
        )
    return stale


def read_for(plan: Plan, context: ApplyContext, parallelism: int) -> LiveState:
    """Read the targets of a plan: one list each."""
    return read_live(context.reader, (change.difference.target for change in plan.changes), parallelism=parallelism)


def apply(
    plan: Plan,
    context: ApplyContext,
    stale: Iterable[Stale] = (),
    *,
    parallelism: int = 16,
    progress: Callable[[Result], None] = lambda _: None,
) -> Report:
    """Carry out a plan, but for the changes that are stale; `progress` is told each result as it comes.

    Once `context.stopped` is true, requests under way are finished and no further one is begun. A `KeyboardInterrupt`
    abandons even those: the threads that wait for their answers live on, and the report tells what is not known.
    """
    run = _Run(context, progress)
    for each in stale:
        run.end(Result(each.change, Status.STALE, "; ".join(each.reasons)))
    is_abandoned = False
    pool = ThreadPoolExecutor(max_workers=parallelism)
    try:
        for phase in (run.creations, run.completions, run.deletions):
            _wait([pool.submit(work) for work in phase(plan.changes)])
    except KeyboardInterrupt:
        is_abandoned = True
    finally:
        pool.shutdown(wait=not is_abandoned, cancel_futures=True)
    return Report(tuple(run.result(change) for change in plan.changes))


def _wait(futures: Sequence[Future[None]]) -> None:
    for future in futures:
        future.result()


Key = tuple[Target, str]
Work = Callable[[], None]


def _key(change: Change) -> Key:
    difference = change.difference
    return difference.target, difference.live.id if difference.live else placeholder(difference.name)


class _Run:
    """The state of one apply: how each change ended, and the ids of the groups created so far."""

    def __init__(self, context: ApplyContext, progress: Callable[[Result], None]) -> None:
        self.results: dict[Key, Result] = {}
        self._context = context
        self._progress = progress
        self._begun: set[Key] = set()
        self._ids: defaultdict[Target, dict[str, str]] = defaultdict(dict)

    def end(self, result: Result) -> None:
        """Keep how a change ended, and tell."""
        self.results[_key(result.change)] = result
        self._progress(result)

    def result(self, change: Change) -> Result:
        """Tell how a change ended; it has no end where the apply was abandoned."""
        if (result := self.results.get(_key(change))) is not None:
            return result
        if _key(change) not in self._begun:
            return Result(change, Status.LEFT, "stopped before its first request")
        return Result(change, Status.LEFT, "abandoned; what became of its last request is not known", touched=True)

    def _act(self, change: Change, act: Callable[[], Result]) -> Result:
        """Work on a change. A bug must not take the report of what was done with it."""
        self._begun.add(_key(change))
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - whatever it is, something may have been changed, and that is told
            message = f"this is a bug in sgctl: {type(error).__name__}: {error}"
            return Result(change, Status.FAILED, message, touched=True)

    def creations(self, changes: Iterable[Change]) -> Iterator[Work]:
        """One piece of work a target: its new groups, in order."""
        for target, ours in self._by_target(changes, Action.CREATE):
            yield partial(self._create, target, ours)

    def completions(self, changes: Iterable[Change]) -> Iterator[Work]:
        """One piece of work a group: what follows its creation, or its update."""
        for change in changes:
            if _key(change) not in self.results and change.difference.action is not Action.DELETE:
                yield partial(self._complete, change)

    def deletions(self, changes: Iterable[Change]) -> Iterator[Work]:
        """One piece of work a target: the groups that go, in order."""
        for _, ours in self._by_target(changes, Action.DELETE):
            yield partial(self._delete, ours)

    def _by_target(self, changes: Iterable[Change], action: Action) -> Iterable[tuple[Target, list[Change]]]:
        found: defaultdict[Target, list[Change]] = defaultdict(list)
        for change in changes:
            if change.difference.action is action and _key(change) not in self.results:
                found[change.difference.target].append(change)
        return found.items()

    def _create(self, target: Target, changes: Iterable[Change]) -> None:
        for change in changes:
            if not self._lacks(change, names_in(change.requests[0].body)):
                result = self._act(change, partial(create, self._context, change, self._ids[target]))
                if result.status is Status.APPLIED and result.group_id is not None:
                    self._ids[target][change.difference.name] = result.group_id
                else:
                    self.end(result)

    def _complete(self, change: Change) -> None:
        needed = set().union(*(names_in(request.path) | names_in(request.body) for request in change.requests))
        if not self._lacks(change, needed):
            ids = self._ids[change.difference.target]
            self.end(self._act(change, partial(complete, self._context, change, ids)))

    def _delete(self, changes: Iterable[Change]) -> None:
        for change in changes:
            referring = self._still_referring(change)
            if referring:
                self.end(Result(change, Status.LEFT, f"{', '.join(referring)} may still refer to it"))
            else:
                self.end(self._act(change, partial(delete, self._context, change)))

    def _lacks(self, change: Change, names: set[str]) -> bool:
        """End a change that needs the id of a group that was not created."""
        missing = sorted(names - self._ids[change.difference.target].keys())
        if missing:
            created = change.difference.name in self._ids[change.difference.target]
            message = f"left, because {', '.join(missing)} could not be created"
            self.end(Result(change, Status.LEFT, message, touched=created))
        return bool(missing)

    def _still_referring(self, change: Change) -> list[str]:
        """Names of groups whose change did not end well and would have removed rules that refer to this group."""
        assert change.difference.live is not None  # noqa: S101 - only live groups are deleted
        going = change.difference.live.id
        return [
            result.change.difference.name
            for result in list(self.results.values())
            if result.status is not Status.APPLIED
            and any(rule.rule.remote_group_id == going for rule in result.change.difference.deletes)
            and result.change is not change
        ]
