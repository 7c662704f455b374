"""One operator at a time: a Lease of the cluster says which."""

import threading
from collections.abc import Callable

from reconciler.kubernetes.cluster import Cluster, ClusterError
from reconciler.model.clock import Clock

SECONDS = 15
"""How long a lease holds without being renewed."""

RENEW = 4.0
"""Seconds between renewals."""


class Lease:
    """Holds a lease of the cluster, or waits for it. `is_held` may be asked by any thread.

    It is held for less long than others take it to be, so that two clocks that run at different speeds do no harm.
    """

    def __init__(self, cluster: Cluster, namespace: str, name: str, identity: str, clock: Clock) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._until = float("-inf")
        self._seen: tuple[str, float] = ("", float("-inf"))

    @property
    def is_held(self) -> bool:
        """Whether nobody else works now."""
        return self._clock.monotonic() < self._until

    def run(self, stop: threading.Event, taken: Callable[[], None], warn: Callable[[str], None]) -> None:
        """Take and renew the lease until stopped, and give it back then; `taken` is called whenever it is taken."""
        while not stop.is_set():
            was_held = self.is_held
            try:
                self._take()
            except ClusterError as error:
                warn(f"the lease: {error.message}")
            if self.is_held and not was_held:
                taken()
            stop.wait(RENEW)

    def _take(self) -> None:
        started = self._clock.monotonic()
        lease = self._cluster.read_lease(self._namespace, self._name)
        if lease is not None and not self._may_take(lease.get("spec") or {}):
            self._until = float("-inf")
            return
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": self._identity, "leaseDurationSeconds": SECONDS, "renewTime": now}
        metadata = lease["metadata"] if lease is not None else {"name": self._name, "namespace": self._namespace}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        try:
            self._cluster.write_lease(self._namespace, body)
        except ClusterError as error:
            if error.status != 409:
                raise
            self._until = float("-inf")
            return
        self._until = started + SECONDS * 0.7

    def _may_take(self, spec: dict[str, object]) -> bool:
        """Tell whether a lease is ours or has run out, by the clock here: it was seen unchanged for its time."""
        holder, renewed = str(spec.get("holderIdentity") or ""), str(spec.get("renewTime"))
        if holder in ("", self._identity):
            return True
        now = self._clock.monotonic()
        mark = f"{holder} {renewed}"
        if self._seen[0] != mark:
            self._seen = (mark, now)
        return now - self._seen[1] > SECONDS

    def give_back(self) -> None:
        """Let somebody else take it at once."""
        if not self.is_held:
            return
        self._until = float("-inf")
        lease = self._cluster.read_lease(self._namespace, self._name)
        if lease is not None and (lease.get("spec") or {}).get("holderIdentity") == self._identity:
            lease["spec"]["holderIdentity"] = ""
            self._cluster.write_lease(self._namespace, lease)
