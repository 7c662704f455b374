"""What every backend has to be able to do, whatever it is called: applied in one go, and then nothing is left to do."""

from dataclasses import replace
from typing import Any

from world import PLACE, World, contents, seeds, tcp, wanted

from reconciler.emulator.knobs import DefaultRules
from reconciler.model.desired import DesiredRule, DesiredState
from reconciler.model.rule import Rule

RULES = [
    tcp(80, description="HTTP"),
    tcp(22, "10.0.0.0/8"),
    DesiredRule(Rule("ingress", "IPv4", "icmp", 8, 0), "ping", PLACE),
    DesiredRule(Rule("ingress", "IPv6", "ipv6-icmp"), "", PLACE),
    DesiredRule(Rule("egress", "IPv6", "udp", 53, 53, "2001:db8::/32"), "names", PLACE),
    DesiredRule(Rule("egress", "IPv4", "tcp", 26, 65535), "", PLACE),
]
"""The last is one of those that the cloud gives by itself to a group without rules."""


def reach(world: World, state: DesiredState, **options: Any) -> None:
    """Apply in one go; then a plan is empty."""
    code, told = world.exit_code(world.plan(state, **options))
    assert code == 0, told
    assert not world.plan(state, **options).changes


def merged(*states: DesiredState) -> DesiredState:
    groups = tuple(group for state in states for group in state.groups)
    return replace(states[0], groups=groups)


def remotes(world: World, name: str) -> list[str]:
    """The names of the groups that a group's rules refer to."""
    names = {group.id: group.name for group in world.groups()}
    return sorted(names[rule.remote_group_id] for rule in world.group(name).rules if rule.remote_group_id)


def test_a_group_is_created_with_exactly_its_rules_tags_and_description(world: World) -> None:
    reach(world, wanted(world.target, ("web", RULES), description="Public", tags={"env": "prod"}))
    group = world.group()
    assert (group.description, {tag.key: tag.value for tag in group.tags}) == ("Public", {"env": "prod"})
    assert world.content() == contents(RULES)


def test_a_rule_that_neutron_gives_to_every_new_group_stays_where_it_is_asked_for(world: World) -> None:
    world.server.control.knobs = replace(world.knobs, default_rules=DefaultRules.NEUTRON, refuse_port_25=False)
    rules = [*RULES, DesiredRule(Rule("egress", "IPv4"), "", PLACE)]
    reach(world, wanted(world.target, ("web", rules)))
    assert world.content() == contents(rules)


def test_a_group_without_rules_is_created_without_any(world: World) -> None:
    reach(world, wanted(world.target, ("web", [])))
    assert not world.content()


def test_groups_that_refer_to_each_other_and_to_themselves_are_created(world: World) -> None:
    reach(
        world,
        wanted(
            world.target,
            ("web", [tcp(1, group="app"), tcp(2, group="web")]),
            ("app", [tcp(3, group="web"), tcp(4, group="data")]),
            ("data", [tcp(5, group="data"), *RULES]),
        ),
    )
    assert remotes(world, "web") == ["app", "web"]
    assert remotes(world, "app") == ["data", "web"]
    assert remotes(world, "data") == ["data"]


def test_a_live_group_gets_a_rule_for_a_new_one(world: World) -> None:
    world.seed({"name": "web", "rules": seeds(RULES)})
    reach(world, wanted(world.target, ("web", [*RULES, tcp(1, group="app")]), ("app", [tcp(2, group="web")])))
    assert (remotes(world, "web"), remotes(world, "app")) == (["app"], ["web"])


def test_a_group_is_renamed_and_stays_the_same_group(world: World) -> None:
    world.seed({"name": "old name", "rules": seeds(RULES)}, {"name": "app", "rules": seeds([tcp(1, group="old name")])})
    before = world.group("old name")
    reach(world, wanted(world.target, ("web", RULES), previous_name="old name"))
    after = world.group("web")
    assert (after.id, after.rules) == (before.id, before.rules)
    assert remotes(world, "app") == ["web"]


def test_tags_are_set_changed_and_removed_one_by_one(world: World) -> None:
    tags = [
        {"key": "env", "value": "test"},
        {"key": "gone", "value": "1"},
        {"key": "cloud", "value": "x", "read_only": True},
    ]
    world.seed({"name": "web", "rules": seeds(RULES), "tags": tags})
    reach(world, wanted(world.target, ("web", None), tags={"env": "prod", "new": "2"}))
    assert {tag.key: tag.value for tag in world.group().tags} == {"env": "prod", "new": "2", "cloud": "x"}
    assert world.content() == contents(RULES)


def test_a_description_is_changed_and_emptied(world: World) -> None:
    world.seed({"name": "web", "rules": seeds(RULES), "description": "one"})
    reach(world, wanted(world.target, ("web", None), description="two"))
    assert world.group().description == "two"
    reach(world, wanted(world.target, ("web", None), description=""))
    assert world.group().description == ""
    assert world.content() == contents(RULES)


def test_everything_about_a_group_changes_at_once(world: World) -> None:
    world.seed({"name": "old name", "rules": seeds(RULES), "description": "one", "tags": {"env": "test"}})
    new = [*RULES[2:], tcp(80, description="HTTP, described anew"), tcp(8080)]
    reach(
        world,
        wanted(world.target, ("web", new), previous_name="old name", description="two", tags={"env": "prod"}),
    )
    assert world.content() == contents(new)
    assert world.group().description == "two"


def test_rules_are_described_anew(world: World) -> None:
    world.seed({"name": "web", "rules": seeds(RULES)})
    new = [replace(rule, description=f"{rule.description}!") for rule in RULES]
    reach(world, wanted(world.target, ("web", new)))
    assert world.content() == contents(new)


def test_all_rules_go(world: World) -> None:
    world.seed({"name": "web", "rules": seeds(RULES)})
    reach(world, wanted(world.target, ("web", [])), lifted=frozenset({"mass-delete"}))
    assert not world.content()


def test_groups_are_pruned_after_what_refers_to_them_is_gone(world: World) -> None:
    owner = {"sgctl-owner": "tests"}
    world.seed(
        {"name": "web", "rules": seeds([tcp(80), tcp(1, group="app")]), "tags": owner},
        {"name": "app", "rules": seeds([tcp(2, group="data"), tcp(3, group="app")]), "tags": owner},
        {"name": "data", "rules": seeds([tcp(4, group="app")]), "tags": owner},
        {"name": "used", "rules": [], "tags": owner, "instances": ["vm-1"]},
        {"name": "outside", "rules": seeds([tcp(80)])},
    )
    reach(world, wanted(world.target, ("web", [tcp(80)]), owner="tests"), prune=True)
    assert sorted(group.name for group in world.groups()) == ["outside", "used", "web"]
    assert world.content() == contents([tcp(80)])


def test_irregular_live_rules_are_kept_while_others_change(world: World) -> None:
    """Rules that no request could spell as they are: kept, as long as the file says what they mean."""
    odd = [
        {"direction": "ingress", "protocol": "99"},
        {"direction": "ingress", "protocol": "tcp", "remote_ip_prefix": "10.1.2.3/8", "ethertype": "IPv4"},
        {"direction": "ingress", "protocol": "udp", "ethertype": None, "description": None},
    ]
    twins = seeds([tcp(7)]) * 2
    world.seed({"name": "web", "rules": [*odd, *twins, *seeds([tcp(80), tcp(22, description="old")])]})
    kept = [rule.id for rule in world.group().rules[:5]]
    new = [
        DesiredRule(Rule("ingress", "IPv4", "99"), "", PLACE),
        DesiredRule(Rule("ingress", "IPv4", "tcp", None, None, "10.0.0.0/8"), "", PLACE),
        DesiredRule(Rule("ingress", "IPv4", "udp"), "", PLACE),
        tcp(7),
        tcp(443),
        tcp(22, description="new"),
    ]
    reach(world, wanted(world.target, ("web", new), description="changed as well"))
    rules = world.group().rules
    assert [rule.id for rule in rules[:5]] == kept
    assert sorted(rule.port_range_min for rule in rules[5:]) == [22, 443]


def test_a_full_group_is_created_and_half_of_it_replaced(world: World) -> None:
    """250 rules; the creates of a change have to wait for deletes."""
    full = [tcp(port) for port in range(1, 251)]
    reach(world, wanted(world.target, ("web", full)))
    assert world.content() == contents(full)
    half = [*full[:125], *(tcp(port) for port in range(1001, 1126))]
    options = {"lifted": frozenset({"mass-delete"})}
    reach(world, wanted(world.target, ("web", half)), **options)
    assert world.content() == contents(half)
    assert max(map(len, world.rule_sets(world.group().id))) <= 250
