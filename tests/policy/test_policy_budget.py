"""Policies of a stranger: no input makes judging take for ever, and what is too much says so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_build import group, judged, policies

from reconciler.loading.policies import read_policies
from reconciler.model.errors import InputError, UsageError
from reconciler.model.pattern import compile_pattern
from reconciler.policy import judge, subject

SIGNS = st.text(alphabet="xy()[]{}+*?|.^$1,\\", max_size=24)


@given(SIGNS)
@settings(max_examples=300, deadline=None)
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
    assert found[-1].stops


def test_more_flows_times_groups_than_a_minute_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MAX_FLOW_CHECKS", 3)
    flow = "\n    - {group: '*', direction: ingress, protocol: tcp, ports: 443}"
    with pytest.raises(UsageError, match="4 checks for 1 groups, over the limit of 3"):
        judged(policies(must_deny=flow * 4) + group("direction: ingress, protocol: tcp, ports: 22"))
