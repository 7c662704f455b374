"""On a friendly server exactly the plan is sent, and no request more than it takes."""

import json

import pytest
from world import World, contents, neutron, seeds, tcp, wanted

from reconciler.api.backend import BACKENDS
from reconciler.emulator.server import EmulatorServer
from reconciler.planning import planfile

OLD = [tcp(80), tcp(22, "10.0.0.0/8"), tcp(443, description="old text")]
NEW = [tcp(80), tcp(443, description="new text"), tcp(8080, "192.0.2.0/24")]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_bodies_of_the_plan_file_are_what_is_sent(server: EmulatorServer, version: str) -> None:
    world = World(server, version, knobs=neutron(default_egress=False))
    world.seed({"name": "web", "rules": seeds(OLD)})
    state = wanted(world.target, ("web", NEW), ("data", [tcp(5432, group="web")]))
    plan = planfile.loads(planfile.dumps(world.plan(state)), "plan.json", BACKENDS)
    assert world.apply(plan).error is None
    planned = [(each.method, each.path, each.body) for change in plan.changes for each in change.requests]
    sent = [(each.method, each.path, json.loads(each.body)) for each in world.writes()]
    assert sorted(map(repr, sent)) == sorted(map(repr, planned))
    assert world.content("web") == contents(NEW)
    assert not world.plan(state).changes


def test_an_update_of_v1_takes_one_list_one_patch_and_one_read(server: EmulatorServer) -> None:
    world = World(server)
    for name in ("web", "app", "idle"):
        world.seed({"name": name, "rules": seeds(OLD)})
    plan = world.plan(wanted(world.target, ("web", NEW), ("app", NEW), ("idle", OLD)))
    asked = len(world.requests())
    assert asked == 1
    assert world.apply(plan).error is None
    methods = [record.method for record in world.requests()[asked:]]
    assert methods[0] == "GET"
    assert sorted(methods) == ["GET"] * 3 + ["PATCH"] * 2
