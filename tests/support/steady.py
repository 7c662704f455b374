"""Clocks with which no test waits."""

from datetime import UTC, datetime

from reconciler.model.clock import SystemClock
from reconciler.model.errors import Stopped


class HastyClock(SystemClock):
    """The time is that of this machine, but nobody sleeps."""

    def sleep(self, seconds: float) -> None:
        """Go on at once."""


class SteadyClock(SystemClock):
    """Time in seconds, which passes when `time` is raised or somebody sleeps; `waits` are the times slept."""

    def __init__(self) -> None:
        self.time = 100.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        """Return the time as a moment of 1970."""
        return datetime.fromtimestamp(self.time, UTC)

    def monotonic(self) -> float:
        """Return the time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.time += seconds
        self.waits.append(seconds)

    @property
    def slept(self) -> float:
        """The seconds slept in all."""
        return sum(self.waits)


class TickingClock(SteadyClock):
    """Time that passes with each look at it, so that a deadline does not come sooner on a busy machine."""

    def monotonic(self) -> float:
        """Return the time, a hundredth of a second later."""
        self.time += 0.01
        return self.time


class StoppedClock(SteadyClock):
    """Every wait is ended at once, by a wish to stop."""

    def sleep(self, seconds: float) -> None:
        """Stop."""
        raise Stopped("stopped while waiting")
