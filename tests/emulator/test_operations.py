"""The operations besides the life of a group: revert, single rules, tags, instances, tasks seen, quotas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.knobs import Knobs
from reconciler.emulator.server import EmulatorServer

from .conftest import GROUPS, GROUPS_V2, Client, create_entry, delete_entry, tcp

RULES = "/cloud/v1/securitygrouprules/1/7"
INSTANCE = "0c1f8a36-6e6e-4ad0-9d3c-8a3f4a1c7b52"
INSTANCES = f"/cloud/v1/instances/1/7/{INSTANCE}"
NOBODY = "00000000-0000-4000-8000-000000000000"


def said(group: dict[str, Any]) -> dict[str, Any]:
    """What a group is, but for ids, times and revisions."""
    own = {"id", "created_at", "updated_at", "revision_number"}
    rules = [{k: v for k, v in rule.items() if k not in own} for rule in group["security_group_rules"]]
    kept = {name: value for name, value in group.items() if name not in own}
    kept["tags_v2"] = sorted(group["tags_v2"], key=lambda tag: str(tag["key"]))
    return {**kept, "security_group_rules": sorted(rules, key=str)}


def refused(response: httpx.Response, status: int) -> str:
    """The message of a refusal."""
    assert response.status_code == status, response.text
    return str(response.json()["message"])


@pytest.fixture(scope="module")
def running() -> Iterator[Client]:
    """One emulator for all examples."""
    with EmulatorServer(knobs=Knobs(default_egress=False, task_polls=0)) as emulator:
        client = Client(emulator)
        with client.http:
            yield client


class TestRevert:
    """POST .../revert undoes the last change."""

    @settings(max_examples=examples(80))
    @given(
        ports=st.lists(st.lists(st.sampled_from(range(1, 9)), unique=True), min_size=2, max_size=2),
        tags=st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy")), min_size=2, max_size=2),
        names=st.lists(st.sampled_from(["web", "web-2"]), min_size=2, max_size=2),
        texts=st.lists(st.sampled_from(["", "Public"]), min_size=2, max_size=2),
    )
    def test_what_a_change_did_is_undone_and_redone(
        self, running: Client, ports: Any, tags: Any, names: Any, texts: Any
    ) -> None:
        """Rules, tags, name and description; twice is nothing."""
        first = running.create(names[0], [tcp(port) for port in ports[0]], tags=tags[0], description=texts[0])
        patch = {**dict.fromkeys(tags[0]), **tags[1]}
        body = {
            "name": names[1],
            "description": texts[1],
            "tags": patch,
            "rules": [tcp(port) for port in ports[1]],
        }
        started = running.ok(running.http.patch(f"{GROUPS_V2}/{first['id']}", json=body))["tasks"]
        second = running.get(first["id"])
        path = f"{GROUPS}/{first['id']}/revert"
        assert said(running.ok(running.http.post(path))) == said(first)
        assert said(running.ok(running.http.post(path))) == (said(second) if started else said(first))

    def test_a_group_that_never_changed_stays_as_it_is(self, client: Client) -> None:
        """Not even its revision is another."""
        group = client.create(rules=[tcp(22)])
        assert client.ok(client.http.post(f"{GROUPS}/{group['id']}/revert")) == group
        assert client.http.post(f"{GROUPS}/{NOBODY}/revert").status_code == 404


class TestSingleRules:
    """v1 adds, replaces and deletes one rule, and answers it."""

    def test_a_rule_comes_is_replaced_and_goes(self, client: Client) -> None:
        """A revision each; the rule that takes another's place has an id of its own."""
        group = client.create()
        count = len(group["security_group_rules"])
        made = client.ok(client.http.post(f"{GROUPS}/{group['id']}/rules", json=tcp(22)))
        assert client.get(group["id"])["security_group_rules"][-1] == made
        new = client.ok(client.http.put(f"{RULES}/{made['id']}", json=tcp(22, description="ssh")))
        assert new["id"] != made["id"]
        assert (new["description"], new["port_range_min"]) == ("ssh", 22)
        assert client.http.put(f"{RULES}/{made['id']}", json=tcp(22)).status_code == 404
        assert client.http.delete(f"{RULES}/{new['id']}").status_code == 204
        after = client.get(group["id"])
        assert len(after["security_group_rules"]) == count
        assert after["revision_number"] == group["revision_number"] + 3
        assert client.http.delete(f"{RULES}/{new['id']}").status_code == 404

    def test_a_replacement_that_is_refused_leaves_the_rule(self, client: Client) -> None:
        """Neutron would hold it twice."""
        group = client.create(rules=[tcp(22), tcp(80)])
        old = group["security_group_rules"][-1]
        refused(client.http.put(f"{RULES}/{old['id']}", json=tcp(22)), 409)
        refused(client.http.put(f"{RULES}/{old['id']}", json={"direction": "up"}), 400)
        assert client.get(group["id"]) == group

    def test_a_rule_of_another_project_is_none(self, client: Client) -> None:
        """Its id alone does not find it."""
        rule = client.create(rules=[tcp(22)])["security_group_rules"][-1]
        refused(client.http.delete(f"/cloud/v1/securitygrouprules/2/7/{rule['id']}"), 404)

    def test_a_rule_of_a_locked_group_is_locked(self, client: Client) -> None:
        """As the group itself is."""
        group = client.create(rules=[tcp(22)])
        client.ok(client.http.patch(f"{GROUPS_V2}/{group['id']}", json={"name": "web-2"}))
        refused(client.http.delete(f"{RULES}/{group['security_group_rules'][-1]['id']}"), 409)


class TestTags:
    """The old operations on tags, under .../metadata."""

    def test_tags_are_added_replaced_and_deleted(self, client: Client) -> None:
        """One by one or all at once."""
        group = client.create(tags={"env": "prod"})
        path = f"{GROUPS}/{group['id']}/metadata"

        def tags() -> dict[str, str]:
            page = client.ok(client.http.get(path))
            assert page["count"] == len(page["results"])
            return {tag["key"]: tag["value"] for tag in page["results"]}

        assert client.http.post(path, json={"team": "edge", "env": "test"}).status_code == 204
        assert tags() == {"env": "test", "team": "edge"}
        assert client.http.put(path, json={"team": "core", "gone": None}).status_code == 204
        assert tags() == {"team": "core"}
        item = client.ok(client.http.get(f"{path}_item", params={"key": "team"}))
        assert item == {"key": "team", "value": "core", "read_only": False}
        assert client.http.delete(f"{path}_item", params={"key": "team"}).status_code == 204
        assert tags() == {}
        refused(client.http.get(f"{path}_item", params={"key": "team"}), 404)
        assert "key" in refused(client.http.get(f"{path}_item"), 400)
        assert "env" in refused(client.http.post(path, json={"env": None}), 400)

    def test_a_read_only_tag_stays(self) -> None:
        """It belongs to the cloud: a replacement leaves it, and naming it is refused."""
        tags = [{"key": "cluster", "value": "7", "read_only": True}]
        seed = {"groups": [{"project_id": 1, "region_id": 7, "name": "web", "tags": tags}]}
        with EmulatorServer(seed=seed) as emulator:
            client = Client(emulator)
            with client.http:
                group = client.ok(client.http.get(GROUPS))["results"][0]
                path = f"{GROUPS}/{group['id']}/metadata"
                assert client.http.put(path, json={"env": "prod"}).status_code == 204
                assert [tag["key"] for tag in client.get(group["id"])["tags_v2"]] == ["cluster", "env"]
                refused(client.http.delete(f"{path}_item", params={"key": "cluster"}), 400)
                refused(client.http.post(path, json={"cluster": "8"}), 400)

    def test_a_group_has_at_most_fifty(self, client: Client) -> None:
        """Neutron's limit for any resource, whichever way they come."""
        fifty = {f"key-{number}": "x" for number in range(50)}
        group = client.create(tags=fifty)
        assert "50" in refused(client.patch(group["id"], tags={"more": "x"}), 400)
        assert "50" in refused(client.http.post(f"{GROUPS}/{group['id']}/metadata", json={"more": "x"}), 400)
        body = {"security_group": {"name": "new", "tags": {**fifty, "more": "x"}}}
        assert "50" in refused(client.http.post(GROUPS, json=body), 400)
        client.ok(client.patch(group["id"], tags={"more": "x", "key-0": None}))


class TestInstances:
    """Which instances use a group, and which groups an instance uses."""

    def test_groups_come_and_go(self, client: Client) -> None:
        """A group in use cannot be deleted; out of use it can."""
        web, app = client.create("web"), client.create("app")
        assert client.http.post(f"{INSTANCES}/addsecuritygroup", json={"name": "web"}).status_code == 204
        ports = [{"port_id": None, "security_group_names": ["app", "web"]}]
        body = {"ports_security_group_names": ports}
        assert client.http.post(f"{INSTANCES}/addsecuritygroup", json=body).status_code == 204
        found = client.ok(client.http.get(f"{INSTANCES}/securitygroups"))
        assert found == {
            "count": 2,
            "results": [{"id": web["id"], "name": "web"}, {"id": app["id"], "name": "app"}],
        }
        (instance,) = client.ok(client.http.get(f"{GROUPS}/{web['id']}/instances"))["results"]
        assert (instance["id"], len(instance["security_groups"])) == (INSTANCE, 2)
        refused(client.http.delete(f"{GROUPS}/{web['id']}"), 409)
        assert client.http.post(f"{INSTANCES}/delsecuritygroup", json={"name": "web"}).status_code == 204
        refused(client.http.post(f"{INSTANCES}/delsecuritygroup", json={"name": "web"}), 404)
        assert client.http.delete(f"{GROUPS}/{web['id']}").status_code == 204

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            pytest.param({}, 400, id="nothing-named"),
            pytest.param({"name": "-"}, 400, id="no-name"),
            pytest.param({"ports_security_group_names": [{"port_id": None}]}, 400, id="port-without-names"),
            pytest.param({"name": "none"}, 404, id="no-such-group"),
            pytest.param({"name": "twin"}, 409, id="two-groups-of-the-name"),
        ],
    )
    def test_a_group_that_cannot_be_meant_is_refused(self, client: Client, body: dict[str, Any], status: int) -> None:
        """Nothing is attached."""
        client.create("twin")
        client.create("twin")
        for way in ("add", "del"):
            refused(client.http.post(f"{INSTANCES}/{way}securitygroup", json=body), status)
        assert client.ok(client.http.get(f"{INSTANCES}/securitygroups"))["count"] == 0
        refused(client.http.get("/cloud/v1/instances/1/7/web-1/securitygroups"), 400)


class TestTasks:
    """Tasks that are at work, and tasks that the user has seen."""

    def test_active_tasks_are_those_of_the_target_that_have_not_ended(self, client: Client) -> None:
        """Looking brings them forward, as any look does."""
        client.emulator.control.knobs = Knobs(task_polls=2)
        for path in (GROUPS_V2, GROUPS_V2, "/cloud/v2/security_groups/1/8"):
            client.ok(client.http.post(path, json={"name": "web"}))

        def active(**params: Any) -> list[str]:
            page = client.ok(client.http.get("/cloud/v1/tasks/1/7/active", params=params))
            return [task["state"] for task in page["results"]]

        assert active(task_type="update_security_group") == []
        assert active() == ["RUNNING", "RUNNING"]
        assert active() == []
        refused(client.http.get("/cloud/v1/tasks/1/7/active", params={"state": "NEW"}), 400)

    def test_a_task_can_be_acknowledged(self, client: Client) -> None:
        """One, those named, or all of a region; the list can tell them apart."""
        client.emulator.control.knobs = Knobs(task_polls=0)
        ids = []
        for region in (7, 7, 7, 8):
            path = f"/cloud/v2/security_groups/1/{region}"
            ids += client.ok(client.http.post(path, json={"name": "web"}))["tasks"]

        def seen(*, acknowledged: bool) -> set[str]:
            page = client.ok(client.http.get("/cloud/v1/tasks", params={"is_acknowledged": acknowledged}))
            return {task["id"] for task in page["results"]}

        one = client.ok(client.http.post(f"/cloud/v1/tasks/{ids[0]}/acknowledge"))
        assert (one["id"], one["acknowledged_by"]) == (ids[0], one["user_id"])
        assert client.ok(client.http.post(f"/cloud/v1/tasks/{ids[0]}/acknowledge")) == one
        assert client.http.post("/cloud/v1/tasks/acknowledge", json={"task_ids": [ids[1]]}).status_code == 204
        assert client.http.post("/cloud/v1/tasks/acknowledge", json={"task_ids": []}).status_code == 204
        assert (seen(acknowledged=True), seen(acknowledged=False)) == (set(ids[:2]), set(ids[2:]))
        assert client.http.post("/cloud/v1/tasks/acknowledge_all", params={"region_id": 7}).status_code == 204
        assert seen(acknowledged=False) == {ids[3]}
        assert client.http.post("/cloud/v1/tasks/acknowledge", json={}).status_code == 204
        assert seen(acknowledged=False) == set()
        refused(client.http.post(f"/cloud/v1/tasks/{NOBODY}/acknowledge"), 404)


class TestQuotas:
    """How many groups a region may hold, and how many it does."""

    def test_the_quota_counts_the_groups_of_a_region(self, client: Client) -> None:
        """Over all projects of the account; another account's are not told."""
        client.emulator.control.knobs = Knobs(firewall_quota=20)
        client.create("web")
        client.ok(client.http.post("/cloud/v1/securitygroups/2/7", json={"security_group": {"name": "web"}}))
        here = {"region_id": 7, "firewall_count_limit": 20, "firewall_count_usage": 4}
        assert client.ok(client.http.get("/cloud/v2/regional_quotas/1/7")) == here
        everything = client.ok(client.http.get("/cloud/v2/client_quotas"))
        assert here in everything["regional_quotas"]
        assert client.ok(client.http.get("/cloud/v2/global_quotas/1")) == everything["global_quotas"]
        refused(client.http.get("/cloud/v2/regional_quotas/2/7"), 403)
        refused(client.http.get("/cloud/v2/global_quotas/2"), 403)


class TestProjects:
    """Projects are made, renamed and deleted, with everything in them."""

    def test_the_life_of_a_project(self, client: Client) -> None:
        """Its name is unique; deleting it takes its groups along, by a task."""
        made = client.http.post("/cloud/v1/projects", json={"name": "edge", "description": "new"})
        project = made.json()
        assert (made.status_code, project["name"], project["is_default"]) == (201, "edge", False)
        path = f"/cloud/v1/projects/{project['id']}"
        refused(client.http.post("/cloud/v1/projects", json={"name": "edge"}), 409)
        refused(client.http.patch(path, json={"name": "default"}), 409)
        renamed = client.ok(client.http.patch(path, json={"name": "edge-2"}))
        assert renamed == client.ok(client.http.get(path)) == {**project, "name": "edge-2"}
        assert client.ok(client.http.get("/cloud/v1/projects", params={"name": "edge-2"}))["results"] == [renamed]
        groups = f"/cloud/v1/securitygroups/{project['id']}/7"
        group = client.ok(client.http.post(groups, json={"security_group": {"name": "web"}}))
        assert client.finish(client.http.delete(path))["state"] == "FINISHED"
        refused(client.http.get(f"{groups}/{group['id']}"), 404)
        assert client.ok(client.http.get("/cloud/v1/projects", params={"name": "edge-2"}))["count"] == 0
        params = {"name": "edge-2", "include_deleted": True}
        (gone,) = client.ok(client.http.get("/cloud/v1/projects", params=params))["results"]
        assert gone["deleted_at"] is not None

    def test_the_default_project_stays(self, client: Client) -> None:
        refused(client.http.delete("/cloud/v1/projects/1"), 400)
        assert "name" in refused(client.http.post("/cloud/v1/projects", json={"name": "-"}), 400)


def test_a_patch_after_a_single_rule_still_finds_everything(client: Client) -> None:
    """The ways to change a group are one: what one of them made, another takes away."""
    group = client.create()
    made = client.ok(client.http.post(f"{GROUPS}/{group['id']}/rules", json=tcp(22)))
    client.ok(client.patch(group["id"], delete_entry(made), create_entry(protocol="udp")))
    assert made["id"] not in {rule["id"] for rule in client.get(group["id"])["security_group_rules"]}
