"""What a change opens and closes: exact, without overlap, and always written the same way."""

from ipaddress import ip_network
from itertools import combinations

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from traffic_bruteforce import any_admits, corners, flow_admits, json_admits, rule_lists

from reconciler.model.rule import Rule
from reconciler.traffic import Traffic, TrafficDifference, from_json, to_json, traffic_difference
from reconciler.traffic.difference import SAME

few = settings(max_examples=examples(80))
many = settings(max_examples=examples(200))
NOTHING = TrafficDifference()


@few
@given(rule_lists(), rule_lists(), rule_lists(4))
def test_opens_and_closes_are_exact_and_their_flows_do_not_overlap(
    old: list[Rule], new: list[Rule], common: list[Rule]
) -> None:
    old, new = old + common, common + new
    difference = traffic_difference(old, new)
    opens, closes = to_json(difference.opens), to_json(difference.closes)
    for point in corners([*old, *new], [*difference.opens, *difference.closes]):
        before, after = any_admits(old, point), any_admits(new, point)
        assert sum(flow_admits(flow, point) for flow in difference.opens) == (after and not before)
        assert sum(flow_admits(flow, point) for flow in difference.closes) == (before and not after)
        assert sum(json_admits(flow, point) for flow in opens) == (after and not before)
        assert sum(json_admits(flow, point) for flow in closes) == (before and not after)


@many
@given(rule_lists(), rule_lists(), rule_lists(4))
def test_the_difference_is_that_of_the_algebra(old: list[Rule], new: list[Rule], common: list[Rule]) -> None:
    old, new = old + common, common + new
    difference = traffic_difference(old, new)
    assert difference.opens == Traffic.of(new).difference(Traffic.of(old)).flows()
    assert difference.closes == Traffic.of(old).difference(Traffic.of(new)).flows()
    assert traffic_difference(new, old) == TrafficDifference(difference.closes, difference.opens)
    assert (difference == SAME) == (Traffic.of(old) == Traffic.of(new))


@many
@given(rule_lists(), rule_lists())
def test_json_reads_back_as_the_same_flows(old: list[Rule], new: list[Rule]) -> None:
    difference = traffic_difference(old, new)
    assert from_json(to_json(difference.opens)) == difference.opens
    assert from_json(to_json(difference.closes)) == difference.closes


@st.composite
def rewritten(draw: st.DrawFn) -> tuple[list[Rule], list[Rule]]:
    """Rules, and the same traffic in other rules: split, doubled, with covered rules added, in another order."""
    some = draw(rule_lists())
    other: list[Rule] = []
    for rule in some:
        kind = draw(st.sampled_from(["keep", "prefix", "ports", "covered", "double"]))
        if kind == "prefix" and rule.remote_ip_prefix and ip_network(rule.remote_ip_prefix).num_addresses > 1:
            halves = ip_network(rule.remote_ip_prefix).subnets()
            other += [rule._replace(remote_ip_prefix=str(half)) for half in halves]
        elif kind == "ports" and rule.protocol in ("tcp", "udp"):
            low, high = rule.port_range_min or 1, rule.port_range_max or 65535
            cut = draw(st.integers(low, high))
            again = draw(st.integers(low, cut))
            other.append(rule._replace(port_range_min=low, port_range_max=cut))
            other.append(rule._replace(port_range_min=again, port_range_max=high))
        elif kind == "covered" and rule.remote_ip_prefix is None and rule.remote_group_id is None:
            other += [rule, rule._replace(remote_group_id="app")]
        else:
            other += [rule] * (2 if kind == "double" else 1)
    return some, draw(st.permutations(other))


@many
@given(rewritten(), rule_lists(3))
def test_a_refactor_is_the_same_traffic_and_the_same_flows(
    pair: tuple[list[Rule], list[Rule]], old: list[Rule]
) -> None:
    some, other = pair
    assert traffic_difference(some, other) == NOTHING
    assert traffic_difference(old, some) == traffic_difference(old, other)
    assert Traffic.of(some).flows() == Traffic.of(other).flows()


def test_flows_of_one_list_are_pairwise_apart() -> None:
    old = [Rule("ingress", "IPv4", "tcp", 22, 80, "10.0.0.0/9"), Rule("ingress", "IPv4", "udp")]
    new = [Rule("ingress", "IPv4"), Rule("ingress", "IPv4", "tcp", 1, 50, "10.0.0.0/8")]
    opens = traffic_difference(old, new).opens
    assert len(opens) > 1
    for a, b in combinations(opens, 2):
        assert Traffic.of_flows([a]).intersection(Traffic.of_flows([b])).is_empty


tcp = Rule("ingress", "IPv4", "tcp", 22, 22)


@pytest.mark.parametrize(
    ("old", "new", "widens", "narrows"),
    [
        pytest.param([tcp], [tcp], False, False, id="unchanged"),
        pytest.param([], [tcp], True, False, id="group_created"),
        pytest.param([tcp], [], False, True, id="group_deleted"),
        pytest.param([tcp._replace(remote_ip_prefix="10.0.0.0/8")], [tcp], True, False, id="prefix_widened"),
        pytest.param([tcp], [tcp._replace(protocol="udp")], True, True, id="protocol_exchanged"),
        pytest.param([tcp], [tcp._replace(ethertype="IPv6")], True, True, id="families_are_independent"),
        pytest.param([tcp], [tcp, tcp._replace(remote_ip_prefix="10.0.0.0/8")], False, False, id="covered_rule_added"),
        pytest.param(
            [tcp._replace(remote_ip_prefix="10.0.0.0/25"), tcp._replace(remote_ip_prefix="10.0.0.128/25")],
            [tcp._replace(remote_ip_prefix="10.0.0.0/24")],
            False,
            False,
            id="two_25_merged_into_24",
        ),
        pytest.param(
            [
                tcp._replace(port_range_min=1, port_range_max=100),
                tcp._replace(port_range_min=101, port_range_max=65535),
            ],
            [tcp._replace(port_range_min=None, port_range_max=None)],
            False,
            False,
            id="ranges_merged_into_all_ports",
        ),
    ],
)
def test_widening_and_narrowing(old: list[Rule], new: list[Rule], *, widens: bool, narrows: bool) -> None:
    difference = traffic_difference(old, new)
    assert (bool(difference.opens), bool(difference.closes)) == (widens, narrows)
