"""How long to wait and when to give up: bounded in tries and in seconds.

Our own small file rather than a library, because the pause that one thread is told (429) holds for all of them, because
whether to try again depends on whether the request may have acted, and because clock and sleep come from outside.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf

from reconciler.model.clock import Clock
from reconciler.model.cloud import DEFAULT_LOCK_TIMEOUT
from reconciler.model.errors import ApiUnreachable

MAX_TRIES = 5
"""Tries of one request where the API does not say how long to wait."""
MAX_ASKED = 20
"""Tries of one request where it does (`Retry-After`)."""
FIRST_BACKOFF = 0.5
"""Seconds before the second try; doubled for each further one."""
MAX_WAIT = 60.0
"""Seconds that the waits of one request may add up to, `Retry-After` included."""
MAX_TRYING = 30.0
"""Seconds after which the tries of one request have taken long enough; the second one begins in any case, unless others
failed before it. A server that keeps each waiting to its deadline is given up within a minute."""
MAX_OUTAGE = 60.0
"""Seconds for which an API may fail at all that it is asked before it is asked no more."""
FORGOTTEN = 30.0
"""Seconds without a request after which an API that failed at all is worth another try."""

FIRST_LOCK_WAIT = 1.0
"""Seconds before the second try of a write to a locked resource; doubled for each further one."""
LONGEST_LOCK_WAIT = 30.0
FIRST_LONG_WAIT = 5.0
"""The same where the group is read before each try, of which there are few."""
LONG_WAITS = 2**6 - 1
"""First waits that six tries add up to: with a long limit the first wait is longer, so that they last for all of it."""


class Outage:
    """How long the API has failed at all that it was asked, by any thread: no answer, 429, 5xx, what is no JSON.

    `longest` is how long that may last: a minute, or two tries with a `timeout` of more than half a minute.
    """

    def __init__(self, clock: Clock, timeout: float) -> None:
        self.longest = max(MAX_OUTAGE, 2 * timeout)
        self._clock = clock
        self._began: float | None = None
        self._last = 0.0
        self._ended = -inf
        self._asked_to_wait = False

    @property
    def seconds(self) -> float:
        """How long it has lasted so far; 0 where there is none, or the last request was long ago."""
        began, now = self._began, self._clock.monotonic()
        return 0.0 if began is None or now - self._last > FORGOTTEN else now - began

    @property
    def silence(self) -> float:
        """The same, but 0 where the API said last how long to wait: then it is asked again."""
        return 0.0 if self._asked_to_wait else self.seconds

    def end(self) -> None:
        """Take note of a good answer, or of a refusal."""
        self._began, self._ended = None, self._clock.monotonic()

    def note(self, began: float, wait: float | None = None) -> None:
        """Take note of a try that failed and when it began; and of the `wait` that the API asked for.

        It may have begun before another thread got a good answer: the outage began after that.
        """
        if self._began is None or began - self._last > FORGOTTEN:
            self._began = max(began, self._ended)
        self._last = self._clock.monotonic() + min(wait or 0.0, MAX_WAIT)
        self._asked_to_wait = wait is not None


class OutageOfThread(threading.local, Outage):
    """The same, for each thread by itself: at what one group needs the API may fail while it answers all the others."""


@dataclass(frozen=True, slots=True)
class Outages:
    """What the tries of a request are held to: the API's `whole` outage, that of this thread, and that of its `kind`.

    Reads are a kind and writes the other: a server may ask only one of them to wait.
    """

    whole: Outage
    own: Outage
    kind: Outage

    @property
    def silence(self) -> float:
        """The longer silence of all threads and of this one."""
        return max(self.whole.silence, self.own.silence)

    @property
    def seconds(self) -> float:
        """How long the longest of them has lasted so far."""
        return max(self.whole.seconds, self.own.seconds, self.kind.seconds)

    def end(self) -> None:
        """Take note of a good answer, or of a refusal."""
        for each in (self.whole, self.own, self.kind):
            each.end()

    def note(self, began: float, wait: float | None = None) -> None:
        """Take note of a try that failed, as `Outage.note` does."""
        for each in (self.whole, self.own, self.kind):
            each.note(began, wait)


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


@dataclass(frozen=True, slots=True)
class LockWait:
    """A wait that begins, for a resource that another task has locked; `path` is what was written to.

    `waited` are the seconds waited so far, `limit` those allowed in all; the next try is in `seconds`.
    """

    path: str
    waited: float
    limit: float
    seconds: float


class Locks:
    """Waiting for locked resources, each for `limit` seconds at most; `on_wait` is told before each wait.

    The API refuses a write to what another task works on (409); that passes by itself, mostly within seconds.
    """

    def __init__(
        self, clock: Clock, limit: float = DEFAULT_LOCK_TIMEOUT, on_wait: Callable[[LockWait], None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._on_wait = on_wait
        self._waiting: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def wait(self, path: str, asked: float | None = None, *, reads_between: bool = False) -> bool:
        """Wait before the next try, `asked` seconds where the API named them; False when the time is used up.

        With `reads_between` the waits are longer: the caller reads before each try, and does so a few times only.
        """
        now = self._clock.monotonic()
        with self._lock:
            since, tries = self._waiting.get(path, (now, 0))
            self._waiting[path] = (since, tries + 1)
        left = self._limit - (now - since)
        if left <= 0:
            return False
        if not asked:  # 0 would be to ask without end
            first = max(FIRST_LONG_WAIT, self._limit / LONG_WAITS)
            asked = first * 2**tries if reads_between else min(FIRST_LOCK_WAIT * 2**tries, LONGEST_LOCK_WAIT)
        seconds = min(asked, left)
        self._on_wait(LockWait(path, now - since, self._limit, seconds))
        self._clock.sleep(seconds)
        return True

    def forget(self, path: str) -> None:
        """Begin anew at the next lock: this one is gone, or was given up."""
        with self._lock:
            self._waiting.pop(path, None)


class Waits:
    """The tries and waits of one request; `hint` is what to do when they are used up.

    `outages` are those of the API, where requests before this one and beside it count as well.
    """

    def __init__(self, clock: Clock, hint: str | None = None, outages: Outages | None = None) -> None:
        self._clock = clock
        self._hint = hint
        self._outages = outages
        self._is_first = outages is None or not outages.silence
        self._tries = 0
        self._waited = 0.0
        self._trying = 0.0
        self._began = clock.monotonic()

    def begin(self) -> None:
        """Take note that a try begins."""
        self._began = self._clock.monotonic()

    def allowed(self, asked: float | None, problem: str, path: str) -> float:
        """Return the seconds until the next try, `asked` where the API named them.

        Raises `ApiUnreachable` when the tries are used up, or the wait would be too long.
        """
        self._tries += 1
        self._trying += self._clock.monotonic() - self._began
        is_slow = self._tries > 1 and self._trying > MAX_TRYING
        if self._outages and not (self._is_first and self._tries == 1):
            is_slow |= self._outages.silence > MAX_TRYING
        if is_slow or self._tries >= (MAX_TRIES if asked is None else MAX_ASKED):
            tries = "1 try" if self._tries == 1 else f"{self._tries} tries"
            raise ApiUnreachable(f"{path}: {problem}; gave up after {tries}", self._hint)
        seconds = FIRST_BACKOFF * 2 ** min(self._tries - 1, MAX_TRIES) if asked is None else asked
        waited = self._waited
        if self._outages and asked is not None:
            waited = max(waited, self._outages.seconds)
        if waited + seconds > MAX_WAIT:
            so_far = f" after {waited:.0f} s of waiting" if waited else ""
            raise ApiUnreachable(
                f"{path}: {problem}; the API asks to wait {seconds:.0f} s{so_far}, and {MAX_WAIT:.0f} s are allowed",
                hint="Run the command again later.",
            )
        self._waited += seconds
        return seconds

    def after(self, problem: str, path: str, asked: float | None = None) -> None:
        """Wait before the next try, as `allowed` says."""
        self._clock.sleep(self.allowed(asked, problem, path))


def retry_after(text: str, clock: Clock) -> float | None:
    """Seconds that a `Retry-After` header asks for, as a number or a date (RFC 9110, 10.2.3); None without one."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    date = read_date(text)
    return None if date is None else max(0.0, (date - clock.now()).total_seconds())


def read_date(text: str) -> datetime | None:
    """Read the date of a header, in UTC where it names no zone; None for anything else, however large its numbers."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
