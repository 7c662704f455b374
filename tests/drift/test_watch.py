"""The rounds of a watch: what they say about its health, and what one may put right by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from build import desired_group, live_group, state_of, tcp, uuid
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from steady import SteadyClock, StoppedClock
from world import World, canonical, rule_lists, seeds, wanted

from reconciler import Enforce, connect, reconcile
from reconciler.drift.compare import Drift, Severity
from reconciler.drift.watch import Health, Round, Told, WatchLoop, narrows, only_narrowing
from reconciler.emulator.server import EmulatorServer
from reconciler.model.desired import DesiredRule, Target
from reconciler.model.errors import ApiError
from reconciler.planning.diff import diff, diff_deletion
from reconciler.planning.resolve import Match
from reconciler.traffic import Traffic

TARGET = Target(1, 7)
GOOD = Round(Drift((), 1, 1, Severity.COSMETIC, {}), {TARGET: 1}, mended=1)


def watch(
    outcomes: list[Round | Exception], clock: SteadyClock | None = None, pick: float = 0.5
) -> tuple[list[Health], list[Told]]:
    """Run as many rounds as there are outcomes, and return what was known and told after each."""
    left = list(outcomes)
    known: list[Health] = []
    told: list[Told] = []

    def one_round() -> Round:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def tell(each: Told) -> None:
        known.append(loop.health)
        told.append(each)

    loop = WatchLoop(one_round, clock or SteadyClock(), lambda: pick, tell)
    loop.run(300, lambda: False, len(outcomes))
    return known, told


def test_a_round_that_fails_is_told_and_the_next_one_comes() -> None:
    """Whatever it was: also what nobody foresaw."""
    error, bug = ApiError("no answer"), ZeroDivisionError()
    known, told = watch([error, bug, GOOD])
    assert [each.error for each in told] == [error, bug, None]
    assert [each.number for each in told] == [1, 2, 3]
    assert (known[-1].rounds, known[-1].failures, known[-1].mended) == (3, 2, 1)


def test_only_the_third_failure_in_a_row_makes_a_watch_unready() -> None:
    error = ApiError("no answer")
    known, _ = watch([error, GOOD, error, error, GOOD, error, error, error, GOOD])
    assert [each.unready is None for each in known] == [False, True, True, True, True, True, True, False, True]
    assert [each.last is GOOD for each in known][-2:] == [False, True], "what was known before a failure is not known"


def test_a_watch_that_does_not_move_is_not_alive() -> None:
    health = Health(moved=100.0)
    assert health.hangs(100 + 3 * 300 + 900, interval=300) is None
    assert health.hangs(100 + 3 * 300 + 901, interval=300) == "no round has ended for too long"


@pytest.mark.parametrize(("pick", "pause"), [(0.0, 270), (0.5, 300), (1.0, 330)])
def test_pauses_differ_by_a_tenth_of_the_interval(pick: float, pause: float) -> None:
    clock = SteadyClock()
    watch([GOOD, GOOD], clock, pick)
    assert clock.waits == pytest.approx([pause])


def test_a_watch_that_is_stopped_in_a_pause_or_in_a_wait_ends() -> None:
    rounds: list[int] = []

    def one_round() -> Round:
        rounds.append(1)
        return GOOD

    WatchLoop(one_round, StoppedClock(), lambda: 0.5, lambda _: None).run(300, lambda: False)
    WatchLoop(one_round, SteadyClock(), lambda: 0.5, lambda _: None).run(300, lambda: True)
    assert len(rounds) == 1


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    with EmulatorServer() as running:
        yield running


def admitted(world: World) -> Traffic:
    return Traffic.of([canonical(rule) for rule in world.group().rules])


@settings(max_examples=examples(50), deadline=None)
@given(live=rule_lists(max_size=5), desired=rule_lists(max_size=5), tags=st.sampled_from([None, {"env": "prod"}]))
def test_narrowing_opens_nothing_and_leaves_nothing_that_it_may_take(
    server: EmulatorServer, live: list[DesiredRule], desired: list[DesiredRule], tags: dict[str, str] | None
) -> None:
    """What is admitted then was admitted before; what only live rules admit is gone, unless a guardrail stops that."""
    world = World(server)
    world.seed({"name": "web", "rules": seeds(live)})
    before, asked = admitted(world), Traffic.of([each.rule for each in desired])
    with connect(server.api_key, base_url=server.url) as api:
        done = reconcile(wanted(world.target, ("web", desired), tags=tags), api, Enforce.NARROW)
    after = admitted(world)
    assert after.is_subset(before)
    if asked.is_subset(before) and not done.stopped_by:
        assert after.is_subset(asked)
    assert not done.failed
    assert all('"tags"' not in request.body for request in world.writes())


def test_what_narrows_changes_rules_alone_and_opens_nothing() -> None:
    """A new name is not for nobody to see, and neither is a group that comes or goes."""
    less = desired_group("web", [tcp(80)], id=uuid(1))
    more = live_group("web", [tcp(80), tcp(22)])
    cases = {
        "narrower": (less, more, True),
        "wider": (less, live_group("web", []), False),
        "moved": (less, live_group("web", [tcp(22)]), False),
        "renamed": (less, replace(more, name="old"), False),
        "the same traffic": (desired_group("web", [tcp(80)], tags={"a": "b"}), live_group("web", [tcp(80)]), False),
        "missing": (less, None, False),
    }
    for name, (desired, live, expected) in cases.items():
        assert narrows(diff(Match(desired, live))) is expected, name
    assert not narrows(diff_deletion(more))
    tagged = replace(less, tags={"a": "b"}, description="new")
    (only,) = only_narrowing(state_of(tagged), [diff(Match(tagged, more))]).groups
    assert (only.tags, only.description, only.rules) == (None, None, less.rules)
