"""Requests that the published description does not allow are refused, and leave nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.emulator.knobs import DefaultRules, Knobs

from .conftest import GROUPS, GROUPS_V2, KEY, Client, create_entry, delete_entry, tcp

NOBODY = "00000000-0000-4000-8000-000000000000"

BAD_RULES = [
    pytest.param({}, "direction", id="no-direction"),
    pytest.param({"direction": "both"}, "direction", id="unknown-direction"),
    pytest.param({"direction": "ingress", "ethertype": None}, "ethertype", id="null-ethertype"),
    pytest.param({"direction": "ingress", "ethertype": "ipv4"}, "ethertype", id="ethertype-in-small-letters"),
    pytest.param({"direction": "ingress", "protocol": "6"}, "protocol", id="protocol-number-as-text"),
    pytest.param({"direction": "ingress", "protocol": 6}, "protocol", id="protocol-number"),
    pytest.param({"direction": "ingress", "protocol": "icmpv6"}, "protocol", id="unpublished-protocol"),
    pytest.param(tcp(65536), "port_range_m", id="port-too-large"),
    pytest.param(tcp(-1), "port_range_m", id="negative-port"),
    pytest.param({**tcp(80), "port_range_min": "80"}, "port_range_min", id="port-as-text"),
    pytest.param({**tcp(80), "port_range_min": 80.0}, "port_range_min", id="port-as-float"),
    pytest.param({**tcp(1), "port_range_min": True}, "port_range_min", id="port-as-boolean"),
    pytest.param({"direction": "ingress", "remote_group_id": None}, "remote_group_id", id="null-remote-group"),
    pytest.param({"direction": "ingress", "remote_group_id": "web"}, "remote_group_id", id="remote-group-by-name"),
    pytest.param({"direction": "ingress", "remote_ip_prefix": "10.0.0.1/8"}, "remote_ip_prefix", id="host-bits"),
    pytest.param({"direction": "ingress", "remote_ip_prefix": "example.com"}, "remote_ip_prefix", id="host-name"),
    pytest.param({"direction": "ingress", "remote_ip_prefix": ""}, "remote_ip_prefix", id="empty-prefix"),
    pytest.param({"direction": "ingress", "remote_ip_prefix": "fe80::1%eth0"}, "remote_ip_prefix", id="scope"),
    pytest.param({"direction": "ingress", "description": None}, "description", id="null-description"),
    pytest.param({"direction": "ingress", "description": "x" * 256}, "description", id="description-too-long"),
    pytest.param({"direction": "ingress", "id": NOBODY}, "id", id="read-only-field"),
    pytest.param({"direction": "ingress", "ports": 80}, "ports", id="unknown-field"),
]


def refused(response: Any, place: str) -> None:
    """A 400 that names the place, in the message and as an invalid field."""
    body = response.json()
    assert (response.status_code, body["exception_class"]) == (400, "ValidationError"), response.text
    ((field, (problem,)),) = body["invalid_fields"].items()
    assert place in body["message"]
    assert body["message"] == f"{field}: {problem}"


@pytest.mark.parametrize(("rule", "place"), BAD_RULES)
def test_a_bad_rule_is_refused_wherever_it_is_sent(client: Client, rule: dict[str, Any], place: str) -> None:
    """In both versions, in a new group, an old one and alone; nothing is left behind."""
    group = client.create()
    refused(client.http.post(GROUPS, json={"security_group": {"name": "new", "security_group_rules": [rule]}}), place)
    refused(client.patch(group["id"], {"action": "create", **rule}), place)
    refused(client.http.post(GROUPS_V2, json={"name": "new", "rules": [rule]}), place)
    refused(client.http.patch(f"{GROUPS_V2}/{group['id']}", json={"rules": [rule]}), place)
    refused(client.http.post(f"{GROUPS_V2}/{group['id']}/rules", json=rule), place)
    assert client.get(group["id"]) == group
    assert client.ok(client.http.get(GROUPS))["count"] == 2


def test_any_is_a_protocol_in_v1_only(client: Client) -> None:
    """v2 says null."""
    group = client.create()
    rule = {"direction": "ingress", "protocol": "any"}
    refused(client.http.post(f"{GROUPS_V2}/{group['id']}/rules", json=rule), "protocol")
    client.ok(client.patch(group["id"], {"action": "create", **rule}))
    assert client.get(group["id"])["security_group_rules"][-1]["protocol"] is None


@pytest.mark.parametrize("name", ["", "ab", "-web", "web-", "web ", "w" * 64, "wéb", "web\n", 7, None])
def test_a_name_outside_the_pattern_is_refused(client: Client, name: object) -> None:
    """New groups, copies and renames, in both versions."""
    group = client.create()
    refused(client.http.post(GROUPS, json={"security_group": {"name": name}}), "name")
    refused(client.patch(group["id"], name=name), "name")
    refused(client.http.post(f"{GROUPS}/{group['id']}/copy", json={"name": name}), "name")
    refused(client.http.post(GROUPS_V2, json={"name": name}), "name")
    refused(client.http.patch(f"{GROUPS_V2}/{group['id']}", json={"name": name}), "name")


@pytest.mark.parametrize(
    "tags",
    [
        pytest.param({"": "x"}, id="empty-key"),
        pytest.param({"a b": "x"}, id="blank-in-key"),
        pytest.param({"a=b": "x"}, id="equals-sign-in-key"),
        pytest.param({"k" * 256: "x"}, id="key-too-long"),
        pytest.param({"env": ""}, id="empty-value"),
        pytest.param({"env": " prod"}, id="leading-blank"),
        pytest.param({"env": "prod "}, id="trailing-blank"),
        pytest.param({"env": "a\tb"}, id="tab"),
        pytest.param({"env": "prod\n"}, id="newline"),
        pytest.param({"env": "v" * 256}, id="value-too-long"),
        pytest.param({"env": 1}, id="number"),
        pytest.param([{"key": "env", "value": "prod"}], id="list"),
    ],
)
def test_tags_outside_the_patterns_are_refused(client: Client, tags: object) -> None:
    """New groups and changes, in both versions."""
    group = client.create()
    refused(client.http.post(GROUPS, json={"security_group": {"name": "new", "tags": tags}}), "tags")
    refused(client.patch(group["id"], tags=tags), "tags")
    refused(client.http.post(GROUPS_V2, json={"name": "new", "tags": tags}), "tags")


def test_null_removes_a_tag_or_all_of_them_but_creates_none(client: Client) -> None:
    """A merge patch; a new group's tags have no nulls."""
    group = client.create(tags={"env": "prod", "team": "edge"})
    refused(client.http.post(GROUPS, json={"security_group": {"name": "new", "tags": {"env": None}}}), "tags.env")
    assert [t["key"] for t in client.ok(client.patch(group["id"], tags={"env": None}))["tags_v2"]] == ["team"]
    assert client.ok(client.patch(group["id"], tags=None))["tags_v2"] == []


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        pytest.param({"direction": "ingress"}, "action", id="no-action"),
        pytest.param({"action": "replace"}, "action", id="unknown-action"),
        pytest.param({"action": "delete"}, "security_group_rule_id", id="delete-of-nothing"),
        pytest.param({"action": "delete", "security_group_rule_id": "x"}, "security_group_rule_id", id="no-uuid"),
        pytest.param(
            {"action": "delete", "security_group_rule_id": NOBODY, "direction": "ingress"}, "direction", id="mixture"
        ),
        pytest.param("delete", "action", id="no-object"),
    ],
)
def test_a_bad_entry_of_changed_rules_is_refused(client: Client, entry: Any, place: str) -> None:
    """The place in the list is named."""
    group = client.create()
    response = client.patch(group["id"], create_entry(protocol="udp"), entry)
    refused(response, place)
    assert "changed_rules[1]" in response.json()["message"]


def test_a_v1_patch_has_no_description(client: Client) -> None:
    """It cannot be changed there, and is not silently ignored."""
    refused(client.patch(client.create()["id"], description="new"), "description")


def test_at_most_500_entries_in_a_patch(client: Client) -> None:
    """501 are refused before anything is done; 500 are worked through."""
    client.emulator.control.knobs = Knobs(default_rules=DefaultRules.NEUTRON)
    group = client.create()
    entries = [create_entry(protocol="tcp", port_range_min=n, port_range_max=n) for n in range(1, 249)]
    group = client.ok(client.patch(group["id"], *entries))
    assert len(group["security_group_rules"]) == 250
    deletes = [delete_entry(rule) for rule in group["security_group_rules"]]
    creates = [{**entry, "protocol": "udp"} for entry in entries]
    refused(client.patch(group["id"], *deletes, *creates, *creates[:3]), "500")
    changed = client.ok(client.patch(group["id"], *deletes, *creates))
    assert {rule["protocol"] for rule in changed["security_group_rules"]} == {"udp"}


def test_at_most_250_rules_in_a_new_group(client: Client) -> None:
    """Asked for, that is 400; with the rules that come by themselves on top, 409."""
    client.emulator.control.knobs = Knobs(default_rules=DefaultRules.NEUTRON)
    rules = [tcp(port) for port in range(1, 252)]
    refused(client.http.post(GROUPS, json={"security_group": {"name": "full", "security_group_rules": rules}}), "250")
    refused(client.http.post(GROUPS_V2, json={"name": "full", "rules": rules}), "250")
    response = client.http.post(GROUPS, json={"security_group": {"name": "full", "security_group_rules": rules[:250]}})
    assert (response.status_code, response.json()["exception_class"]) == (409, "OverQuota")
    assert len(client.create("fits", rules[:248])["security_group_rules"]) == 250


def test_250_rules_are_the_ceiling_at_every_moment_of_a_patch(client: Client) -> None:
    """A create before the delete that makes room for it is refused; the other way round it is not."""
    client.emulator.control.knobs = Knobs(default_rules=DefaultRules.NEUTRON)
    group = client.create("full", [tcp(port) for port in range(1, 249)])
    delete, create = delete_entry(group["security_group_rules"][-1]), create_entry(protocol="udp")
    response = client.patch(group["id"], create, delete)
    assert (response.status_code, response.json()["exception_class"]) == (409, "OverQuota")
    assert client.get(group["id"]) == group
    client.ok(client.patch(group["id"], delete, create))


def test_a_protocol_that_is_published_may_be_none_of_neutron(client: Client) -> None:
    """The name passes the first check and fails the second, in both versions."""
    group = client.create()
    rule = {"direction": "ingress", "protocol": "ipencap"}
    for response in (
        client.patch(group["id"], {"action": "create", **rule}),
        client.http.post(f"{GROUPS_V2}/{group['id']}/rules", json=rule),
    ):
        assert response.status_code == 400
        assert response.json()["exception_class"] == "SecurityGroupRuleInvalidProtocol"


def test_the_id_of_a_remote_group_is_compared_as_it_is_written(client: Client) -> None:
    """In capitals it is another group, which does not exist."""
    group = client.create()
    response = client.patch(group["id"], create_entry(remote_group_id=group["id"].upper()))
    assert (response.status_code, response.json()["exception_class"]) == (404, "SecurityGroupNotFound")
    client.ok(client.patch(group["id"], create_entry(remote_group_id=group["id"])))


def test_a_rule_that_differs_in_its_description_only_is_a_duplicate(client: Client) -> None:
    """409 while the old one exists; deleted first, the new one is welcome."""
    group = client.create(rules=[tcp(22, description="old")])
    entry = create_entry(protocol="tcp", port_range_min=22, port_range_max=22, description="new")
    response = client.patch(group["id"], entry)
    assert (response.status_code, response.json()["exception_class"]) == (409, "SecurityGroupRuleExists")
    old = group["security_group_rules"][-1]
    assert (
        client.ok(client.patch(group["id"], delete_entry(old), entry))["security_group_rules"][-1]["description"]
        == "new"
    )


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        pytest.param(b"{", {"Content-Type": "application/json"}, 400, id="no-json"),
        pytest.param(b'{"name": NaN}', {"Content-Type": "application/json"}, 400, id="not-a-number"),
        pytest.param(b'{"name": "a", "name": "b"}', {"Content-Type": "application/json"}, 400, id="repeated-key"),
        pytest.param(b"[" * 100_000, {"Content-Type": "application/json"}, 400, id="nested-too-deeply"),
        pytest.param(b"\xff", {"Content-Type": "application/json"}, 400, id="not-utf-8"),
        pytest.param(b'{"name": "\\ud800"}', {"Content-Type": "application/json"}, 400, id="half-a-surrogate-pair"),
        pytest.param(b"[]", {"Content-Type": "application/json"}, 400, id="no-object"),
        pytest.param(b"name=web", {"Content-Type": "application/x-www-form-urlencoded"}, 415, id="a-form"),
        pytest.param(b"{}", {}, 415, id="no-content-type"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    client: Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    """Whatever it is instead."""
    response = client.http.post(GROUPS, content=content, headers={**KEY, **headers})
    assert response.status_code == status, response.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/cloud/v1/securitygroups/{'9' * 5000}/1", 404),
        (f"/cloud/v1/regions/{2**63}", 400),
        (f"{GROUPS}?tag_key_value={'[' * 20_000}", 400),
        (f'{GROUPS}?tag_key_value={{"a":"\\ud800"}}', 400),
        (f"{GROUPS}?limit={'9' * 5000}", 400),
    ],
    ids=["digits", "number", "nesting", "surrogate", "limit"],
)
def test_what_python_does_not_read_is_refused_and_breaks_nothing(client: Client, path: str, status: int) -> None:
    answer = client.http.get(path)
    assert (answer.status_code, "exception_class" in answer.text) == (status, True)
