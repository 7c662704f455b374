"""`model.canonical` against a naive reading of the facts, and against whatever the API may answer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from build import TARGET, desired_group, plan_of, uuid
from effort import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from neutron_identity import NUMBERS, same
from strategies import api_rules

from reconciler.api.parse import parse_group
from reconciler.loading.rule import expand
from reconciler.model.canonical import (
    IPV6_PROTOCOLS,
    PROTOCOL_NUMBERS,
    PUBLISHED_PROTOCOLS,
    canonical_prefix,
    canonical_protocol,
    canonical_rule,
)
from reconciler.model.desired import DesiredRule
from reconciler.model.live import LiveGroup
from reconciler.model.place import FilePlace
from reconciler.model.rule import Rule

FUZZ = Path(__file__).parents[3] / "shared" / "api" / "neutron-fuzz.txt"
FIELDS = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
)


def canonical(answer: dict[str, Any]) -> Rule:
    return canonical_rule(*(answer.get(field) for field in FIELDS))


def answer_of(rules: list[dict[str, Any]]) -> dict[str, Any]:
    """A group as the API answers it, each rule with an id of its own."""
    listed = [{**rule, "id": uuid(100 + index)} for index, rule in enumerate(rules)]
    return {"id": uuid(1), "name": "web", "description": None, "tags_v2": [], "security_group_rules": listed, "new": 1}


CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "description": st.just("another"),
    "ethertype": st.sampled_from([None, "IPv4", "IPv6"]),
    "protocol": st.sampled_from([None, "any", "0", "6", "tcp", "58", "icmp", "icmpv6", "ipv6-icmp", "1"]),
    "remote_ip_prefix": st.sampled_from([None, "", "0.0.0.0/0", "::/0", "10.0.0.0/8", "2001:db8::1"]),
    "direction": st.sampled_from(["ingress", "egress"]),
    "port_range_max": st.sampled_from([None, 0, 65535]),
}
RESPELLED = st.lists(st.one_of(st.tuples(st.just(field), values) for field, values in CHANGES.items()), max_size=2).map(
    dict
)
"""What makes the same rule in other words, or almost the same rule."""


@settings(max_examples=examples(1000))
@given(api_rules(), api_rules(), RESPELLED)
def test_two_rules_are_one_exactly_when_neutron_says_so(
    one: dict[str, Any], other: dict[str, Any], changes: dict[str, Any]
) -> None:
    """Random pairs, and pairs that differ in one or two fields at most: equal tuples exactly where equal rules."""
    near = one | changes
    assert (canonical(one) == canonical(other)) == same(one, other)
    assert (canonical(one) == canonical(near)) == same(one, near)


@settings(max_examples=examples(500))
@given(api_rules())
def test_the_canonical_form_of_a_canonical_form_is_itself(rule: dict[str, Any]) -> None:
    once = canonical(rule)
    assert canonical_rule(*once) == once


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        pytest.param({"protocol": "tcp"}, {"protocol": "6"}, True, id="a-number-and-its-name"),
        pytest.param({"protocol": "tcp"}, {"protocol": 6}, True, id="a-number-that-is-no-text"),
        pytest.param({"protocol": "tcp"}, {"protocol": "TCP"}, True, id="case"),
        pytest.param({"protocol": "any"}, {"protocol": None}, True, id="any-is-none"),
        pytest.param({"protocol": "0"}, {"protocol": None}, False, id="zero-is-not-any"),
        pytest.param({"protocol": "icmp"}, {"protocol": "ipv6-icmp"}, False, id="icmp-of-two-families"),
        pytest.param(
            {"protocol": "icmp", "ethertype": "IPv6"},
            {"protocol": "ipv6-icmp", "ethertype": "IPv6"},
            True,
            id="icmp-with-ipv6",
        ),
        pytest.param(
            {"protocol": "1", "ethertype": "IPv6"}, {"protocol": "58", "ethertype": "IPv6"}, True, id="1-with-ipv6"
        ),
        pytest.param({"protocol": "ipencap"}, {"protocol": "4"}, False, id="ipencap-is-no-name-of-4"),
        pytest.param({"remote_ip_prefix": None}, {"remote_ip_prefix": "0.0.0.0/0"}, True, id="everywhere"),
        pytest.param({"remote_ip_prefix": "0.0.0.0/0"}, {"remote_ip_prefix": "::/0"}, False, id="two-everywheres"),
        pytest.param(
            {"ethertype": "IPv6"}, {"remote_ip_prefix": "::/0"}, True, id="everywhere-of-ipv6-tells-the-family"
        ),
        pytest.param({"remote_ip_prefix": "10.0.0.1"}, {"remote_ip_prefix": "10.0.0.1/32"}, True, id="bare-v4"),
        pytest.param({"remote_ip_prefix": "2001:db8::1"}, {"remote_ip_prefix": "2001:db8::1/128"}, True, id="bare-v6"),
        pytest.param(
            {"remote_ip_prefix": "2001:0DB8:0::/32"}, {"remote_ip_prefix": "2001:db8::/32"}, True, id="compressed"
        ),
        pytest.param({"remote_ip_prefix": "10.1.2.3/8"}, {"remote_ip_prefix": "10.0.0.0/8"}, True, id="host-bits"),
        pytest.param({"remote_ip_prefix": "10.0.0.0/8"}, {"remote_ip_prefix": "10.0.0.0/9"}, False, id="length"),
        pytest.param(
            {"protocol": "tcp", "port_range_min": 1, "port_range_max": 65535}, {"protocol": "tcp"}, True, id="all-ports"
        ),
        pytest.param(
            {"protocol": "6", "port_range_min": 1, "port_range_max": 65535}, {"protocol": "tcp"}, True, id="all-of-6"
        ),
        pytest.param(
            {"protocol": "tcp", "port_range_min": 0, "port_range_max": 65535}, {"protocol": "tcp"}, False, id="0-65535"
        ),
        pytest.param(
            {"protocol": "icmp", "port_range_min": 8},
            {"protocol": "icmp", "port_range_min": 8, "port_range_max": 0},
            False,
            id="code-0-is-a-code",
        ),
        pytest.param({"description": "a"}, {"description": "b"}, True, id="the-description-does-not-count"),
        pytest.param(
            {"protocol": "gre", "port_range_min": 1, "port_range_max": 65535},
            {"protocol": "gre"},
            True,
            id="all-of-gre",
        ),
        pytest.param({"port_range_min": 1, "port_range_max": 65535}, {}, True, id="all-of-any"),
        pytest.param({"remote_ip_prefix": "10.0.0.5/0"}, {}, True, id="host-bits-of-everywhere"),
        pytest.param(
            {"remote_group_id": "0000000a-0000-4000-8000-000000000001"},
            {"remote_group_id": "0000000A-0000-4000-8000-000000000001"},
            False,
            id="id-case",
        ),
        pytest.param({"remote_group_id": uuid(1)}, {}, False, id="a-group-is-not-everywhere"),
        pytest.param({"direction": "egress"}, {}, False, id="direction"),
    ],
)
def test_the_facts_one_by_one(one: dict[str, Any], other: dict[str, Any], equal: bool) -> None:
    """Each row is a fact about Neutron; the naive reading agrees with every one."""
    first, second = {"direction": "ingress", **one}, {"direction": "ingress", **other}
    assert (canonical(first) == canonical(second)) is equal
    assert same(first, second) is equal


@pytest.mark.skipif(not FUZZ.is_file(), reason="the answers of a real Neutron are not beside this checkout")
def test_what_a_real_neutron_took_for_a_duplicate_is_one_rule() -> None:
    """The cases in which a real Neutron once disagreed with us about two rules being one."""
    kinds = dict(re.findall(r"^ +\d+ x (\S+ says .*?)\n(.*?)\n\n", FUZZ.read_text(), re.MULTILINE | re.DOTALL))
    duplicates = [json.loads(line) for line in kinds["Neutron says duplicate, canonical differs"].splitlines()[::2]]
    assert duplicates
    for case in duplicates:
        assert canonical(case) == canonical({**case, "port_range_min": None, "port_range_max": None})
    (host_bits,) = [json.loads(line) for line in kinds["canonical says equal, Neutron stored both"].splitlines()[::2]]
    assert canonical(host_bits) == canonical({**host_bits, "remote_ip_prefix": None})  # one meaning, and both are kept


def test_every_number_of_a_published_protocol_is_its_name() -> None:
    for number in range(256):
        named = NUMBERS.get(str(number), str(number))
        assert canonical_protocol(str(number), "IPv6" if named.startswith("ipv6") else "IPv4") == named
    assert {name: str(number) for name, number in PROTOCOL_NUMBERS.items()} == {
        name: number for number, name in NUMBERS.items()
    }
    assert IPV6_PROTOCOLS < PUBLISHED_PROTOCOLS


@pytest.mark.parametrize("strange", ["l2tp", "٣", "²", "1e3", "-1", "256", "00000000000000006", " tcp ", "%"])
def test_a_strange_protocol_has_a_form_and_keeps_it(strange: str) -> None:
    once = canonical_protocol(strange, "IPv4")
    assert canonical_protocol(once, "IPv4") == once


@settings(max_examples=examples(500))
@example("1.2.3.4/33")
@example("fe80::1%eth0/64")
@example("10.0.0.0/255.0.0.0")
@example("010.0.0.0/8")
@example("\x00")
@given(st.text(max_size=12))
def test_a_prefix_that_is_none_is_kept_as_it_is(text: str) -> None:
    """Whatever it is, its form is one that has itself as its form."""
    once = canonical_prefix(text)
    assert canonical_prefix(once) == once


@settings(max_examples=examples(300))
@given(st.lists(api_rules(), max_size=8))
def test_whatever_is_live_plans_empty_when_it_is_written_back(rules: list[dict[str, Any]]) -> None:
    """Strange protocols, host bits, duplicates, null and unknown fields: as the API spells them they change nothing."""
    live = parse_group(answer_of(rules), TARGET)
    desired = desired_group("web", written_back(live))
    assert plan_of([desired], [live]).changes == ()


def written_back(live: LiveGroup) -> list[DesiredRule]:
    """The live rules under the API's field names, read as a file's rules are; equal ones once."""
    found: dict[Rule, DesiredRule] = {}
    for index, live_rule in enumerate(live.rules):
        fields = {**live_rule.rule._asdict(), "description": live_rule.description, "id": live_rule.id}
        expansion = expand(fields, {})
        assert expansion.problems == ()
        ((rule, remote_group),) = expansion.rules
        found.setdefault(
            rule, DesiredRule(rule, live_rule.description, FilePlace("live.yaml", index + 1, 1), remote_group)
        )
    return list(found.values())
