"""What the emulator's tests share: a running emulator and a client with the right key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from reconciler.emulator.server import EmulatorServer

KEY = {"Authorization": "apikey emulator"}
GROUPS = "/cloud/v1/securitygroups/1/7"
GROUPS_V2 = "/cloud/v2/security_groups/1/7"


class Client:
    """An HTTP client that knows the paths of project 1 in region 7."""

    def __init__(self, emulator: EmulatorServer) -> None:
        self.emulator = emulator
        # It is plain http: to read the certificates of the machine takes longer than most tests.
        self.http = httpx.Client(base_url=emulator.url, headers=KEY, timeout=60, verify=False)

    def create(self, name: str = "web", rules: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
        """A new group, made with v1."""
        group = {"name": name, "security_group_rules": rules or [], **fields}
        return self.ok(self.http.post(GROUPS, json={"security_group": group}))

    def get(self, group_id: str) -> dict[str, Any]:
        """A group as it is now."""
        return self.ok(self.http.get(f"{GROUPS}/{group_id}"))

    def patch(self, group_id: str, *changed_rules: dict[str, Any], **fields: Any) -> httpx.Response:
        """The v1 PATCH."""
        body = {"changed_rules": list(changed_rules), **fields} if changed_rules else fields
        return self.http.patch(f"{GROUPS}/{group_id}", json=body)

    def finish(self, response: httpx.Response) -> dict[str, Any]:
        """The one task of a v2 answer, when it is done."""
        (task_id,) = self.ok(response)["tasks"]
        for _ in range(50):
            task = self.ok(self.http.get(f"/cloud/v1/tasks/{task_id}"))
            if task["state"] in {"FINISHED", "ERROR"}:
                return task
        raise AssertionError("the task never ends")

    @staticmethod
    def ok(response: httpx.Response) -> Any:
        """The JSON of a success."""
        assert response.status_code == 200, response.text
        return response.json()


def until(done: Callable[[], object]) -> None:
    """Wait for what another thread does."""
    patience = time.monotonic() + 60
    while not done():
        assert time.monotonic() < patience, "it never happens"
        time.sleep(0.005)


def create_entry(**rule: Any) -> dict[str, Any]:
    """An entry of `changed_rules` that creates an ingress rule."""
    return {"action": "create", "direction": "ingress", **rule}


def delete_entry(rule: dict[str, Any]) -> dict[str, Any]:
    """An entry of `changed_rules` that deletes a rule."""
    return {"action": "delete", "security_group_rule_id": rule["id"]}


def tcp(port: int, **fields: Any) -> dict[str, Any]:
    """An ingress rule for one TCP port."""
    return {"direction": "ingress", "protocol": "tcp", "port_range_min": port, "port_range_max": port, **fields}


@pytest.fixture
def emulator() -> Iterator[EmulatorServer]:
    """A running emulator with everything at its default."""
    with EmulatorServer() as running:
        yield running


@pytest.fixture
def client(emulator: EmulatorServer) -> Iterator[Client]:
    """A client of the running emulator."""
    client = Client(emulator)
    with client.http:
        yield client
