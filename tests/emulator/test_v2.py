"""The v2 operations and their tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reconciler.emulator.knobs import Knobs, Order
from reconciler.emulator.store import utc_now

from .conftest import GROUPS, GROUPS_V2, Client, tcp

TASKS = "/cloud/v1/tasks"


def contents(group: dict[str, Any]) -> set[tuple[Any, ...]]:
    """What a group's rules say, without their identities."""
    return {
        (r["direction"], r["ethertype"], r["protocol"], r["port_range_min"], r["description"])
        for r in group["security_group_rules"]
    }


def create(client: Client, **body: Any) -> dict[str, Any]:
    """A new group, made with v2."""
    task = client.finish(client.http.post(GROUPS_V2, json={"name": "web", **body}))
    assert task["state"] == "FINISHED", task
    return client.get(task["created_resources"]["security_groups"][0])


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        pytest.param({}, {(d, f) for d in ("ingress", "egress") for f in ("IPv4", "IPv6")}, id="left-out"),
        pytest.param({"rules": []}, set(), id="none"),
        pytest.param({"rules": [tcp(443)]}, {("ingress", "IPv4")}, id="one"),
    ],
)
def test_a_new_group_gets_the_rules_of_the_request(client: Client, body: dict[str, Any], rules: set[Any]) -> None:
    """Exactly those, or the allow-all template where none were named."""
    group = create(client, **body)
    assert {(r["direction"], r["ethertype"]) for r in group["security_group_rules"]} == rules


def test_a_patch_makes_the_rules_exactly_those_of_the_request(client: Client) -> None:
    """Rules that stay keep their id; everything happens in one revision."""
    group = create(client, rules=[tcp(22), tcp(80)], description="old", tags={"env": "prod"})
    ssh = group["security_group_rules"][0]
    body = {"rules": [tcp(22), tcp(443)], "description": "new", "tags": {"env": None, "team": "edge"}, "name": "web-2"}
    task = client.finish(client.http.patch(f"{GROUPS_V2}/{group['id']}", json=body))
    after = client.get(group["id"])
    assert (after["name"], after["description"]) == ("web-2", "new")
    assert [tag["key"] for tag in after["tags_v2"]] == ["team"]
    assert [rule["port_range_min"] for rule in after["security_group_rules"]] == [22, 443]
    assert after["security_group_rules"][0] == ssh
    assert task["created_resources"]["security_group_rules"] == [after["security_group_rules"][1]["id"]]
    assert after["revision_number"] == group["revision_number"] + 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"name": "web", "description": "", "tags": {"env": "prod"}}, id="the-same-attributes"),
        pytest.param({"tags": {"none": None}}, id="a-tag-that-is-not-there"),
        pytest.param({"rules": [tcp(22), {"direction": "ingress", "remote_ip_prefix": "0.0.0.0/0"}]}, id="same-rules"),
    ],
)
def test_a_patch_that_changes_nothing_starts_no_task(client: Client, body: dict[str, Any]) -> None:
    """The list of tasks is empty; a rule spelled another way is no change."""
    group = create(client, rules=[{"direction": "ingress"}, tcp(22)], tags={"env": "prod"})
    assert client.ok(client.http.patch(f"{GROUPS_V2}/{group['id']}", json=body)) == {"tasks": []}
    assert client.get(group["id"]) == group


@pytest.mark.parametrize("order", list(Order))
def test_a_description_can_be_changed_in_any_order(client: Client, order: Order) -> None:
    """The old rule goes before its twin comes, or Neutron would refuse the twin."""
    client.emulator.control.knobs = Knobs(order=order)
    group = create(client, rules=[tcp(22, description="old"), tcp(80)])
    body = {"rules": [tcp(22, description="new"), tcp(81)]}
    task = client.finish(client.http.patch(f"{GROUPS_V2}/{group['id']}", json=body))
    assert task["state"] == "FINISHED"
    assert contents(client.get(group["id"])) == {
        ("ingress", "IPv4", "tcp", 22, "new"),
        ("ingress", "IPv4", "tcp", 81, ""),
    }


def test_single_rules_come_and_go(client: Client) -> None:
    """A task each, and a revision each."""
    group = create(client, rules=[])
    path = f"{GROUPS_V2}/{group['id']}/rules"
    task = client.finish(client.http.post(path, json=tcp(22)))
    (rule_id,) = task["created_resources"]["security_group_rules"]
    assert [rule["id"] for rule in client.get(group["id"])["security_group_rules"]] == [rule_id]
    assert client.finish(client.http.delete(f"{path}/{rule_id}"))["state"] == "FINISHED"
    after = client.get(group["id"])
    assert after["security_group_rules"] == []
    assert after["revision_number"] == group["revision_number"] + 2
    assert client.http.delete(f"{path}/{rule_id}").status_code == 404


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        pytest.param([tcp(22), tcp(22, description="again")], "already exists", id="duplicate"),
        pytest.param([tcp(22, remote_group_id="00000000-0000-4000-8000-000000000000")], "does not exist", id="remote"),
    ],
)
def test_what_only_neutron_can_refuse_ends_in_a_failed_task(
    client: Client, rules: list[dict[str, Any]], word: str
) -> None:
    """The request is accepted; the task carries the reason and the group is as it was."""
    group = create(client, rules=[])
    task = client.finish(client.http.patch(f"{GROUPS_V2}/{group['id']}", json={"rules": rules}))
    assert (task["state"], task["created_resources"]) == ("ERROR", None)
    assert word in task["error"]
    assert client.get(group["id"]) == group


def test_what_the_request_alone_shows_is_refused_at_once(client: Client) -> None:
    """No task for a rule that can never be."""
    response = client.http.post(GROUPS_V2, json={"name": "web", "rules": [{**tcp(80), "protocol": None}]})
    assert response.status_code == 400
    assert client.ok(client.http.get(TASKS))["count"] == 0
    assert client.http.patch(f"{GROUPS_V2}/00000000-0000-4000-8000-000000000000", json={}).status_code == 404


@pytest.mark.parametrize(
    ("polls", "states"),
    [
        pytest.param(0, ["FINISHED"], id="at-once"),
        pytest.param(1, ["RUNNING", "FINISHED"], id="one"),
        pytest.param(3, ["NEW", "NEW", "RUNNING", "FINISHED", "FINISHED"], id="three"),
    ],
)
def test_a_task_takes_as_many_looks_as_it_is_told_to(client: Client, polls: int, states: list[str]) -> None:
    """Nothing sleeps: looking is what brings it forward."""
    client.emulator.control.knobs = Knobs(task_polls=polls)
    (task,) = client.ok(client.http.post(GROUPS_V2, json={"name": "web"}))["tasks"]
    assert [client.ok(client.http.get(f"{TASKS}/{task}"))["state"] for _ in states] == states


def test_the_group_is_there_when_its_task_is_done_and_not_before(client: Client) -> None:
    """Looking at the list counts too, for a client that never learned the task's id."""
    client.emulator.control.knobs = Knobs(task_polls=2)
    client.ok(client.http.post(GROUPS_V2, json={"name": "web"}))
    counts = [client.ok(client.http.get(GROUPS, params={"name": "web"}))["count"] for _ in range(4)]
    assert counts == [0, 0, 1, 1]


def test_tasks_can_be_listed_and_filtered(client: Client) -> None:
    """By state, time, project, region and kind; the newest comes first."""
    begun = utc_now()
    client.emulator.control.knobs = Knobs(task_polls=0)
    for name in ("one", "two"):
        client.ok(client.http.post(GROUPS_V2, json={"name": name}))
    client.ok(client.http.post("/cloud/v2/security_groups/2/8", json={"name": "three"}))
    client.emulator.control.knobs = Knobs(task_polls=99)
    client.ok(client.http.post(GROUPS_V2, json={"name": "four"}))

    def found(**params: Any) -> list[str]:
        return [task["data"]["name"] for task in client.ok(client.http.get(TASKS, params=params))["results"]]

    assert found() == ["four", "three", "two", "one"]
    assert found(order_by="asc", limit=2, offset=1) == ["two", "three"]
    assert found(state="FINISHED", project_id=1) == ["two", "one"]
    assert found(state=["NEW", "RUNNING"]) == ["four"]
    assert found(region_id=[8, 9]) == ["three"]
    assert found(task_type="update_security_group") == []
    assert found(from_timestamp=begun.isoformat(), to_timestamp=utc_now().isoformat()) == found()
    assert found(to_timestamp=(begun - timedelta(seconds=1)).isoformat()) == []
    assert found(is_acknowledged="true") == []
    for params in ({"state": "DONE"}, {"order_by": "up"}, {"from_timestamp": "today"}, {"project_id": "x"}):
        assert client.http.get(TASKS, params=params).status_code == 400


def test_a_task_that_does_not_exist_is_404(client: Client) -> None:
    assert client.http.get(f"{TASKS}/none").status_code == 404
