"""Egress to port 25: each written rule that covers it is found once, where it is written or newly created."""

from datetime import date

import pytest
from policy_build import TODAY, group, judged, live_group, live_rule, of, planned, policies, state

from reconciler.api.backend import BACKENDS
from reconciler.loading.policies import saved_policies
from reconciler.planning import planfile
from reconciler.policy.audit import audit
from reconciler.policy.judge_plan import judge_again

OUT = "direction: egress"
SMTP = "smtp_egress"


@pytest.mark.parametrize(
    ("rule", "protocols"),
    [
        pytest.param(OUT, "tcp and udp", id="every_protocol"),
        pytest.param(f"{OUT}, protocol: tcp", "tcp", id="every_port_of_tcp"),
        pytest.param(f"{OUT}, protocol: udp, ports: 25", "udp", id="just_the_port"),
        pytest.param(f"{OUT}, protocol: '6', ports: 25-30", "tcp", id="first_of_a_range_by_number"),
        pytest.param(f"{OUT}, protocol: tcp, ports: 1-25", "tcp", id="last_of_a_range"),
        pytest.param(f"{OUT}, protocol: tcp, ports: 1-24", "", id="below"),
        pytest.param(f"{OUT}, protocol: tcp, ports: 26-65535", "", id="above"),
        pytest.param(f"{OUT}, protocol: sctp, ports: 25", "", id="another_protocol"),
        pytest.param(f"{OUT}, protocol: icmp, icmp_type: 25", "", id="a_type_is_no_port"),
        pytest.param("direction: ingress, protocol: tcp, ports: 25", "", id="ingress"),
        pytest.param("preset: default-egress", "", id="the_preset"),
        pytest.param(f"{OUT}, protocol: tcp, ports: 25, remote_ip_prefix: 10.0.0.0/8", "tcp", id="private_addresses"),
        pytest.param(f"{OUT}, ethertype: [IPv4, IPv6]", "(and 1 more)", id="two_families_are_one_finding"),
    ],
)
def test_a_rule_is_found_where_it_covers_port_25(rule: str, protocols: str) -> None:
    for found in (judged(group(rule)), planned(group(rule)).findings):
        smtp = of(found, SMTP)
        assert len(smtp) == bool(protocols)
        for each in smtp:
            assert (each.level, str(each.place).endswith("groups.yaml:6:9")) == ("warning", True)
            assert protocols in each.message
            assert "`preset: default-egress`" in each.message
            assert "`smtp_egress: off`" in each.message


def test_protocol_zero_is_every_protocol() -> None:
    """It can be written where it is live, and only the files are judged by it then."""
    (found,) = of(judged(group(f"{OUT}, protocol: '0'")), SMTP)
    assert "tcp and udp" in found.message


def test_what_is_live_already_is_no_news() -> None:
    """Only rules that a change creates are judged; a new description is a new rule to the cloud."""
    live = live_group(live_rule(1, None, direction="egress"))
    assert of(planned(group(f"{OUT}\ndirection: ingress, protocol: tcp, ports: 443"), live).findings, SMTP) == []
    assert len(of(planned(group(f"{OUT}, description: all"), live).findings, SMTP)) == 1
    assert of(audit(state(group(OUT)), {live.target: (live,)}, TODAY).findings, SMTP) == []


@pytest.mark.parametrize(("level", "stops"), [("error", True), ("warning", False), ("off", False)])
def test_the_level_can_be_set(level: str, *, stops: bool) -> None:
    plan = planned(policies(smtp_egress=level) + group(OUT))
    assert [each.level for each in of(plan.findings, SMTP)] == ([] if level == "off" else [level])
    assert bool(plan.stopped_by) == stops
    assert not any("softer" in note for note in plan.notes), "off says what the account may, and lets nothing else pass"


def test_a_reviewed_exception_holds_until_its_day() -> None:
    beside = "exception: {policy: smtp_egress, reason: mail relay, until: '2026-06-30'}"
    text = policies(smtp_egress="error") + group(f"{OUT}, protocol: tcp, ports: 25, {beside}")
    assert not planned(text).stopped_by
    (late,) = planned(text, day=date(2026, 7, 1)).stopped_by
    assert "its exception ended on 2026-06-30" in late.message


def test_a_saved_plan_is_judged_again_the_same_way() -> None:
    plan = planned(policies(smtp_egress="error") + group(f"{OUT}, ethertype: [IPv4, IPv6]"))
    again = judge_again(planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS))
    assert [*map(str, again.findings)] == [*map(str, plan.findings)]
    lenient = judge_again(
        plan, policies=saved_policies(state(policies(smtp_egress="off") + group(OUT)).policies.source)
    )
    assert lenient.findings == ()


def test_the_rules_of_a_complete_preset_need_no_description() -> None:
    text = policies(rule_description="error") + group("preset: default-egress")
    assert judged(text) == ()
    assert planned(text).findings == ()
    part = policies(rule_description="error") + group(f"{OUT}, protocol: gre")
    assert len(judged(part)) == 1
