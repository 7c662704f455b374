"""`must_allow` and `must_deny` agree with one packet at a time, and say which flow it is."""

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_build import HERE, TODAY, group, judged, live_group, live_rule, of, planned, policies

from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import DesiredRule
from reconciler.model.place import FilePlace
from reconciler.model.policies import FlowPolicy, Policies
from reconciler.model.rule import Rule
from reconciler.policy.flows import check_flows
from reconciler.policy.judging import Judging
from reconciler.policy.subject import Subject
from reconciler.traffic import Packet, admits

PORTS = (21, 22, 23, 24)
ADDRESSES = tuple(f"10.0.0.{last}" for last in range(8))


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules of a world so small that every packet of it can be asked for."""
    low = draw(st.sampled_from((None, *PORTS[1:3])))
    high = None if low is None else draw(st.sampled_from([port for port in PORTS[1:3] if port >= low]))
    protocol = draw(st.sampled_from(("tcp", "udp", None))) if low is None else draw(st.sampled_from(("tcp", "udp")))
    length = draw(st.integers(29, 32))
    prefix = draw(
        st.sampled_from((None, f"10.0.0.{draw(st.integers(0, 7)) >> (32 - length) << (32 - length)}/{length}"))
    )
    return canonical_rule("ingress", "IPv4", protocol, low, high, prefix, None)


PACKETS = [
    Packet("ingress", "IPv4", protocol, port=port, remote_address=address)
    for protocol in ("tcp", "udp", "sctp")
    for port in PORTS
    for address in (*ADDRESSES, "192.0.2.1")
]


def subject(some: list[Rule]) -> Subject:
    desired = [DesiredRule(rule, "", FilePlace("f.yaml", 1, 1)) for rule in some]
    return Subject(HERE, "web", None, desired)


@given(st.lists(rules(), max_size=6), st.lists(rules(), min_size=1, max_size=3))
@settings(max_examples=examples(300))
def test_must_allow_and_must_deny_are_exact(some: list[Rule], wanted: list[Rule]) -> None:
    """Judged against every packet of a small world: found exactly when a packet says so."""
    flow = FlowPolicy("web", tuple((rule, None) for rule in wanted))
    lacking = any(admits(wanted, packet) and not admits(some, packet) for packet in PACKETS)
    reached = any(admits(wanted, packet) and admits(some, packet) for packet in PACKETS)
    required = list(check_flows(subject(some), Judging(Policies(must_allow=(flow,)), TODAY)))
    denied = list(check_flows(subject(some), Judging(Policies(must_deny=(flow,)), TODAY)))
    assert bool(required) == lacking
    assert bool(denied) == reached


SSH = (
    "[{group: web, direction: ingress, protocol: tcp, ports: 22, remote_ip_prefix: 203.0.113.0/24, description: night}]"
)
IN = "direction: ingress, protocol: tcp"


@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        pytest.param(f"{IN}, ports: 22, remote_ip_prefix: 203.0.113.0/24", None, id="exactly"),
        pytest.param(f"{IN}, ports: 1-100, remote_ip_prefix: 203.0.0.0/16", None, id="more"),
        pytest.param("direction: ingress", None, id="everything"),
        pytest.param(f"{IN}, ports: 22, remote_ip_prefixes: [203.0.113.0/25, 203.0.113.128/25]", None, id="in_parts"),
        pytest.param(
            f"{IN}, ports: 22, remote_ip_prefix: 203.0.113.0/25", "ingress tcp 22 from 203.0.113.128/25", id="half"
        ),
        pytest.param(
            f"{IN}, ports: 23, remote_ip_prefix: 203.0.113.0/24", "ingress tcp 22 from 203.0.113.0/24", id="other_port"
        ),
        pytest.param(f"{IN}, ports: 22, remote_group: web", "ingress tcp 22 from 203.0.113.0/24", id="a_group_only"),
    ],
)
def test_the_message_names_exactly_what_is_missing(rule: str, missing: str | None) -> None:
    found = judged(policies(must_allow=SSH) + group(rule))
    assert bool(found) == bool(missing)
    if missing:
        assert f"would not admit what it must: {missing} (night); add or keep a rule" in found[0].message
        assert found[0].stops


def test_must_deny_names_the_rule_and_what_it_opens() -> None:
    text = policies(must_deny='[{group: "w*", direction: ingress, protocol: tcp, ports: 23}]')
    (found,) = judged(text + group(f"{IN}, ports: 80\n{IN}, ports: 20-30, remote_ip_prefix: 10.0.0.0/8"))
    assert "would admit what it must not: ingress tcp 23 from 10.0.0.0/8" in found.message
    assert str(found.place).endswith("groups.yaml:9:9")


@pytest.mark.parametrize(("remote", "is_found"), [("lbs", False), ("web", True)], ids=["that_group", "another"])
def test_remote_groups_are_meant_by_name(remote: str, *, is_found: bool) -> None:
    flow = "[{group: web, direction: ingress, protocol: tcp, ports: 80, remote_group: lbs}]"
    both = group(f"{IN}, ports: 80, remote_group: {remote}") + "  - {name: lbs, rules: []}\n"
    text = policies(must_allow=flow) + both
    live = live_group(name="lbs")
    for findings in (judged(text), planned(text).findings, planned(text, live).findings):
        found = of(findings, "must_allow")
        assert bool(found) == is_found
        assert all("ingress tcp 80 from group lbs" in each.message for each in found)


def test_a_misspelled_group_does_not_switch_the_protection_off() -> None:
    plan = planned(policies(must_allow=SSH.replace("web", "wbe")) + group(IN))
    assert "no group has that name" in of(plan.stopped_by, "must_allow")[0].message


def test_unmanaged_rules_are_judged_as_they_are_live() -> None:
    text = policies(must_allow=SSH) + "security_groups: [{name: web, tags: {}}]\n"
    assert judged(text) == ()
    assert planned(text, live_group(live_rule(1, None, 22))).findings == ()
    assert of(planned(text, live_group(live_rule(1, "10.0.0.0/8", 22))).findings, "must_allow")


@pytest.mark.parametrize(
    ("address", "keeps", "stops"),
    [
        pytest.param("203.0.113.9", "203.0.113.0/24", False, id="kept"),
        pytest.param("203.0.113.9", "203.0.113.0/29", True, id="one_beyond"),
        pytest.param("203.0.113.7", "203.0.113.0/29", False, id="the_last_one"),
        pytest.param("198.51.100.1", "203.0.113.0/29", False, id="never_admitted"),
        pytest.param("2001:db8::1", "203.0.113.0/29", False, id="the_other_family"),
    ],
)
def test_nobody_locks_themselves_out(address: str, keeps: str, *, stops: bool) -> None:
    live = live_group(live_rule(1, "203.0.113.0/24", 22))
    plan = planned(group(f"{IN}, ports: 22, remote_ip_prefix: {keeps}"), live, protect=address)
    assert bool(plan.stopped_by) == stops
    if stops:
        (found,) = plan.stopped_by
        for words in ("LOCK YOU OUT", "'web'", address, "rule-1", "without --protect-ssh-from"):
            assert words in found.message


@pytest.mark.parametrize(
    "more",
    [
        "    tags: {env: prod}\n",
        "    ignore_rules: [{ports: 22}]\n    rules: [{direction: ingress, protocol: tcp, ports: 443}]\n",
    ],
    ids=["rules_that_are_not_managed", "rules_of_others"],
)
def test_what_stays_live_is_judged_as_what_is_written(more: str) -> None:
    """There is no written rule that admits it, and so no place of one."""
    flow = "[{group: web, direction: ingress, protocol: tcp, ports: 22, remote_ip_prefix: 0.0.0.0/0}]"
    text = policies(must_deny=flow) + f"security_groups:\n  - name: web\n{more}"
    for port, stops in ((22, True), (23, False)):
        plan = planned(text, live_group(live_rule(1, "10.0.0.0/8", port)))
        assert [each.guardrail for each in plan.stopped_by] == ["must_deny"] * stops
        assert all("tcp 22 from 10.0.0.0/8" in each.message for each in plan.stopped_by)
