"""The lease that lets one operator work at a time, on a clock that only waiting moves."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from steady import SteadyClock

from reconciler.kubernetes.cluster import Cluster, ClusterError, Moved
from reconciler.kubernetes.lease import HELD, RENEW, Lease

REQUEST = 30.0


class FakeCluster:
    """Leases as an API server keeps them: what is written must be of the version that is there."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.is_away = False
        self.before_write: Callable[[], None] = lambda: None

    def read_lease(self, _namespace: str, _name: str) -> dict[str, Any] | None:
        self._answer()
        return copy.deepcopy(self.lease)

    def write_lease(self, _namespace: str, lease: Mapping[str, Any]) -> None:
        self.before_write()
        self._answer()
        known = lease["metadata"].get("resourceVersion")
        if known != (self.lease and self.lease["metadata"]["resourceVersion"]):
            raise Moved("somebody was quicker", 409)
        self.version += 1
        self.lease = copy.deepcopy({**lease, "metadata": {**lease["metadata"], "resourceVersion": str(self.version)}})

    def _answer(self) -> None:
        if self.is_away:
            raise ClusterError("no answer")

    def lease_of(self, who: str, clock: SteadyClock) -> Lease:
        return Lease(cast("Cluster", self), "here", "lease", who, clock, REQUEST)


class Stop(threading.Event):
    """Ends a loop after so many rounds; waits by moving the clock."""

    def __init__(self, clock: SteadyClock, rounds: int) -> None:
        super().__init__()
        self.clock, self.left = clock, rounds

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.time += timeout or 0
        self.left -= 1
        if self.left <= 0:
            self.set()
        return self.is_set()


def run(lease: Lease, clock: SteadyClock, rounds: int = 1) -> tuple[list[float], list[str]]:
    """Run the loop for some rounds; return when the lease was taken, and the warnings."""
    taken: list[float] = []
    warned: list[str] = []
    lease.run(Stop(clock, rounds), lambda: taken.append(clock.time), warned.append)
    return taken, warned


def test_who_holds_it_keeps_it_and_who_comes_later_waits() -> None:
    clock, cluster = SteadyClock(), FakeCluster()
    first, second = cluster.lease_of("first", clock), cluster.lease_of("second", clock)
    taken, _ = run(first, clock)
    assert (taken, first.is_held) == ([100], True)
    for _ in range(30):
        assert run(second, clock)[0] == []
        assert run(first, clock)[0] == [], "a renewal is no taking"
        assert (first.is_held, second.is_held, second.holder) == (True, False, "first")


def test_it_ends_by_itself_where_it_cannot_be_renewed_and_is_told_when_it_is_taken_again() -> None:
    clock, cluster = SteadyClock(), FakeCluster()
    lease = cluster.lease_of("one", clock)
    run(lease, clock)
    cluster.is_away = True
    _, warned = run(lease, clock, rounds=2)
    assert warned == [lease.problem] == ["the lease: no answer"], "once, and not in every round"
    assert not lease.is_held
    cluster.is_away = False
    taken, _ = run(lease, clock)
    assert lease.problem is None
    assert taken == [clock.time - RENEW], "what was left out meanwhile is looked at again"


def test_a_renewal_that_comes_too_late_is_a_taking() -> None:
    """The API server answers after the lease has run out: looks were left out in between."""
    clock, cluster = SteadyClock(), FakeCluster()
    lease = cluster.lease_of("one", clock)
    run(lease, clock)

    def be_slow() -> None:
        clock.time += HELD - RENEW + 1
        assert not lease.is_held

    cluster.before_write = be_slow
    taken, _ = run(lease, clock)
    assert len(taken) == 1


def test_what_is_given_back_is_free_at_once() -> None:
    clock, cluster = SteadyClock(), FakeCluster()
    first, second = cluster.lease_of("first", clock), cluster.lease_of("second", clock)
    run(first, clock)
    run(second, clock)
    first.give_back()
    assert not first.is_held
    assert len(run(second, clock)[0]) == 1
    first.give_back()
    assert second.is_held, "only what is one's own can be given back"
    assert cluster.lease
    assert cluster.lease["spec"]["holderIdentity"] == "second"


def test_of_two_that_write_at_once_one_has_it() -> None:
    clock, cluster = SteadyClock(), FakeCluster()
    first, second = cluster.lease_of("first", clock), cluster.lease_of("second", clock)

    def be_quicker() -> None:
        cluster.before_write = lambda: None
        run(second, clock)

    cluster.before_write = be_quicker
    taken, warned = run(first, clock)
    assert (taken, warned, first.is_held, second.is_held) == ([], [], False, True)


def test_the_loop_goes_on_whatever_goes_wrong() -> None:
    clock, cluster = SteadyClock(), FakeCluster()
    lease = cluster.lease_of("one", clock)

    def break_it() -> None:
        cluster.before_write = lambda: None
        raise ZeroDivisionError

    cluster.before_write = break_it
    taken, warned = run(lease, clock, rounds=2)
    assert warned == ["the lease: ZeroDivisionError()"]
    assert len(taken) == 1
    assert lease.moved == clock.time - RENEW


def test_a_longer_lease_of_somebody_else_is_waited_for() -> None:
    clock, cluster = SteadyClock(), FakeCluster()
    spec = {"holderIdentity": "other", "leaseDurationSeconds": 600, "renewTime": "then"}
    cluster.write_lease("here", {"metadata": {"name": "lease"}, "spec": spec})
    began = clock.time
    taken, _ = run(cluster.lease_of("one", clock), clock, rounds=200)
    assert began + 600 < taken[0] < began + 600 + 2 * RENEW


@settings(max_examples=examples(100))
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["run", "away", "back", "die", "pause"])), max_size=60)
)
def test_nobody_begins_while_a_request_of_another_may_be_under_way(steps: list[tuple[str, str]]) -> None:
    """Each holder begins its last request at the very end of its lease; who takes over comes after the end of that."""
    clock, cluster = SteadyClock(), FakeCluster()
    leases = {who: cluster.lease_of(who, clock) for who in "abc"}
    working: dict[str, float] = {}  # until when a request of each may be under way
    for who, step in steps:
        if step == "die":
            leases[who] = cluster.lease_of(f"{who}{clock.time}", clock)
        elif step == "pause":
            clock.time += 11
        else:
            cluster.is_away = step == "away"
            run(leases[who], clock)
            cluster.is_away = False
            if step == "back" and clock.time >= working.get(leases[who]._identity, 0.0):
                leases[who].give_back()
        held = [each for each in leases.values() if each.is_held]
        assert len(held) <= 1
        for each in held:
            others = [until for name, until in working.items() if name != each._identity]
            assert all(until <= clock.time for until in others)
            working[each._identity] = each._until + REQUEST
        clock.time += 1


@pytest.mark.parametrize("part", ["holderIdentity", "renewTime", "leaseDurationSeconds"])
def test_a_lease_without_a_part_is_no_trouble(part: str) -> None:
    clock, cluster = SteadyClock(), FakeCluster()
    spec = {"holderIdentity": "other", "leaseDurationSeconds": 15, "renewTime": "then"}
    cluster.write_lease("here", {"metadata": {"name": "lease"}, "spec": {**spec, part: None}})
    taken, warned = run(cluster.lease_of("one", clock), clock, rounds=30)
    assert (len(taken), warned) == (1, [])


def test_it_is_held_from_before_the_write_that_took_it() -> None:
    """Others count from when the cluster has it, which is later: a slow answer makes the time here no longer."""
    clock, cluster = SteadyClock(), FakeCluster()
    lease = cluster.lease_of("one", clock)

    def be_slow() -> None:
        clock.time += HELD - 1

    cluster.before_write = be_slow
    lease._take()
    assert lease.is_held
    clock.time += 1
    assert not lease.is_held
