"""What the cloud puts in front of Neutron: the rules of a new group, port 25, quotas and locks."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.knobs import Knobs
from reconciler.emulator.neutron import stored
from reconciler.emulator.policy import CLOUD_EGRESS, opens_smtp
from reconciler.emulator.records import ApiError, RuleSpec

from .conftest import GROUPS, GROUPS_V2, Client, create_entry, tcp
from .test_published import DESCRIPTION

OUT = {"direction": "egress"}
PROHIBITED = "Opening egress port 25 for TCP or UDP traffic is prohibited"


@pytest.mark.skipif(not DESCRIPTION.is_file(), reason="the recorded rules are not beside this repository")
def test_the_rules_of_the_cloud_are_those_that_were_seen() -> None:
    """As a set: the order of a live list means nothing."""
    seen = json.loads(DESCRIPTION.with_name("default-egress.json").read_text())["rules"]
    assert len(seen) == len(CLOUD_EGRESS) == 39
    assert set(CLOUD_EGRESS) == {RuleSpec(**rule) for rule in seen}
    assert {stored(rule) for rule in CLOUD_EGRESS} == set(CLOUD_EGRESS)


@pytest.mark.parametrize(
    ("rules", "count"),
    [pytest.param([], 39, id="no-rules"), pytest.param([tcp(22)], 1, id="a-rule")],
)
def test_the_cloud_gives_rules_only_to_a_group_without_any(client: Client, rules: list[Any], count: int) -> None:
    """None of them opens port 25, so that they are never refused."""
    assert len(client.create(rules=rules)["security_group_rules"]) == count


RULES = st.builds(
    RuleSpec,
    direction=st.sampled_from(["egress", "ingress"]),
    ethertype=st.sampled_from(["IPv4", "IPv6"]),
    protocol=st.sampled_from([None, "any", "tcp", "udp", "sctp", "icmp", "ipv6-icmp"]),
    port_range_min=st.sampled_from([None, 1, 24, 25, 26]),
    port_range_max=st.sampled_from([None, 24, 25, 26, 65535]),
)


@given(rule=RULES)
def test_port_25_is_opened_by_what_admits_a_packet_to_it(rule: RuleSpec) -> None:
    """Every protocol and every port included; what Neutron would refuse does not count."""
    try:
        live = stored(rule)
    except ApiError:
        return
    admitted = live.protocol in {None, "tcp", "udp"} and 25 in range(
        live.port_range_min or 1, (live.port_range_max or 65535) + 1
    )
    assert opens_smtp(rule) == opens_smtp(live) == (rule.direction == "egress" and admitted)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(OUT, id="everything"),
        pytest.param({**OUT, "ethertype": "IPv6"}, id="everything-v6"),
        pytest.param({**tcp(25), **OUT}, id="tcp-25"),
        pytest.param({**OUT, "protocol": "udp", "remote_ip_prefix": "10.0.0.0/8"}, id="every-port-of-udp"),
    ],
)
def test_egress_to_port_25_is_refused_in_both_versions(client: Client, rule: dict[str, Any]) -> None:
    """In a new group, an old one and alone; at once, also where a task would do the work."""
    client.emulator.control.knobs = Knobs(default_egress=False)
    group = client.create()
    path = f"{GROUPS_V2}/{group['id']}"
    for response in (
        client.http.post(GROUPS, json={"security_group": {"name": "new", "security_group_rules": [tcp(1), rule]}}),
        client.patch(group["id"], create_entry(protocol="tcp"), {"action": "create", **rule}),
        client.http.post(GROUPS_V2, json={"name": "new", "rules": [rule]}),
        client.http.patch(path, json={"rules": [rule]}),
        client.http.post(f"{path}/rules", json=rule),
    ):
        assert (response.status_code, response.json()["message"]) == (400, PROHIBITED)
    assert client.get(group["id"]) == group
    assert client.ok(client.http.get(GROUPS))["count"] == 2


def test_a_live_rule_that_opens_port_25_may_stay(client: Client) -> None:
    """Support lifted it once: v2 sends whole lists, and only what is new is refused."""
    client.emulator.control.knobs = Knobs(refuse_port_25=False)
    v6 = {**OUT, "ethertype": "IPv6"}
    group = client.create(rules=[OUT, v6])
    client.emulator.control.knobs = Knobs()
    path = f"{GROUPS_V2}/{group['id']}"
    assert client.finish(client.http.patch(path, json={"rules": [OUT, v6, tcp(1)]}))["state"] == "FINISHED"
    assert client.finish(client.http.patch(path, json={"rules": [v6]}))["state"] == "FINISHED"
    assert client.http.patch(path, json={"rules": [OUT, v6]}).json()["message"] == PROHIBITED


def test_a_region_holds_as_many_groups_as_its_quota(client: Client) -> None:
    """Over all projects; the refusal tells the numbers, and a group less makes room for one more."""
    client.emulator.control.knobs = Knobs(firewall_quota=3)
    web = client.create("web")
    client.create("app")
    refusals = (
        client.http.post(GROUPS, json={"security_group": {"name": "more"}}),
        client.http.post("/cloud/v1/securitygroups/2/7", json={"security_group": {"name": "more"}}),
        client.http.post(f"{GROUPS}/{web['id']}/copy", json={"name": "more"}),
        client.http.post(GROUPS_V2, json={"name": "more"}),
    )
    client.ok(client.http.post("/cloud/v1/securitygroups/1/8", json={"security_group": {"name": "more"}}))
    for response in refusals:
        body = response.json()
        assert (response.status_code, body["exception_class"]) == (400, "QuotaLimitExceed")
        assert body["info"]["firewall_count"]["limit"] == 3
    client.http.delete(f"{GROUPS}/{web['id']}")
    client.finish(client.http.post(GROUPS_V2, json={"name": "more"}))


@pytest.mark.parametrize("polls", [1, 3])
def test_a_group_is_locked_while_a_task_is_at_work_on_it(client: Client, polls: int) -> None:
    """For every change, of both versions; other groups are not. Repeating the request is enough."""
    client.emulator.control.knobs = Knobs(task_polls=polls)
    group, other = client.create("web"), client.create("app")
    (task,) = client.ok(client.http.patch(f"{GROUPS_V2}/{group['id']}", json={"name": "web-2"}))["tasks"]
    client.ok(client.patch(other["id"], name="app-2"))
    refused = 0
    while (response := client.patch(group["id"], tags={"env": "prod"})).status_code == 409:
        body = response.json()
        assert body["message"] == f"Resource `{group['id']}` is already locked by another task. Please try again later."
        refused += 1
    assert refused == polls
    assert client.ok(response)["name"] == "web-2"
    assert client.ok(client.http.get(f"/cloud/v1/tasks/{task}"))["state"] == "FINISHED"


def test_locks_can_be_off(client: Client) -> None:
    """Then the changes meet in the order in which the tasks come to them."""
    client.emulator.control.knobs = Knobs(locks=False, task_polls=2)
    group = client.create()
    for name in ("web-2", "web-3"):
        client.ok(client.http.patch(f"{GROUPS_V2}/{group['id']}", json={"name": name}))
    assert client.http.delete(f"{GROUPS}/{group['id']}").status_code == 204


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lock_can_be_planned(client: Client, when: str) -> None:
    """As a fault, for so many requests; nothing is changed meanwhile."""
    group = client.create()
    client.emulator.control.plan(FaultPlan.of(Fault("locked", method="PATCH", count=2, when=when)))  # type: ignore[arg-type]  # one of the two words
    answers: list[httpx.Response] = [client.patch(group["id"], tags={"env": "prod"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [409, 409, 200]
    assert "already locked by another task" in answers[0].json()["message"]
    assert client.get(group["id"])["revision_number"] == group["revision_number"] + 1
