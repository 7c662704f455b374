"""A live rule that matches `ignore_rules` is others': whatever happens, it is neither deleted nor replaced by us."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from effort import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_properties import MODES, Killed, killing, knobs
from test_rollback import apply_kept, back
from world import PLACE, World, contents, rule_lists, seeds, tcp, wanted

from reconciler.api.backend import BACKENDS
from reconciler.applying.outcome import Status
from reconciler.emulator.faults import Fault
from reconciler.emulator.knobs import Knobs
from reconciler.emulator.server import EmulatorServer
from reconciler.model.desired import DesiredRule
from reconciler.model.errors import StalePlan
from reconciler.model.ignore_rules import IgnoreRule
from reconciler.planning import planfile

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
K8S = IgnoreRule(PLACE, description="k8s-*")
ENTRIES = (K8S, IgnoreRule(PLACE, remote_group="fresh"))
OURS = [tcp(80), tcp(443, description="ours")]
THEIRS = [replace(tcp(port), description=f"k8s-{port}") for port in (30001, 30002)]

foreign = st.lists(
    st.builds(
        Fault,
        st.just("foreign_change"),
        method=st.sampled_from(["PATCH", "GET", "POST", "DELETE"]),
        nth=st.integers(1, 4),
        group=st.just("web"),
        rule=st.builds(
            lambda port, text: {**seeds([tcp(port)])[0], "description": text},
            st.integers(1, 6),
            st.sampled_from(["k8s-a", "k8s-b"]),
        ),
    ),
    max_size=3,
)


def is_theirs(description: str | None) -> bool:
    return (description or "").startswith("k8s-")


def theirs(rules: Any) -> set[str]:
    return {rule.id for rule in rules if is_theirs(rule.description)}


def check_history(world: World, group_id: str) -> None:
    """No step of ours takes a rule of theirs away, also not to bring another one in its place."""
    before: set[str] = set()
    for step in world.server.history[world.first_step :]:
        if step.group_id == group_id:
            now = theirs(step.rules)
            assert before <= now or step.action == "foreign", (step.action, before - now)
            before = now


def described(rules: list[DesiredRule], ports: set[int]) -> list[DesiredRule]:
    """Some of the rules are theirs."""
    return [
        replace(each, description=f"k8s-{each.description}") if number in ports else each
        for number, each in enumerate(rules)
    ]


@pytest.mark.parametrize(
    "mode", [mode if "-" not in mode else pytest.param(mode, marks=pytest.mark.full) for mode in MODES]
)
@settings(SLOW, max_examples=examples(40))
@given(
    old=st.builds(described, rule_lists(max_size=6), st.sets(st.integers(0, 5))),
    new=rule_lists(max_size=5),
    changes=foreign,
    killed=st.tuples(st.integers(1, 16), st.booleans()),
    settings_=knobs,
)
def test_no_history_sends_a_rule_of_others_for_deletion(
    server: EmulatorServer,
    tmp_path: Path,
    mode: str,
    old: list[DesiredRule],
    new: list[DesiredRule],
    changes: list[Fault],
    killed: tuple[int, bool],
    settings_: Knobs,
) -> None:
    """An apply that others meddle in and that is killed, another one, and the way back from the journal of both."""
    world = World(server, *MODES[mode], knobs=settings_)
    world.seed({"name": "web", "rules": seeds(old)})
    group_id = world.group().id
    state = wanted(world.target, ("web", new), ("fresh", new), ignore_rules=ENTRIES)
    path = tmp_path / "apply.journal"
    path.unlink(missing_ok=True)
    world.faults(*changes)
    world.transport = killing(killed[0], acts=killed[1])
    with suppress(Killed):
        apply_kept(world, state, path, lifted=frozenset({"mass-delete", "gap"}))
    world.transport = httpx.HTTPTransport
    world.wait_for_tasks()
    for _ in range(3):
        code, told = apply_kept(world, state, path, lifted=frozenset({"mass-delete", "gap"}))
        if code == 0:
            break
    assert code == 0, told
    ours = [rule for (rule, text), number in world.content().items() if not is_theirs(text) for _ in range(number)]
    others = {rule for rule, text in world.content() if is_theirs(text)}
    desired = {each.rule for each in new}
    assert desired - others <= {*ours} <= desired
    assert len(ours) == len({*ours}), "ours are there once"
    assert not world.plan(state).changes
    check_history(world, group_id)
    plan, _ = back(world, path)
    world.exit_code(replace(plan, findings=()))
    check_history(world, group_id)


@pytest.fixture(params=MODES)
def world(request: pytest.FixtureRequest, server: EmulatorServer) -> World:
    return World(server, *MODES[request.param])


def test_a_group_whose_every_rule_is_replaced_keeps_those_of_others(world: World) -> None:
    world.seed({"name": "web", "rules": seeds([*OURS, *THEIRS])})
    state = wanted(world.target, ("web", [tcp(22)]), ignore_rules=(K8S,))
    plan = world.plan(state)
    assert plan.summary.rules_to_delete == len(OURS)
    assert [len(each.rules) for each in plan.changes[0].difference.ignored] == [2]
    assert world.exit_code(plan)[0] == 0
    assert world.content() == contents([tcp(22), *THEIRS])


def test_rules_that_others_bring_and_take_do_not_make_a_plan_stale(world: World) -> None:
    """The plan is applied as it is, and applied once more it is done."""
    world.seed({"name": "web", "rules": seeds([*OURS, *THEIRS])})
    state = wanted(world.target, ("web", [tcp(22)]), ignore_rules=(K8S,))
    plan = planfile.loads(planfile.dumps(world.plan(state)), "plan.json", BACKENDS)
    meddle(world, rule=seeds([replace(tcp(30003), description="k8s-3")])[0])
    take(world, "k8s-30001")
    assert world.exit_code(plan)[0] == 0
    now = contents([tcp(22), THEIRS[1], replace(tcp(30003), description="k8s-3")])
    assert world.content() == now
    take(world, "k8s-3")
    assert [each.status for each in world.apply(plan).results] == [Status.APPLIED]


def meddle(world: World, **change: Any) -> None:
    """Let somebody else change the group now."""
    world.faults(Fault("foreign_change", method="GET", group="web", **change))
    with world.connect() as http:
        http.read(f"/cloud/v1/securitygroups/{world.target.project_id}/{world.target.region_id}")
    world.faults()


def take(world: World, description: str) -> None:
    """Let somebody else delete the rule of this description."""
    texts = [rule.description for rule in world.group().rules]
    meddle(world, delete_rule=texts.index(description) + 1)


def test_a_rule_of_nobody_makes_it_stale_all_the_same(world: World) -> None:
    world.seed({"name": "web", "rules": seeds([*OURS, *THEIRS])})
    plan = world.plan(wanted(world.target, ("web", [tcp(22)]), ignore_rules=(K8S,)))
    meddle(world, rule=seeds([tcp(8080)])[0])
    with pytest.raises(StalePlan, match="8080"):
        world.apply(plan)


def test_a_desired_rule_for_which_one_of_others_stands_is_created_when_that_goes(world: World) -> None:
    """The cloud takes no second rule that differs in its description only; so the plan leaves theirs, and says so."""
    world.seed({"name": "web", "rules": seeds([replace(tcp(80), description="k8s-lb")])})
    state = wanted(world.target, ("web", [tcp(80)]), ignore_rules=(K8S,))
    plan = world.plan(state)
    assert not plan.changes
    assert any("live already as others'" in note for note in plan.notes)
    take(world, "k8s-lb")
    assert world.exit_code(world.plan(state))[0] == 0
    assert world.content() == contents([tcp(80)])


def test_what_others_put_into_a_new_group_at_once_stays(world: World) -> None:
    plan = world.plan(wanted(world.target, ("web", [tcp(80)]), ignore_rules=(K8S,)))
    theirs = seeds([replace(tcp(30001), description="k8s-1")])[0]
    mark = rf"/{world.target.project_id}/{world.target.region_id}"
    world.faults(*(Fault("foreign_change", "GET", mark, number, group="web", rule=theirs) for number in (2, 3)))
    assert world.exit_code(plan)[0] == 0
    texts = [text for _, text in world.content()]
    assert sorted(set(texts)) == ["", "k8s-1"]


def test_what_others_put_in_between_the_read_and_the_write_stays(world: World) -> None:
    """A whole list, made of what was read before, would take it away."""
    world.seed({"name": "web", "rules": seeds([*OURS, *THEIRS])})
    plan = world.plan(wanted(world.target, ("web", [tcp(22)]), ignore_rules=(K8S,)))
    mark = rf"/{world.target.project_id}/{world.target.region_id}/"
    late = {
        each: seeds([tcp(port, None, "k8s-late")])[0] for port, each in enumerate(("PATCH", "POST", "DELETE"), 30003)
    }
    world.faults(*(Fault("foreign_change", each, mark, group="web", rule=rule) for each, rule in late.items()))
    assert world.exit_code(plan)[0] == 0
    methods = {record.method for record in world.writes()}
    assert [text for _, text in world.content()].count("k8s-late") == len(methods)
    assert contents([tcp(22), *THEIRS]) <= world.content()


def test_a_rule_of_others_that_takes_the_place_of_one_described_anew_stays(world: World) -> None:
    """Ours is gone for a moment, and theirs comes: it stands for ours, and is not replaced in turn."""
    world.seed({"name": "web", "rules": seeds([replace(tcp(80), description="old")])})
    plan = world.plan(wanted(world.target, ("web", [replace(tcp(80), description="new")]), ignore_rules=(K8S,)))
    theirs = seeds([replace(tcp(80), description="k8s-80")])[0]
    mark = rf"/{world.target.project_id}/{world.target.region_id}/"
    late = {"PATCH": 2, "POST": 1}
    world.faults(*(Fault("foreign_change", each, mark, nth, group="web", rule=theirs) for each, nth in late.items()))
    code, told = world.exit_code(plan)
    meddled = len(world.writes()) > 1
    assert ([text for _, text in world.content()], code) == (["k8s-80"] if meddled else ["new"], 0), told


def test_rules_of_others_count_towards_the_limit_when_they_come_later(world: World) -> None:
    many = [tcp(port) for port in range(1, 240)]
    world.seed({"name": "web", "rules": seeds(many)})
    more = [*many, *(tcp(port) for port in range(1000, 1010))]
    plan = world.plan(wanted(world.target, ("web", more), ignore_rules=(K8S,)))
    meddle(world, rule=seeds([THEIRS[0]])[0])
    meddle(world, rule=seeds([THEIRS[1]])[0])
    with pytest.raises(StalePlan, match="leaves the plan no room"):
        world.apply(plan)


def test_the_way_back_leaves_what_was_others_to_them(world: World, tmp_path: Path) -> None:
    world.seed({"name": "web", "rules": seeds([*OURS, THEIRS[0]])})
    path = tmp_path / "apply.journal"
    state = wanted(world.target, ("web", [tcp(22)]), ignore_rules=(K8S,))
    assert apply_kept(world, state, path)[0] == 0
    meddle(world, rule=seeds([THEIRS[1]])[0])
    take(world, "k8s-30001")
    plan, _ = back(world, path)
    assert plan.summary.rules_to_delete <= 1
    assert world.exit_code(plan)[0] == 0
    assert [text for _, text in world.content() if text.startswith("k8s-")] == ["k8s-30002"]
    assert contents(OURS) <= world.content()


def test_a_group_that_gets_the_name_of_an_entry_makes_the_plan_stale(world: World) -> None:
    """Its rules were ours to delete when the plan was made, and are others' now."""
    world.seed({"name": "mon-2", "rules": []}, {"name": "web", "rules": []})
    from_them = tcp(9100, group="mon-2")
    world.exit_code(world.plan(wanted(world.target, ("web", [*OURS, from_them]))))
    state = wanted(world.target, ("web", OURS), ignore_rules=(IgnoreRule(PLACE, remote_group="monitoring"),))
    plan = world.plan(state)
    assert plan.summary.rules_to_delete == 1
    rename(world, "mon-2", "monitoring")
    with pytest.raises(StalePlan, match="left to others now"):
        world.apply(plan)
    assert not world.plan(state).changes


def rename(world: World, old: str, new: str) -> None:
    """Let somebody else give a group another name."""
    path = f"/cloud/v1/securitygroups/{world.target.project_id}/{world.target.region_id}/{world.group(old).id}"
    with world.connect() as http:
        http.write("PATCH", path, {"name": new})


def test_the_way_back_of_a_deleted_group_brings_a_rule_of_others_again(world: World, tmp_path: Path) -> None:
    """Also where rules of its group change: the saved plan is read, and applied."""
    path = tmp_path / "apply.journal"
    world.exit_code(world.plan(wanted(world.target, ("web", OURS), ("old", []), owner="me")))
    theirs = replace(tcp(30001, group="old"), description="k8s-old")
    world.exit_code(world.plan(wanted(world.target, ("web", [*OURS, theirs]), ("old", []), owner="me")))
    state = wanted(world.target, ("web", [tcp(22)]), owner="me", ignore_rules=(K8S,))
    lifted = frozenset({"mass-delete"})
    assert apply_kept(world, state, path, prune=True, lifted=lifted)[0] == 0
    assert world.content() == contents([tcp(22)])
    plan = planfile.loads(planfile.dumps(back(world, path)[0]), "plan.json", BACKENDS)
    assert world.exit_code(plan)[0] == 0
    assert sorted(text for _, text in world.content()) == ["", "k8s-old", "ours"]


def test_the_way_back_of_a_new_group_tells_which_rules_of_others_go_with_it(world: World, tmp_path: Path) -> None:
    path = tmp_path / "apply.journal"
    assert apply_kept(world, wanted(world.target, ("web", OURS), ignore_rules=(K8S,)), path)[0] == 0
    meddle(world, rule=seeds([THEIRS[0]])[0])
    _, found = back(world, path)
    assert any("1 rule of `web` may be others', and go with it" in note for note in found.notes)
