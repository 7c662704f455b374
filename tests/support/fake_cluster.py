"""Looks of the operator in this process: resources are a dictionary, the cloud is the emulator."""

from __future__ import annotations

from typing import Any, cast

from steady import SteadyClock

from reconciler import apply, connect
from reconciler.emulator.server import EmulatorServer
from reconciler.kubernetes.cluster import Cluster, Moved
from reconciler.kubernetes.lease import Lease
from reconciler.kubernetes.look import Hands
from reconciler.kubernetes.resources import KINDS, Key, Resource
from reconciler.model.secret import Secret
from reconciler.planning.plan import PlanOptions


class Held:
    """A lease that is held or not."""

    is_held = True
    holder = "somebody"
    moved = 100.0
    problem = None


class FakeCluster:
    """Resources in a dictionary. What is written is kept as lines."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.resources: dict[Key, Resource] = {}
        self.secret: dict[str, str] | None = {"apiKey": "ZW11bGF0b3I="}
        self.written: list[str] = []
        self.statuses: dict[Key, dict[str, Any]] = {}
        self.is_moved = False
        for document in documents:
            self.put(document)

    def put(self, document: dict[str, Any], **metadata: Any) -> Resource:
        kind = next(each for each in KINDS if each.name == document["kind"])
        key = Key(kind, "net", document["metadata"]["name"])
        body = {**document, "metadata": {"namespace": "net", "generation": 1, **document["metadata"], **metadata}}
        self.resources[key] = Resource(key, body)
        return self.resources[key]

    def list_resources(self) -> dict[Key, Resource]:
        return dict(self.resources)

    def read_secret(self, _namespace: str, _name: str) -> dict[str, str] | None:
        return self.secret

    def write_status(self, resource: Resource, status: dict[str, Any]) -> bool:
        reasons = {each["type"]: each["reason"] for each in status["conditions"]}
        self.written.append(f"{resource.key.name}: {reasons.get('InSync', reasons['Ready'])}")
        self.statuses[resource.key] = status
        return True

    def hold(self, resource: Resource) -> None:
        if self.is_moved:
            raise Moved("it moved", 422)
        self.written.append(f"{resource.key.name}: held")

    def release(self, resource: Resource) -> None:
        self.written.append(f"{resource.key.name}: released")

    def take_approval(self, _key: Key, digest: str) -> bool:
        self.written.append(f"approval {digest}")
        return True

    def create_event(self, _resource: Resource, _event: dict[str, Any]) -> None:
        """Nothing: the cluster's tests look at events."""


def hands_of(cluster: FakeCluster, cloud: EmulatorServer, clock: SteadyClock | None = None) -> Hands:
    clock = clock or SteadyClock()
    return Hands(
        cast("Cluster", cluster),
        cast("Lease", Held()),
        lambda key: connect(key, base_url=cloud.url, clock=clock),
        lambda plan, api, stopped: apply(plan, api, stopped=stopped),
        PlanOptions,
        clock,
        lambda text, *, is_warning: cluster.written.append(f"warning: {text}") if is_warning else None,
        Secret("emulator").hide,
    )
