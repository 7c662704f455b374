"""A watch: looking for drift without end, and what its rounds together say about its health.

What a round does is handed in; a round that fails is told and never ends the watch.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.drift.compare import Drift
from reconciler.model.clock import Clock
from reconciler.model.desired import DesiredState, Target
from reconciler.model.errors import Stopped
from reconciler.model.policies import Finding
from reconciler.model.text import count
from reconciler.planning.diff import Action, Difference

JITTER = 0.1
"""The part of an interval by which pauses differ, so that many watches do not ask the API in the same second."""

READY_FAILURES = 3
"""Failed rounds in a row after which a watch is not ready any more."""

HUNG_INTERVALS, HUNG_SECONDS = 3, 900.0
"""A watch without the end of a round for so many intervals and seconds together is taken to hang."""


class Enforce(StrEnum):
    """What a watch puts right by itself.

    NARROW: what takes traffic away that no file admits, and opens none. ALL: whatever guardrails and policies let pass.
    """

    NONE = "none"
    NARROW = "narrow"
    ALL = "all"


def narrows(difference: Difference) -> bool:
    """Tell whether putting a difference right takes traffic away and opens none. A rename is not for nobody to see."""
    traffic = difference.traffic
    return (
        difference.action is Action.UPDATE
        and difference.previous_name is None
        and bool(traffic.closes)
        and not traffic.opens
    )


def only_narrowing(state: DesiredState, differences: Iterable[Difference]) -> DesiredState:
    """Return the desired rules of the groups whose difference narrows; their tags and descriptions are left alone."""
    chosen = {(each.target, each.name) for each in differences if narrows(each)}
    groups = tuple(
        replace(group, tags=None, description=None) for group in state.groups if (group.target, group.name) in chosen
    )
    return replace(state, groups=groups, targets=tuple(dict.fromkeys(group.target for group in groups)))


@dataclass(frozen=True, slots=True)
class Round:
    """What one round found: the drift that is left at its end, the groups it put right, and what stood in its way.

    `compared` counts the desired groups of each target; `failed` says what could not be put right.
    """

    drift: Drift
    compared: dict[Target, int]
    mended: int = 0
    failed: tuple[str, ...] = ()
    stopped_by: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """How a round ended, for whoever is told: `round` or `error`. `seconds` it took."""

    number: int
    seconds: float
    round: Round | None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a watch. Times: `finished` and `succeeded` in seconds since the epoch, `moved` steady seconds.

    `last` is the last round, None where it failed: what was known before it is no longer known.
    """

    rounds: int = 0
    failures: int = 0
    failures_in_row: int = 0
    mended: int = 0
    seconds: float = 0.0
    finished: float = 0.0
    succeeded: float = 0.0
    moved: float = 0.0
    last: Round | None = None

    @property
    def unready(self) -> str | None:
        """Say why what the watch tells cannot be relied upon; None where it has succeeded, and does not fail often."""
        if self.succeeded <= 0 and not self.failures_in_row:
            return "no round has ended yet"
        is_ready = self.succeeded > 0 and self.failures_in_row < READY_FAILURES
        return None if is_ready else f"{count(self.failures_in_row, 'round')} in a row failed"

    def hangs(self, now: float, interval: float) -> str | None:
        """Say that the watch does not move any more at this steady time; None where it does."""
        for_long = now - self.moved > HUNG_INTERVALS * interval + HUNG_SECONDS
        return "no round has ended for too long" if for_long else None

    def after(self, told: Told, clock: Clock) -> "Health":
        """Return what is known after one more round."""
        is_good = told.round is not None
        now = clock.now().timestamp()
        return Health(
            rounds=told.number,
            failures=self.failures + (not is_good),
            failures_in_row=0 if is_good else self.failures_in_row + 1,
            mended=self.mended + (told.round.mended if told.round else 0),
            seconds=told.seconds,
            finished=now,
            succeeded=now if is_good else self.succeeded,
            moved=clock.monotonic(),
            last=told.round,
        )


class WatchLoop:
    """Runs rounds until it is stopped. `health` may be read by any thread.

    `pick` returns a number from 0 to 1: where in the jitter a pause lies. `tell` is told how each round ended.
    """

    def __init__(
        self, one_round: Callable[[], Round], clock: Clock, pick: Callable[[], float], tell: Callable[[Told], None]
    ) -> None:
        self._one_round = one_round
        self._clock = clock
        self._pick = pick
        self._tell = tell
        self.health = Health(moved=clock.monotonic())

    def run(self, interval: float, stopped: Callable[[], bool], rounds: int | None = None) -> None:
        """Run a round every `interval` seconds, until stopped or for so many rounds."""
        with suppress(Stopped):  # by the clock, in a pause
            while not stopped() and self.health.rounds != rounds:
                self._run_one()
                if self.health.rounds != rounds:
                    self._clock.sleep(interval * (1 + JITTER * (2 * self._pick() - 1)))

    def _run_one(self) -> None:
        started = self._clock.monotonic()
        found, error = None, None
        try:
            found = self._one_round()
        except Stopped:
            raise
        except Exception as failure:  # noqa: BLE001 - whatever went wrong, the next round may go well
            error = failure
        told = Told(self.health.rounds + 1, self._clock.monotonic() - started, found, error)
        self.health = self.health.after(told, self._clock)
        self._tell(told)
