"""What Neutron does to rules: how they are stored, which are refused, which are the same."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.emulator.neutron import ALLOW_ALL, key, stored
from reconciler.emulator.records import ApiError, RuleSpec


def spec(**fields: Any) -> RuleSpec:
    """An ingress rule."""
    return RuleSpec(**{"direction": "ingress", **fields})


def ports(protocol: str | None, low: int | None, high: int | None, **fields: Any) -> RuleSpec:
    """An ingress rule with ports, or ICMP type and code."""
    return spec(protocol=protocol, port_range_min=low, port_range_max=high, **fields)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(spec(protocol="any"), spec(protocol=None), id="any-is-no-protocol"),
        pytest.param(ports("tcp", 1, 65535), ports("tcp", None, None), id="all-ports-are-no-range"),
        *(
            pytest.param(ports(name, 1, 65535), ports(name, None, None), id=f"all-ports-of-{name}")
            for name in (None, "icmp", "gre", "igmp", "esp", "ah", "rsvp", "pgm", "ipip", "egp", "ospf", "0")
        ),
        pytest.param(
            ports("ipv6-frag", 1, 65535, ethertype="IPv6"),
            ports("ipv6-frag", None, None, ethertype="IPv6"),
            id="all-ports-of-ipv6-frag",
        ),
        pytest.param(
            spec(remote_ip_prefix="::ffff:a00:0/104", ethertype="IPv6"),
            spec(remote_ip_prefix="::ffff:10.0.0.0/104", ethertype="IPv6"),
            id="embedded-ipv4-address",
        ),
        pytest.param(ports("tcp", 1, 65534), ports("tcp", 1, 65534), id="nearly-all-ports-are-a-range"),
        pytest.param(spec(remote_ip_prefix="10.0.0.1"), spec(remote_ip_prefix="10.0.0.1/32"), id="address-v4"),
        pytest.param(
            spec(remote_ip_prefix="2001:DB8::1", ethertype="IPv6"),
            spec(remote_ip_prefix="2001:db8::1/128", ethertype="IPv6"),
            id="address-v6",
        ),
        pytest.param(
            spec(remote_ip_prefix="10.0.0.0/255.0.0.0"), spec(remote_ip_prefix="10.0.0.0/8"), id="mask-as-address"
        ),
        pytest.param(spec(remote_ip_prefix="0.0.0.0/0"), spec(remote_ip_prefix="0.0.0.0/0"), id="everywhere-stays"),
        pytest.param(
            spec(protocol="icmp", ethertype="IPv6"), spec(protocol="ipv6-icmp", ethertype="IPv6"), id="icmp-of-ipv6"
        ),
        pytest.param(spec(protocol="icmp"), spec(protocol="icmp"), id="icmp-of-ipv4-stays"),
        pytest.param(ports("icmp", 8, None), ports("icmp", 8, None), id="icmp-type-without-code"),
        pytest.param(ports("icmp", 0, 0), ports("icmp", 0, 0), id="icmp-zero-and-zero"),
        pytest.param(ports("sctp", 5, 5), ports("sctp", 5, 5), id="sctp-has-ports"),
    ],
)
def test_a_rule_is_stored_as_neutron_stores_it(asked: RuleSpec, expected: RuleSpec) -> None:
    """Not always as it was asked for."""
    assert stored(asked) == expected


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(ports(None, 80, 80), id="ports-without-a-protocol"),
        pytest.param(ports("any", 80, 80), id="ports-with-any"),
        pytest.param(ports("gre", 80, 80), id="ports-with-a-protocol-that-has-none"),
        pytest.param(ports("tcp", 0, 80), id="port-zero"),
        pytest.param(ports("tcp", 0, 65535), id="port-zero-to-the-last"),
        pytest.param(ports("gre", 1, 65534), id="nearly-all-ports-with-a-protocol-that-has-none"),
        pytest.param(spec(protocol="ipencap"), id="published-but-not-supported"),
        pytest.param(spec(protocol="256"), id="no-protocol-number"),
        pytest.param(ports("tcp", 81, 80), id="ports-the-wrong-way-round"),
        pytest.param(ports("tcp", 80, None), id="only-the-lower-port"),
        pytest.param(ports("udp", None, 80), id="only-the-upper-port"),
        pytest.param(ports("icmp", 256, None), id="icmp-type-too-large"),
        pytest.param(ports("icmp", 8, 256), id="icmp-code-too-large"),
        pytest.param(ports("icmp", None, 0), id="icmp-code-without-type"),
        pytest.param(spec(protocol="ipv6-icmp"), id="ipv6-icmp-with-ipv4"),
        pytest.param(spec(protocol="ipv6-opts"), id="ipv6-protocol-with-ipv4"),
        pytest.param(spec(remote_ip_prefix="2001:db8::/32"), id="ipv6-prefix-with-ipv4"),
        pytest.param(spec(remote_ip_prefix="10.0.0.0/8", ethertype="IPv6"), id="ipv4-prefix-with-ipv6"),
        pytest.param(spec(remote_ip_prefix="10.0.0.0/8", remote_group_id="x"), id="prefix-and-group"),
    ],
)
def test_a_combination_that_makes_no_sense_is_refused(asked: RuleSpec) -> None:
    """With 400, whichever version of the API was used."""
    with pytest.raises(ApiError) as refusal:
        stored(asked)
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(spec(description="a"), spec(description="b"), id="the-description-does-not-count"),
        pytest.param(spec(), spec(remote_ip_prefix="0.0.0.0/0"), id="everywhere-is-no-prefix"),
        pytest.param(
            spec(ethertype="IPv6"), spec(ethertype="IPv6", remote_ip_prefix="::/0"), id="everywhere-is-no-prefix-v6"
        ),
        pytest.param(spec(remote_ip_prefix="10.0.0.1"), spec(remote_ip_prefix="10.0.0.1/32"), id="address-and-mask"),
        pytest.param(spec(protocol="tcp"), spec(protocol="6"), id="name-and-number"),
        pytest.param(spec(), spec(protocol="any"), id="none-and-any"),
        pytest.param(
            spec(protocol="icmp", ethertype="IPv6"), spec(protocol="58", ethertype="IPv6"), id="icmp-of-ipv6-by-number"
        ),
        pytest.param(
            spec(protocol="1", ethertype="IPv6"), spec(protocol="ipv6-icmp", ethertype="IPv6"), id="number-1-of-ipv6"
        ),
        pytest.param(
            spec(remote_ip_prefix="2001:db8:0::/48", ethertype="IPv6"),
            spec(remote_ip_prefix="2001:db8::/48", ethertype="IPv6"),
            id="two-spellings-of-an-ipv6-prefix",
        ),
        pytest.param(ports("tcp", 1, 65535), ports("tcp", None, None), id="all-ports"),
        pytest.param(ports(None, 1, 65535), ports("any", None, None), id="all-ports-of-any"),
    ],
)
def test_two_rules_are_the_same_to_neutron(one: RuleSpec, other: RuleSpec) -> None:
    """The second one would be refused as a duplicate."""
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(spec(), spec(direction="egress"), id="direction"),
        pytest.param(spec(), spec(ethertype="IPv6"), id="ethertype"),
        pytest.param(spec(protocol="tcp"), spec(protocol="udp"), id="protocol"),
        pytest.param(ports("tcp", 80, 80), ports("tcp", 80, 81), id="upper-port"),
        pytest.param(ports("icmp", 8, None), ports("icmp", 8, 0), id="any-code-and-code-zero"),
        pytest.param(spec(), spec(remote_group_id="x"), id="remote-group"),
        pytest.param(spec(remote_ip_prefix="10.0.0.0/8"), spec(remote_ip_prefix="10.0.0.0/9"), id="mask"),
        pytest.param(spec(protocol="icmp"), spec(protocol="ipv6-icmp"), id="icmp-of-ipv4"),
        pytest.param(spec(protocol="0"), spec(protocol="any"), id="zero-and-any"),
        pytest.param(spec(remote_ip_prefix="10.0.0.5/0"), spec(), id="host-bits-of-everywhere"),
        pytest.param(spec(remote_group_id="a"), spec(remote_group_id="A"), id="remote-group-in-capitals"),
        pytest.param(spec(remote_ip_prefix="10.0.0.1/8"), spec(remote_ip_prefix="10.0.0.0/8"), id="host-bits"),
    ],
)
def test_two_rules_are_different_to_neutron(one: RuleSpec, other: RuleSpec) -> None:
    """Both may live in one group. Host bits too: Neutron compares the text."""
    assert key(one) != key(other)


def test_the_template_opens_both_directions_for_both_families() -> None:
    """What v2 gives a group whose rules were left out."""
    assert {(rule.direction, rule.ethertype) for rule in ALLOW_ALL} == {
        (direction, family) for direction in ("ingress", "egress") for family in ("IPv4", "IPv6")
    }
