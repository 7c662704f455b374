"""How long to wait and when to give up: bounded in tries and in seconds.

Our own small file rather than a library, because the pause that one thread is told (429) holds for all of them, because
whether to try again depends on whether the request may have acted, and because clock and sleep come from outside.
"""

import threading
from datetime import UTC
from email.utils import parsedate_to_datetime

from reconciler.model.clock import Clock
from reconciler.model.errors import ApiUnreachable

MAX_TRIES = 5
"""Tries of one request where the API does not say how long to wait."""
MAX_ASKED = 20
"""Tries of one request where it does (`Retry-After`)."""
FIRST_BACKOFF = 0.5
"""Seconds before the second try; doubled for each further one."""
MAX_WAIT = 60.0
"""Seconds that the waits of one request may add up to, `Retry-After` included."""


class Pause:
    """The one pause that all threads keep once any of them was told 429."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = 0.0
        self._lock = threading.Lock()

    def ask(self, seconds: float) -> None:
        """Let nobody send for that long."""
        with self._lock:
            self._until = max(self._until, self._clock.monotonic() + seconds)

    def obey(self) -> None:
        """Wait until sending is allowed."""
        with self._lock:
            wait = self._until - self._clock.monotonic()
        if wait > 0:
            self._clock.sleep(wait)


class Waits:
    """The tries and waits of one request."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tries = 0
        self._waited = 0.0

    def allowed(self, asked: float | None, problem: str, path: str) -> float:
        """Return the seconds until the next try, `asked` where the API named them.

        Raises `ApiUnreachable` when the tries are used up or the wait would be too long.
        """
        self._tries += 1
        if self._tries >= (MAX_TRIES if asked is None else MAX_ASKED):
            raise ApiUnreachable(f"{path}: {problem}; gave up after {self._tries} tries")
        seconds = FIRST_BACKOFF * 2 ** min(self._tries - 1, MAX_TRIES) if asked is None else asked
        if self._waited + seconds > MAX_WAIT:
            waited = f" after {self._waited:.0f} s of waiting" if self._waited else ""
            raise ApiUnreachable(
                f"{path}: {problem}; the API asks to wait {seconds:.0f} s{waited}, and {MAX_WAIT:.0f} s are allowed",
                hint="Run the command again later.",
            )
        self._waited += seconds
        return seconds

    def after(self, problem: str, path: str, asked: float | None = None) -> None:
        """Wait before the next try."""
        self._clock.sleep(self.allowed(asked, problem, path))


def retry_after(text: str, clock: Clock) -> float | None:
    """Seconds that a `Retry-After` header asks for, as a number or a date (RFC 9110, 10.2.3); None without one."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - clock.now()).total_seconds())
