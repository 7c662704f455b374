"""A clock that stands still until somebody moves it."""

from datetime import UTC, datetime

from reconciler.model.clock import SystemClock


class SteadyClock(SystemClock):
    """Time in seconds, which passes when `time` is raised or somebody sleeps."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> datetime:
        """Return the time as a moment of 1970."""
        return datetime.fromtimestamp(self.time, UTC)

    def monotonic(self) -> float:
        """Return the time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.time += seconds
