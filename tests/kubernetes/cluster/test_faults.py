"""The operator where everything fails: kills, a lost lease, conflicts, locks. Nothing is done twice."""

import json
import random
import signal
from collections import Counter
from pathlib import Path

import httpx
import pytest
from kube import (
    API,
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
    manifests,
    running,
    target,
    tcp,
    wait_for,
)
from raw_server import Peer, serving

from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.records import Target
from reconciler.emulator.server import EmulatorServer

WRITES = {"POST", "PATCH", "DELETE"}


def writes(cloud: EmulatorServer, project: int) -> list[str]:
    """Return the methods of the writes to a project."""
    return [each.method for each in [*cloud.store.requests] if f"/{project}/" in each.path and each.method in WRITES]


def names(cloud: EmulatorServer, project: int) -> Counter[str]:
    """Count the live groups of each name."""
    return Counter(each.name for each in cloud.store.groups(Target(project, REGION)) if each.name != "default")


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_who_is_killed_in_the_middle_of_a_write_leaves_nothing_to_do_twice(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int, method: str
) -> None:
    """The cloud takes the write and carries it out; the operator that waits for the answer is killed."""
    cloud.control.plan(FaultPlan.of(Fault("delay", method=method, path=f"/{project}/", when="after", seconds=60)))
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    kube.apply(group("app", tcp(22)), namespace)
    wait_for("the write to be begun", lambda: method in writes(cloud, project))
    operator.kill()
    cloud.control.plan(FaultPlan.of())
    operator.start()
    in_sync(kube, namespace, "CloudTarget", "t")
    assert live(cloud, project) == {"web": {"80 10.0.0.0/8"}, "app": {"22 10.0.0.0/8"}}
    assert set(names(cloud, project).values()) == {1}
    assert writes(cloud, project).count("POST") == 2


def test_an_approval_is_spent_by_who_is_killed_in_its_apply(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    """What is left is another plan, which somebody has to look at."""
    cloud.control.plan(FaultPlan.of(Fault("delay", method="PATCH", path=f"/{project}/", when="before", seconds=60)))
    kube.apply(target(project), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    in_sync(kube, namespace, "CloudTarget", "t", "False", "ApprovalNeeded")
    first = digest(kube, namespace)
    approve(kube, namespace, first)
    wait_for("the write to be begun", lambda: "PATCH" in writes(cloud, project))
    operator.kill()
    cloud.control.plan(FaultPlan.of())
    kube.apply(group("web", tcp([80, 443])), namespace)
    operator.start()
    wait_for("another plan", lambda: digest(kube, namespace) != first)
    assert writes(cloud, project) == ["POST", "PATCH"], "nothing is done before that is approved"
    approve(kube, namespace, digest(kube, namespace))
    in_sync(kube, namespace, "CloudTarget", "t")
    assert live(cloud, project) == {"web": {"80 10.0.0.0/8", "443 10.0.0.0/8"}}


@pytest.mark.parametrize("seed", [0, *(pytest.param(more, marks=pytest.mark.full) for more in (1, 2))])
def test_what_is_killed_at_random_moments_ends_right_and_does_nothing_twice(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int, seed: int
) -> None:
    chance = random.Random(seed)
    cloud.control.plan(FaultPlan.of(Fault("delay", path=f"/{project}/", when="before", seconds=0.3, count=0)))
    kube.apply(target(project, mode="Enforce", interval="5s"), namespace)
    for number in range(12):
        kube.apply(group(f"group-{number}", *(tcp(port) for port in range(1, 4 + number))), namespace)
    for _ in range(4):
        begun = len(writes(cloud, project))
        more = chance.randint(1, 6)
        wait_for("some writes", lambda begun=begun, more=more: len(writes(cloud, project)) >= min(24, begun + more))
        operator.kill()
        operator.start()
    in_sync(kube, namespace, "CloudTarget", "t")
    for number in range(12):
        in_sync(kube, namespace, "SecurityGroup", f"group-{number}")
    cloud.control.plan(FaultPlan.of())
    found = live(cloud, project)
    assert {name: len(rules) for name, rules in found.items()} == {f"group-{n}": 3 + n for n in range(12)}
    assert set(names(cloud, project).values()) == {1}


def test_who_loses_the_lease_in_an_apply_begins_no_further_write(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    """Somebody else writes the lease while the creation of a group is under way: its default rules stay for now."""
    cloud.control.plan(FaultPlan.of(Fault("delay", method="POST", path=f"/{project}/", when="after", seconds=4.5)))
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    wait_for("the write to be begun", lambda: "POST" in writes(cloud, project))
    path = f"{PATHS['Lease'].format('sgctl-system')}/sgctl-operator"
    spec = {"holderIdentity": "somebody-else", "leaseDurationSeconds": 20, "renewTime": "2026-01-01T00:00:00.000000Z"}
    kube.call("PATCH", path, {"spec": spec}, "application/merge-patch+json").raise_for_status()
    before: list[str] = []

    def is_over() -> bool:
        found = writes(cloud, project)
        if kube.call("GET", path).json()["spec"]["holderIdentity"] != "somebody-else":
            return True
        before[:] = found
        return False

    wait_for("that lease to run out", is_over)
    assert before == ["POST"]
    in_sync(kube, namespace, "CloudTarget", "t")
    assert live(cloud, project) == {"web": {"80 10.0.0.0/8"}}
    assert writes(cloud, project) == ["POST", "PATCH"]


@pytest.mark.full
def test_who_sleeps_through_its_lease_in_an_apply_begins_no_further_write_when_it_wakes(
    kube: Kube, cloud: EmulatorServer, namespace: str, project: int, tmp_path: Path
) -> None:
    """It is stopped while the creation of a group is under way; another takes over, and does the rest."""
    cloud.control.plan(FaultPlan.of(Fault("delay", method="POST", path=f"/{project}/", when="after", seconds=4.5)))
    kube.apply(target(project, mode="Enforce"), namespace)
    for name in ("web", "app"):
        kube.apply(group(name, tcp(80)), namespace)
    port = free_port()
    with running(OperatorProcess(kube, cloud.url, tmp_path / "first"), "--listen", f"127.0.0.1:{port}") as first:
        wait_for("the write to be begun", lambda: "POST" in writes(cloud, project))
        with running(OperatorProcess(kube, cloud.url, tmp_path / "second")) as second:
            assert first.process
            first.process.send_signal(signal.SIGSTOP)
            try:
                in_sync(kube, namespace, "CloudTarget", "t")
                done = writes(cloud, project)
            finally:
                first.process.send_signal(signal.SIGCONT)
            wait_for("it to see the other", lambda: "held by" in httpx.get(f"http://127.0.0.1:{port}/readyz").text)
            assert second.stop() == 0
            in_sync(kube, namespace, "CloudTarget", "t")
    assert live(cloud, project).keys() == {"web", "app"}
    assert done == writes(cloud, project)
    assert done.count("POST") == 2
    assert set(names(cloud, project).values()) == {1}


def test_what_others_change_at_the_same_time_is_no_trouble(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    """Finalizers and labels come and go by another hand while ours do: nobody's is lost, and nothing is a warning."""
    kube.apply(target(project, mode="Enforce", lift=["mass-delete"]), namespace)
    for number in range(6):
        kube.apply(group(f"group-{number}", tcp(80), deletionPolicy="Delete"), namespace)
    theirs = "example.com/theirs"

    def meddle(number: int, finalizers: list[str]) -> None:
        body = kube.get("SecurityGroup", namespace, f"group-{number}")
        assert body
        version = body["metadata"]["resourceVersion"]
        ours = [each for each in body["metadata"].get("finalizers", []) if each != theirs]
        labels = {"beat": version}
        change = {"metadata": {"resourceVersion": version, "labels": labels, "finalizers": [*finalizers, *ours]}}
        path = f"{PATHS['SecurityGroup'].format(namespace)}/group-{number}"
        answer = kube.call("PATCH", path, change, "application/merge-patch+json")
        assert answer.status_code in (200, 409), answer.text

    for _ in range(5):
        for number in range(6):
            meddle(number, [theirs])
    wait_for("all to be held", lambda: all(_is_held(kube, namespace, f"group-{n}") for n in range(6)))
    in_sync(kube, namespace, "CloudTarget", "t")
    for number in range(6):
        kube.delete("SecurityGroup", namespace, f"group-{number}")
    wait_for("our hold to end", lambda: not any(_is_held(kube, namespace, f"group-{n}") for n in range(6)))
    assert live(cloud, project) == {}
    for number in range(6):
        meddle(number, [])
        assert kube.get("SecurityGroup", namespace, f"group-{number}") is None
    assert "warning" not in operator.log.read_text().lower()


def _is_held(kube: Kube, namespace: str, name: str) -> bool:
    body = kube.get("SecurityGroup", namespace, name)
    return bool(body and "sgctl.dev/live-group" in body["metadata"].get("finalizers", []))


def test_what_no_stream_tells_is_found_by_a_list(
    kube: Kube, cloud: EmulatorServer, namespace: str, project: int, tmp_path: Path
) -> None:
    """Between the operator and the cluster, whatever kopf asks about resources of ours is never answered."""

    def talk(peer: Peer) -> None:
        head, _, body = peer.request().partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, path, _ = first.split()
        asked = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        if "httpx" not in asked["user-agent"] and f"{API}/" in path:
            peer.ended.wait(300)
            return
        passed = {name: asked[name] for name in ("authorization", "content-type") if name in asked}
        answer = kube.client.request(method, path, content=body, headers=passed)
        about = f"Content-Type: application/json\r\nContent-Length: {len(answer.content)}\r\nConnection: close"
        peer.say(f"HTTP/1.1 {answer.status_code} said\r\n{about}\r\n\r\n".encode(), answer.content)

    kube.apply(target(project, mode="Enforce", interval="3s"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    config = json.loads(kube.kubeconfig().read_text())
    with serving(talk) as url:
        config["clusters"][0]["cluster"] = {"server": url}
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        with running(OperatorProcess(kube, cloud.url, tmp_path / "log", path)):
            in_sync(kube, namespace, "SecurityGroup", "web")
            kube.apply(group("app", tcp(22)), namespace)
            in_sync(kube, namespace, "SecurityGroup", "app")
    assert live(cloud, project).keys() == {"web", "app"}


def test_a_definition_that_is_missing_is_waited_for_and_one_that_goes_ends_the_operator(
    kube: Kube, cloud: EmulatorServer, namespace: str, project: int, tmp_path: Path
) -> None:
    [definition] = manifests("crds/addressgroups.yaml")
    path = f"{PATHS['CustomResourceDefinition']}/{definition['metadata']['name']}"

    def remove() -> None:
        kube.call("DELETE", path).raise_for_status()
        wait_for("it to be gone", lambda: kube.call("GET", f"{API}/addressgroups").status_code == 404)

    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    remove()
    port = free_port()
    with running(OperatorProcess(kube, cloud.url, tmp_path / "log"), "--listen", f"127.0.0.1:{port}") as operator:
        url = f"http://127.0.0.1:{port}"
        told = "the cluster has no addressgroups.sgctl.dev (CRDs, v1alpha1): kubectl apply"
        wait_for("it to be told", lambda: httpx.get(f"{url}/readyz").text.startswith(told))
        assert httpx.get(f"{url}/healthz").is_success
        kube.apply(definition)
        in_sync(kube, namespace, "SecurityGroup", "web")
        assert httpx.get(f"{url}/readyz").is_success
        remove()
        assert operator.process
        wait_for("it to end", lambda: operator.process and operator.process.poll() is not None)
        assert operator.process.returncode == 1
    kube.apply(definition)
    log = operator.log.read_text()
    assert log.endswith("error: the cluster's resources cannot be watched any more: 404 page not found\n")
    assert "Traceback" not in log


def test_a_lock_of_the_cloud_is_waited_for_and_a_long_one_is_told(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int
) -> None:
    cloud.control.plan(FaultPlan.of(Fault("locked", method="PATCH", path=f"/{project}/", count=0)))
    kube.apply(target(project, mode="Enforce"), namespace)
    kube.apply(group("web", tcp(80)), namespace)
    body = in_sync(kube, namespace, "SecurityGroup", "web", "False", "ApplyFailed")
    assert "locked" in condition(body, "InSync")["message"]
    cloud.control.plan(FaultPlan.of(Fault("locked", method="PATCH", path=f"/{project}/", count=2)))
    in_sync(kube, namespace, "SecurityGroup", "web")
    assert live(cloud, project) == {"web": {"80 10.0.0.0/8"}}
    assert writes(cloud, project).count("POST") == 1


def test_of_two_operators_one_works_and_the_other_takes_over(
    kube: Kube, cloud: EmulatorServer, operator: OperatorProcess, namespace: str, project: int, tmp_path: Path
) -> None:
    with running(OperatorProcess(kube, cloud.url, tmp_path / "second.log")):
        kube.apply(target(project, mode="Enforce"), namespace)
        kube.apply(group("web", tcp(80)), namespace)
        in_sync(kube, namespace, "SecurityGroup", "web")
        assert writes(cloud, project) == ["POST", "PATCH"]
        assert operator.stop() == 0
        kube.apply(group("web", tcp(443)), namespace)
        in_sync(kube, namespace, "SecurityGroup", "web")
        assert writes(cloud, project) == ["POST", "PATCH", "PATCH"]
