"""`Traffic` against an evaluator that asks one packet at a time."""

from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from traffic_bruteforce import any_admits, corners, flow_admits, rule_admits, rule_lists, rules

from reconciler.model.rule import Rule
from reconciler.traffic import Traffic, covers, overlaps
from reconciler.traffic.index import RuleIndex, bits

few = settings(max_examples=examples(60))
many = settings(max_examples=examples(200))


@few
@given(rule_lists(), rule_lists())
def test_union_intersection_and_difference_admit_what_the_words_say(a: list[Rule], b: list[Rule]) -> None:
    one, other = Traffic.of(a), Traffic.of(b)
    union, both, less = one.union(other).flows(), one.intersection(other).flows(), one.difference(other).flows()
    for point in corners([*a, *b], [*union, *both, *less]):
        in_a, in_b = any_admits(a, point), any_admits(b, point)
        assert sum(flow_admits(flow, point) for flow in union) == (in_a or in_b)
        assert sum(flow_admits(flow, point) for flow in both) == (in_a and in_b)
        assert sum(flow_admits(flow, point) for flow in less) == (in_a and not in_b)


@few
@given(rule_lists(4), rule_lists(4))
def test_containment_and_equality_are_those_of_the_packets(a: list[Rule], b: list[Rule]) -> None:
    one, other = Traffic.of(a), Traffic.of(b)
    points = [(any_admits(a, point), any_admits(b, point)) for point in corners([*a, *b])]
    assert one.is_subset(other) == all(in_b for in_a, in_b in points if in_a)
    assert (one == other) == all(in_a == in_b for in_a, in_b in points)
    assert one.is_empty == (not a)


@many
@given(rule_lists(), rules())
def test_asking_for_one_rule_is_asking_for_its_traffic(a: list[Rule], rule: Rule) -> None:
    """`admits_some`, `admits_all` and `part` are short ways to an intersection and a subset."""
    one, other = Traffic.of(a), Traffic.of([rule])
    assert one.part(rule) == one.intersection(other)
    assert one.admits_some(rule) == (not one.intersection(other).is_empty)
    assert one.admits_all(rule) == other.is_subset(one)


@many
@given(rule_lists(), rule_lists())
def test_union_and_difference_keep_the_laws_of_sets(a: list[Rule], b: list[Rule]) -> None:
    one, other = Traffic.of(a), Traffic.of(b)
    assert one.union(other) == Traffic.of([*a, *b]) == other.union(one)
    assert one.difference(other).union(one.intersection(other)) == one
    assert one.difference(other).intersection(other).is_empty
    assert hash(one.union(one)) == hash(one)
    assert one.intersection(other).is_subset(one)


@many
@given(rule_lists(10))
def test_flows_read_back_are_the_same_traffic(some: list[Rule]) -> None:
    traffic = Traffic.of(some)
    assert Traffic.of_flows(traffic.flows()) == traffic


@many
@given(rules(), rules())
def test_single_rules_compare_as_their_packets_do(a: Rule, b: Rule) -> None:
    points = [(rule_admits(a, point), rule_admits(b, point)) for point in corners([a, b])]
    assert overlaps(a, b) == overlaps(b, a) == any(in_a and in_b for in_a, in_b in points)
    assert covers(a, b) == all(in_a for in_a, in_b in points if in_b)


@many
@given(rules(), st.sampled_from(["0.0.0.0/0", "::/0"]))
def test_a_prefix_of_length_zero_is_every_remote(rule: Rule, prefix: str) -> None:
    rule = rule._replace(ethertype="IPv6" if ":" in prefix else "IPv4", remote_ip_prefix=None, remote_group_id=None)
    assert Traffic.of([rule]) == Traffic.of([rule._replace(remote_ip_prefix=prefix)])


def test_every_protocol_is_more_than_all_that_have_a_name() -> None:
    every = Rule("ingress", "IPv4")
    named = [Rule("ingress", "IPv4", protocol) for protocol in ("tcp", "udp", "icmp", "gre", *map(str, range(1, 256)))]
    assert Traffic.of([every]) != Traffic.of(named)
    assert Traffic.of([every]) == Traffic.of([every, *named])


def test_all_addresses_are_less_than_every_remote_since_groups_are_remotes_too() -> None:
    halves = [Rule("ingress", "IPv4", remote_ip_prefix=prefix) for prefix in ("0.0.0.0/1", "128.0.0.0/1")]
    assert Traffic.of(halves) != Traffic.of([Rule("ingress", "IPv4")])
    assert Traffic.of(halves).is_subset(Traffic.of([Rule("ingress", "IPv4")]))


@many
@given(rule_lists(12), rules())
def test_an_index_finds_what_asking_each_rule_finds(some: list[Rule], rule: Rule) -> None:
    """And a chain of rules, or corners that nobody holds, say the same as the algebra."""
    index = RuleIndex(some)
    assert [some[i] for i in bits(index.covering(rule))] == [each for each in some if covers(each, rule)]
    near = index.overlapping(rule)
    assert [some[i] for i in bits(near)] == [each for each in some if overlaps(each, rule)]
    if near:
        together = Traffic.of(some).admits_all(rule)
        assert index.hold_corners(near, rule) or not together
        chain = index.chain(near, rule)
        assert not chain or Traffic.of(some[i] for i in bits(chain)).admits_all(rule)
