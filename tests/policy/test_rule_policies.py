"""Policies about single rules and groups, at, below and above each limit."""

from datetime import date

import pytest
from policy_build import group, judged, live_group, live_rule, of, planned, policies

from reconciler.policy.judge_plan import judge_again

IN = "direction: ingress, protocol: tcp, ports: 80"


@pytest.mark.parametrize(
    ("name", "policy", "rule", "is_found"),
    [
        ("max_prefix_size", "error", f"{IN}, remote_ip_prefix: 10.0.0.0/15", True),
        ("max_prefix_size", "error", f"{IN}, remote_ip_prefix: 10.0.0.0/16", False),
        ("max_prefix_size", "error", f"{IN}, remote_ip_prefix: 10.0.0.0/17", False),
        ("max_prefix_size", "error", f"{IN}, remote_ip_prefix: '2000::/31'", True),
        ("max_prefix_size", "error", f"{IN}, remote_ip_prefix: '2000::/32'", False),
        ("max_prefix_size", "error", IN, True),
        ("max_prefix_size", "error", f"{IN}, remote_group: web", False),
        ("max_prefix_size", "{ipv4: 0}", IN, False),
        ("max_prefix_size", "error", "direction: egress", False),
        ("max_prefix_size", "{directions: [egress]}", "direction: egress", True),
        ("allowed_prefixes", "{prefixes: [10.0.0.0/8]}", f"{IN}, remote_ip_prefix: 10.0.0.0/8", False),
        ("allowed_prefixes", "{prefixes: [10.0.0.0/8]}", f"{IN}, remote_ip_prefix: 10.255.0.0/16", False),
        ("allowed_prefixes", "{prefixes: [10.0.0.0/8]}", f"{IN}, remote_ip_prefix: 10.0.0.0/7", True),
        ("allowed_prefixes", "{prefixes: [10.0.0.0/8]}", f"{IN}, remote_ip_prefix: 11.0.0.0/16", True),
        ("allowed_prefixes", "{prefixes: [10.0.0.0/8]}", f"{IN}, remote_ip_prefix: 'a00::/16'", True),
        ("allowed_prefixes", "{prefixes: [10.0.0.0/8]}", IN, True),
        ("allowed_prefixes", "{prefixes: [0.0.0.0/0]}", IN, False),
        ("allowed_prefixes", "{prefixes: [10.0.0.0/8]}", f"{IN}, remote_group: web", False),
        ("rule_description", "error", IN, True),
        ("rule_description", "error", f"{IN}, description: ' '", True),
        ("rule_description", "error", f"{IN}, description: why", False),
        ("rule_description", "{pattern: '^NET-[0-9]+'}", f"{IN}, description: NET-1 web", False),
        ("rule_description", "{pattern: '^NET-[0-9]+'}", f"{IN}, description: web NET-1", True),
        ("forbidden_protocols", "{protocols: [gre]}", "direction: egress, protocol: gre", True),
        ("forbidden_protocols", "{protocols: [gre]}", "direction: egress, protocol: '47'", True),
        ("forbidden_protocols", "{protocols: [gre]}", "direction: egress", False),
        ("forbidden_protocols", "{protocols: [any]}", "direction: egress", True),
        ("forbidden_protocols", "{protocols: [any]}", "direction: egress, protocol: '0'", True),
        ("forbidden_protocols", "{protocols: ['4']}", "direction: egress, protocol: ipencap", True),
        ("forbidden_protocols", "{protocols: [ipencap]}", "direction: egress, protocol: ipip", True),
        ("forbidden_protocols", "{protocols: [any], directions: [ingress]}", "direction: egress", False),
        ("forbidden_protocols", "{protocols: [icmp]}", "direction: ingress, ethertype: IPv6, protocol: icmpv6", True),
    ],
    ids=lambda value: str(value)[:60],
)
def test_each_rule_is_judged_at_its_limit(name: str, policy: str, rule: str, *, is_found: bool) -> None:
    found = of(judged(policies(**{name: policy}) + group(rule)), name)
    assert bool(found) == is_found
    for each in found:
        assert each.level == "error"
        assert each.flag == f"--lift {name}"
        assert f"`{name}" in each.message  # the way out
        assert str(each.place).endswith("groups.yaml:8:9")


@pytest.mark.parametrize(
    ("policy", "tags", "is_found"),
    [
        ("[env]", "{env: prod}", False),
        ("[env]", "{team: edge}", True),
        ("[env]", "{}", True),
        ("{env: prod|test}", "{env: prod}", False),
        ("{env: prod|test}", "{env: production}", True),
    ],
)
def test_required_tags(policy: str, tags: str, *, is_found: bool) -> None:
    text = policies(required_tags=f"{{tags: {policy}}}") + group(IN, f"    tags: {tags}\n")
    assert bool(judged(text)) == is_found


@pytest.mark.parametrize(
    ("live", "stops"), [({"env": "prod"}, False), ({}, True)], ids=["live_has_it", "nobody_has_it"]
)
def test_tags_that_no_file_manages_are_those_that_are_live(live: dict[str, str], *, stops: bool) -> None:
    text = policies(required_tags="{tags: [env]}") + group(IN)
    assert judged(text) == ()
    assert bool(planned(text, live_group(tags=live)).stopped_by) == stops


@pytest.mark.parametrize(
    ("expires", "policy", "level"),
    [
        ("2026-06-14", "error", "error"),
        ('"2026-06-14"', "error", "error"),
        ("2026-06-14", "warning", "warning"),
        ("2026-06-14", "off", None),
        ("2026-06-15", "error", "warning"),
        ("2026-06-29", "error", "warning"),
        ("2026-06-30", "error", None),
        ("2026-06-16", "{warn_days: 0}", None),
    ],
    ids=["past", "quoted", "past_as_warning", "off", "last_day", "two_weeks", "later", "no_warning"],
)
def test_a_rule_is_warned_of_before_its_date_and_fails_after(expires: str, policy: str, level: str | None) -> None:
    found = judged(policies(expires=policy) + group(f"{IN}, expires: {expires}"))
    assert [each.level for each in found] == ([level] if level else [])


def test_expiry_is_on_without_any_policies() -> None:
    assert [each.level for each in judged(group(f"{IN}, expires: 2026-01-01"))] == ["error"]


EXCEPTION = "exception: {policy: rule_description, reason: legacy, until: 2026-06-15}"


@pytest.mark.parametrize("where", ["rule", "group"])
@pytest.mark.parametrize(
    ("day", "stops"), [(date(2026, 6, 15), False), (date(2026, 6, 16), True)], ids=["last", "over"]
)
def test_an_exception_holds_up_to_its_last_day(where: str, day: date, *, stops: bool) -> None:
    text = group(f"{IN}, {EXCEPTION}") if where == "rule" else group(IN, f"    {EXCEPTION}\n")
    (found,) = judged(policies(rule_description="error") + text, day)
    assert found.stops == stops
    assert (found.exception is None) == stops
    assert ("its exception ended on 2026-06-15 (legacy)" in found.message) == stops


def test_an_exception_covers_its_own_policy_only() -> None:
    text = policies(rule_description="error", max_prefix_size="error") + group(f"{IN}, {EXCEPTION}")
    found = judged(text)
    assert {each.guardrail: each.stops for each in found} == {"rule_description": False, "max_prefix_size": True}
    assert not any("its exception ended" in each.message for each in found)


@pytest.mark.parametrize("day", [date(2026, 6, 15), date(2026, 6, 16)])
def test_an_exception_of_a_group_that_does_not_change_ends_for_a_saved_plan_too(day: date) -> None:
    """Nothing of the group is in the plan but what was found in it."""
    text = policies(rule_description="error") + group(f"{IN}, remote_ip_prefix: 10.0.0.0/8, {EXCEPTION}")
    plan = planned(text, live_group(live_rule(1, "10.0.0.0/8", 80)), day=date(2026, 6, 15))
    assert (plan.changes, plan.stopped_by) == ((), ())
    (found,) = judge_again(plan, today=day).findings
    assert found.stops == ("its exception ended on 2026-06-15 (legacy)" in found.message) == (day.day == 16)
