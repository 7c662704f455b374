"""The short way through a rule with one prefix says the same as the long way through any rule."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.loading import rule as rules

WRITTEN = st.fixed_dictionaries(
    {
        "direction": st.sampled_from(["ingress", "egress"]),
        "remote_ip_prefix": st.sampled_from(
            [
                "10.0.0.0/8",
                "10.0.0.1",
                "10.0.0.1/8",
                "0.0.0.0/0",
                "::/0",
                "fd00::/8",
                "fd00::1",
                "FD00:0::/8",
                "x",
                None,
            ]
        ),
    },
    optional={
        "ethertype": st.sampled_from(["IPv4", "IPv6", None, ["IPv4", "IPv6"], ["IPv6"]]),
        "protocol": st.sampled_from(["tcp", "any", "icmp", "icmpv6", "ipv6-icmp", "ipv6-frag", "6", "99", "gre", None]),
        "ports": st.sampled_from([80, "1-65535", "80-70", [80, "81-90", 80]]),
        "port_range_min": st.sampled_from([None, 0, 1, 80, 300]),
        "port_range_max": st.sampled_from([None, 0, 80, 300, 65535]),
        "icmp_type": st.sampled_from([0, 8]),
        "remote_group": st.just("web"),
        "remote_group_id": st.none(),
        "description": st.just("x"),
    },
)


@given(WRITTEN)
def test_both_ways_agree(written: dict[str, Any]) -> None:
    short = rules.expand(written, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "_expand_plain", lambda _: None)
        assert rules.expand(written, {}) == short


def test_the_short_way_is_taken() -> None:
    """Else the test above would compare the long way with itself."""
    plain = {"direction": "ingress", "protocol": "tcp", "ports": 80, "remote_ip_prefix": "10.0.0.0/8"}
    assert rules._expand_plain(plain) is not None
