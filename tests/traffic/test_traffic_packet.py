"""Which rules admit one packet."""

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from traffic_bruteforce import ICMP, PORTS, corners, rule_admits, rule_lists

from reconciler.model.rule import Rule
from reconciler.traffic import Packet, admits

web = Rule("ingress", "IPv4", "tcp", 443, 443, "203.0.113.0/24")
app = Rule("ingress", "IPv4", "tcp", 443, 443, None, "app")
every = Rule("ingress", "IPv4")
ping = Rule("ingress", "IPv4", "icmp", 8)
unreachable = Rule("ingress", "IPv4", "icmp", 3, 1)
RULES = [web, app, every, ping, unreachable]


@settings(max_examples=examples(150))
@given(rule_lists(), st.data())
def test_the_rules_that_admit_a_packet_are_those_that_hold_its_point(rules: list[Rule], data: st.DataObject) -> None:
    points = list(corners(rules))
    for point in data.draw(st.lists(st.sampled_from(points), max_size=20)) if points else []:
        packet = Packet(
            point.direction,  # type: ignore[arg-type]  # a corner has the words of the rules
            point.ethertype,  # type: ignore[arg-type]
            point.protocol,
            point.number[0] if point.protocol in PORTS else None,
            *(point.number if point.protocol in ICMP else (None, None)),
            None if point.address is None else str(point.address),
            frozenset({point.group} - {None}),  # type: ignore[arg-type]  # no None is left
        )
        assert admits(rules, packet) == tuple(rule for rule in rules if rule_admits(rule, point))


@pytest.mark.parametrize(
    ("packet", "admitted_by"),
    [
        pytest.param(Packet("ingress", "IPv4", "tcp", 443, remote_address="203.0.113.9"), [web, every], id="address"),
        pytest.param(
            Packet("ingress", "IPv4", "tcp", 443, remote_address="203.0.113.9", remote_group_ids=frozenset({"app"})),
            [web, app, every],
            id="address_of_a_member",
        ),
        pytest.param(Packet("ingress", "IPv4", "tcp", 443), [every], id="remote_not_known"),
        pytest.param(Packet("ingress", "IPv4", "tcp", None, remote_address="203.0.113.9"), [every], id="some_port"),
        pytest.param(Packet("ingress", "IPv4", "icmp", icmp_type=8, icmp_code=0), [every, ping], id="echo_request"),
        pytest.param(Packet("ingress", "IPv4", "icmp", icmp_type=3, icmp_code=1), [every, unreachable], id="a_code"),
        pytest.param(Packet("ingress", "IPv4", "icmp", icmp_type=3), [every], id="some_code"),
        pytest.param(Packet("ingress", "IPv4", "icmp"), [every], id="some_icmp"),
        pytest.param(Packet("ingress", "IPv4", "esp"), [every], id="protocol_that_no_rule_names"),
        pytest.param(Packet("egress", "IPv4", "tcp", 443, remote_address="203.0.113.9"), [], id="other_direction"),
        pytest.param(Packet("ingress", "IPv6", "tcp", 443, remote_address="2001:db8::1"), [], id="other_family"),
    ],
)
def test_admits(packet: Packet, admitted_by: list[Rule]) -> None:
    assert admits(RULES, packet) == tuple(admitted_by)


def test_an_address_of_the_wrong_family_is_refused() -> None:
    with pytest.raises(OSError, match="illegal IP address"):
        admits(RULES, Packet("ingress", "IPv4", "tcp", 443, remote_address="2001:db8::1"))
