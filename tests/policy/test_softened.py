"""A change cannot soften its own judge in silence: what is softer is said, and rules from outside hold."""

from dataclasses import replace

import pytest
from build import tcp, there, uuid
from policy_build import HEAD, TODAY, group, policies
from texts import load_text

from reconciler.api.backend import BACKENDS
from reconciler.loading.policies import read_policies
from reconciler.model.desired import Target
from reconciler.model.errors import PlanFileError
from reconciler.model.live import LiveGroup
from reconciler.model.policies import Limits, Policies, Rulebook, WorldOpenAnyPort
from reconciler.planning import planfile
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.policy.judge_plan import judge_again
from reconciler.policy.saved import refuse_forged
from reconciler.policy.softened import softened
from reconciler.workflow import make_plan

OPEN_SSH = group("direction: ingress, protocol: tcp, ports: 22")
EXCEPTED = group(
    "direction: ingress, protocol: tcp, ports: 22, "
    "exception: {policy: world_open_management, reason: x, until: 2030-01-01}"
)
STRICT = read_policies({"world_open_management": "error"}, "strict.toml")
NO_LIMITS = Rulebook(limits=Limits(max_deleted_rules=0, min_deleted_rules=0))


def planned(text: str, outside: Rulebook | None = None) -> Plan:
    live = {Target(1, 2): (LiveGroup(Target(1, 2), uuid(1), "web", "", (), (there(1, tcp(80)),), 1),)}
    options = PlanOptions(outside=outside)
    created_at = f"{TODAY.isoformat()}T12:00:00Z"
    return make_plan(load_text(HEAD + text), live, options, base_url="https://api.test", created_at=created_at)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"world_open_management": "off"}, "world_open_management is off (warning)", id="level"),
        pytest.param({"mass_delete": "warning"}, "mass_delete is warning (error)", id="level_of_a_guardrail"),
        pytest.param({"expires": {"level": "off"}}, "expires is off (error)", id="level_of_dates"),
        pytest.param({"expires": {"warn_days": 3}}, "expires.warn_days is 3 (14)", id="days"),
        pytest.param(
            {"world_open_any_port": {"max_ports": 65535}}, "max_ports is 65,535 (32,767)", id="number_of_ports"
        ),
        pytest.param({"world_open_management": {"ports": [22]}}, "leaves out 23 of its ports", id="fewer_ports"),
    ],
)
def test_what_is_softer_than_the_defaults_is_said(settings: dict[str, object], said: str) -> None:
    (sentence,) = softened(read_policies(settings, "sgctl.toml"), Limits())
    assert said in sentence
    assert "sgctl.toml" in sentence


def test_the_defaults_and_what_is_stricter_are_not_worth_a_word() -> None:
    stricter = replace(Policies(), world_open_any_port=WorldOpenAnyPort("error", 10))
    assert softened(Policies(), Limits()) == softened(stricter, Limits(max_deleted_rules=5)) == ()


def test_higher_limits_are_said() -> None:
    assert softened(Policies(), Limits(max_deleted_rules=90)) == (
        "judged by limits over the defaults: max_deleted_rules is 90 (30)",
    )


def test_a_plan_says_what_it_was_judged_by() -> None:
    plan = planned(policies(world_open_management="off") + OPEN_SSH)
    assert [note for note in plan.notes if "world_open_management is off (warning)" in note]
    assert not planned(OPEN_SSH).notes


@pytest.mark.parametrize(
    "text", [OPEN_SSH, EXCEPTED, policies(world_open_management="off") + EXCEPTED], ids=["plain", "excepted", "off"]
)
def test_rules_from_outside_hold_whatever_the_files_say(text: str) -> None:
    outside = Rulebook(STRICT)
    plan = planned(text, outside)
    assert [found.guardrail for found in plan.stopped_by] == ["world_open_management"]
    assert not planned(text).stopped_by
    saved = planned(text)
    assert [found.guardrail for found in judge_again(saved, outside=outside).stopped_by] == ["world_open_management"]


def test_limits_from_outside_hold_beside_higher_ones() -> None:
    """One of one rule is replaced by nothing: the files' limits would let that pass."""
    text = group("direction: egress")
    assert "mass-delete" in [found.guardrail for found in planned(text, NO_LIMITS).stopped_by]
    assert not planned(text).stopped_by


RULEBOOKS = {
    "policies": (Rulebook(STRICT), OPEN_SSH, "world_open_management"),
    "limits": (NO_LIMITS, group("direction: egress"), "mass-delete"),
}


@pytest.mark.parametrize(("outside", "text", "stopped_by"), RULEBOOKS.values(), ids=RULEBOOKS)
def test_a_saved_plan_stays_judged_by_what_came_from_outside(outside: Rulebook, text: str, stopped_by: str) -> None:
    """Where it is applied nobody need name the rules once more; what its own files say by then does not count."""
    plan = planned(text, outside)
    saved = planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS)
    assert saved == plan
    refuse_forged(saved, "plan.json")
    lenient = read_policies({"world_open_management": "off", "mass_delete": "off"}, "sgctl.toml")
    again = judge_again(saved, Limits(max_deleted_rules=100), policies=lenient)
    assert stopped_by in [found.guardrail for found in again.stopped_by]
    assert not judge_again(saved, outside=Rulebook()).stopped_by, (
        "whoever applies it may bring other rules from outside"
    )


def test_a_group_that_does_not_change_stays_judged_by_what_came_from_outside() -> None:
    """Nothing of it is in the plan, but for what was found."""
    outside = Rulebook(read_policies({"required_tags": {"tags": ["env"]}}, "strict.toml"))
    plan = planned("security_groups: [{name: web, tags: {}}]\n", outside)
    assert not plan.changes
    lenient = read_policies({"required_tags": {"level": "off", "tags": ["env"]}}, "sgctl.toml")
    assert [found.guardrail for found in judge_again(plan, policies=lenient).stopped_by] == ["required_tags"]


def test_a_plan_says_which_rules_from_outside_it_was_judged_by() -> None:
    """A plan without that sentence was judged by its own files alone."""
    (note,) = planned(OPEN_SSH, Rulebook(STRICT)).notes
    assert note == "judged by strict.toml as well, which nothing in these files softens: world_open_management"
    (note,) = planned(OPEN_SSH, Rulebook(limits=Limits(max_deleted_rules=5))).notes
    assert note.endswith(": max_deleted_rules")
    forged = replace(planned(OPEN_SSH, Rulebook(STRICT)), notes=())
    with pytest.raises(PlanFileError, match=r"`notes` leaves out .* judged by strict\.toml as well"):
        refuse_forged(forged, "plan.json")
    forged = replace(planned(OPEN_SSH, Rulebook(STRICT)), findings=())
    with pytest.raises(PlanFileError, match="`findings` leaves out"):
        refuse_forged(forged, "plan.json")
