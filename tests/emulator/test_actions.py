"""The log of who changed what, read with the official SDK and over a plain socket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.knobs import Atomicity, Knobs
from reconciler.emulator.server import EmulatorServer

from .conftest import GROUPS, GROUPS_V2, Client, create_entry, tcp

ACTIONS = "/cloud/v1/user_actions"


def listed(client: Client, **params: Any) -> list[dict[str, Any]]:
    """The actions that a list with these filters finds, oldest first unless told otherwise."""
    page = client.ok(client.http.get(ACTIONS, params={"order_by": "asc", "limit": 1000, **params}))
    assert page["count"] == len(page["results"])
    found: list[dict[str, Any]] = page["results"]
    return found


def told(client: Client, **params: Any) -> list[tuple[str, str, list[str]]]:
    """What the actions say: kind, group of the API, ids."""
    return [
        (action["action_type"], action["api_group"], [resource["resource_id"] for resource in action["resources"]])
        for action in listed(client, **params)
    ]


def test_every_change_with_v1_is_written(client: Client) -> None:
    """Reads and refusals are not."""
    group = client.create("web")
    client.ok(client.patch(group["id"], create_entry(protocol="tcp"), name="web-2"))
    assert client.patch(group["id"], create_entry(protocol="tcp")).status_code == 409
    twin = client.ok(client.http.post(f"{GROUPS}/{group['id']}/copy", json={"name": "twin"}))
    client.http.delete(f"{GROUPS}/{group['id']}")
    client.ok(client.http.get(GROUPS))
    assert told(client) == [
        ("create", "securitygroup", [group["id"]]),
        ("update", "securitygroup", [group["id"]]),
        ("create", "securitygroup", [twin["id"]]),
        ("delete", "securitygroup", [group["id"]]),
    ]
    assert listed(client)[1]["action_data"]["name"] == "web-2"
    assert [action["is_complete"] for action in listed(client)] == [True] * 4


def test_a_change_with_v2_is_written_at_once_and_completed_by_its_task(client: Client) -> None:
    """What is created has no id before; a change that ends in nothing has its action too."""
    client.emulator.control.knobs = Knobs(task_polls=2)
    (task,) = client.ok(client.http.post(GROUPS_V2, json={"name": "web", "rules": [tcp(22)]}))["tasks"]
    (action,) = listed(client)
    assert (action["task_id"], action["is_complete"], action["resources"]) == (task, False, [])
    for _ in range(3):
        done = client.ok(client.http.get(f"/cloud/v1/tasks/{task}"))
    group_id, rule_id = (
        done["created_resources"]["security_groups"][0],
        done["created_resources"]["security_group_rules"],
    )
    assert told(client) == [("create", "securitygroup", [group_id, *rule_id])]
    assert listed(client)[0]["is_complete"]
    path = f"{GROUPS_V2}/{group_id}"
    client.finish(client.http.patch(path, json={"rules": [tcp(22), tcp(22)]}))
    client.finish(client.http.delete(f"{path}/rules/{rule_id[0]}"))
    added = client.finish(client.http.post(f"{path}/rules", json=tcp(80)))["created_resources"]["security_group_rules"]
    assert told(client, resource_id=group_id)[1:] == [
        ("update", "securitygroup", [group_id]),
        ("delete", "securitygrouprule", [rule_id[0], group_id]),
        ("create", "securitygrouprule", [group_id, *added]),
    ]
    assert client.ok(client.http.patch(path, json={"name": "web"})) == {"tasks": []}
    assert len(listed(client)) == 4


def test_what_a_refused_change_has_left_behind_is_written(client: Client) -> None:
    """Where the server is not atomic, and only there."""
    client.emulator.control.knobs = Knobs(atomicity=Atomicity.PARTIAL)
    group = client.create("web")
    twice = create_entry(protocol="tcp")
    assert client.patch(group["id"], twice, twice).status_code == 409
    assert [kind for kind, *_ in told(client)] == ["create", "update"]


def test_an_action_tells_the_user_the_address_the_program_and_the_token() -> None:
    """A permanent token begins with its number; somebody else's change is somebody else's."""
    with EmulatorServer(api_key="251$d3361") as emulator:
        client = Client(emulator)
        client.http.headers.update({"Authorization": "apikey 251$d3361", "User-Agent": "sgctl/1"})
        with client.http:
            group = client.create("web")
            emulator.control.plan(FaultPlan.of(Fault("foreign_change", rule={"direction": "ingress"})))
            client.ok(client.patch(group["id"], name="web-2"))
            first, foreign, last = listed(client, resource_id=group["id"])
    for action in (first, last):
        assert (action["source_user_ip"], action["user_agent"], action["token_id"]) == ("127.0.0.1", "sgctl/1", 251)
    assert first["email"] == last["email"] != foreign["email"]
    assert first["user_id"] == last["user_id"] != foreign["user_id"]
    assert foreign["user_agent"] != "sgctl/1"
    assert datetime.now(UTC) - datetime.fromisoformat(first["timestamp"]) < timedelta(minutes=1)


def test_the_log_survives_a_restart(tmp_path: Path) -> None:
    """It belongs to the state, and a state file of an older version, which had no log, gets one."""
    state = str(tmp_path / "state.db")
    with EmulatorServer(state=state) as emulator:
        client = Client(emulator)
        with client.http:
            client.create("web")
            before = listed(client)
    with EmulatorServer(state=state) as emulator:
        client = Client(emulator)
        with client.http:
            assert listed(client) == before != []
            emulator.store.database.execute("DROP TABLE actions")
    with EmulatorServer(state=state) as emulator:
        client = Client(emulator)
        with client.http:
            assert listed(client) == []


@pytest.fixture(scope="module")
def busy() -> Iterator[Client]:
    """An emulator that two programs have changed groups of two targets in, one a second."""
    moments = iter(range(1000))
    with EmulatorServer(knobs=Knobs(task_polls=0)) as emulator:
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        emulator.store.clock = lambda: begin + timedelta(seconds=next(moments))
        client = Client(emulator)
        with client.http:
            for agent in ("sgctl/1", "terraform/2"):
                client.http.headers["User-Agent"] = agent
                for region in (7, 8):
                    path = f"/cloud/v1/securitygroups/1/{region}"
                    for name in ("web", "app"):
                        group = client.ok(client.http.post(path, json={"security_group": {"name": name}}))
                        client.ok(client.http.patch(f"{path}/{group['id']}", json={"name": f"{name}-2"}))
                        v2 = path.replace("v1/securitygroups", "v2/security_groups")
                        client.finish(client.http.post(f"{v2}/{group['id']}/rules", json=tcp(22)))
            yield client


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "action_type": st.lists(st.sampled_from(["create", "update", "delete"]), min_size=1, max_size=2),
        "api_group": st.lists(st.sampled_from(["securitygroup", "securitygrouprule", "instance"]), min_size=1),
        "project_id": st.sampled_from([1, 2]),
        "region_id": st.lists(st.sampled_from([7, 8, 9]), min_size=1, max_size=2),
        "search_field": st.sampled_from(["web", "web-2", "app"]),
        "source_user_ips": st.sampled_from(["127.0.0.1", "203.0.113.9"]),
        "user_agents": st.lists(st.sampled_from(["sgctl/1", "terraform/2"]), min_size=1, max_size=2),
        "from_timestamp": st.integers(0, 90),
        "to_timestamp": st.integers(0, 90),
    },
)


@settings(max_examples=examples(60))
@given(filters=FILTERS)
def test_filters_find_what_a_reader_of_the_whole_log_would_find(busy: Client, filters: dict[str, Any]) -> None:
    """Any of the values of one filter, all of the filters."""
    for name in ("from_timestamp", "to_timestamp"):
        if name in filters:
            filters[name] = f"2026-01-01T00:{filters[name] // 60:02}:{filters[name] % 60:02}+00:00"

    def kept(action: dict[str, Any]) -> bool:
        moment = datetime.fromisoformat(action["timestamp"])
        names = {"source_user_ips": "source_user_ip", "user_agents": "user_agent"}
        for name, wanted in filters.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            if name == "from_timestamp":
                fits = moment >= datetime.fromisoformat(wanted)
            elif name == "to_timestamp":
                fits = moment <= datetime.fromisoformat(wanted)
            elif name == "search_field":
                fits = any(resource["search_field"] == wanted for resource in action["resources"])
            else:
                fits = action[names.get(name, name)] in values
            if not fits:
                return False
        return True

    assert listed(busy, **filters) == [action for action in listed(busy) if kept(action)]


def test_the_log_comes_in_pages_the_newest_first(busy: Client) -> None:
    """As tasks do."""
    everything = listed(busy)
    page = busy.ok(busy.http.get(ACTIONS, params={"limit": 2, "offset": 1}))
    assert page == {"count": len(everything), "results": everything[-2:-4:-1]}


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"resource": "x"}, id="unknown"),
        pytest.param({"from_timestamp": "yesterday"}, id="no-time"),
        pytest.param({"region_id": "Luxembourg"}, id="no-number"),
        pytest.param({"limit": 1001}, id="limit"),
        pytest.param({"order_by": "timestamp"}, id="order"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(client: Client, params: dict[str, Any]) -> None:
    response = client.http.get(ACTIONS, params=params)
    assert (response.status_code, list(response.json()["invalid_fields"])) == (400, [f"query.{next(iter(params))}"])


def test_the_log_is_readable_with_the_official_sdk(emulator: EmulatorServer) -> None:
    """Every page, with its types."""
    gcore = pytest.importorskip("gcore", reason="the official SDK is not installed")
    with gcore.Gcore(api_key="emulator", base_url=emulator.url, cloud_project_id=1, cloud_region_id=7) as sdk:
        web = sdk.cloud.security_groups.create(security_group={"name": "web"})
        for number in range(5):
            sdk.cloud.security_groups.update(web.id, name=f"web-{number}")
        sdk.cloud.security_groups.create(security_group={"name": "app"})
        found = list(sdk.cloud.audit_logs.list(resource_id=[web.id], api_group=["securitygroup"], limit=2))
    assert [entry.action_type for entry in found] == ["update"] * 5 + ["create"]
    assert {entry.resources[0].resource_id for entry in found} == {web.id}
    assert found[0].user_agent is not None
    assert "Gcore" in found[0].user_agent
    assert isinstance(found[0].timestamp, datetime)
    assert httpx.get(emulator.url + ACTIONS).status_code == 401
