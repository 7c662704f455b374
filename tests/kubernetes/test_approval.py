"""An approval is for one plan, once: nothing is ever sent but what was shown under its digest."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from effort import examples
from fake_cluster import FakeCluster, hands_of
from hypothesis import given, settings
from hypothesis import strategies as st
from kube import group, target, tcp

from reconciler import apply
from reconciler.api.connection import Api
from reconciler.applying.apply import Report
from reconciler.emulator.records import Target
from reconciler.emulator.seed import load_seed
from reconciler.emulator.server import EmulatorServer
from reconciler.kubernetes.look import look
from reconciler.kubernetes.propose import plan_digest
from reconciler.kubernetes.resources import APPROVE, CLOUD_TARGET, Key
from reconciler.planning.plan import Plan

NAMES = ("one", "two")
STEPS = st.one_of(
    st.tuples(st.just("spec"), st.sampled_from(NAMES), st.sampled_from([80, 443, "1-65535"])),
    st.tuples(st.just("live"), st.sampled_from(NAMES), st.sampled_from([22, 80])),
    st.tuples(st.just("approve"), st.sampled_from(NAMES), st.integers(0, 9)),
    st.tuples(st.just("status"), st.sampled_from(NAMES), st.integers(0, 9)),
    st.tuples(st.just("look"), st.sampled_from(NAMES), st.just(0)),
    st.tuples(st.just("mode"), st.sampled_from(NAMES), st.sampled_from(["Approve", "Observe"])),
)
_PROJECTS = itertools.count(100)


@pytest.fixture(scope="module")
def cloud() -> Iterator[EmulatorServer]:
    with EmulatorServer(api_key="emulator") as running:
        yield running


class Approvals(FakeCluster):
    """Two targets with a group each, and everything that was ever shown to be approved."""

    def __init__(self, cloud: EmulatorServer) -> None:
        self.projects = dict(zip(NAMES, _PROJECTS, strict=False))
        super().__init__(*(target(project, name) for name, project in self.projects.items()))
        for name in NAMES:
            self.put(group(f"web-{name}", tcp(8080), of=name))
        self.cloud = cloud
        self.shown: list[str] = ["sha256:" + "0" * 64]
        self.spent: list[str] = []
        self.sent: list[tuple[str, Any]] = []

    def key(self, name: str) -> Key:
        return Key(CLOUD_TARGET, "net", name)

    def annotation(self, name: str) -> str | None:
        return self.resources[self.key(name)].approval

    def change(self, name: str, **body: Any) -> None:
        resource = self.resources[self.key(name)]
        self.resources[self.key(name)] = replace(resource, body={**resource.body, **body})

    def approve(self, name: str, digest: str | None) -> None:
        metadata = self.resources[self.key(name)].body["metadata"]
        self.change(name, metadata={**metadata, "annotations": {APPROVE: digest} if digest else {}})

    def take_approval(self, key: Key, digest: str) -> bool:
        found = self.annotation(key.name) == digest
        if found:
            self.approve(key.name, None)
        return found

    def add_live(self, name: str, port: int) -> None:
        """Somebody else makes the group, or another one of its kind."""
        rule = {"direction": "ingress", "protocol": "tcp", "port_range_min": port, "port_range_max": port}
        place = Target(self.projects[name], 7)
        if not self.cloud.store.groups(place, f"web-{name}"):
            head = {"project_id": place.project_id, "region_id": place.region_id, "name": f"web-{name}"}
            load_seed(self.cloud.store, {"groups": [{**head, "rules": [rule]}]})

    def look(self, name: str) -> None:
        def carry_out(plan: Plan, api: Api, _stopped: Any) -> Report:
            assert plan_digest(plan) == approved, "what is carried out is what was approved"
            assert approved in self.shown, "and was shown before"
            self.sent += [(each.method, json.dumps(each.body)) for change in plan.changes for each in change.requests]
            self.spent.append(approved)
            return apply(plan, api)

        approved = self.annotation(name)
        before, spent = len(self.cloud.requests), len(self.spent)
        self.sent.clear()
        hands = replace(hands_of(self, self.cloud), carry_out=carry_out)
        seen = look(self.key(name), self.resources, hands, lambda _: threading.Lock())
        assert seen.error is None
        writes = [each for each in self.cloud.requests[before:] if each.method != "GET"]
        assert len(writes) <= len(self.sent)
        assert bool(writes) <= (len(self.spent) > spent), "nothing is sent without an approval"
        assert all(f"/{self.projects[name]}/" in each.path for each in writes)
        assert self.annotation(name) is None, "an approval is gone after a look, good or not"
        if (plan := self.statuses[self.key(name)].get("plan")) is not None:
            self.shown.append(plan["digest"])
            self.change(name, status=self.statuses[self.key(name)])


@settings(max_examples=examples(40))
@given(st.lists(STEPS, min_size=3, max_size=15))
def test_nothing_is_sent_but_what_is_approved_by_its_digest(cloud: EmulatorServer, steps: list[Any]) -> None:
    """Not after the spec changed, nor for another target, an old digest again, or one put into a status."""
    cluster = Approvals(cloud)
    for kind, name, value in [("look", "one", 0), ("look", "two", 0), *steps, ("look", "one", 0), ("look", "two", 0)]:
        if kind == "spec":
            cluster.put(group(f"web-{name}", tcp(value), of=name))
        elif kind == "live":
            cluster.add_live(name, value)
        elif kind == "approve":
            cluster.approve(name, cluster.shown[-1 - value % len(cluster.shown)])
        elif kind == "status":
            status = cluster.resources[cluster.key(name)].status
            forged = cluster.shown[value % len(cluster.shown)]
            cluster.change(name, status={**status, "plan": {"digest": forged}, "approved": forged})
        elif kind == "mode":
            cluster.change(name, spec={**cluster.resources[cluster.key(name)].spec, "mode": value})
        else:
            cluster.look(name)
    assert len(cluster.spent) == len(set(cluster.spent)), "no digest is good twice"


def test_what_is_approved_is_done_once(cloud: EmulatorServer) -> None:
    cluster = Approvals(cloud)
    cluster.look("one")
    digest = cluster.shown[-1]
    for _ in range(2):
        cluster.approve("one", digest)
        cluster.look("one")
    assert cluster.spent == [digest]
    assert len(cloud.store.groups(Target(cluster.projects["one"], 7), "web-one")) == 1


def test_an_approval_is_worth_nothing_where_nothing_is_ever_done(cloud: EmulatorServer) -> None:
    """Also of the very plan that is shown: else it would be carried out as soon as the mode is another."""
    cluster = Approvals(cloud)
    cluster.change("one", spec={**cluster.resources[cluster.key("one")].spec, "mode": "Observe"})
    cluster.look("one")
    cluster.approve("one", cluster.shown[-1])
    cluster.look("one")
    assert cluster.spent == []


def test_an_approval_lifts_no_guardrail(cloud: EmulatorServer) -> None:
    """Whoever approves sees what stops the plan; what lifts it is a field of the target."""
    cluster = Approvals(cloud)
    cluster.look("one")
    cluster.approve("one", cluster.shown[-1])
    cluster.look("one")
    cluster.put(group("web-one", of="one"))
    cluster.look("one")
    assert cluster.statuses[cluster.key("one")]["plan"]["stoppedBy"]
    cluster.approve("one", cluster.shown[-1])
    before = len(cloud.requests)
    look(cluster.key("one"), cluster.resources, hands_of(cluster, cloud), lambda _: threading.Lock())
    assert {each.method for each in cloud.requests[before:]} == {"GET"}
