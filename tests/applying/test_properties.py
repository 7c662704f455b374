"""For random live and desired states: the end is right, on every server, and so is every moment on the way."""

from contextlib import suppress
from dataclasses import replace
from itertools import count
from threading import Lock
from typing import Any

import httpx
import pytest
from bruteforce import cut_or_opened
from effort import examples
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from world import PLACE, World, contents, neutron, rule_lists, seeds, wanted

from reconciler.api.v1 import V1
from reconciler.emulator.knobs import Atomicity, Knobs, Order
from reconciler.emulator.server import EmulatorServer
from reconciler.model.desired import DesiredRule
from reconciler.model.rule import Rule
from reconciler.planning import order

MODES = {"v1": ("v1", False), "v1-two-phase": ("v1", True), "v2": ("v2", False), "v2-two-phase": ("v2", True)}
SLOW = settings(
    deadline=None,
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

knobs = st.builds(neutron, st.sampled_from(list(Order)), st.sampled_from(list(Atomicity)), task_polls=st.integers(0, 2))


def run(world: World, state: Any, **options: Any) -> None:
    """Apply until it is done: at most once more than an honest failure says."""
    code, told = world.exit_code(world.plan(state, **options))
    if code:
        code, told = world.exit_code(world.plan(state, **options))
    assert code == 0, told
    assert not world.plan(state, **options).changes, told


def check_way(world: World, old: list[DesiredRule], new: list[DesiredRule]) -> None:
    before, after = {rule.rule: rule.description for rule in old}, {rule.rule: rule.description for rule in new}
    redescribed = {rule for rule, text in before.items() if after.get(rule, text) != text}
    problem = cut_or_opened(world.rule_sets(world.group().id), list(before), list(after), redescribed)
    assert not problem, problem


@pytest.mark.parametrize("mode", MODES)
@SLOW
@given(old=rule_lists(max_size=6), new=rule_lists(max_size=6), settings_=knobs)
def test_every_moment_admits_what_both_admit_and_nothing_that_neither_does(
    server: EmulatorServer, mode: str, old: list[DesiredRule], new: list[DesiredRule], settings_: Knobs
) -> None:
    world = World(server, *MODES[mode], knobs=settings_)
    world.seed({"name": "web", "rules": seeds(old)})
    run(world, wanted(world.target, ("web", new)))
    assert world.content() == contents(new)
    if mode != "v1" or settings_.order is not Order.DELETES_FIRST:
        check_way(world, old, new)


@pytest.fixture
def low_ceiling(monkeypatch: pytest.MonkeyPatch) -> int:
    """A group holds six rules, so that near the ceiling is easy to reach."""
    monkeypatch.setattr(order, "MAX_RULES", 6)
    monkeypatch.setattr(V1, "max_rules_at_create", 4)
    return 6


@pytest.mark.parametrize("mode", MODES)
@SLOW
@given(old=rule_lists(min_size=4, max_size=6), new=rule_lists(min_size=3, max_size=6), settings_=knobs)
def test_near_the_ceiling_creates_and_deletes_take_turns(
    server: EmulatorServer,
    low_ceiling: int,
    mode: str,
    old: list[DesiredRule],
    new: list[DesiredRule],
    settings_: Knobs,
) -> None:
    """Where there is no way the plan is stopped; where it says there is one, it holds."""
    world = World(server, *MODES[mode], knobs=replace(settings_, max_rules=low_ceiling))
    world.seed({"name": "web", "rules": seeds(old)})
    state = wanted(world.target, ("web", new))
    is_gapless = not any(finding.guardrail == "gap" for finding in world.plan(state).findings)
    run(world, state, lifted=frozenset({"gap"}))
    assert world.content() == contents(new)
    if is_gapless and (mode != "v1" or settings_.order is not Order.DELETES_FIRST):
        check_way(world, old, new)


@SLOW
@given(old=rule_lists(max_size=5), new=rule_lists(max_size=5), fresh=rule_lists(max_size=4), settings_=knobs)
def test_v1_and_v2_end_in_the_same_state(
    server: EmulatorServer,
    old: list[DesiredRule],
    new: list[DesiredRule],
    fresh: list[DesiredRule],
    settings_: Knobs,
) -> None:
    ends = []
    for mode in MODES.values():
        world = World(server, *mode, knobs=settings_)
        world.seed({"name": "web", "rules": seeds(old)})
        run(world, wanted(world.target, ("web", new), ("fresh", fresh), description="text", tags={"env": "prod"}))
        ends.append(
            [
                (group.name, group.description, group.tags, sorted(map(repr, world.content(group.name).items())))
                for group in sorted(world.groups(), key=lambda group: group.name)
            ]
        )
    assert ends.count(ends[0]) == len(ends)


class Killed(BaseException):
    """The process is gone: nothing catches it, and nothing is sent after it."""


def killing(nth: int, *, acts: bool) -> type[httpx.HTTPTransport]:
    """A transport whose process dies at the nth request, before or after the server has acted."""
    lock, numbers, dead = Lock(), count(1), []

    class Dying(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            with lock:
                number = next(numbers)
                if dead or number >= nth:
                    if number == nth and acts and not dead:
                        super().handle_request(request).read()
                    dead.append(number)
                    raise Killed
                return super().handle_request(request)

    return Dying


@pytest.mark.parametrize("mode", ["v1", "v1-two-phase", "v2"])
@settings(SLOW, max_examples=examples(40))
@given(
    old=rule_lists(min_size=1, max_size=4),
    new=rule_lists(min_size=1, max_size=4),
    nth=st.integers(1, 14),
    acts=st.booleans(),
    settings_=knobs,
)
def test_killed_at_any_request_and_run_again_the_end_is_the_same(
    server: EmulatorServer,
    mode: str,
    old: list[DesiredRule],
    new: list[DesiredRule],
    nth: int,
    acts: bool,
    settings_: Knobs,
) -> None:
    assume(contents(old) != contents(new))
    world = World(server, *MODES[mode], knobs=settings_)
    owner = {"sgctl-owner": "tests"}
    world.seed({"name": "web", "rules": seeds(old), "tags": owner}, {"name": "old", "rules": [], "tags": owner})
    group = DesiredRule(Rule("ingress", "IPv4", "tcp", 9, 9), "", PLACE, "fresh")
    state = wanted(world.target, ("web", [*new, group]), ("fresh", [*new, group]), owner="tests")
    plan = world.plan(state, prune=True)
    world.transport = killing(nth, acts=acts)
    with suppress(Killed):
        world.apply(plan)
    world.transport = httpx.HTTPTransport
    world.wait_for_tasks()
    run(world, state, prune=True)
    assert sorted(each.name for each in world.groups()) == ["fresh", "web"]
    ids = {each.name: each.id for each in world.groups()}
    both = [*new, replace(group, rule=group.rule._replace(remote_group_id=ids["fresh"]))]
    assert world.content("web") == world.content("fresh") == contents(both)
