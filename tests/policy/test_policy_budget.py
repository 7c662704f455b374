"""Policies of a stranger: no input makes judging take for ever, and what is too much says so."""

import time
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from counted import Counted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_build import HERE, group, judged, planned, policies, state

from reconciler.api.backend import BACKENDS
from reconciler.loading.policies import read_policies
from reconciler.model.errors import InputError, UsageError
from reconciler.model.pattern import compile_pattern
from reconciler.model.policies import Finding, FlowPolicy, Rulebook
from reconciler.planning import planfile
from reconciler.planning.plan import PlanOptions
from reconciler.policy import judge, judging
from reconciler.policy.judge_plan import judge_again
from reconciler.policy.judging import FlowsByGroup
from reconciler.policy.saved import refuse_forged
from reconciler.render.junit import junit
from reconciler.render.plan import view_plan
from reconciler.render.sarif import sarif
from reconciler.workflow import make_plan

SIGNS = st.text(alphabet="xy()[]{}+*?|.^$1,\\", max_size=24)


@given(SIGNS)
@settings(max_examples=examples(300))
def test_no_pattern_explodes(pattern: str) -> None:
    """Each either is refused with a reason or is matched in linear time (that this test ends is the proof)."""
    try:
        compiled = compile_pattern(pattern)
    except ValueError:
        return
    compiled.search("x" * 5000)
    compiled.fullmatch("x" * 5000)


@pytest.mark.parametrize("pattern", ["(x+x+)+y", "(a|a)*b", "(x*)*y", r"^(\w+\s?)*$"], ids=str)
def test_a_pattern_that_explodes_elsewhere_is_taken(pattern: str) -> None:
    text = policies(rule_description=f"{{pattern: '{pattern}'}}")
    text += group(f"direction: ingress, protocol: tcp, ports: 1, description: {'x' * 250}")
    assert [found.guardrail for found in judged(text)] in ([], ["rule_description"])


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "(", "x{1,100000}"], ids=str)
def test_what_has_no_linear_match_is_refused(pattern: str) -> None:
    with pytest.raises(InputError) as raised:
        read_policies({"rule_description": {"pattern": pattern}}, "sgctl.toml")
    assert "no regular expression" in raised.value.issues[0].message


def test_more_findings_than_anybody_reads_stop_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "MAX_FINDINGS", 5)
    rules = "\n".join(f"direction: ingress, protocol: tcp, ports: {1 + port}" for port in range(20))
    found = judged(policies(rule_description="warning") + group(rules))
    assert [each.level for each in found] == ["warning"] * 5 + ["error"]
    assert found[-1].guardrail == "finding-limit"
    assert len(sarif(found, "plan", "/")["runs"][0]["results"]) == 6
    assert "finding-limit" in junit(found, "plan")
    assert found[-1].stops


def test_a_plan_of_more_findings_than_anybody_reads_is_read_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays stopped, and what rules from outside find is told before what the files find."""
    monkeypatch.setattr(judge, "MAX_FINDINGS", 5)
    rules = "\n".join(f"direction: ingress, protocol: tcp, ports: {1 + port}" for port in range(20))
    desired = state(policies(rule_description="warning") + group(rules))
    denied = {"group": "*", "direction": "ingress", "protocol": "tcp", "ports": 20}
    options = PlanOptions(outside=Rulebook(read_policies({"must_deny": [denied]}, "rules.toml")))
    made = make_plan(desired, {HERE: ()}, options, base_url="https://api.test", created_at="2026-06-15T12:00:00Z")
    assert [each.guardrail for each in made.stopped_by] == ["must_deny", "finding-limit"]
    text = "".join(planfile.iterdumps(made))
    read = planfile.loads(text, "plan.json", BACKENDS)
    refuse_forged(read, "plan.json")
    assert [each.guardrail for each in judge_again(read).stopped_by] == ["must_deny", "finding-limit"]
    monkeypatch.setattr(judge, "MAX_FINDINGS", 10_000)
    assert judge_again(read).stopped_by


def test_more_flows_times_groups_than_a_minute_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "MAX_FLOW_CHECKS", 3)
    flow = "\n    - {group: '*', direction: ingress, protocol: tcp, ports: 443}"
    with pytest.raises(UsageError, match="4 checks for 1 groups, over the limit of 3"):
        judged(policies(must_deny=flow * 4) + group("direction: ingress, protocol: tcp, ports: 22"))


NAMES = st.text("ab*?[]!-", min_size=1, max_size=5)


@given(st.lists(NAMES), st.lists(NAMES))
@settings(max_examples=examples(200))
def test_flows_are_about_the_groups_that_their_globs_match(groups: list[str], names: list[str]) -> None:
    flows = [FlowPolicy(group, ()) for group in groups]
    by_group = FlowsByGroup(flows)
    for name in names:
        assert by_group.about(name) == [flow for flow in flows if fnmatchcase(name, flow.group)]
    assert by_group.about_none(names) == [
        flow for flow in flows if not any(fnmatchcase(name, flow.group) for name in names)
    ]


def test_flows_about_other_groups_are_not_looked_at() -> None:
    """Flows times groups was without a limit where no flow has a glob."""
    by_group = FlowsByGroup(FlowPolicy(f"web{number}", ()) for number in range(50_000))
    started = time.process_time()
    assert sum(len(by_group.about(f"web{number}")) for number in range(5000)) == 5000
    assert time.process_time() - started < 10


def test_findings_are_gone_through_as_often_however_many_there_are() -> None:
    """Whether a finding stops the plan was looked up in a list that was made for each of them."""
    plan = planned(group("direction: ingress, protocol: tcp, ports: 22"))
    walks = []
    for size in (4, 400):
        findings = Counted(Finding("must_deny", "error", f"m{number}") for number in range(size))
        assert len(view_plan(replace(plan, findings=findings, lifted=("must_deny",))).warnings) == size
        walks.append(findings.walks)
    assert walks[0] == walks[1] > 0
