"""Who computes a plan's digest anew can soften its judge, but not so that the plan does not say it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from build import tcp, there, uuid
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_strategies import plans
from policy_build import HERE, group, planned

from reconciler.api.backend import BACKENDS
from reconciler.loading.policies import saved_policies
from reconciler.model.errors import PlanFileError
from reconciler.model.live import LiveGroup
from reconciler.model.policies import Limits
from reconciler.planning import planfile
from reconciler.planning.plan import Plan
from reconciler.policy.judge_plan import judge_again
from reconciler.policy.saved import judged_by, refuse_forged
from reconciler.policy.softened import softened

EVERY_POLICY = """\
policies:
  world_open_management: error
  world_open_any_port: error
  must_allow: [{group: web, direction: ingress, protocol: tcp, ports: 22, remote_ip_prefix: 203.0.113.0/24}]
  must_deny: [{group: "*", direction: ingress, protocol: tcp, ports: 3389}]
  allowed_prefixes: {prefixes: [10.0.0.0/8]}
  max_prefix_size: {ipv4: 24}
  rule_description: error
  required_tags: {tags: [env]}
  forbidden_protocols: {protocols: [any]}
  expires: error
"""
RULES = """
direction: ingress, protocol: tcp, ports: 3389
direction: ingress
direction: egress
direction: ingress, protocol: tcp, ports: 80, remote_ip_prefix: 192.0.2.0/24, expires: 2026-01-01
direction: ingress, protocol: tcp, ports: 5900, exception: {policy: world_open_management, reason: r, until: 2027-01-01}
"""
LIVE = LiveGroup(HERE, uuid(1), "web", "", (), tuple(there(port, tcp(port)) for port in (*range(1, 40), 3389)), 1)


def genuine() -> Plan:
    return planned(EVERY_POLICY + group(RULES), LIVE)


def read(content: dict[str, Any]) -> Plan:
    """Read content with a digest that fits, as a command does."""
    plan = planfile.loads(json.dumps({**content, "digest": planfile.digest(content)}), "plan.json", BACKENDS)
    refuse_forged(plan, "plan.json")
    return plan


@settings(max_examples=examples(30))
@given(plans(), st.sampled_from([Limits(), Limits(*[0] * 9), Limits(*[100] * 9)]))
def test_a_plan_that_was_made_can_always_be_read(plan: Plan, limits: Limits) -> None:
    """Whatever it changes and finds, and whatever its limits are."""
    notes = (*plan.notes, *softened(saved_policies(plan.policies), limits))
    again = judge_again(replace(plan, limits=limits, notes=notes))
    assert read(planfile.to_json(again)) == again
    assert read(planfile.to_json(plan)) == plan


def test_with_every_policy_broken_it_is_read_as_it_was_written() -> None:
    plan = genuine()
    assert len({each.guardrail for each in plan.findings}) >= 10
    assert read(planfile.to_json(plan)) == plan


@pytest.mark.parametrize("index", range(len(genuine().findings)))
def test_no_finding_about_what_changes_can_be_left_out(index: int) -> None:
    """Nor made a warning."""
    content = planfile.to_json(genuine())
    kept = [each for number, each in enumerate(content["findings"]) if number != index]
    alike = [
        each for each in kept if all(each[key] == content["findings"][index][key] for key in ("guardrail", "group"))
    ]
    with pytest.raises(PlanFileError, match="`findings` leaves out"):
        read({**content, "findings": [each for each in kept if each not in alike]})
    softer = {**content["findings"][index], "level": "warning"}
    if content["findings"][index]["level"] == "error" and not content["findings"][index]["exception"]:
        with pytest.raises(PlanFileError, match="`findings` leaves out"):
            read({**content, "findings": [*(each for each in kept if each not in alike), softer]})


def lift(content: dict[str, Any], *names: str) -> None:
    content["lifted"] = sorted(names)


def soften(content: dict[str, Any]) -> None:
    content["policies"]["settings"] = {"world_open_management": "off", "mass_delete": "off"}


FORGERIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a guardrail more is lifted": (lambda content: lift(content, "mass-delete"), "lifted for this plan"),
    "what nothing lifts": (lambda content: lift(content, "protect_ssh"), "`lifted` names 'protect_ssh'"),
    "not even a name": (lambda content: lift(content, "x"), "`lifted` names 'x'"),
    "softer policies": (soften, "softer than the defaults: world_open_management is off"),
    "higher limits": (
        lambda content: content.update(limits={**dict.fromkeys(Limits.__dataclass_fields__, 100)}),
        "limits over the defaults: max_deleted_rules is 100",
    ),
    "fewer rules in all": (lambda content: content["scope"].update(rules=3), "`scope` is smaller"),
    "fewer groups in all": (lambda content: content["scope"].update(groups=0), "`scope` is smaller"),
    "another count": (lambda content: content["summary"].update(rules_to_delete=1), "summary"),
    "no notes": (lambda content: (lift(content, "gap"), content.update(notes=[])), "lifted for this plan"),
}


@pytest.mark.parametrize(("forge", "words"), FORGERIES.values(), ids=FORGERIES)
def test_what_softens_a_plan_is_refused_where_it_is_not_said(
    forge: Callable[[dict[str, Any]], object], words: str
) -> None:
    content = planfile.to_json(genuine())
    forge(content)
    with pytest.raises(PlanFileError, match=r"plan\.json is not a plan as sgctl makes it: ") as caught:
        read(content)
    assert words in caught.value.message


def test_what_cannot_be_known_from_a_plan_is_said() -> None:
    """Everything around what was lifted is consistent, and the plan is read; and it says so."""
    plan = genuine()
    honest = replace(
        plan,
        lifted=("mass-delete",),
        notes=(*plan.notes, "lifted for this plan, so that they stop nothing: mass-delete"),
    )
    said = judged_by(read(planfile.to_json(honest)))
    assert said.startswith("judged by the policies of groups.yaml (allowed_prefixes, expires, ")
    whole = "and the default limits, as part of 1 group with 40 managed rules"
    assert said.endswith(f"{whole}; lifted for this plan, so that they stop nothing: mass-delete")
