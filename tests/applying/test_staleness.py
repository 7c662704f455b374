"""A saved plan against groups that moved since: nothing is sent, and what moved is named."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from build import desired_group, live_group, live_of, plan_of, there, uuid
from build import tcp as port
from world import World, contents, neutron, seeds, tcp, wanted

from reconciler.api.backend import BACKENDS
from reconciler.applying.outcome import Status
from reconciler.applying.stale import Done, Stale, find_stale, what_moved
from reconciler.emulator.faults import Fault
from reconciler.emulator.server import EmulatorServer
from reconciler.model.errors import StalePlan
from reconciler.model.live import LiveRule, Tag
from reconciler.planning import planfile
from reconciler.planning.diff import LostRule
from reconciler.planning.plan import Change, Plan
from reconciler.render.formats import render
from reconciler.render.plan import view_plan

OLD = [tcp(80), tcp(22, "10.0.0.0/8")]
NEW = [tcp(80), tcp(8080)]
OWNER = {"sgctl-owner": "tests"}


def by_hand(world: World, path: str = "", *, version: int = 1, method: str = "PATCH", **body: Any) -> None:
    """Somebody else changes the project."""
    base = {1: "/cloud/v1/securitygroups", 2: "/cloud/v2/security_groups"}[version]
    place = f"{base}/{world.target.project_id}/{world.target.region_id}"
    with world.connect() as http:
        http.write(method, f"{place}/{path}" if path else place, body or None)
        world.server.control.knobs = world.knobs
        http.read("/cloud/v1/tasks")
        http.read("/cloud/v1/tasks")


def saved(world: World) -> Plan:
    """A plan that updates web, creates fresh, renames first to second and deletes old, as read back from its file."""
    world.seed(
        {"name": "web", "rules": seeds(OLD), "tags": OWNER | {"env": "prod"}, "description": "text"},
        {"name": "first", "rules": seeds(OLD), "tags": OWNER},
        {"name": "old", "rules": seeds(OLD), "tags": OWNER},
        {"name": "remote", "rules": []},
        {"name": "outside", "rules": []},
    )
    state = wanted(world.target, ("web", [*NEW, tcp(9, group="remote")]), ("fresh", NEW), owner="tests")
    renamed = wanted(world.target, ("second", OLD), previous_name="first", owner="tests")
    state = type(state)((*state.groups, *renamed.groups), state.targets, state.owners)
    return planfile.loads(planfile.dumps(world.plan(state, prune=True)), "plan.json", BACKENDS)


def rule_of(world: World, name: str) -> str:
    return world.group(name).rules[-1].id


MOVES: dict[str, tuple[Callable[[World], None], str, str]] = {
    "rule added": (
        lambda world: by_hand(
            world,
            world.group("web").id,
            changed_rules=[{"action": "create", "direction": "ingress", "protocol": "udp", "description": "mine"}],
        ),
        "web",
        "rule added: ingress IPv4 udp from 0.0.0.0/0 (mine)",
    ),
    "rule removed": (
        lambda world: by_hand(
            world,
            world.group("web").id,
            changed_rules=[{"action": "delete", "security_group_rule_id": rule_of(world, "web")}],
        ),
        "web",
        "rule removed: ingress IPv4 tcp 22 from 10.0.0.0/8",
    ),
    "tag": (
        lambda world: by_hand(world, world.group("web").id, tags={"env": "test"}),
        "web",
        "tag 'env' changed from 'prod' to 'test'",
    ),
    "tag removed": (
        lambda world: by_hand(world, world.group("web").id, tags={"env": None}),
        "web",
        "tag 'env' changed from 'prod' to nothing",
    ),
    "description": (
        lambda world: by_hand(world, world.group("web").id, version=2, description="other"),
        "web",
        "its description changed from 'text' to 'other'",
    ),
    "name": (
        lambda world: by_hand(world, world.group("web").id, name="other"),
        "web",
        "its name changed from 'web' to 'other'",
    ),
    "revision only": (
        lambda world: (
            by_hand(world, world.group("web").id, tags={"env": "x"}),
            by_hand(world, world.group("web").id, tags={"env": "prod"}),
        )[0],
        "web",
        "its revision is 3, the plan was made at 1",
    ),
    "deleted": (
        lambda world: by_hand(world, world.group("web").id, method="DELETE"),
        "web",
        "the group does not exist any more",
    ),
    "name of a create taken": (
        lambda world: world.seed({"name": "fresh", "rules": []}),
        "fresh",
        "a group named 'fresh' exists now",
    ),
    "name of a rename taken": (
        lambda world: world.seed({"name": "second", "rules": []}),
        "second",
        "a group named 'second' exists now",
    ),
    "new reference to a group to be deleted": (
        lambda world: by_hand(
            world,
            world.group("outside").id,
            changed_rules=[{"action": "create", "direction": "ingress", "remote_group_id": world.group("old").id}],
        ),
        "old",
        "'outside' refers to it now: ingress IPv4 any from group old",
    ),
    "remote group of a new rule deleted": (
        lambda world: by_hand(world, world.group("remote").id, method="DELETE"),
        "web",
        "which does not exist any more",
    ),
}


@pytest.mark.parametrize(("move", "name", "reason"), MOVES.values(), ids=MOVES)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_nothing_is_sent_and_the_sentence_names_the_group_and_what_moved(
    server: EmulatorServer, version: str, move: Callable[[World], None], name: str, reason: str
) -> None:
    world = World(server, version)
    plan = saved(world)
    move(world)
    sent = len(world.writes())
    with pytest.raises(StalePlan) as raised:
        world.apply(plan)
    assert raised.value.exit_code == 3
    assert f"{name} (project {world.target.project_id}, region 7): " in str(raised.value)
    assert reason in str(raised.value)
    assert len(world.writes()) == sent


@pytest.mark.parametrize(("move", "name", "reason"), MOVES.values(), ids=MOVES)
def test_skip_stale_applies_the_other_groups(
    server: EmulatorServer, move: Callable[[World], None], name: str, reason: str
) -> None:
    world = World(server)
    plan = saved(world)
    move(world)
    report = world.apply(plan, skip_stale=True)
    assert report.error is not None
    assert report.error.exit_code == 4
    for result in report.results:
        is_stale = result.change.difference.name == name
        assert result.status is (Status.STALE if is_stale else Status.APPLIED), result.message
        assert not is_stale or reason in result.message


def test_where_every_group_is_stale_skipping_them_leaves_nothing_to_send(server: EmulatorServer) -> None:
    world = World(server)
    world.seed({"name": "web", "rules": seeds(OLD)})
    plan = world.plan(wanted(world.target, ("web", NEW)))
    by_hand(world, world.group("web").id, name="other")
    sent = len(world.writes())
    report = world.apply(plan, skip_stale=True)
    assert report.error is not None
    assert report.error.exit_code == 3
    assert len(world.writes()) == sent


def test_v2_looks_once_more_right_before_its_patch(server: EmulatorServer) -> None:
    """Somebody adds a rule between the check of the whole plan and the whole list that would undo it."""
    world = World(server, "v2")
    world.seed({"name": "web", "rules": seeds(OLD)})
    plan = world.plan(wanted(world.target, ("web", NEW)))
    plan = replace(plan, group_names={**plan.group_names, world.group().id: "web"})
    rule = {"direction": "ingress", "protocol": "udp", "remote_group_id": world.group().id}
    world.faults(Fault("foreign_change", method="GET", path=f"/{world.group().id}", rule=rule))
    report = world.apply(plan)
    assert report.error is not None
    assert (report.error.exit_code, world.writes()) == (3, [])
    assert "rule added: ingress IPv4 udp from group web" in report.results[0].message


def test_v2_finds_a_group_gone_right_before_its_patch(server: EmulatorServer) -> None:
    world = World(server, "v2")
    world.seed({"name": "web", "rules": seeds(OLD)})
    plan = world.plan(wanted(world.target, ("web", NEW)))
    world.faults(Fault("status", method="GET", path=f"/{world.group().id}", status=404))
    report = world.apply(plan)
    assert report.error is not None
    assert (report.error.exit_code, world.writes()) == (3, [])
    assert report.results[0].message == "the group does not exist any more"


def test_v2_keeps_a_rule_that_others_add_between_its_two_lists(server: EmulatorServer) -> None:
    """The final list would undo it: it is computed anew, and the end is called what it is."""
    world = World(server, "v2")
    world.seed({"name": "web", "rules": seeds(OLD)})
    plan = world.plan(wanted(world.target, ("web", NEW)))
    rule = {"direction": "ingress", "protocol": "udp"}
    world.faults(Fault("foreign_change", method="GET", path=f"/{world.group().id}", nth=2, rule=rule))
    code, told = world.exit_code(plan)
    assert code == 4
    assert "a rule that the plan does not know: ingress IPv4 udp" in told
    assert world.content() - contents(NEW)
    assert not contents(NEW) - world.content()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_applies_at_once_corrupt_nothing(server: EmulatorServer, version: str) -> None:
    """All carry out the same plan of an update; each rule is there once in the end, whoever was first."""
    world = World(server, version)
    world.seed({"name": "web", "rules": seeds(OLD)}, {"name": "app", "rules": seeds(OLD)})
    state = wanted(world.target, ("web", NEW), ("app", [*NEW, tcp(443)]))
    plan = world.plan(state)
    with ThreadPoolExecutor() as pool:
        codes = list(pool.map(lambda _: world.exit_code(plan)[0], range(3)))
    assert set(codes) <= {0, 1, 3, 4}
    code, told = world.exit_code(world.plan(state))
    assert code == 0, told
    assert not world.plan(state).changes
    assert world.content("web") == contents(NEW)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_plan_that_is_done_is_done(server: EmulatorServer, version: str) -> None:
    """Applying it again sends nothing: creates that refer to each other, updates, a rename, a deletion."""
    world = World(server, version)
    world.seed({"name": "first", "rules": seeds(OLD), "tags": OWNER, "description": "text"})
    world.seed({"name": "old", "rules": seeds(OLD), "tags": OWNER})
    groups = wanted(world.target, ("one", [*NEW, tcp(1, group="two")]), ("two", [tcp(1, group="one")]), owner="tests")
    renamed = wanted(world.target, ("second", NEW), previous_name="first", owner="tests", description="new")
    state = type(groups)((*groups.groups, *renamed.groups), groups.targets, groups.owners)
    plan = planfile.loads(planfile.dumps(world.plan(state, prune=True)), "plan.json", BACKENDS)
    assert {str(change.difference.action) for change in plan.changes} == {"create", "update", "delete"}
    assert world.exit_code(plan)[0] == 0
    sent = len(world.writes())
    report = world.apply(plan)
    assert report.error is None
    assert [(each.status, each.message) for each in report.results] == [
        (Status.APPLIED, "it was as planned already") for _ in plan.changes
    ]
    assert len(world.writes()) == sent


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_after_a_partial_apply_the_same_plan_goes_on_with_what_is_left(
    server: EmulatorServer, version: str, method: str
) -> None:
    world = World(server, version, knobs=neutron(default_egress=False))
    world.seed({"name": "web", "rules": seeds(OLD), "tags": OWNER}, {"name": "old", "rules": [], "tags": OWNER})
    state = wanted(world.target, ("web", NEW), ("app", [tcp(1)]), ("data", [tcp(2, group="app")]), owner="tests")
    plan = world.plan(state, prune=True)
    world.faults(Fault("status", method=method, status=409, path=f"/{world.target.project_id}/"))
    is_mended = (version, method) == ("v1", "PATCH")  # sent again in two, for only the order may have been wrong
    assert world.exit_code(plan)[0] == (0 if is_mended else 4)
    world.faults()
    code, told = world.exit_code(plan)
    assert code == 0, told
    assert not world.plan(state, prune=True).changes


ALMOST: dict[str, dict[str, Any]] = {
    "another description": {"description": "other"},
    "no owner": {"tags": {}},
    "another tag": {"tags": OWNER | {"mine": "1"}},
    "a rule more": {"rules": seeds([*NEW, tcp(1)])},
    "a rule less": {"rules": seeds(NEW[:1])},
    "a rule described otherwise": {"rules": seeds([NEW[0], tcp(8080, description="mine")])},
}


@pytest.mark.parametrize("fields", ALMOST.values(), ids=ALMOST)
def test_a_group_that_is_almost_the_planned_one_is_not_taken_for_it(
    server: EmulatorServer, fields: dict[str, Any]
) -> None:
    world = World(server)
    plan = world.plan(wanted(world.target, ("web", NEW), ("app", [tcp(9, group="web")]), owner="tests"))
    world.seed({"name": "web", "rules": seeds(NEW), "tags": OWNER} | fields)
    with pytest.raises(StalePlan, match="a group named 'web' exists now"):
        world.apply(plan)
    assert world.writes() == []


def test_a_group_that_is_the_planned_one_is_what_others_then_refer_to(server: EmulatorServer) -> None:
    world = World(server)
    plan = world.plan(wanted(world.target, ("web", NEW), ("app", [tcp(9, group="web")]), owner="tests"))
    world.seed({"name": "web", "rules": seeds(NEW), "tags": OWNER})
    assert world.exit_code(plan)[0] == 0
    assert world.group("app").rules[0].remote_group_id == world.group("web").id
    assert len(world.groups("web")) == 1


def test_two_groups_of_the_planned_name_are_nobodys(server: EmulatorServer) -> None:
    world = World(server)
    plan = world.plan(wanted(world.target, ("web", NEW)))
    world.seed({"name": "web", "rules": seeds(NEW)}, {"name": "web", "rules": seeds(NEW)})
    with pytest.raises(StalePlan, match="a group named 'web' exists now"):
        world.apply(plan)


def test_what_a_plan_shows_of_other_groups_is_checked_as_well(server: EmulatorServer) -> None:
    """A forged name of a remote group in any rule, and a lost rule shown as another or elsewhere."""
    world = World(server)
    world.seed(
        {"name": "office", "rules": []},
        {"name": "web", "rules": seeds([tcp(7, group="old office"), tcp(8, group="kept")])},
        {"name": "old office", "rules": []},
        {"name": "kept", "rules": []},
        {"name": "gone", "rules": [], "tags": OWNER},
        {"name": "gone too", "rules": [], "tags": OWNER},
        {"name": "foreign", "rules": seeds([tcp(7, group="gone")])},
    )
    state = wanted(world.target, ("web", [tcp(9, group="office"), tcp(8, group="kept")]), owner="tests")
    plan = world.plan(state, prune=True, lifted=frozenset({"mass-delete"}))
    for name in ("office", "old office", "kept"):
        with pytest.raises(StalePlan, match=f"is named '{name}' and not 'harmless'"):
            world.apply(replace(plan, group_names={**plan.group_names, world.group(name).id: "harmless"}))
    *rest, one, two = plan.changes
    deletion, other = (one, two) if one.difference.lost_rules else (two, one)
    (lost,) = deletion.difference.lost_rules
    here = lost.rule._replace(rule=lost.rule.rule._replace(port_range_min=1))
    there = lost.rule._replace(rule=lost.rule.rule._replace(remote_group_id=world.group("gone too").id))
    for shown, elsewhere, words in ((here, None, "is not what the plan shows"), (None, there, "refers to it now")):
        forged = [_losing(each, lost, rule) for each, rule in ((deletion, shown), (other, elsewhere))]
        with pytest.raises(StalePlan, match=words):
            world.apply(replace(plan, changes=(*rest, *forged)))
    assert world.exit_code(plan)[0] == 0


def test_a_group_that_shares_its_name_is_told_by_its_id(server: EmulatorServer) -> None:
    """Of a remote group, and of one that loses a rule; a plan that was forged to tell it by the name is stale."""
    world = World(server)
    world.seed(
        {"name": "web", "rules": []},
        {"name": "office", "rules": []},
        {"name": "gone", "rules": [], "tags": OWNER},
        {"name": "twin", "rules": []},
        {"name": "twin", "rules": seeds([tcp(7, group="gone")])},
    )
    twins = {group.id for group in world.groups() if group.name == "twin"}
    loses = next(group.id for group in world.groups() if group.rules)
    (remote,) = twins - {loses}
    rules = [
        tcp(9, group="office"),
        *(
            replace(tcp(port), rule=tcp(port).rule._replace(remote_group_id=each))
            for port, each in ((1, remote), (2, loses))
        ),
    ]
    state = wanted(world.target, ("web", rules), owner="tests")
    plan = world.plan(state, prune=True, lifted=frozenset({"mass-delete"}))
    text = render(view_plan(plan), "text", expand=True)
    for words in ("from group office", f"from group {remote}", f"from group {loses}", f"lost in twin ({loses}): "):
        assert words in text
    for each in twins:
        with pytest.raises(
            StalePlan, match=rf"is told by the name of group {each}, and others are named 'twin' as well"
        ):
            world.apply(replace(plan, group_names={**plan.group_names, each: "twin"}))
    assert world.exit_code(plan)[0] == 0


def _losing(change: Change, lost: LostRule, rule: LiveRule | None) -> Change:
    rules = (replace(lost, rule=rule),) if rule else ()
    return replace(change, difference=replace(change.difference, lost_rules=rules))


def test_what_moved_in_a_group_is_told_once_each_and_nothing_else() -> None:
    kept, tag = there(1, port(1)), Tag("env", "prod", read_only=False)
    cloud = Tag("zone", "a", read_only=True)
    old = live_group("web", [kept, there(2, port(2), "a"), there(3, port(3))], tags=[tag, cloud], id=uuid(9))
    new = replace(
        old,
        name="app",
        description="new",
        tags=(replace(cloud, value="b"), tag),
        rules=(there(4, port(4)), there(2, port(2), "b"), kept),
        revision_number=old.revision_number + 1,
    )
    assert what_moved(old, new) == (
        "its name changed from 'web' to 'app'",
        "its description changed from '' to 'new'",
        "tag 'zone' changed from 'a', read-only to 'b', read-only",
        "rule added: ingress IPv4 tcp 4 from 0.0.0.0/0",
        "rule removed: ingress IPv4 tcp 3 from 0.0.0.0/0",
        f"rule {uuid(2)} changed from ingress IPv4 tcp 2 from 0.0.0.0/0 (a) to ingress IPv4 tcp 2 from 0.0.0.0/0 (b)",
        "its revision is 2, the plan was made at 1",
    )
    assert what_moved(old, replace(old, tags=(cloud, tag))) == ("it is not what the plan was computed from",)


CLOUD = Tag("zone", "a", read_only=True)


@pytest.mark.parametrize(
    ("before", "desired", "after", "reasons"),
    [
        pytest.param(None, {}, {"tags": [CLOUD]}, None, id="a new group gets a tag of the cloud"),
        pytest.param(
            {}, {}, {"tags": [CLOUD]}, ["tag 'zone' changed from nothing", "rule added"], id="an old group gets one"
        ),
        pytest.param({}, {}, {"revision_number": 2}, None, id="done"),
        pytest.param(
            {},
            {},
            {"rules": [there(1, port(1), irregular=True)]},
            [f"rule {uuid(1)} changed"],
            id="what the fingerprint does not cover",
        ),
        pytest.param(
            {"name": "old"},
            {"previous_name": "old"},
            {"rules": [there(1, port(1)), there(2, port(3))]},
            ["its name changed", "rule added"],
            id="renamed by others, and its own name is not in its way",
        ),
    ],
)
def test_a_group_is_done_or_moved(
    before: dict[str, Any] | None, desired: dict[str, Any], after: dict[str, Any], reasons: list[str] | None
) -> None:
    """Desired is one rule more than there was."""
    old = [] if before is None else [live_group(**{"rules": [there(1, port(1))], "id": uuid(9), **before})]
    plan = plan_of([desired_group("web", [port(1), port(2)], **desired)], old)
    done = {"rules": [there(1, port(1)), there(2, port(2))], "id": uuid(9)}
    (found,) = find_stale(plan, live_of(live_group(**(done | after))))
    if reasons is None:
        assert isinstance(found, Done)
        assert found.group_id == uuid(9)
    else:
        assert isinstance(found, Stale)
        assert all(map(str.startswith, found.reasons, reasons)), found.reasons
        assert len(found.reasons) == len(reasons), found.reasons
