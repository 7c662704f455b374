"""The queue of the operator, on a clock that only waiting moves."""

from __future__ import annotations

from threading import TIMEOUT_MAX, Condition
from typing import Any

import pytest
from effort import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from steady import SteadyClock

from reconciler.kubernetes.queue import WorkQueue


class NothingToWaitFor(Exception):
    """Nobody will ever wake who waits now."""


class Waiting(Condition):
    """Waits by moving the clock."""

    def __init__(self, clock: SteadyClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None:
            raise NothingToWaitFor
        assert 0 < timeout <= TIMEOUT_MAX, "a taker that does not wait spins, and a lock waits for no longer"
        self._clock.time += timeout
        return False


def queue() -> tuple[WorkQueue[str], SteadyClock]:
    clock = SteadyClock()
    return WorkQueue(clock, Waiting(clock)), clock


def test_what_is_due_first_is_handed_out_first_and_not_before_it_is_due() -> None:
    work, clock = queue()
    work.add("late", 5)
    work.add("soon", 1)
    assert [(work.take(), clock.time), (work.take(), clock.time)] == [("soon", 101), ("late", 105)]


def test_a_key_that_is_asked_for_often_is_handed_out_once_and_at_its_soonest() -> None:
    work, clock = queue()
    for after in (5, 1, 9):
        work.add("a", after)
    assert (work.take(), clock.time) == ("a", 101)
    with pytest.raises(NothingToWaitFor):
        work.take()


def test_a_key_that_is_worked_on_waits_until_that_is_done_and_holds_up_no_other() -> None:
    work, clock = queue()
    work.add("a")
    assert work.take() == "a"
    work.add("a")
    work.add("b", 1)
    assert (work.take(), clock.time) == ("b", 101)
    with pytest.raises(NothingToWaitFor):
        work.take()
    work.done("a")
    assert work.take() == "a"


def test_what_is_due_in_a_thousand_years_ends_nothing() -> None:
    work, clock = queue()
    work.add("late", 999_999 * 86_400)
    assert (work.take(), clock.time > 999_999 * 86_400) == ("late", True)


def test_a_closed_queue_hands_out_nothing() -> None:
    work, _ = queue()
    work.add("a")
    work.close()
    assert work.take() is None


class Model(RuleBasedStateMachine):
    """What a queue promises, as a dictionary of when each key is due and a set of those that are worked on."""

    keys = st.sampled_from("abc")

    def __init__(self) -> None:
        super().__init__()
        self.queue, self.clock = queue()
        self.due: dict[str, float] = {}
        self.busy: set[str] = set()

    @rule(key=keys, after=st.sampled_from([0.0, 1.0, 2.0, 7.0]))
    def add(self, key: str, after: float) -> None:
        self.due[key] = min(self.due.get(key, 1e9), self.clock.time + after)
        self.queue.add(key, after)

    @rule()
    def take(self) -> None:
        free = {key: when for key, when in self.due.items() if key not in self.busy}
        try:
            key: Any = self.queue.take()
        except NothingToWaitFor:
            assert not free
            return
        assert free[key] == min(free.values()) or free[key] <= self.clock.time
        assert self.clock.time >= free[key], "it is not due yet"
        del self.due[key]
        self.busy.add(key)

    @precondition(lambda self: self.busy)
    @rule(key=keys)
    def done(self, key: str) -> None:
        self.queue.done(key)
        self.busy.discard(key)

    @rule()
    def pass_time(self) -> None:
        self.clock.time += 3

    def teardown(self) -> None:
        """Nothing is lost: what is still asked for is handed out, each once."""
        for key in [*self.busy]:
            self.queue.done(key)
        self.busy.clear()
        while self.due:
            self.take()
        with pytest.raises(NothingToWaitFor):
            self.queue.take()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=examples(50))
