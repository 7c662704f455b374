"""Who is to be looked at next, and when: one at a time for each key, however often it is asked for."""

import heapq
from collections.abc import Hashable
from threading import TIMEOUT_MAX, Condition
from typing import Generic, TypeVar

from reconciler.model.clock import Clock

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Hands out keys when they are due. A key that is being worked on is handed out again only after `done`.

    Who takes waits on `changed`, by the seconds of `clock`.
    """

    def __init__(self, clock: Clock, changed: Condition) -> None:
        self._clock = clock
        self._changed = changed
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._number = 0
        self._busy: set[K] = set()
        self._is_closed = False

    def add(self, key: K, after: float = 0.0) -> None:
        """Ask for a key, in so many seconds; what is due sooner stays so."""
        when = self._clock.monotonic() + after
        with self._changed:
            if when < self._due.get(key, float("inf")):
                self._due[key] = when
                self._number += 1
                heapq.heappush(self._heap, (when, self._number, key))
                self._changed.notify_all()

    def take(self) -> K | None:
        """Wait for a key that is due; None once the queue is closed."""
        with self._changed:
            while not self._is_closed:
                found, wait = self._next()
                if found is not None:
                    return found
                self._changed.wait(wait and min(wait, TIMEOUT_MAX))
        return None

    def _next(self) -> tuple[K | None, float | None]:
        """Return a key that is due, or how long to wait for one."""
        now = self._clock.monotonic()
        held = []
        found, wait = None, None
        while self._heap and found is None:
            when, _, key = self._heap[0]
            if self._due.get(key) != when:
                heapq.heappop(self._heap)  # it was asked for again, for sooner, or is done
            elif when > now:
                wait = when - now
                break
            elif key in self._busy:
                held.append(heapq.heappop(self._heap))
            else:
                heapq.heappop(self._heap)
                del self._due[key]
                self._busy.add(key)
                found = key
        for each in held:
            heapq.heappush(self._heap, each)
        return found, wait

    def done(self, key: K) -> None:
        """Say that the work on a key is over."""
        with self._changed:
            self._busy.discard(key)
            self._changed.notify_all()

    def close(self) -> None:
        """Hand out nothing any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
