"""One operator at a time: a Lease of the cluster says which."""

import threading
from collections.abc import Callable
from typing import Any

from reconciler.kubernetes.cluster import Cluster, Moved
from reconciler.model.clock import Clock

HELD = 10.0
"""Seconds for which a lease is held without being renewed: then no further write is begun."""

SPARE = 5.0
"""Seconds more that others wait, so that two clocks that run at different speeds do no harm."""

RENEW = 4.0
"""Seconds between renewals."""


class Lease:
    """Holds a lease of the cluster, or waits for it. What is public of it may be read by any thread.

    `request` is the seconds that one request of the holder may take. Others wait until the last one that it may have
    begun is over: what is read after that holds all that was written. So each process has an identity of its own, also
    one that runs in the place of one that was killed.
    """

    def __init__(
        self, cluster: Cluster, namespace: str, name: str, identity: str, clock: Clock, request: float
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._seconds = round(HELD + request + SPARE)
        self._until = float("-inf")
        self._seen: tuple[str, float] = ("", float("-inf"))
        self.holder = ""
        self.problem: str | None = None
        self.moved = clock.monotonic()

    @property
    def is_held(self) -> bool:
        """Whether nobody else works now."""
        return self._clock.monotonic() < self._until

    def run(self, stop: threading.Event, taken: Callable[[], None], warn: Callable[[str], None]) -> None:
        """Take and renew the lease until stopped; `taken` is called whenever it was not held and is now.

        What goes wrong in the same way again and again is a warning once.
        """
        while not stop.is_set():
            problem = None
            self.moved = self._clock.monotonic()
            try:
                if self._take():
                    taken()
            except Exception as error:  # noqa: BLE001 - without this loop nothing would ever be done again
                problem = f"the lease: {getattr(error, 'message', repr(error))}"
            if problem not in (None, self.problem):
                warn(problem)
            self.problem = problem
            stop.wait(RENEW)

    def _take(self) -> bool:
        """Take or renew the lease, and tell whether it was not held until then."""
        started = self._clock.monotonic()
        lease = self._cluster.read_lease(self._namespace, self._name)
        if lease is not None and not self._may_take(lease.get("spec") or {}):
            self._until = float("-inf")
            return False
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._identity, "leaseDurationSeconds": self._seconds, "renewTime": now}
        metadata = lease["metadata"] if lease is not None else {"name": self._name, "namespace": self._namespace}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        try:
            self._cluster.write_lease(self._namespace, body)
        except Moved:
            self._until = float("-inf")
            return False
        self.holder = self._identity
        was_held, self._until = self.is_held, started + HELD
        return not was_held and self.is_held

    def _may_take(self, spec: dict[str, Any]) -> bool:
        """Tell whether a lease is ours or has run out, by the clock here: it was seen unchanged for its time."""
        self.holder, renewed = str(spec.get("holderIdentity") or ""), str(spec.get("renewTime"))
        if self.holder in ("", self._identity):
            return True
        now = self._clock.monotonic()
        mark = f"{self.holder} {renewed}"
        if self._seen[0] != mark:
            self._seen = (mark, now)
        return now - self._seen[1] > max(self._seconds, float(spec.get("leaseDurationSeconds") or 0))

    def give_back(self) -> None:
        """Let somebody else take it at once."""
        if not self.is_held:
            return
        self._until = float("-inf")
        lease = self._cluster.read_lease(self._namespace, self._name)
        if lease is not None and (lease.get("spec") or {}).get("holderIdentity") == self._identity:
            lease["spec"]["holderIdentity"] = ""
            self._cluster.write_lease(self._namespace, lease)
