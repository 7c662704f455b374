"""What is open to the world: the definition against one that counts /8 after /8, and how it reads."""

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.rule import Rule
from reconciler.traffic import (
    Flow,
    Traffic,
    describe_exposure,
    exposures,
    may_be_world,
    spans,
    traffic_difference,
    world_open,
)
from reconciler.traffic.extent import services
from reconciler.traffic.flow import Remote, flow_services

PREFIXES = [None, *(f"{base}.0.0.0/{bits}" for bits in (1, 2, 4, 5) for base in range(0, 256, 256 >> bits))]
SERVICES = [("tcp", 22, 22), ("tcp", 20, 25), ("tcp", None, None), ("udp", 53, 53), ("gre", None, None)]
SERVICES += [("icmp", None, None), ("icmp", 8, 0), (None, None, None)]
POINTS = [("tcp", 22), ("tcp", 20), ("tcp", 80), ("udp", 53), ("udp", 54), ("gre", 0), ("esp", 0), ("icmp", 2048)]
RULES = st.builds(
    lambda service, prefix, direction: Rule(direction, "IPv4", *service, prefix),
    st.sampled_from(SERVICES),
    st.sampled_from(PREFIXES),
    st.sampled_from(["ingress"] * 9 + ["egress"]),
)


def eights(rules: list[Rule], point: tuple[str, int]) -> set[int]:
    """The /8 from which a service is admitted."""
    found: set[int] = set()
    for rule in rules:
        start, end = services(rule)
        if rule.direction == "ingress" and start <= point < end:
            base, _, bits = (rule.remote_ip_prefix or "0.0.0.0/0").partition("/")
            first = int(base.split(".")[0])
            found.update(range(first, first + (256 >> int(bits))))
    return found


def is_world(some: set[int]) -> bool:
    return len(some & set(range(1, 224))) * 16 >= 223 or len(some) >= 128


@settings(max_examples=examples(80))
@given(st.lists(RULES, max_size=5), st.lists(RULES, max_size=5), st.lists(RULES, max_size=4))
def test_a_change_opens_to_the_world_what_a_count_says(gone: list[Rule], kept: list[Rule], new: list[Rule]) -> None:
    opens = traffic_difference([*gone, *kept], [*kept, *new]).opens
    found = exposures(opens, kept)
    for point in POINTS:
        was, stays = eights([*gone, *kept], point), eights(kept, point)
        opened = eights([*kept, *new], point) - was
        becomes = is_world(opened | stays) and not is_world(stays)
        expected = bool(opened) and point[0] != "icmp" and (is_world(opened) or becomes)
        meant = any(
            spans.meets(flow_services(flow), (point, (point[0], point[1] + 1)))
            for each in found
            for flow in each.services
        )
        assert (meant and point[0] != "icmp") == expected, point
    assert {flow for each in found for flow in each.flows} <= set(opens)
    assert not found or may_be_world(new, kept)


def tcp(port: int, *prefixes: str) -> list[Rule]:
    return [
        Rule("ingress", "IPv6" if ":" in each else "IPv4", "tcp", port, port, None if each.endswith("/0") else each)
        for each in prefixes
    ]


SIXTEEN = [f"{base}.0.0.0/8" for base in range(20, 52, 2)]


@pytest.mark.parametrize(
    ("kept", "new", "lines"),
    [
        pytest.param([], tcp(22, "0.0.0.0/0"), ["ingress tcp 22 from 0.0.0.0/0"], id="everybody"),
        pytest.param([], tcp(22, "128.0.0.0/1"), ["ingress tcp 22 from 128.0.0.0/1"], id="half_of_ipv4"),
        pytest.param([], tcp(22, "8000::/1"), ["ingress tcp 22 from 8000::/1"], id="half_of_ipv6_that_nobody_has"),
        pytest.param([], tcp(22, "fc00::/7", "ff00::/8", "10.0.0.0/8"), [], id="private_and_multicast"),
        pytest.param(
            [],
            tcp(22, *SIXTEEN),
            ["ingress tcp 22 from 16 prefixes together (20.0.0.0/8, 22.0.0.0/8, 24.0.0.0/8, and 13 more)"],
            id="many_prefixes_together",
        ),
        pytest.param([], tcp(22, *SIXTEEN[:13]), [], id="fewer_are_not"),
        pytest.param(
            tcp(22, *SIXTEEN[:13]), tcp(22, SIXTEEN[13]), ["ingress tcp 22 from 46.0.0.0/8"], id="the_last_of_them"
        ),
        pytest.param(tcp(22, *SIXTEEN[:13]), tcp(443, SIXTEEN[13]), [], id="another_port"),
        pytest.param(tcp(22, "64.0.0.0/2"), tcp(22, "10.0.0.0/8"), [], id="more_of_what_is_open_to_the_world_already"),
        pytest.param(
            tcp(22, "128.0.0.0/2"),
            tcp(22, *SIXTEEN),
            ["ingress tcp 22 from 16 prefixes together (20.0.0.0/8, 22.0.0.0/8, 24.0.0.0/8, and 13 more)"],
            id="as_much_again_of_what_is_open_to_the_world_already",
        ),
        pytest.param([], [Rule("ingress", "IPv4", "icmp")], [], id="icmp"),
        pytest.param([], [Rule("ingress", "IPv6", "ipv6-icmp", 128)], [], id="icmp_of_ipv6"),
        pytest.param([], [Rule("ingress", "IPv4", "gre")], ["ingress gre from 0.0.0.0/0"], id="no_ports_and_no_icmp"),
        pytest.param([], [Rule("egress", "IPv4", "tcp")], [], id="egress"),
    ],
)
def test_what_becomes_open_to_the_world(kept: list[Rule], new: list[Rule], lines: list[str]) -> None:
    opens = traffic_difference(kept, [*kept, *new]).opens
    assert [describe_exposure(each) for each in exposures(opens, kept)] == lines


def test_services_are_those_that_prefixes_have_in_common() -> None:
    """One opens a range of ports to a part of the world, others another range; the world is where they meet."""
    wide = [Rule("ingress", "IPv4", "tcp", 1, 100, each) for each in SIXTEEN[:8]]
    rest = [Rule("ingress", "IPv4", "tcp", 50, 200, each) for each in SIXTEEN[8:]]
    (found,) = exposures(Traffic.of([*wide, *rest]).flows())
    assert [flow.ports for flow in found.services] == [(50, 100)]
    assert len(found.flows) == 16


@pytest.mark.parametrize("protocol", ["tcp", "icmp"])
def test_one_flow_is_the_world_by_itself_or_not(protocol: str) -> None:
    flow = Flow("ingress", "IPv4", protocol, remote=Remote("0.0.0.0/1"))
    assert world_open(flow) == (protocol == "tcp")
