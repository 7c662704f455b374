"""Progress on stderr: one line that is overwritten on a terminal, JSON lines for collectors, else nothing.

Our own sixty lines rather than rich: importing rich takes as long as everything else that `sgctl --version` does, and
one line that is overwritten is all there is to draw.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from reconciler.cli.log import Log, current_log
from reconciler.model.text import printable

if TYPE_CHECKING:  # brings nothing that --help needs
    from reconciler.api.retry import LockWait

PATIENCE = 0.5
"""Seconds of silence that need no progress line; also, unless told otherwise, how often it is drawn anew."""

_CLEAR = "\r\x1b[K"


class Progress:
    """Counts what is done out of a total; appears after half a second, and leaves no trace.

    With `-v` every request has a line of its own, so there is none for progress. `total` may be set once it is known.
    """

    def __init__(
        self,
        what: str,
        total: int = 0,
        *,
        stream: TextIO | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        log: Log | None = None,
        environment: Mapping[str, str] = os.environ,
        interval: float = PATIENCE,
    ) -> None:
        self._what = what
        self._stream = sys.stderr if stream is None else stream
        self._log = log or current_log()
        self._quiet = self._log.quiet
        self._is_drawn = (
            not (self._quiet or self._log.is_json or self._log.verbose)
            and self._stream.isatty()
            and environment.get("TERM") != "dumb"
        )
        self._monotonic = monotonic
        self._interval = interval
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._done = 0
        self.total = total
        self._name = ""
        self._started = 0.0
        self._locks: dict[str, tuple[float, float]] = {}

    def step(self, name: object) -> None:
        """Say what has just been done."""
        with self._lock:
            self._done += 1
            self._name = str(name)
            self._locks.pop(self._name, None)
            if self._log.is_json and not self._quiet:
                total = self.total or None
                self._log.event("progress", stage=self._what, done=self._done, total=total, name=self._name)
        self.draw()

    def read(self, name: object, have: int, of: int) -> None:
        """Say how many parts of something have been read out of how many; with all of them it is done."""
        if have == of:
            self.step(name)
            return
        with self._lock:
            self._name = f"{name}, {have:,} of {of:,} groups"
            if self._log.is_json and not self._quiet:
                self._log.event("progress", stage=self._what, name=str(name), groups=have, of=of)
        self.draw()

    def locked(self, name: str, wait: "LockWait") -> None:
        """Say that the work on something waits for a lock; where there is no line to draw, once a lock."""
        with self._lock:
            now = self._monotonic()
            self._locks[name] = now - wait.waited, now + wait.seconds
            message = f"waiting for a lock on {name}, {wait.waited:.0f} s"
            if self._log.is_json and not self._quiet:
                self._log.event(
                    "waiting",
                    message=message,
                    name=name,
                    path=wait.path,
                    waited=round(wait.waited, 1),
                    next_try=round(wait.seconds, 1),
                    limit=wait.limit,
                )
            elif not (self._is_drawn or self._quiet or wait.waited):
                self._log.line(printable(f"waiting for a lock on {name}, {wait.limit:.0f} s at most"))
        self.draw()

    def draw(self) -> None:
        """Draw the line, if it is time for one."""
        with self._lock:
            now = self._monotonic()
            seconds = now - self._started
            if not self._is_drawn or self._ended.is_set() or seconds < PATIENCE:
                return
            total = f"/{self.total}" if self.total else ""
            says = self._waits(now) or self._name
            says = "".join(character if character.isprintable() else "?" for character in says)
            line = f"{self._what} {self._done}{total}, {seconds:.0f} s{': ' if says else ''}{says}"
            self._write(_CLEAR + line[: _columns(self._stream) - 1])

    def _waits(self, now: float) -> str:
        """Say what waits for a lock just now, the longest wait first; nothing where nothing does."""
        waiting = sorted((since, name) for name, (since, until) in self._locks.items() if now < until)
        if not waiting:
            return ""
        more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
        return f"waiting for a lock on {waiting[0][1]}{more}, {now - waiting[0][0]:.0f} s"

    def __enter__(self) -> Self:
        self._started = self._monotonic()
        if self._is_drawn:
            try:
                self._thread.start()
            except RuntimeError:  # the machine gives no further thread
                self._is_drawn = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended.set()
        if self._is_drawn:
            self._thread.join()
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        """Write to the terminal; one that is gone, as after SIGHUP, must not end what is under way."""
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

    def _run(self) -> None:
        """Keep the line alive while nothing is done: an answer that takes long is what people want to see."""
        while not self._ended.wait(self._interval):
            self.draw()


def _columns(stream: TextIO) -> int:
    """Ask how wide the terminal behind this very stream is: stdout may be a pipe."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
