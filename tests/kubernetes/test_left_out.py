"""Groups that are left out of a plan, and what refers to them: as a plan would find them, all at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from build import live_group
from effort import examples
from fake_cluster import FakeCluster
from hypothesis import given, settings
from hypothesis import strategies as st
from kube import group, target, tcp
from steady import SteadyClock

from reconciler import reading
from reconciler.api.connection import Api
from reconciler.kubernetes.propose import propose
from reconciler.kubernetes.resources import CLOUD_TARGET, Key, take_snapshot
from reconciler.model.desired import Target
from reconciler.planning.plan import PlanOptions

NAMES = [f"web{number}" for number in range(6)]
API = cast("Api", SimpleNamespace(base_url="https://api", clock=SteadyClock(), read_instances=lambda _: {}))
names = st.sampled_from(NAMES)


def left_out(groups: list[dict[str, Any]], live: set[str]) -> set[str]:
    """Names of the resources that are left out of the plan of a target with these live groups."""
    cluster = FakeCluster(target(1), *groups)
    snapshot = take_snapshot(cluster.resources, cluster.resources[Key(CLOUD_TARGET, "net", "t")])
    there = Target(1, 7)
    found = tuple(live_group(each, number=number, target=there) for number, each in enumerate(sorted(live), 1))
    return {key.name for key in propose(snapshot, {there: found}, API, PlanOptions()).refused}


def referring(name: str, to: set[str], *, is_wrong: bool) -> dict[str, Any]:
    way = {"direction": "ingress", "protocol": "tcp"}
    rules = [{**way, "ports": number, "remoteGroup": each} for number, each in enumerate(sorted(to), 1)]
    return group(name, *rules, *([tcp("x")] if is_wrong else []))


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.tuples(names, names), max_size=9), st.sets(names, max_size=2), st.sets(names, max_size=3))
def test_what_is_left_out_is_what_a_plan_would_find_one_after_the_other(
    pairs: list[tuple[str, str]], wrong: set[str], live: set[str]
) -> None:
    """Whoever refers to a group that is left out is so too, unless that group is live."""
    groups = [referring(each, {to for who, to in pairs if who == each}, is_wrong=each in wrong) for each in NAMES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reconciler.kubernetes.propose._without_remote", lambda *_: {})
        expected = left_out(groups, live)
    assert left_out(groups, live) == expected
    assert wrong <= expected
    assert pairs or expected == wrong


def test_a_chain_of_groups_is_loaded_as_often_however_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    load = reading.load
    monkeypatch.setattr(reading, "load", lambda *documents: loads.append(len(documents)) or load(*documents))
    chain = [referring(f"web{each}", {f"web{each + 1}"}, is_wrong=False) for each in range(30)]
    assert len(left_out([*chain, referring("web30", set(), is_wrong=True)], set())) == 31
    assert len(loads) == 2
