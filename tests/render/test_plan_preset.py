"""The preset is one line in every format for people, and its rules by themselves where only some of them change."""

import pytest
from build import desired_group, live_group, plan_of, tcp, wanted

from reconciler.api.backend import BACKENDS
from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.rule import Rule
from reconciler.planning import planfile
from reconciler.planning.plan import Plan
from reconciler.render.formats import render
from reconciler.render.plan import view_plan

FORMATS = ("text", "markdown", "html", "github")
EVERYTHING = Rule("egress", "IPv4")


def lines(plan: Plan) -> list[tuple[str, str]]:
    (group,) = view_plan(plan).groups
    return [(line.symbol, line.text) for line in group.lines]


def traffic(plan: Plan) -> list[tuple[str, str]]:
    (group,) = view_plan(plan).groups
    return [(line.verb, line.text) for line in group.traffic or ()]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_new_group_with_it_names_it_once_among_the_rules_and_once_as_traffic(format_: str) -> None:
    plan = plan_of([desired_group(rules=[tcp(443), *DEFAULT_EGRESS_RULES])], [])
    plan = planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS)
    text = render(view_plan(plan), format_)
    assert text.count("preset default-egress") == 2
    assert text.count("39 rules") == 1
    assert "vrrp" not in text
    assert "create 40 rules" in text


def test_json_has_the_single_rules() -> None:
    content = planfile.to_json(plan_of([desired_group(rules=DEFAULT_EGRESS_RULES)], []))
    assert len(content["changes"][0]["rules"]["create"]) == 39


def test_what_goes_is_one_line_as_well() -> None:
    plan = plan_of(
        [desired_group(rules=[])], [live_group(rules=[tcp(22), *DEFAULT_EGRESS_RULES])], lifted={"mass-delete"}
    )
    assert lines(plan) == [("-", "ingress IPv4 tcp 22 from 0.0.0.0/0"), ("-", "preset default-egress")]
    assert traffic(plan)[-1] == ("closes", "egress preset default-egress to anywhere")


@pytest.mark.parametrize("index", [0, 20, 38])
def test_a_part_of_it_is_shown_by_its_rules(index: int) -> None:
    one = DEFAULT_EGRESS_RULES[index]
    others = [rule for rule in DEFAULT_EGRESS_RULES if rule != one]
    assert len(lines(plan_of([desired_group(rules=DEFAULT_EGRESS_RULES)], [live_group(rules=others)]))) == 1
    assert len(lines(plan_of([desired_group(rules=others)], [live_group(rules=[])]))) == 38
    described = [*others, wanted(one, "mine")]
    assert len(lines(plan_of([desired_group(rules=described)], [live_group(rules=[])]))) == 39


def test_in_place_of_everything_the_traffic_stays_exact() -> None:
    """Nothing that the preset admits is called opened, for it was open before."""
    plan = plan_of(
        [desired_group(rules=DEFAULT_EGRESS_RULES)], [live_group(rules=[EVERYTHING])], lifted={"mass-delete"}
    )
    assert lines(plan) == [("+", "preset default-egress"), ("-", "egress  IPv4 any to 0.0.0.0/0")]
    told = traffic(plan)
    assert ("opens", "egress tcp 1-24 to ::/0") in told
    assert ("closes", "egress tcp 25 to 0.0.0.0/0") in told
    assert not any("preset" in text for _, text in told)
