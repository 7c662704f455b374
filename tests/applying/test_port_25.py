"""Where the cloud keeps egress to port 25 closed, a refused apply names the rules, and the preset passes."""

import pytest
from world import World, tcp, wanted

from reconciler.emulator.knobs import Knobs
from reconciler.emulator.server import EmulatorServer
from reconciler.model.desired import DesiredRule
from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.place import FilePlace
from reconciler.model.rule import Rule

CLOSED = Knobs(refuse_port_25=True, default_egress=False)
OPEN = DesiredRule(Rule("egress", "IPv4"), "", FilePlace("groups.yaml", 12, 9))
MAIL = DesiredRule(Rule("egress", "IPv4", "tcp", 20, 30), "", FilePlace("groups.yaml", 13, 9))
WEB = DesiredRule(Rule("egress", "IPv4", "tcp", 443, 443), "", FilePlace("groups.yaml", 14, 9))


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("exists", [False, True], ids=["a_new_group", "a_group_that_exists"])
def test_the_refusal_names_the_rules_that_cover_the_port(server: EmulatorServer, version: str, *, exists: bool) -> None:
    world = World(server, version, knobs=CLOSED)
    if exists:
        world.seed({"name": "web", "rules": []})
    plan = world.plan(wanted(world.target, ("web", [tcp(443), OPEN, WEB, MAIL])))
    (result,) = world.apply(plan).results
    assert "Opening egress port 25 for TCP or UDP traffic is prohibited" in result.message
    assert (
        "what covers port 25: egress IPv4 any to 0.0.0.0/0 (groups.yaml:12:9), "
        "egress IPv4 tcp 20-30 to 0.0.0.0/0 (groups.yaml:13:9)"
    ) in result.message
    assert "groups.yaml:14:9" not in result.message
    assert "preset: default-egress" in (result.hint or "")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_preset_passes(server: EmulatorServer, version: str) -> None:
    world = World(server, version, knobs=CLOSED)
    preset = [DesiredRule(rule, "", FilePlace("groups.yaml", 12, 9)) for rule in DEFAULT_EGRESS_RULES]
    state = wanted(world.target, ("web", [tcp(443), *preset]))
    assert world.apply(world.plan(state)).error is None
    assert not world.plan(state).changes
