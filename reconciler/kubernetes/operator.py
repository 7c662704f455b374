"""The operator: streams say what changed, a queue says which target is looked at, and threads look.

A look begins with a fresh list of all resources, so nothing that was missed or came late counts: what the streams tell
only wakes. One look a target at a time, also where two resources are for one project and region; and one operator at a
time, by a lease that every write asks about.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from threading import Condition, Lock
from typing import Any

from reconciler.drift.compare import Drift, Severity
from reconciler.drift.watch import Health, Round, Told
from reconciler.kubernetes.cluster import ClusterError, Moved
from reconciler.kubernetes.look import Hands, Seen, SeenSecret, look, mark_of
from reconciler.kubernetes.queue import WorkQueue
from reconciler.kubernetes.resources import CLOUD_TARGET, SECURITY_GROUP, Key, Resource
from reconciler.model.desired import Target
from reconciler.model.errors import Stopped

DEBOUNCE = 0.5
"""Seconds from a change to the look: a folder of resources is applied one by one."""

RETRY, MOST_RETRY = 5.0, 300.0
"""Seconds to the next look after one that failed; doubled each time, up to the most."""

ALL = Key(CLOUD_TARGET, "", "")
"""Stands in the queue for a look at all resources, which finds those that no stream has told of."""

LIST_AGAIN = 300.0
"""Seconds between looks at all resources."""

SECRETS = 15.0
"""Seconds between looks at the Secrets: to read one by its name takes fewer rights than to watch all."""

HUNG_LOOP, HUNG_STREAM, HUNG_LOOK = 120.0, 180.0, 3600.0
"""Seconds after which what does not move is taken to hang: a loop, a stream that tells no change, a look."""


class Operator:
    """Keeps targets as their resources say. `health` may be read by any thread."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._queue: WorkQueue[Key] = WorkQueue(hands.clock, Condition())
        self._asks: dict[Key, tuple[Any, ...]] = {}
        self._untold: dict[Key, float] = {}
        self._targets: dict[Key, Key] = {}
        self._contested: set[Key] = set()
        self._failures: defaultdict[Key, int] = defaultdict(int)
        self._secrets: dict[Key, SeenSecret] = {}
        self._turns: defaultdict[Target, Lock] = defaultdict(Lock)
        self._rounds: dict[Key, Round] = {}
        self._began: dict[Key, float] = {}
        self._lock = Lock()
        self._waits_for: str | None = None
        self.health = Health(moved=hands.clock.monotonic())

    def wait_for(self, what: str | None) -> None:
        """Note what has to come before anything is looked at; None where nothing has to. What is new is told once."""
        if what not in (None, self._waits_for):
            self._hands.tell(f"{what}; it is waited for", is_warning=True)
        self._waits_for = what
        self._move()

    # What wakes whom.

    def notice(self, resource: Resource, *, is_gone: bool = False) -> None:
        """Take note of what a stream tells of a resource, and wake the targets that it concerns."""
        key = resource.key
        with self._lock:
            self._untold.pop(key, None)
            if is_gone:
                self._asks.pop(key, None)
            elif self._asks.get(key) == resource.asks:
                return
            else:
                self._asks[key] = resource.asks
        self._wake(resource)
        if is_gone:
            with self._lock:
                self._targets.pop(key, None)

    def _wake(self, resource: Resource) -> None:
        key = resource.key
        with self._lock:
            if key.kind == CLOUD_TARGET:
                woken = {key}
            elif key.kind == SECURITY_GROUP:
                woken = {resource.target_key, self._targets.get(key, resource.target_key), *self._contested}
                self._targets[key] = resource.target_key
            else:
                woken = {each for each in self._asks if each.kind == CLOUD_TARGET and each.namespace == key.namespace}
        for each in woken:
            self._queue.add(each, DEBOUNCE)

    def wake_all(self) -> None:
        """Look at every target: whenever the lease is taken."""
        with self._lock:
            known = {each for each in self._asks if each.kind == CLOUD_TARGET} | {*self._targets.values()}
        for key in {ALL, *known}:
            self._queue.add(key)

    def watch_secrets(self) -> None:
        """Look at the Secrets of all targets, until stopped, and wake those whose key changed."""
        while not self._hands.stop.wait(SECRETS):
            self._move()
            with self._lock:
                secrets = [*self._secrets.items()]
            for key, (namespace, name, mark) in secrets if self._hands.lease.is_held else ():
                self._move()
                try:
                    data = self._hands.cluster.read_secret(namespace, name)
                except ClusterError:
                    continue
                if mark_of(data) != mark:
                    self._queue.add(key)

    def _move(self) -> None:
        with self._lock:
            self.health = replace(self.health, moved=self._hands.clock.monotonic())

    def _list(self) -> dict[Key, Resource]:
        """List all resources, and note what the streams have not told of them."""
        with self._lock:
            told = dict(self._asks)
        resources = self._hands.cluster.list_resources()
        now, news = self._hands.clock.monotonic(), []
        with self._lock:
            self._untold = {key: since for key, since in self._untold.items() if key in resources}
            for key in told.keys() | resources.keys():
                resource, known = resources.get(key), self._asks.get(key)
                if known != told.get(key) or known == (resource and resource.asks):
                    continue  # a stream told something meanwhile, or knows as much
                if resource is None:
                    del self._asks[key]  # a stream that broke does not tell what was deleted meanwhile
                elif key not in self._untold:
                    self._untold[key] = now
                    news.append(resource)
        for each in news:
            self._wake(each)
        return resources

    # Looks.

    def work(self) -> None:
        """Look at what is due, until the queue is closed."""
        while (key := self._queue.take()) is not None:
            try:
                self._look(key)
            finally:
                self._queue.done(key)

    def close(self) -> None:
        """Begin no further look."""
        self._hands.stop.set()
        self._queue.close()

    def _look(self, key: Key) -> None:
        hands = self._hands
        if not hands.lease.is_held:
            return  # whoever takes the lease wakes all
        started = hands.clock.monotonic()
        with self._lock:
            self._began[key] = started
        try:
            resources = self._list()
            seen = Seen(LIST_AGAIN) if key == ALL else look(key, resources, hands, self._turn)
        except Stopped:
            return
        except Moved:
            self._queue.add(key, DEBOUNCE)
            return
        except Exception as failure:  # noqa: BLE001 - whatever went wrong, the next look may go well
            seen = Seen(error=failure)
        finally:
            with self._lock:
                del self._began[key]
        again = self._note(key, seen, hands.clock.monotonic() - started)
        if again is not None:
            self._queue.add(key, again)

    def _turn(self, target: Target) -> Lock:
        with self._lock:
            return self._turns[target]

    def _note(self, key: Key, seen: Seen, seconds: float) -> float | None:
        """Keep in mind what a look came to, and return the seconds to the next one; None for none."""
        error, again = seen.error, seen.again
        if error is not None:
            name = "all resources" if key == ALL else key
            self._hands.tell(f"{name}: {getattr(error, 'message', repr(error))}", is_warning=True)
        with self._lock:
            if error is not None:
                self._failures[key] += 1
                again = min(MOST_RETRY, RETRY * 2 ** (self._failures[key] - 1))
            else:
                self._failures.pop(key, None)
            _set(self._secrets, key, seen.secret if again is not None else None)
            _set(self._rounds, key, seen.round)
            others = seen.rivals - {key}
            news = others - self._contested
            self._contested |= others
            (self._contested.add if seen.rivals else self._contested.discard)(key)
            told = Told(self.health.rounds + 1, seconds, None if error else seen.round or _nothing(), error)
            health = self.health.after(told, self._hands.clock)
            self.health = replace(health, moved=self.health.moved, last=_join(self._rounds.values()))
        for each in news:  # they are told as well
            self._queue.add(each)
        return again

    # How it is.

    def hangs(self) -> str | None:
        """Say what does not move any more, though it should; None where all does."""
        if self._waits_for:
            return None
        now, lease = self._hands.clock.monotonic(), self._hands.lease
        with self._lock:
            untold, began = min(self._untold.values(), default=now), min(self._began.values(), default=now)
            for since, longest, what in (
                (lease.moved, HUNG_LOOP, "the lease was neither renewed nor asked for"),
                (self.health.moved, HUNG_LOOP, "no Secret was looked at"),
                (untold, HUNG_STREAM, "a resource has changed, and no stream has told it"),
                (began, HUNG_LOOK, "a look has not ended"),
            ):
                if now - since > longest:
                    return f"{what} for {now - since:.0f} s"
        return None

    def unready(self) -> str | None:
        """Say why what it says of targets cannot be relied upon; None where it can."""
        if self._waits_for:
            return self._waits_for
        if not self._hands.lease.is_held:
            return self._hands.lease.problem or f"the lease is held by {self._hands.lease.holder or 'nobody'}"
        return self.health.unready


def _set(mapping: dict[Key, Any], key: Key, value: Any) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


def _nothing() -> Round:
    return Round(Drift((), 0, 0, Severity.COSMETIC, {}), {})


def _join(rounds: Iterable[Round]) -> Round | None:
    """Put together what is known of all targets."""
    rounds = [*rounds]
    if not rounds:
        return None
    compared: defaultdict[Target, int] = defaultdict(int)
    for each in rounds:
        for target, number in each.compared.items():
            compared[target] += number
    drift = Drift(
        tuple(group for each in rounds for group in each.drift.drifted),
        sum(each.drift.groups for each in rounds),
        sum(each.drift.rules for each in rounds),
        Severity.COSMETIC,
        {},
    )
    failed = tuple(text for each in rounds for text in each.failed)
    stopped = tuple(finding for each in rounds for finding in each.stopped_by)
    return Round(drift, dict(compared), failed=failed, stopped_by=stopped)
