"""The v1 operations over a real socket."""

from __future__ import annotations

import json
from datetime import datetime

import httpx
import pytest

from reconciler.emulator.knobs import DefaultRules, Knobs

from .conftest import GROUPS, Client, create_entry, delete_entry, tcp


def error(response: httpx.Response, status: int) -> str:
    """The message of a refusal, which has the shape of all of them."""
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) - {"invalid_fields"} == {"message", "exception_class", "request_id"}
    assert body["request_id"] == response.headers["X-Request-Id"]
    return str(body["message"])


def test_every_target_has_a_default_group_with_the_rules_of_neutron(client: Client) -> None:
    """Nobody creates it: egress is open, ingress from the group itself."""
    (default,) = client.ok(client.http.get(GROUPS))["results"]
    (other,) = client.ok(client.http.get("/cloud/v1/securitygroups/99/1"))["results"]
    assert default["name"] == other["name"] == "default"
    assert default["id"] != other["id"]
    rules = {(r["direction"], r["ethertype"], r["remote_group_id"]) for r in default["security_group_rules"]}
    assert rules == {
        ("egress", "IPv4", None),
        ("egress", "IPv6", None),
        ("ingress", "IPv4", default["id"]),
        ("ingress", "IPv6", default["id"]),
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c, g: c.http.delete(f"{GROUPS}/{g}"), id="delete"),
        pytest.param(lambda c, g: c.patch(g, name="another"), id="rename"),
        pytest.param(lambda c, _: c.http.post(GROUPS, json={"security_group": {"name": "Default"}}), id="second-one"),
    ],
)
def test_the_default_group_stays_the_only_one_of_its_name(client: Client, change: object) -> None:
    """It can be neither renamed nor deleted, and nothing else can be called that."""
    (default,) = client.ok(client.http.get(GROUPS))["results"]
    error(change(client, default["id"]), 409)  # type: ignore[operator]  # one of the lambdas above


def test_a_list_comes_in_pages_of_ten(client: Client) -> None:
    """The published default; `count` is the number of all groups."""
    for number in range(12):
        client.create(f"group-{number:02}")
    first = client.ok(client.http.get(GROUPS))
    second = client.ok(client.http.get(GROUPS, params={"offset": 10}))
    assert (first["count"], len(first["results"])) == (13, 10)
    assert [g["name"] for g in second["results"]] == ["group-09", "group-10", "group-11"]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten"])
def test_a_limit_outside_the_published_range_is_refused(client: Client, limit: str) -> None:
    """At most a thousand groups a page."""
    assert "limit" in error(client.http.get(GROUPS, params={"limit": limit}), 400)


def test_a_list_can_be_filtered(client: Client) -> None:
    """By whole name, by tag keys and by tags; several filters all have to hold."""
    client.create("web", tags={"env": "prod", "team": "edge"})
    client.create("web-2", tags={"env": "test"})

    def names(**params: object) -> list[str]:
        page = client.ok(client.http.get(GROUPS, params=params))  # type: ignore[arg-type]  # httpx takes these
        return [group["name"] for group in page["results"]]

    assert names(name="web") == ["web"]
    assert names(tag_key="env") == ["web", "web-2"]
    assert names(tag_key=["env", "team"]) == ["web"]
    assert names(tag_key_value=json.dumps({"env": "test"})) == ["web-2"]
    assert names(tag_key_value=json.dumps({"env": "none"})) == []


def test_an_unknown_query_parameter_is_refused(client: Client) -> None:
    """A typing error is not silently a list of everything."""
    assert "tag_keys" in error(client.http.get(GROUPS, params={"tag_keys": "env"}), 400)


def test_neutron_gives_a_new_group_egress_rules_that_nobody_asked_for(client: Client) -> None:
    """In addition to what was asked for."""
    client.emulator.control.knobs = Knobs(default_rules=DefaultRules.NEUTRON)
    group = client.create(rules=[tcp(443)])
    egress = [rule for rule in group["security_group_rules"] if rule["direction"] == "egress"]
    assert [rule["ethertype"] for rule in egress] == ["IPv4", "IPv6"]
    assert len(group["security_group_rules"]) == 3


def test_an_egress_rule_that_was_asked_for_does_not_come_twice(client: Client) -> None:
    """The description asked for wins over the one nobody asked for."""
    client.emulator.control.knobs = Knobs(refuse_port_25=False, default_rules=DefaultRules.NEUTRON)
    group = client.create(rules=[{"direction": "egress", "description": "all out"}])
    assert [(r["ethertype"], r["description"]) for r in group["security_group_rules"]] == [
        ("IPv6", ""),
        ("IPv4", "all out"),
    ]


def test_a_patch_changes_everything_in_one_revision(client: Client) -> None:
    """Rules, name and tags; the answer is the whole group."""
    group = client.create(rules=[tcp(22)], tags={"env": "prod", "team": "edge"})
    ssh = next(rule for rule in group["security_group_rules"] if rule["direction"] == "ingress")
    changed = client.ok(
        client.patch(
            group["id"],
            create_entry(protocol="tcp", port_range_min=443, port_range_max=443),
            delete_entry(ssh),
            name="web-new",
            tags={"env": "test", "team": None, "new": "1"},
        )
    )
    assert changed == client.get(group["id"])
    assert changed["name"] == "web-new"
    assert changed["revision_number"] == group["revision_number"] + 1
    assert changed["tags_v2"] == [
        {"key": "env", "value": "test", "read_only": False},
        {"key": "new", "value": "1", "read_only": False},
    ]
    ingress = [rule for rule in changed["security_group_rules"] if rule["direction"] == "ingress"]
    assert [rule["port_range_min"] for rule in ingress] == [443]


def test_a_patch_that_changes_nothing_is_no_revision(client: Client) -> None:
    """The same name again, tags that are there already, no rules."""
    group = client.create(tags={"env": "prod"})
    assert client.ok(client.patch(group["id"], name="web", tags={"env": "prod"})) == group


def test_deleting_a_rule_that_is_not_there_undoes_the_whole_patch(client: Client) -> None:
    """404, and the entry before it left no trace."""
    group = client.create(rules=[tcp(22)])
    rule = group["security_group_rules"][0]
    error(client.patch(group["id"], create_entry(protocol="udp"), delete_entry(rule), delete_entry(rule)), 404)
    assert client.get(group["id"]) == group


def test_two_groups_may_have_one_name(client: Client) -> None:
    """The id is the identity."""
    assert client.create("web")["id"] != client.create("web")["id"]


def test_deleting_a_group_deletes_the_rules_that_refer_to_it(client: Client) -> None:
    """Elsewhere as well, and their group has a new revision."""
    app = client.create("app")
    web = client.create("web", rules=[tcp(80, remote_group_id=app["id"]), tcp(80)])
    assert client.http.delete(f"{GROUPS}/{app['id']}").status_code == 204
    after = client.get(web["id"])
    assert len(after["security_group_rules"]) == len(web["security_group_rules"]) - 1
    assert after["revision_number"] == web["revision_number"] + 1
    error(client.http.get(f"{GROUPS}/{app['id']}"), 404)


def test_a_remote_group_must_live_in_the_same_target(client: Client) -> None:
    """Another project's group is as good as none."""
    elsewhere = client.ok(client.http.post("/cloud/v1/securitygroups/2/7", json={"security_group": {"name": "app"}}))
    web = client.create("web")
    error(client.patch(web["id"], create_entry(remote_group_id=elsewhere["id"])), 404)
    client.ok(client.patch(web["id"], create_entry(remote_group_id=web["id"])))


def test_a_copy_is_deep(client: Client) -> None:
    """Rules of its own with the same content, no egress rules added."""
    group = client.create(rules=[tcp(22)], description="Bastion", tags={"env": "prod"})
    twin = client.ok(client.http.post(f"{GROUPS}/{group['id']}/copy", json={"name": "twin"}))
    assert (twin["name"], twin["description"], twin["tags_v2"]) == ("twin", "Bastion", group["tags_v2"])
    assert len(twin["security_group_rules"]) == len(group["security_group_rules"])
    assert not {r["id"] for r in twin["security_group_rules"]} & {r["id"] for r in group["security_group_rules"]}
    assert {r["security_group_id"] for r in twin["security_group_rules"]} == {twin["id"]}


def test_a_group_in_use_cannot_be_deleted(client: Client) -> None:
    """The instances are those named at creation."""
    instance = "0c1f8a36-6e6e-4ad0-9d3c-8a3f4a1c7b52"
    body = {"security_group": {"name": "web"}, "instances": [instance]}
    group = client.ok(client.http.post(GROUPS, json=body))
    found = client.ok(client.http.get(f"{GROUPS}/{group['id']}/instances"))
    assert [item["id"] for item in found["results"]] == [instance]
    assert found["results"][0]["security_groups"] == [{"name": "web"}]
    assert "in use" in error(client.http.delete(f"{GROUPS}/{group['id']}"), 409)


def test_projects_and_regions_are_there_whatever_their_number(client: Client) -> None:
    """The lists are short, but any number exists. Times are those of the cloud, and unlike a group's have no zone."""
    assert client.ok(client.http.get("/cloud/v1/projects"))["count"] > 1
    assert client.ok(client.http.get("/cloud/v1/projects/987"))["id"] == 987
    assert (
        client.ok(client.http.get("/cloud/v1/regions", params={"display_name": "LUXEMBOURG-2"}))["results"][0]["id"]
        == 76
    )
    region = client.ok(client.http.get("/cloud/v1/regions/987"))
    assert region["id"] == 987
    assert datetime.fromisoformat(region["created_at"]).tzinfo is None
    assert client.create()["created_at"].endswith("+0000")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        pytest.param("/cloud/v1/projects/0", "project_id", id="project"),
        pytest.param("/cloud/v1/regions/0", "region_id", id="region"),
        pytest.param("/cloud/v1/securitygroups/0/7", "project_id", id="project-of-groups"),
        pytest.param("/cloud/v1/securitygroups/1/0", "region_id", id="region-of-groups"),
        pytest.param(f"/cloud/v1/securitygroups/{2**63}/7", "project_id", id="more-than-64-bits"),
        pytest.param(f"/cloud/v1/securitygroups/1/7?offset={2**63}", "offset", id="offset-of-more-than-64-bits"),
    ],
)
def test_no_project_and_no_region_has_such_a_number(client: Client, path: str, field: str) -> None:
    """Any other one exists."""
    assert field in error(client.http.get(path), 400)


@pytest.mark.parametrize(("path", "field"), [("/cloud/v1/projects", "name"), ("/cloud/v1/regions", "display_name")])
def test_projects_and_regions_can_be_sorted(client: Client, path: str, field: str) -> None:
    """By name or by age, both ways."""
    names = [
        [item[field] for item in client.ok(client.http.get(path, params={"order_by": f"{field}.{way}"}))["results"]]
        for way in ("asc", "desc")
    ]
    assert names == [sorted(names[0]), sorted(names[0], reverse=True)]
    error(client.http.get(path, params={"order_by": "size.asc"}), 400)


@pytest.mark.parametrize("header", [None, "emulator", "Bearer emulator", "apikey wrong", "apikey emulator2"])
def test_a_wrong_key_is_401(client: Client, header: str | None) -> None:
    """Whatever is asked for, the emulator's own pages included."""
    headers = {} if header is None else {"Authorization": header}
    for path in (GROUPS, "/emulator/requests", "/emulator/history"):
        error(httpx.get(client.emulator.url + path, headers=headers, verify=False), 401)


def test_the_word_before_the_key_may_be_written_in_any_case(client: Client) -> None:
    """Published is `apikey`; the official SDK sends `APIKey`."""
    response = httpx.get(client.emulator.url + GROUPS, headers={"Authorization": "APIKey emulator"})
    assert response.status_code == 200


def test_every_answer_has_its_own_request_id(client: Client) -> None:
    """Errors too, and the request log names the same."""
    ids = [client.http.get(path).headers["X-Request-Id"] for path in (GROUPS, f"{GROUPS}/none", "/nowhere")]
    assert len(set(ids)) == 3
    assert [record.request_id for record in client.emulator.requests] == ids


def test_a_path_or_method_nobody_published_is_refused(client: Client) -> None:
    """In the same fields as every error."""
    error(client.http.get("/cloud/v1/nothing"), 404)
    error(client.http.put(GROUPS), 405)
    error(client.http.get(f"{GROUPS}/not-a-uuid"), 400)


def test_one_connection_serves_many_requests(client: Client) -> None:
    """HTTP keep-alive: the client's pool never needs a second connection."""
    for _ in range(3):
        response = client.http.get(GROUPS)
        stream = response.extensions["network_stream"]
        address = stream.get_extra_info("client_addr")
        assert address == client.http.get(GROUPS).extensions["network_stream"].get_extra_info("client_addr")
