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


def length_of(time: timedelta) -> str:
    """Write a length of time as people say it, in its two largest units: `3 days 4 h`, `90 s`."""
    seconds = round(time.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours else f"{days} days"


def format_time(time: datetime) -> str:
    """Write a time as plan files do: ISO 8601 in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_moment(time: datetime) -> str:
    """Write a time as logs and journals do: ISO 8601 in UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def day_of(time: str) -> date:
    """Return the day of a time as plan files write it, in UTC."""
    return date.fromisoformat(time[:10])
