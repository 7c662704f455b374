"""A rule in words."""

from __future__ import annotations

import pytest
from build import rule, tcp, uuid
from hypothesis import given
from strategies import rules

from reconciler.model.rule import Rule, describe_rule


@pytest.mark.parametrize(
    ("each", "words"),
    [
        pytest.param(tcp(443), "ingress IPv4 tcp 443 from 0.0.0.0/0", id="a-port"),
        pytest.param(rule(ports=(80, 90)), "ingress IPv4 tcp 80-90 from 0.0.0.0/0", id="ports"),
        pytest.param(rule("egress", None, None, "::/0"), "egress  IPv6 any to ::/0", id="everything"),
        pytest.param(rule(protocol="icmp", ports=(8, None)), "ingress IPv4 icmp type 8 from 0.0.0.0/0", id="type"),
        pytest.param(rule(protocol="icmp", ports=(8, 0)), "ingress IPv4 icmp type 8 code 0 from 0.0.0.0/0", id="code"),
        pytest.param(rule(protocol="99"), "ingress IPv4 99 from 0.0.0.0/0", id="a-number"),
        pytest.param(tcp(22, "10.0.0.0/8"), "ingress IPv4 tcp 22 from 10.0.0.0/8", id="a-prefix"),
        pytest.param(tcp(22, uuid(1)), "ingress IPv4 tcp 22 from group app", id="a-group-by-name"),
        pytest.param(tcp(22, uuid(2)), f"ingress IPv4 tcp 22 from group {uuid(2)}", id="a-group-without-a-name"),
    ],
)
def test_words(each: Rule, words: str) -> None:
    assert describe_rule(each, {uuid(1): "app"}) == words


@given(rules(), rules())
def test_different_rules_have_different_words(one: Rule, other: Rule) -> None:
    assert (describe_rule(one) == describe_rule(other)) == (one == other)
