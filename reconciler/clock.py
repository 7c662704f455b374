"""Time as the reconciler sees it: passed in, so that no test has to wait."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

from reconciler.errors import Stopped


class Clock(Protocol):
    """What the time is, and how to wait."""

    def now(self) -> datetime:
        """Return the wall-clock time, with its zone."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds of the system's steady clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait in this thread."""
        time.sleep(seconds)


class StoppableClock(SystemClock):
    """The time of this machine, for someone who may be asked to stop: then no wait is begun, and none goes on."""

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped

    def sleep(self, seconds: float) -> None:
        """Wait in this thread. Raises `Stopped` once asked to stop."""
        if self._stopped.wait(seconds):
            raise Stopped("stopped while waiting")
