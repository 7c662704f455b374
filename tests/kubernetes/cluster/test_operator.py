"""The operator against a real API server and etcd, with the rights of the manifests; the cloud is the emulator."""

import random
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from kube import (
    PATHS,
    REGION,
    Kube,
    OperatorProcess,
    approve,
    condition,
    digest,
    free_port,
    group,
    in_sync,
    live,
    resource,
    running,
    secret,
    target,
    tcp,
    wait_for,
)

from reconciler import PlainDocument, apply, connect, load, plan
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.records import Target as CloudTarget
from reconciler.emulator.server import EmulatorServer


def test_what_is_approved_by_its_digest_is_done_exactly(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project), namespace)
    kube.apply(group("web", tcp([80, 443])), namespace)
    body = in_sync(kube, namespace, "CloudTarget", "t", "False", "ApprovalNeeded")
    plan = body["status"]["plan"]
    assert plan["opens"]
    assert not plan["closes"]
    assert live(cloud, project) == {}
    approve(kube, namespace, plan["digest"])
    in_sync(kube, namespace, "SecurityGroup", "web")
    body = in_sync(kube, namespace, "CloudTarget", "t")
    assert live(cloud, project) == {"web": {"80 10.0.0.0/8", "443 10.0.0.0/8"}}
    assert body["status"]["approved"] == plan["digest"]
    assert body["status"].get("plan") is None
    assert "sgctl.dev/approve" not in body["metadata"].get("annotations", {})


def test_observe_only_tells_and_an_approval_is_worth_nothing_there(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    """A group is live with one rule too many and one too few."""
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("web", tcp(80), tcp(22)), namespace)
    in_sync(kube, namespace, "CloudTarget", "t")
    kube.patch("CloudTarget", namespace, "t", {"spec": {"mode": "Observe"}})
    kube.apply(group("web", tcp(80), tcp(443)), namespace)
    in_sync(kube, namespace, "CloudTarget", "t", "False", "Observed")
    approve(kube, namespace, digest(kube, namespace))
    told = wait_for("it to be told", lambda: [each for each in kube.events(namespace) if each[1] == "ApprovalStale"])
    assert "the mode Observe only tells" in told[0][2]
    wait_for("it to be gone", lambda: "annotations" not in (kube.get("CloudTarget", namespace, "t") or {})["metadata"])
    kube.patch("CloudTarget", namespace, "t", {"spec": {"mode": "Approve"}})
    in_sync(kube, namespace, "CloudTarget", "t", "False", "ApprovalNeeded")
    assert live(cloud, project) == {"web": {"80 10.0.0.0/8", "22 10.0.0.0/8"}}


def test_narrow_takes_away_what_no_resource_admits_and_asks_for_the_rest(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("web", tcp(80), tcp(22)), namespace)
    kube.apply(group("data", tcp(5432)), namespace)
    in_sync(kube, namespace, "SecurityGroup", "web")
    in_sync(kube, namespace, "SecurityGroup", "data")
    kube.patch("CloudTarget", namespace, "t", {"spec": {"mode": "Narrow"}})
    in_sync(kube, namespace, "CloudTarget", "t")
    kube.apply(group("web", tcp(80)), namespace)
    kube.apply(group("data", tcp(5432), tcp(3306)), namespace)
    in_sync(kube, namespace, "SecurityGroup", "web")
    in_sync(kube, namespace, "SecurityGroup", "data", "False", "ApprovalNeeded")
    assert live(cloud, project) == {"web": {"80 10.0.0.0/8"}, "data": {"5432 10.0.0.0/8"}}


def test_an_old_approval_is_worth_nothing(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    in_sync(kube, namespace, "SecurityGroup", "web", "False", "ApprovalNeeded")
    old = digest(kube, namespace)
    kube.apply(group("web", tcp(80), tcp(22)), namespace)
    wait_for("a new plan", lambda: digest(kube, namespace) != old)
    approve(kube, namespace, old)
    wait_for("an event", lambda: [each for each in kube.events(namespace) if each[1] == "ApprovalStale"])
    body = kube.get("CloudTarget", namespace, "t")
    assert body
    assert "sgctl.dev/approve" not in body["metadata"].get("annotations", {})
    assert live(cloud, project) == {}


def test_groups_refer_to_each_other_and_an_address_group_changes_who_uses_it(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(resource("AddressGroup", "office", prefixes=["192.0.2.0/24"]), namespace)
    from_app = {"direction": "ingress", "protocol": "tcp", "ports": 8000, "remoteGroup": "app"}
    from_office = {"direction": "ingress", "protocol": "tcp", "ports": 22, "remoteAddressGroup": "office"}
    kube.apply(group("web", from_app), namespace)
    kube.apply(group("app", from_office), namespace)
    in_sync(kube, namespace, "CloudTarget", "t")
    in_sync(kube, namespace, "SecurityGroup", "web")
    assert live(cloud, project)["app"] == {"22 192.0.2.0/24"}
    kube.apply(resource("AddressGroup", "office", prefixes=["198.51.100.0/24"]), namespace)
    wait_for("the new prefix", lambda: live(cloud, project)["app"] == {"22 198.51.100.0/24"})
    wait_for(
        "the address group to be told",
        lambda: condition(kube.get("AddressGroup", namespace, "office"), "Ready").get("status") == "True",
    )


def test_what_is_wrong_is_told_in_the_words_of_the_resource_and_the_rest_goes_on(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("wrong", tcp(80, "10.0.0.5/8")), namespace)
    kube.apply(group("right", tcp(80)), namespace)
    in_sync(kube, namespace, "SecurityGroup", "right")
    body = in_sync(kube, namespace, "SecurityGroup", "wrong", "Unknown", "Invalid")
    said = condition(body, "Ready")
    assert said["status"] == "False"
    assert said["message"].startswith("spec.rules[0].remoteIpPrefix: ")
    assert "10.0.0.0/8" in said["message"]
    assert in_sync(kube, namespace, "CloudTarget", "t", "False", "ResourcesRefused")
    assert live(cloud, project) == {"right": {"80 10.0.0.0/8"}}


def test_two_resources_of_one_live_group_are_refused_and_both_are_told(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(target(project, "u", mode="Enforce"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    in_sync(kube, namespace, "SecurityGroup", "web")
    kube.apply(group("other", tcp(22), of="u", name="web"), namespace)
    first = in_sync(kube, namespace, "SecurityGroup", "web", "Unknown", "Conflict")
    second = in_sync(kube, namespace, "SecurityGroup", "other", "Unknown", "Conflict")
    assert f"SecurityGroup {namespace}/other" in condition(first, "Ready")["message"]
    assert f"SecurityGroup {namespace}/web" in condition(second, "Ready")["message"]
    assert live(cloud, project) == {"web": {"80 10.0.0.0/8"}}
    kube.delete("SecurityGroup", namespace, "web")
    in_sync(kube, namespace, "SecurityGroup", "other")
    assert live(cloud, project) == {"web": {"22 10.0.0.0/8"}}


def test_a_resource_leaves_its_live_group_or_takes_it_along(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project, mode="Enforce", lift=["mass-delete"]), namespace)
    kube.apply(group("stays", tcp(80)), namespace)
    kube.apply(group("goes", tcp(80), deletionPolicy="Delete"), namespace)
    kube.apply(group("used", tcp(80), deletionPolicy="Delete"), namespace)
    kube.apply(group("protected", tcp(80), deletionPolicy="Delete", preventDestroy=True), namespace)
    in_sync(kube, namespace, "CloudTarget", "t")
    used = next(each for each in cloud.store.groups(CloudTarget(project, REGION)) if each.name == "used")
    cloud.store.attach(used.id, [("vm-1", "vm-1")])
    for name in ("stays", "goes", "used", "protected"):
        kube.delete("SecurityGroup", namespace, name)
    wait_for("goes to be gone", lambda: kube.get("SecurityGroup", namespace, "goes") is None)
    assert kube.get("SecurityGroup", namespace, "stays") is None
    for name, words in (("used", "attached to 1 instance"), ("protected", "protected")):
        body = in_sync(kube, namespace, "SecurityGroup", name, "Unknown", "NotDeleted")
        assert words in condition(body, "Ready")["message"]
    assert live(cloud, project).keys() == {"stays", "used", "protected"}
    kube.patch("SecurityGroup", namespace, "used", {"spec": {"deletionPolicy": "Orphan"}})
    wait_for("the way out", lambda: kube.get("SecurityGroup", namespace, "used") is None)
    kube.delete("CloudTarget", namespace, "t")
    wait_for("no target, no hold", lambda: kube.get("SecurityGroup", namespace, "protected") is None)
    assert live(cloud, project).keys() == {"stays", "used", "protected"}


def test_a_group_that_a_rule_of_another_resource_refers_to_stays_until_the_rule_is_gone(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    from_app = {"direction": "ingress", "protocol": "tcp", "ports": 8000, "remoteGroup": "app"}
    kube.apply(target(project, mode="Enforce", lift=["mass-delete"]), namespace)
    kube.apply(group("web", tcp(80), from_app), namespace)
    kube.apply(group("app", tcp(22), deletionPolicy="Delete"), namespace)
    in_sync(kube, namespace, "CloudTarget", "t")
    kube.delete("SecurityGroup", namespace, "app")
    body = in_sync(kube, namespace, "SecurityGroup", "app", "Unknown", "NotDeleted")
    assert f"a rule of SecurityGroup {namespace}/web refers to it" in condition(body, "Ready")["message"]
    assert live(cloud, project).keys() == {"web", "app"}
    kube.apply(group("web", tcp(80)), namespace)
    wait_for("it to be gone", lambda: kube.get("SecurityGroup", namespace, "app") is None)
    assert live(cloud, project) == {"web": {"80 10.0.0.0/8"}}


def test_neither_a_missing_secret_nor_a_missing_target_holds_a_resource(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    """Without the Secret the way out is `Orphan`; without the target nothing is held at all."""
    kube.apply(target(project, mode="Enforce"), namespace)
    for name in ("web", "app"):
        kube.apply(group(name, tcp(80), deletionPolicy="Delete"), namespace)
    in_sync(kube, namespace, "CloudTarget", "t")
    kube.delete("Secret", namespace, "gcore")
    in_sync(kube, namespace, "CloudTarget", "t", "Unknown", "SecretNotFound")
    for name in ("web", "app"):
        kube.delete("SecurityGroup", namespace, name)
    kube.patch("SecurityGroup", namespace, "web", {"spec": {"deletionPolicy": "Orphan"}})
    wait_for("the way out", lambda: kube.get("SecurityGroup", namespace, "web") is None)
    assert kube.get("SecurityGroup", namespace, "app")
    kube.delete("CloudTarget", namespace, "t")
    wait_for("no target, no hold", lambda: kube.get("SecurityGroup", namespace, "app") is None)
    assert live(cloud, project).keys() == {"web", "app"}
    assert "warning" not in operator.log.read_text().lower()


@pytest.mark.parametrize("seed", [0, *(pytest.param(more, marks=pytest.mark.full) for more in (1, 2, 3))])
def test_a_namespace_goes_with_all_that_is_in_it_in_whatever_order(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int, seed: int
) -> None:
    """There is no controller of namespaces here: the test deletes what is in one, as that does."""
    for name, mode in (("t", "Enforce"), ("u", "Approve")):
        kube.apply(target(project, name, REGION + (mode == "Approve"), mode=mode, lift=["mass-delete"]), namespace)
    for of, name in (("t", "stays"), ("t", "goes"), ("t", "goes-too"), ("u", "waits"), ("u", "remains")):
        policy = "Orphan" if name in ("stays", "remains") else "Delete"
        kube.apply(group(name, tcp(80), of=of, deletionPolicy=policy), namespace)
    kube.apply(resource("AddressGroup", "office", prefixes=["192.0.2.0/24"]), namespace)
    in_sync(kube, namespace, "CloudTarget", "t")
    approve(kube, namespace, digest(kube, namespace, "u"), "u")
    in_sync(kube, namespace, "CloudTarget", "u")
    groups = [("SecurityGroup", name) for name in ("stays", "goes", "goes-too", "waits", "remains")]
    everything = [*groups, ("CloudTarget", "t"), ("CloudTarget", "u"), ("Secret", "gcore"), ("AddressGroup", "office")]
    random.Random(seed).shuffle(everything)
    kube.call("DELETE", f"{PATHS['Namespace']}/{namespace}").raise_for_status()
    for kind, name in everything:
        kube.delete(kind, namespace, name)
        time.sleep(0.5)
    for kind, name in everything:
        wait_for(f"{kind} {name} to be gone", lambda kind=kind, name=name: kube.get(kind, namespace, name) is None)
    assert {"stays"} <= live(cloud, project).keys() <= {"stays", "goes", "goes-too"}
    assert "warning" not in operator.log.read_text().lower()


def test_a_policy_of_the_target_stops_what_it_does_not_admit_also_what_is_approved(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project, policies={"worldOpenManagement": "error"}), namespace)
    kube.apply(group("web", tcp(22, "0.0.0.0/0")), namespace)
    body = in_sync(kube, namespace, "CloudTarget", "t", "False", "StoppedByGuardrail")
    assert body["status"]["plan"]["stoppedBy"]
    approve(kube, namespace, digest(kube, namespace))
    kube.apply(group("app", tcp(80)), namespace)
    wait_for("an event", lambda: [each for each in kube.events(namespace) if each[1] == "ApprovalStale"])
    assert live(cloud, project) == {}
    kube.apply(target(project), namespace)
    in_sync(kube, namespace, "CloudTarget", "t", "False", "ApprovalNeeded")
    approve(kube, namespace, digest(kube, namespace))
    in_sync(kube, namespace, "CloudTarget", "t")
    assert live(cloud, project).keys() == {"web", "app"}


def test_a_guardrail_stops_enforce_and_says_the_way_to_lift_it(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("web", *(tcp(port) for port in range(1, 12))), namespace)
    in_sync(kube, namespace, "CloudTarget", "t")
    kube.apply(group("web"), namespace)
    body = in_sync(kube, namespace, "CloudTarget", "t", "False", "StoppedByGuardrail")
    assert "mass-delete to spec.lift" in condition(body, "InSync")["message"]
    assert len(live(cloud, project)["web"]) == 11
    kube.patch("CloudTarget", namespace, "t", {"spec": {"lift": ["mass-delete"]}})
    in_sync(kube, namespace, "CloudTarget", "t")
    assert live(cloud, project) == {"web": set()}


def test_drift_is_seen_by_the_timer_and_quiet_rounds_make_no_events(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project, mode="Observe", interval="1s"), namespace)
    kube.patch("CloudTarget", namespace, "t", {"spec": {"mode": "Enforce"}})
    kube.apply(group("web", tcp(80)), namespace)
    in_sync(kube, namespace, "CloudTarget", "t")

    def reads() -> int:
        """Count the lists of this project: targets of other tests are looked at, too."""
        return sum(each.path.endswith(f"/{project}/{REGION}") for each in [*cloud.store.requests])

    known = reads()
    wait_for("rounds after it", lambda: reads() >= known + 2)
    before = len(kube.events(namespace))
    known = reads()
    wait_for("three rounds", lambda: reads() >= known + 3)
    assert len(kube.events(namespace)) == before
    kube.patch("CloudTarget", namespace, "t", {"spec": {"mode": "Observe"}})
    in_sync(kube, namespace, "CloudTarget", "t")
    one = next(each for each in cloud.store.groups(CloudTarget(project, REGION)) if each.name == "web")
    url = f"{cloud.url}/cloud/v1/securitygroups/{project}/{REGION}/{one.id}"
    rule = {"action": "create", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    changed = {"changed_rules": [{**rule, "port_range_min": 23, "port_range_max": 23}]}
    httpx.patch(url, json=changed, headers={"Authorization": f"apikey {cloud.api_key}"}).raise_for_status()
    body = in_sync(kube, namespace, "SecurityGroup", "web", "False", "Observed")
    assert body["status"]["plan"]["closes"]
    wait_for("an event", lambda: [each for each in kube.events(namespace) if each[:2] == ("web", "Drifted")])


def test_a_wrong_key_is_told_and_a_new_one_is_noticed(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(secret("gcore", "wrong"), namespace)
    kube.apply(target(project, mode="Enforce", interval="1h"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    in_sync(kube, namespace, "SecurityGroup", "web", "Unknown", "Unauthorized")
    kube.apply(secret("gcore", cloud.api_key), namespace)
    in_sync(kube, namespace, "SecurityGroup", "web")
    kube.delete("Secret", namespace, "gcore")
    in_sync(kube, namespace, "CloudTarget", "t", "Unknown", "SecretNotFound")


def test_a_cloud_that_is_away_is_told_and_waited_for(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    path = f"/{project}/"
    cloud.control.plan(FaultPlan.of(Fault("status", path=path, status=503, count=60)))
    kube.apply(target(project, mode="Enforce", interval="2s"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    body = wait_for(
        "it to be told",
        lambda: condition(kube.get("CloudTarget", namespace, "t"), "Ready").get("status") == "False",
        90,
    )
    assert body
    cloud.control.plan(FaultPlan.of())
    in_sync(kube, namespace, "SecurityGroup", "web")


def test_an_api_server_that_is_away_is_waited_for(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    in_sync(kube, namespace, "SecurityGroup", "web")
    kube.stop_api()
    said = len(operator.log.read_text())
    wait_for("the operator to miss it", lambda: "does not answer" in operator.log.read_text()[said:])
    kube.start_api()
    kube.apply(group("web", tcp(443)), namespace)
    in_sync(kube, namespace, "SecurityGroup", "web")
    assert live(cloud, project) == {"web": {"443 10.0.0.0/8"}}


def test_a_fleet_takes_no_more_requests_than_the_command(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    """200 groups in ten targets: once created, a look is one list a target.

    An approval that was used is removed, and that wakes each target for one more look, which may have come by then.
    """
    for number in range(10):
        kube.apply(target(9000 + number, f"t{number}", mode="Approve", interval="1h"), namespace)
    for number in range(200):
        kube.apply(group(f"group-{number}", tcp(80), of=f"t{number % 10}"), namespace)
    for number in range(10):
        wait_for(
            "20 groups in the plan",
            lambda name=f"t{number}": (
                "create 20 groups" in str((kube.get("CloudTarget", namespace, name) or {}).get("status"))
            ),
        )
    cloud.store.requests.clear()
    for number in range(10):
        approve(kube, namespace, digest(kube, namespace, f"t{number}"), f"t{number}")
    for number in range(10):
        in_sync(kube, namespace, "CloudTarget", f"t{number}")
    by_operator = Counter(each.method for each in cloud.store.requests)
    cloud.store.requests.clear()
    rule = {"direction": "ingress", "protocol": "tcp", "ports": 80, "remote_ip_prefix": "10.0.0.0/8"}
    files = []
    for number in range(10):
        groups = [{"name": f"group-{each}", "rules": [rule]} for each in range(number, 200, 10)]
        content = {"project_id": 9100 + number, "region_id": REGION, "security_groups": groups}
        files.append(PlainDocument(str(number), content))
    with connect(cloud.api_key, base_url=cloud.url) as api:
        assert apply(plan(load(*files), api), api).error is None
    by_command = Counter(each.method for each in cloud.store.requests)
    assert by_command["POST"] == by_command["PATCH"] == 200  # created, and without what the cloud added
    assert by_operator["POST"] == by_operator["PATCH"] == 200
    assert by_operator["GET"] <= by_command["GET"] + 10
    assert {*by_operator} == {*by_command}


def test_what_makes_no_sense_is_refused_by_the_api_server(kube: Kube, namespace: str) -> None:
    kube.apply(target(1, "fixed"), namespace)
    for wrong, words in (
        (target(2, "fixed"), "the project cannot be changed"),
        (group("a", {"direction": "up"}), "Unsupported value"),
        (group("a", name="?"), "3 to 63 letters"),
        (group("a", {"directoin": "ingress"}), "field not declared in schema"),
        (target(1, "other", mode="Yolo"), "Unsupported value"),
        ({**target(1, "other"), "spec": {**target(1)["spec"], "apiKeySecretRef": {"name": "../x"}}}, "should match"),
    ):
        with pytest.raises(AssertionError, match=words):
            kube.apply(wrong, namespace)


def test_metrics_and_health_are_served_and_a_stop_is_clean(
    kube: Kube, cloud: EmulatorServer, namespace: str, project: int, tmp_path: Path
) -> None:
    port = free_port()
    kube.apply(target(project), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    with running(OperatorProcess(kube, cloud.url, tmp_path / "log"), "--listen", f"127.0.0.1:{port}") as operator:
        in_sync(kube, namespace, "SecurityGroup", "web", "False", "ApprovalNeeded")
        wait_for("ready", lambda: httpx.get(f"http://127.0.0.1:{port}/readyz").is_success)
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert f'sgctl_drift_groups{{project="{project}",region="7",severity="missing"}} 1.0' in text
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
        assert operator.stop() == 0
    assert cloud.api_key not in (tmp_path / "log").read_text()
