"""Looks of the operator in this process: resources are a dictionary, the cloud is the emulator."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fake_cluster import FakeCluster, hands_of
from kube import group, target, tcp
from steady import SteadyClock

from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer
from reconciler.kubernetes.cluster import ClusterError
from reconciler.kubernetes.look import look
from reconciler.kubernetes.operator import ALL, DEBOUNCE, HUNG_LOOK, HUNG_LOOP, HUNG_STREAM, LIST_AGAIN, Operator
from reconciler.kubernetes.propose import Reason
from reconciler.kubernetes.resources import CLOUD_TARGET, FINALIZER, Key, Resource
from reconciler.kubernetes.run import TELL_AGAIN, ToldByUs, wait_for_definitions
from reconciler.kubernetes.status import LONGEST, Judged, Truth, Verdict
from reconciler.model.errors import Stopped
from reconciler.model.secret import Secret

TARGET = Key(CLOUD_TARGET, "net", "t")
PROJECT = 1


@pytest.fixture
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(api_key="emulator") as running:
        yield running


def test_what_moves_between_plan_and_apply_is_planned_anew(cloud: EmulatorServer) -> None:
    """The second list is the one before the first write: by then somebody has changed the group."""
    cluster = FakeCluster(target(PROJECT, mode="Enforce"), group("web", tcp(80)))
    hands = hands_of(cluster, cloud)
    assert look(TARGET, cluster.resources, hands, lambda _: threading.Lock()).error is None
    cluster.put(group("web", tcp(443)))
    rule = {"direction": "ingress", "protocol": "tcp", "port_range_min": 23, "port_range_max": 23}
    path = f"/securitygroups/{PROJECT}/7$"
    cloud.control.plan(FaultPlan.of(Fault("foreign_change", method="GET", path=path, nth=2, group="web", rule=rule)))
    cluster.written.clear()
    seen = look(TARGET, cluster.resources, hands, lambda _: threading.Lock())
    assert seen.error is None
    assert seen.again == 10, "another look comes soon"
    assert cluster.written == ["t: LiveStateMoved", "web: LiveStateMoved"]
    again = look(TARGET, cluster.resources, hands, lambda _: threading.Lock())
    assert (again.error, again.again) == (None, 300)
    assert cluster.written[2:] == ["t: InSync", "web: InSync"]


def test_of_two_live_groups_of_one_name_none_is_deleted_and_none_taken_for_gone(cloud: EmulatorServer) -> None:
    cluster = FakeCluster(target(PROJECT, mode="Enforce"))
    cluster.put(group("web", tcp(80), deletionPolicy="Delete"), finalizers=[FINALIZER], deletionTimestamp="now")
    for _ in range(2):
        body = {"security_group": {"name": "web", "security_group_rules": []}}
        url = f"{cloud.url}/cloud/v1/securitygroups/{PROJECT}/7"
        httpx.post(url, json=body, headers={"Authorization": "apikey emulator"}).raise_for_status()
    look(TARGET, cluster.resources, hands_of(cluster, cloud), lambda _: threading.Lock())
    assert cluster.written == ["t: ResourcesRefused", "web: NotDeleted"]


def test_a_key_in_live_text_reaches_no_status_and_no_event_and_is_no_news_each_round(cloud: EmulatorServer) -> None:
    """The key is the name of a live group that a live rule names; it stands where a long line is cut, too."""
    cluster = FakeCluster(target(PROJECT), group("web", tcp(80)))
    said: list[dict[str, Any]] = []

    def write(resource: Resource, status: dict[str, Any]) -> bool:
        cluster.resources[resource.key] = Resource(resource.key, {**resource.body, "status": status})
        said.append(status)
        return True

    cluster.write_status = write  # type: ignore[method-assign]  # it is kept, as a cluster does
    cluster.create_event = lambda _, event: said.append(event)  # type: ignore[method-assign]  # the same
    url, headers = f"{cloud.url}/cloud/v1/securitygroups/{PROJECT}/7", {"Authorization": "apikey emulator"}
    named = {"security_group": {"name": "of-emulator", "security_group_rules": []}}
    other = httpx.post(url, json=named, headers=headers).raise_for_status().json()["id"]
    rule = {"direction": "ingress", "protocol": "tcp", "remote_group_id": other}
    body = {"security_group": {"name": "web", "security_group_rules": [rule]}}
    httpx.post(url, json=body, headers=headers).raise_for_status()
    hands = hands_of(cluster, cloud)
    look(TARGET, cluster.resources, hands, lambda _: threading.Lock())
    assert "of-***" in str(said)
    assert "emulator" not in str(said)
    said.clear()
    look(TARGET, cluster.resources, hands, lambda _: threading.Lock())
    assert said == []


def test_a_key_is_hidden_before_a_long_message_is_cut() -> None:
    verdict = Verdict(Truth.FALSE, Reason.FAILED, "x" * (LONGEST - 5) + "secret-key" * 2)
    judged = Judged(verdict, more=(("plan", {"notes": [verdict.message]}),)).cleaned(Secret("secret-key" * 2).hide)
    assert "sec" not in str(judged)


def test_who_has_lost_the_lease_writes_nothing(cloud: EmulatorServer) -> None:
    cluster = FakeCluster(target(PROJECT, mode="Enforce"), group("web", tcp(80), deletionPolicy="Delete"))
    hands = hands_of(cluster, cloud)
    hands.lease.is_held = False  # type: ignore[misc]  # it is one that can be lost
    with pytest.raises(Stopped):
        look(TARGET, cluster.resources, hands, lambda _: threading.Lock())
    cluster.put(group("web", tcp(80)))
    with pytest.raises(Stopped):
        look(TARGET, cluster.resources, hands, lambda _: threading.Lock())
    assert cluster.written == []
    assert [each.method for each in cloud.store.requests if each.method != "GET"] == []


def test_a_look_at_what_others_changed_meanwhile_comes_again_and_is_no_failure(cloud: EmulatorServer) -> None:
    clock = SteadyClock()
    cluster = FakeCluster(target(PROJECT), group("web", tcp(80), deletionPolicy="Delete"))
    cluster.is_moved = True
    operator = Operator(hands_of(cluster, cloud, clock))
    operator._look(TARGET)
    assert (operator.health.failures, cluster.written) == (0, [])
    clock.time += 1
    assert operator._queue.take() == TARGET


def test_a_stream_that_does_not_tell_what_a_list_shows_is_dead_and_its_news_counts(cloud: EmulatorServer) -> None:
    clock = SteadyClock()
    cluster = FakeCluster(target(PROJECT))
    hands = hands_of(cluster, cloud, clock)
    operator = Operator(hands)
    for resource in cluster.resources.values():
        operator.notice(resource)
    web = cluster.put(group("web", tcp(80)))
    assert operator._list().keys() == cluster.resources.keys()
    for age, verdict in ((HUNG_STREAM, None), (HUNG_STREAM + 1, "no stream has told it")):
        clock.time = 100 + age
        hands.lease.moved = clock.time
        operator._move()
        assert verdict in (operator.hangs() or "") if verdict else operator.hangs() is None
    operator.notice(web)
    assert operator.hangs() is None
    clock.time += 1
    assert operator._queue.take() == TARGET, "the target of the new group is looked at"


def test_what_a_stream_tells_while_a_list_is_read_is_no_sign_of_death(cloud: EmulatorServer) -> None:
    clock = SteadyClock()
    cluster = FakeCluster(target(PROJECT), group("web", tcp(80)), group("app", tcp(80)))
    operator = Operator(hands_of(cluster, cloud, clock))
    for resource in cluster.resources.values():
        operator.notice(resource)
    before = cluster.list_resources()

    def list_while_things_happen() -> dict[Key, Resource]:
        operator.notice(cluster.put(group("web", tcp(443)), generation=2))
        return before

    cluster.list_resources = list_while_things_happen  # type: ignore[method-assign]  # once
    operator._list()
    del cluster.resources[next(key for key in cluster.resources if key.name == "app")]
    del cluster.list_resources
    operator._list()
    clock.time += 2 * HUNG_STREAM
    operator._hands.lease.moved = clock.time
    operator._move()
    assert operator.hangs() is None


@pytest.mark.parametrize(
    ("part", "seconds", "words"),
    [("lease", HUNG_LOOP, "the lease"), ("secrets", HUNG_LOOP, "no Secret"), ("look", HUNG_LOOK, "a look")],
)
def test_each_part_that_hangs_is_named(cloud: EmulatorServer, part: str, seconds: float, words: str) -> None:
    clock = SteadyClock()
    operator = Operator(hands_of(FakeCluster(), cloud, clock))
    operator._began[TARGET] = clock.time + (0 if part == "look" else 10_000)
    clock.time += seconds
    assert operator.hangs() is None or part == "look"
    clock.time += 1
    if part != "lease":
        operator._hands.lease.moved = clock.time
    if part != "secrets":
        operator._move()
    said = operator.hangs()
    assert said
    assert words in said


def test_it_is_ready_while_it_holds_the_lease_and_looks_do_not_fail(cloud: EmulatorServer) -> None:
    operator = Operator(hands_of(FakeCluster(), cloud))
    operator.wake_all()
    assert operator.unready() == "no round has ended yet"
    operator._look(ALL)
    assert operator.unready() is None
    operator._hands.lease.is_held = False  # type: ignore[misc]  # it is one that can be lost
    assert operator.unready() == "the lease is held by somebody"


def test_a_target_that_no_stream_tells_of_is_found_by_a_list(cloud: EmulatorServer) -> None:
    clock = SteadyClock()
    cluster = FakeCluster()
    operator = Operator(hands_of(cluster, cloud, clock))
    operator.wake_all()
    assert operator._queue.take() == ALL
    cluster.put(target(PROJECT))
    operator._look(ALL)
    operator._queue.done(ALL)
    clock.time += DEBOUNCE
    assert operator._queue.take() == TARGET
    clock.time += LIST_AGAIN
    assert operator._queue.take() == ALL, "and again later"


def test_definitions_that_are_missing_are_named_once_and_waited_for(cloud: EmulatorServer) -> None:
    """Meanwhile it is alive and not ready; kopf, which looks for them once, begins after that."""
    clock = SteadyClock()
    hands = hands_of(cluster := FakeCluster(), cloud, clock)
    operator = Operator(hands)
    answers = iter((ClusterError("no answer"), *[("addressgroups.sgctl.dev",)] * 60, ()))
    seen: list[str] = []

    def find_missing() -> tuple[str, ...]:
        seen.append(operator.unready() or "")
        assert operator.hangs() is None
        found = next(answers)
        if isinstance(found, ClusterError):
            raise found
        return found

    def wait(seconds: float | None = None) -> bool:
        clock.time += seconds or 0
        return False

    cluster.find_missing = find_missing  # type: ignore[attr-defined]  # only here
    hands.stop.wait = wait  # type: ignore[method-assign]  # no test waits for real
    wait_for_definitions(hands, operator)
    way = "kubectl apply -f deploy/kubernetes/crds, or sgctl operator --crds | kubectl apply -f -"
    said = f"the cluster has no addressgroups.sgctl.dev (CRDs, v1alpha1): {way}"
    assert cluster.written == ["warning: no answer; it is waited for", f"warning: {said}; it is waited for"]
    assert seen[1:] == ["no answer", *[said] * 60]
    assert clock.time > 100 + HUNG_LOOP
    assert operator.unready() == "no round has ended yet"


def test_after_an_apply_the_status_says_what_the_next_look_would_say(cloud: EmulatorServer) -> None:
    cluster = FakeCluster(target(PROJECT, mode="Enforce"), group("web", tcp(80), tcp(22)))
    hands = hands_of(cluster, cloud)
    for rules, number in (((tcp(80), tcp(22)), 2), ((tcp(443),), 1), ((tcp(443), tcp(1), tcp(2)), 3)):
        cluster.put(group("web", *rules))
        look(TARGET, cluster.resources, hands, lambda _: threading.Lock())
        said = str(cluster.statuses[TARGET])
        assert f"as desired: 1 group, {number} rule" in said
        look(TARGET, cluster.resources, hands, lambda _: threading.Lock())
        assert str(cluster.statuses[TARGET]) == said


def test_a_resource_that_is_held_by_its_live_group_says_the_way_out(cloud: EmulatorServer) -> None:
    cluster = FakeCluster(target(PROJECT, mode="Enforce"))
    key = cluster.put(group("web", deletionPolicy="Delete"), finalizers=[FINALIZER], deletionTimestamp="now").key
    cluster.secret = None
    look(TARGET, cluster.resources, hands_of(cluster, cloud), lambda _: threading.Lock())
    said = cluster.statuses[key]["conditions"][0]["message"]
    assert said.startswith("CloudTarget net/t: the Secret net/gcore is not there; to delete this resource and leave")
    assert "kubectl patch -n net securitygroup web --type=merge" in said
    assert cluster.written == ["t: SecretNotFound", "web: SecretNotFound"]


def test_what_kopf_says_at_each_try_of_each_stream_is_told_once(cloud: EmulatorServer) -> None:
    clock, cluster = SteadyClock(), FakeCluster()
    handler = ToldByUs(hands_of(cluster, cloud, clock))

    def say(text: str) -> None:
        handler.handle(logging.LogRecord("kopf", logging.ERROR, "", 0, text, (), None))

    for number in range(9):
        for stream in ("cloudtargets", "securitygroups"):
            say(f"Request attempt #{number}/10005 failed; will retry: GET https://api/{stream}?v={number} -> refused")
    say("Watcher has failed")
    clock.time += TELL_AGAIN + 1
    say("Watcher has failed")
    refused = "warning: kopf: GET https://api/cloudtargets?v=0 -> refused"
    assert cluster.written == [refused, *["warning: kopf: Watcher has failed"] * 2]


def test_an_event_names_what_was_put_right_and_nothing_else(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, said = FakeCluster(target(PROJECT, mode="Enforce"), group("web", tcp(80)), group("app", tcp(81))), []
    monkeypatch.setattr(cluster, "create_event", lambda _, event: said.append((event["reason"], event["message"])))
    cloud.control.plan(FaultPlan.of(Fault("status", method="POST", status=400, nth=2)))
    look(TARGET, cluster.resources, hands_of(cluster, cloud), lambda _: threading.Lock())
    ((_, message),) = [each for each in said if each[0] == "Applied"]
    (failed,) = [words for reason, words in said if reason == "ApplyFailed" and "could not" in words]
    left = failed.partition(": ")[2].partition(":")[0]
    assert message == f"1 put right: {({'web', 'app'} - {left}).pop()}"
