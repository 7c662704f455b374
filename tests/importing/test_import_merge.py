"""Merging is exact: the written rules mean the rules that were live, each once, and are few."""

from __future__ import annotations

import sys

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.importing.merge import merge
from reconciler.importing.shorten import ShortRule, shorten
from reconciler.importing.text import GroupText, document_text
from reconciler.importing.writable import why_not_rules
from reconciler.loading.rule import expand
from reconciler.model.desired import Target
from reconciler.model.rule import Rule

PREFIXES = [("IPv4", None), ("IPv6", None), ("IPv4", "10.0.0.0/8"), ("IPv4", "192.0.2.0/24"), ("IPv6", "2001:db8::/32")]
RANGES = [(22, 22), (80, 80), (443, 443), (8000, 8099), (None, None)]
GROUP = "00000000-0000-4000-8000-000000000001"


@st.composite
def some_rules(draw: st.DrawFn) -> Rule:
    """Rules that have much in common, so that there is much to merge."""
    family, prefix = draw(st.sampled_from(PREFIXES))
    direction = draw(st.sampled_from(["ingress", "egress"]))
    protocol = draw(st.sampled_from(["tcp", "udp", "icmp", "gre", None, "ipv6-frag"]))
    low, high = None, None
    if protocol in {"tcp", "udp"}:
        low, high = draw(st.sampled_from(RANGES))
    if protocol == "icmp":
        protocol = "icmp" if family == "IPv4" else "ipv6-icmp"
        low, high = draw(st.sampled_from([(None, None), (8, 0), (8, None)]))
    if protocol == "ipv6-frag":
        family, prefix = "IPv6", prefix if family == "IPv6" else None
    group = draw(st.sampled_from([None, GROUP])) if prefix is None else None
    return Rule(direction, family, protocol, low, high, prefix, group)


RULES = st.dictionaries(some_rules(), st.sampled_from(["", "a", "b"]), max_size=60)


def written(rules: dict[Rule, str], names: dict[str, str] | None = None) -> list[ShortRule]:
    return [shorten(rule, names or {}) for rule in merge(rules)]


def as_lists(rule: ShortRule) -> dict[str, object]:
    """The same rule as YAML gives it: lists, where ours may be tuples."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in rule.items()}


@settings(max_examples=examples(300))
@given(rules=RULES)
def test_the_written_rules_mean_the_given_ones_each_once(rules: dict[Rule, str]) -> None:
    assert why_not_rules(rules) is None
    meant: list[tuple[Rule, object]] = []
    for rule in written(rules):
        expansion = expand(as_lists(rule), {})
        assert not expansion.problems
        meant += [(each, rule.get("description", "")) for each, _ in expansion.rules]
    assert sorted(map(str, meant)) == sorted(str((rule, text)) for rule, text in rules.items())


@settings(max_examples=examples(100))
@given(rules=RULES)
def test_the_order_of_the_rules_means_nothing(rules: dict[Rule, str]) -> None:
    assert written(rules) == written(dict(reversed(rules.items())))


def tcp(port: int, prefix: str | None = None, family: str = "IPv4", **fields: object) -> Rule:
    rule = Rule("ingress", family, "tcp", port, port, prefix)  # type: ignore[arg-type]  # a family is given as text
    return rule._replace(**fields)


BOTH = ["IPv4", "IPv6"]
SHORT = {
    "ports_of_one_remote": (
        [tcp(443), tcp(80), tcp(8000, port_range_max=8099)],
        ["{direction: ingress, protocol: tcp, ports: [80, 443, 8000-8099], remote_ip_prefix: 0.0.0.0/0}"],
    ),
    "one_port": (
        [tcp(22, "10.0.0.0/8")],
        ["{direction: ingress, protocol: tcp, ports: 22, remote_ip_prefix: 10.0.0.0/8}"],
    ),
    "prefixes_of_one_port": (
        [tcp(22, "10.0.0.0/8"), tcp(22, "9.0.0.0/8")],
        ["{direction: ingress, protocol: tcp, ports: 22, remote_ip_prefixes: [9.0.0.0/8, 10.0.0.0/8]}"],
    ),
    "prefixes_of_both_families": (
        [tcp(22, "10.0.0.0/8"), tcp(22, "2001:db8::/32", "IPv6")],
        ["{direction: ingress, protocol: tcp, ports: 22, remote_ip_prefixes: [10.0.0.0/8, 2001:db8::/32]}"],
    ),
    "ports_times_prefixes": (
        [tcp(port, prefix) for port in (22, 80) for prefix in ("10.0.0.0/8", "9.0.0.0/8")],
        ["{direction: ingress, protocol: tcp, ports: [22, 80], remote_ip_prefixes: [9.0.0.0/8, 10.0.0.0/8]}"],
    ),
    "no_product_where_a_corner_is_missing": (
        [tcp(22, "10.0.0.0/8"), tcp(22, "9.0.0.0/8"), tcp(80, "10.0.0.0/8")],
        [
            "{direction: ingress, protocol: tcp, ports: 22, remote_ip_prefix: 9.0.0.0/8}",
            "{direction: ingress, protocol: tcp, ports: [22, 80], remote_ip_prefix: 10.0.0.0/8}",
        ],
    ),
    "twins_of_everywhere": (
        [tcp(80), tcp(80, family="IPv6")],
        ["{direction: ingress, ethertype: [IPv4, IPv6], protocol: tcp, ports: 80}"],
    ),
    "ipv6_alone": (
        [tcp(80, family="IPv6")],
        ['{direction: ingress, protocol: tcp, ports: 80, remote_ip_prefix: "::/0"}'],
    ),
    "twins_of_a_remote_group": (
        [tcp(80, family=family, remote_group_id=GROUP) for family in BOTH],
        ["{direction: ingress, ethertype: [IPv4, IPv6], protocol: tcp, ports: 80, remote_group: app}"],
    ),
    "egress_to_everywhere": (
        [Rule("egress", "IPv4"), Rule("egress", "IPv6")],
        ["{direction: egress, ethertype: [IPv4, IPv6]}"],
    ),
    "egress_of_ipv4": ([Rule("egress", "IPv4")], ["{direction: egress}"]),
    "egress_of_ipv6": ([Rule("egress", "IPv6", "udp")], ["{direction: egress, ethertype: IPv6, protocol: udp}"]),
    "ping": (
        [Rule("ingress", "IPv4", "icmp", 8, 0)],
        ["{direction: ingress, protocol: icmp, icmp_type: 8, icmp_code: 0, remote_ip_prefix: 0.0.0.0/0}"],
    ),
    "types_of_icmp_are_no_list": (
        [Rule("egress", "IPv4", "icmp", 3, None), Rule("egress", "IPv4", "icmp", 8, None)],
        ["{direction: egress, protocol: icmp, icmp_type: 3}", "{direction: egress, protocol: icmp, icmp_type: 8}"],
    ),
    "icmp_of_both_families": (
        [Rule("egress", "IPv4", "icmp"), Rule("egress", "IPv6", "ipv6-icmp")],
        ["{direction: egress, ethertype: [IPv4, IPv6], protocol: icmp}"],
    ),
    "all_ports_stay_out_of_lists": (
        [Rule("egress", "IPv4", "tcp"), Rule("egress", "IPv4", "tcp", 80, 80)],
        ["{direction: egress, protocol: tcp}", "{direction: egress, protocol: tcp, ports: 80}"],
    ),
    "a_protocol_number_is_text": ([Rule("egress", "IPv4", "94")], ['{direction: egress, protocol: "94"}']),
    "ingress_first_every_protocol_last": (
        [Rule("egress", "IPv4"), Rule("ingress", "IPv4"), Rule("ingress", "IPv4", "udp", 53, 53), tcp(80)],
        [
            "{direction: ingress, protocol: tcp, ports: 80, remote_ip_prefix: 0.0.0.0/0}",
            "{direction: ingress, protocol: udp, ports: 53, remote_ip_prefix: 0.0.0.0/0}",
            "{direction: ingress, remote_ip_prefix: 0.0.0.0/0}",
            "{direction: egress}",
        ],
    ),
}


@pytest.mark.parametrize(("rules", "lines"), SHORT.values(), ids=SHORT)
def test_rules_are_written_as_a_person_would(rules: list[Rule], lines: list[str]) -> None:
    assert rule_lines(dict.fromkeys(rules, "")) == lines


def test_remote_groups_are_sorted_by_name_whatever_their_ids() -> None:
    other = "ffffffff-0000-4000-8000-000000000001"
    rules = {tcp(80, remote_group_id=group_id): "" for group_id in (GROUP, other)}
    assert [rule.remote_group_id for rule in merge(rules, {GROUP: "web", other: "app"})] == [other, GROUP]


def test_a_description_stays_with_its_rules() -> None:
    assert rule_lines({tcp(80): "web", tcp(443): "web", tcp(22): "ssh"}) == [
        "{direction: ingress, protocol: tcp, ports: 22, remote_ip_prefix: 0.0.0.0/0, description: ssh}",
        "{direction: ingress, protocol: tcp, ports: [80, 443], remote_ip_prefix: 0.0.0.0/0, description: web}",
    ]


def rule_lines(rules: dict[Rule, str]) -> list[str]:
    group = GroupText("web", None, None, None, prevent_destroy=False, rules=written(rules, {GROUP: "app"}))
    lines = document_text(Target(1, 7), [group]).splitlines()
    return [line.removeprefix("      - ") for line in lines if line.startswith("      - ")]


def test_twice_the_rules_cost_about_twice_the_work() -> None:
    """Counts what Python does rather than the time that it takes."""
    assert _steps(2000) < 2.5 * _steps(1000)


def _steps(number: int) -> int:
    rules = {tcp(1 + index, f"10.{index % 251}.0.0/16"): f"rule {index % 7}" for index in range(number)}
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        merge(rules)
    finally:
        sys.setprofile(None)
    return steps
