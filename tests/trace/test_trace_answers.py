"""An answer of `trace` is what an evaluator says that knows nothing of the algebra."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import Target
from reconciler.model.errors import UsageError
from reconciler.model.place import FilePlace
from reconciler.model.rule import Rule
from reconciler.planning.group_view import StateView, ViewedGroup, ViewedRule
from reconciler.trace import TraceAnswer, parse_question, trace

TARGET = Target(1, 7)
V4 = ["10.0.0.0/29", "10.0.0.4/30", "10.0.0.5/32", "10.0.0.0/30", None]
V6 = ["2001:db8::/125", "2001:db8::4/126", "2001:db8::5/128", None]
GROUPS = ["app", "db"]


def key(name: str) -> str:
    return f"id-of-{name}"


ETHERTYPES = st.sampled_from(["IPv4", "IPv4", "IPv6"])
PROTOCOLS = st.sampled_from(["tcp", "tcp", "udp", "icmp", "gre", None])
RANGES = st.sampled_from([(None, None), (1, 2), (2, 3), (3, 3), (1, 65535)])
TYPES_AND_CODES = st.sampled_from([(None, None), (8, None), (8, 0)])
REMOTES = {"IPv4": st.sampled_from([*V4, *GROUPS]), "IPv6": st.sampled_from([*V6, *GROUPS])}
DIRECTIONS = st.sampled_from(["ingress", "egress"])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    ethertype: Any = draw(ETHERTYPES)
    protocol = draw(PROTOCOLS)
    low, high = None, None
    if protocol in {"tcp", "udp"}:
        low, high = draw(RANGES)
    elif protocol == "icmp":
        low, high = draw(TYPES_AND_CODES)
    remote = draw(REMOTES[ethertype])
    is_group = remote in GROUPS
    return canonical_rule(
        draw(DIRECTIONS),
        ethertype,
        protocol,
        low,
        high,
        None if is_group else remote,
        key(remote) if is_group and remote else None,
    )


def side_of(**groups: list[Rule]) -> StateView:
    found = tuple(
        ViewedGroup(
            TARGET,
            key(name),
            name,
            tuple(ViewedRule(rule, name, place=FilePlace(f"{name}.yaml", n + 1, 9)) for n, rule in enumerate(listed)),
        )
        for name, listed in groups.items()
    )
    return StateView(found, {key(name): name for name in groups})


def ask(side: StateView, words: str, *far: str, near: str = "web") -> TraceAnswer:
    question, paths = parse_question(words.split(), far)
    assert paths == ()
    return trace(side, [near], question)


def admits(rule: Rule, direction: str, packet: tuple[str, int | None, str | None, frozenset[str]]) -> bool:
    """One packet: protocol, port (or ICMP type, with code 0), far address, far groups."""
    protocol, number, address, groups = packet
    family = "IPv6" if address and ":" in address else "IPv4"
    name = "ipv6-icmp" if protocol == "icmp" and family == "IPv6" else protocol
    if (rule.direction, rule.ethertype) != (direction, family) or rule.protocol not in {None, name}:
        return False
    if rule.protocol in {"tcp", "udp"} and rule.port_range_min is not None:
        assert rule.port_range_max is not None
        assert number is not None
        if not rule.port_range_min <= number <= rule.port_range_max:
            return False
    if rule.protocol in {"icmp", "ipv6-icmp"} and (
        rule.port_range_min not in {None, number} or rule.port_range_max not in {None, 0}
    ):
        return False
    if rule.remote_group_id is not None:
        return rule.remote_group_id in groups
    return rule.remote_ip_prefix is None or (
        address is not None and ip_address(address) in ip_network(rule.remote_ip_prefix)
    )


PACKETS = st.tuples(
    st.sampled_from(["tcp", "udp", "icmp", "gre"]),
    st.sampled_from([1, 2, 3, 8]),
    st.sampled_from(["10.0.0.3", "10.0.0.5", "10.0.0.7", "192.0.2.1", "2001:db8::5", "2001:db8::7"]),
)


@given(st.lists(rules(), max_size=6), PACKETS, st.sampled_from(["ingress", "egress"]))
def test_one_packet_from_an_address(found: list[Rule], packet: tuple[str, int, str], direction: str) -> None:
    """Allowed when some rule admits it, by exactly those that do; a group's members are not known."""
    protocol, number, address = packet
    service = {"icmp": f"icmp/{number}/0", "gre": "gre"}.get(protocol, f"{protocol}/{number}")
    answer = ask(side_of(web=found), f"{direction} {service} {'from' if direction == 'ingress' else 'to'} {address}")
    admitting = [rule for rule in found if admits(rule, direction, (protocol, number, address, frozenset()))]
    assert answer.allowed == bool(admitting)
    assert [rule.rule for rule in answer.rules] == admitting
    assert bool(answer.checks[0].nearest) != answer.allowed, "what is refused says what is nearest, or that nothing is"


@given(st.lists(rules(), max_size=5), st.lists(rules(), max_size=5), st.sampled_from([1, 2, 3]))
def test_a_flow_between_groups_has_to_pass_both_ends(ingress: list[Rule], egress: list[Rule], port: int) -> None:
    """Of the members' addresses nothing is known: a prefix admits none of them."""
    side = side_of(web=ingress, app=[_to(rule, "web") for rule in egress])
    answer = ask(side, f"ingress tcp/{port}", "app")
    into = any(admits(rule, "ingress", ("tcp", port, None, frozenset({key("app")}))) for rule in ingress)
    out = any(admits(_to(rule, "web"), "egress", ("tcp", port, None, frozenset({key("web")}))) for rule in egress)
    assert [check.allowed for check in answer.checks] == [into, out]
    assert answer.allowed == (into and out)
    mirrored = ask(side, f"egress tcp/{port} to group web", near="app")
    assert mirrored.allowed == answer.allowed, "asked from the other end, the answer is the same"


def _to(rule: Rule, name: str) -> Rule:
    return rule._replace(remote_group_id=key(name)) if rule.remote_group_id == key("app") else rule


@given(st.lists(rules(), max_size=7), st.sampled_from(["10.0.0.0/29", "10.0.0.4/30", "2001:db8::4/126"]))
def test_a_prefix_and_a_range_are_allowed_when_every_packet_is(found: list[Rule], prefix: str) -> None:
    """Also by several rules together, each of which admits a part."""
    answer = ask(side_of(web=found), f"ingress tcp/1-3 from {prefix}")
    every = all(
        any(admits(rule, "ingress", ("tcp", port, str(address), frozenset())) for rule in found)
        for port, address in product((1, 2, 3), ip_network(prefix))
    )
    assert answer.allowed == every


@given(st.lists(rules(), max_size=5), st.sampled_from(["10.0.0.5", "192.0.2.1"]))
def test_a_member_with_a_known_address_is_admitted_by_either(found: list[Rule], address: str) -> None:
    side = side_of(web=found, app=[canonical_rule("egress", "IPv4", None, None, None, None, None)])
    answer = ask(side, f"ingress tcp/2 from {address}", "app")
    assert answer.allowed == any(
        admits(rule, "ingress", ("tcp", 2, address, frozenset({key("app")}))) for rule in found
    )


def one(protocol: str | None, ports: tuple[int, int] | None, remote: str | None, ethertype: Any = None) -> Rule:
    low, high = ports or (None, None)
    is_group = remote in GROUPS
    group = key(remote) if is_group and remote else None
    return canonical_rule("ingress", ethertype, protocol, low, high, None if is_group else remote, group)


NEAREST = {
    "same from elsewhere": (
        [one("tcp", (443, 443), "203.0.113.0/24")],
        "ingress tcp/443 from 203.0.112.9",
        "ingress tcp 443 is allowed from 203.0.113.0/24 only (web.yaml:1:9)",
    ),
    "the nearest prefix first": (
        [one("tcp", (443, 443), "10.0.0.0/8"), one("tcp", (443, 443), "203.0.113.0/24")],
        "ingress tcp/443 from 203.0.112.9",
        "ingress tcp 443 is allowed from 203.0.113.0/24 (web.yaml:2:9) and 10.0.0.0/8 (web.yaml:1:9) only",
    ),
    "another port": (
        [one("tcp", (8000, 8099), "203.0.113.0/24")],
        "ingress tcp/443 from 203.0.113.9",
        "from 203.0.113.9, ingress is allowed for tcp 8000-8099 only (web.yaml:1:9)",
    ),
    "another protocol": (
        [one("udp", (443, 443), None)],
        "ingress tcp/443 from 203.0.113.9",
        "from 203.0.113.9, ingress is allowed for udp 443 only (web.yaml:1:9)",
    ),
    "nothing alike": (
        [one("udp", (53, 53), "10.0.0.0/8")],
        "ingress tcp/443 from 203.0.113.9",
        "another service and another remote: ingress IPv4 udp 53 from 10.0.0.0/8 (web.yaml:1:9)",
    ),
    "it may hinge on membership": (
        [one("tcp", (443, 443), "app")],
        "ingress tcp/443 from 10.0.0.9",
        (
            "ingress tcp 443 is allowed from members of group app only (web.yaml:1:9); "
            "if the address belongs to a member of app, say so with --from-group"
        ),
    ),
    "no rule at all": ([], "ingress tcp/443 from 10.0.0.9", "there is no ingress rule at all"),
    "the other family": (
        [one("tcp", (443, 443), None, "IPv6")],
        "ingress tcp/443 from anywhere",
        "the same is allowed for IPv6 (web.yaml:1:9), not for IPv4",
    ),
    "a part": (
        [one("tcp", (1, 1023), None)],
        "ingress tcp/1000-2000 from 10.0.0.9",
        (
            "a part is allowed, by ingress IPv4 tcp 1-1023 from 0.0.0.0/0 (web.yaml:1:9); "
            "refused is ingress tcp 1024-2000 from 10.0.0.9/32"
        ),
    ),
}


@pytest.mark.parametrize(("found", "words", "message"), NEAREST.values(), ids=NEAREST.keys())
def test_a_refusal_says_what_is_nearest(found: list[Rule], words: str, message: str) -> None:
    answer = ask(side_of(web=found, app=[]), words)
    assert not answer.allowed
    assert answer.rules == ()
    assert answer.checks[0].nearest[0].message == message


QUESTIONS = {
    "host": ("ingress tcp/443 from 203.0.113.9", ("tcp", 443, 443, "203.0.113.9/32", "IPv4")),
    "IPv6": ("egress udp/53 to 2001:db8::53", ("udp", 53, 53, "2001:db8::53/128", "IPv6")),
    "range": ("ingress tcp/8000-8099 from 10.0.0.0/8", ("tcp", 8000, 8099, "10.0.0.0/8", "IPv4")),
    "all ports": ("ingress tcp from 10.0.0.0/8", ("tcp", None, None, "10.0.0.0/8", "IPv4")),
    "type and code": ("ingress icmp/8/0 from 10.0.0.1", ("icmp", 8, 0, "10.0.0.1/32", "IPv4")),
    "ICMP of IPv6": ("ingress icmp/128 from ::1", ("ipv6-icmp", 128, None, "::1/128", "IPv6")),
    "any": ("ingress any from 10.0.0.1", (None, None, None, "10.0.0.1/32", "IPv4")),
    "number": ("ingress 47 from 10.0.0.1", ("gre", None, None, "10.0.0.1/32", "IPv4")),
    "anywhere": ("ingress tcp/22 from anywhere", ("tcp", 22, 22, None, "IPv4")),
    "the world": ("ingress tcp/22 from ::/0", ("tcp", 22, 22, None, "IPv6")),
    "group": ("ingress tcp/22 from group app", ("tcp", 22, 22, None, "IPv4")),
}


@pytest.mark.parametrize(("words", "flow"), QUESTIONS.values(), ids=QUESTIONS.keys())
def test_questions_are_read(words: str, flow: tuple[Any, ...]) -> None:
    question, paths = parse_question([*words.split(), "groups/", "web.yaml"])
    asked = question.flow
    assert paths == ("groups/", "web.yaml")
    found = (asked.protocol, asked.port_range_min, asked.port_range_max, asked.remote_ip_prefix, asked.ethertype)
    assert found == flow


WRONG = {
    "direction": "inbound tcp/22 from 10.0.0.1",
    "protocol": "ingress tpc/22 from 10.0.0.1",
    "port": "ingress tcp/70000 from 10.0.0.1",
    "turned range": "ingress tcp/9-1 from 10.0.0.1",
    "port of gre": "ingress gre/22 from 10.0.0.1",
    "type": "ingress icmp/256 from 10.0.0.1",
    "preposition": "ingress tcp/22 to 10.0.0.1",
    "no remote": "ingress tcp/22",
    "no address": "ingress tcp/22 from",
    "no name": "ingress tcp/22 from group",
    "host bits": "ingress tcp/22 from 10.0.0.1/8",
    "no address at all": "ingress tcp/22 from office",
    "a protocol of IPv6": "ingress ipv6-icmp from 10.0.0.1",
    "nothing": "",
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_question_is_refused_in_words(words: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_question(words.split())
    assert refused.value.message
