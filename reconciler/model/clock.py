"""Time as the reconciler sees it: passed in, so that no test has to wait; and times as text."""

import re
import threading
import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from reconciler.model.errors import Stopped


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


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta | None:
    """Read a duration; None when the text is none."""
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def format_time(time: datetime) -> str:
    """Write a time as plan files do: ISO 8601 in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_moment(time: datetime) -> str:
    """Write a time as logs and journals do: ISO 8601 in UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def day_of(time: str) -> date:
    """Return the day of a time as plan files write it, in UTC."""
    return date.fromisoformat(time[:10])
