"""Random rules and groups. Ranges are small on purpose: what matters happens where things meet.

Strategies are made once, here or behind a cache: making one and checking it takes longer than drawing from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from build import rule, there, uuid, wanted
from hypothesis import strategies as st

from reconciler.model.canonical import PUBLISHED_PROTOCOLS
from reconciler.model.desired import DesiredRule
from reconciler.model.live import LiveRule
from reconciler.model.rule import PORT_PROTOCOLS, Rule

NAMES = st.sampled_from(["web", "app", "db 1", "mail.example", "a-b_c"])
TEXTS = st.sampled_from(["", "http", "http(s)", "a: b", "no", "ümlaut", "tab\there", "\x1b[31mred", "\x9b", "\u202e"])
KEYS = st.sampled_from(["env", "team", "cost-center", "x"])
ICMP = ("icmp", "ipv6-icmp", "icmpv6")
V4_PREFIXES = ["10.0.0.0/8", "10.0.0.0/9", "192.0.2.7", "192.0.2.7/32", "0.0.0.0/0"]
V6_PREFIXES = ["2001:db8::/32", "2001:DB8:0:0::/32", "2001:db8::1", "2001:0db8:0000::0001/128", "::/0"]


ETHERTYPES = st.sampled_from(["IPv4", "IPv6", None])
DIRECTIONS = st.sampled_from(["ingress", "egress"])
PROTOCOLS = st.one_of(
    st.sampled_from([None, "any", "tcp", "TCP", "udp", *ICMP]),
    st.sampled_from(sorted(PUBLISHED_PROTOCOLS)),
    st.sampled_from([0, 1, 6, 17, 58, 94, 132, 255]).map(str),
    st.sampled_from([6, 58, 99]),
)
V4 = (*V4_PREFIXES, "10.1.2.3/8", "192.0.2.7/0")
V6 = (*V6_PREFIXES, "2001:db8::1/32", "2001:db8::1/0")
PREFIXES = {
    ethertype: st.one_of(st.sampled_from([None, ""]), st.sampled_from(prefixes))
    for ethertype, prefixes in {"IPv4": V4, "IPv6": V6, None: (*V4, *V6)}.items()
}
GROUP_IDS = st.sampled_from([None, uuid(1), uuid(2).upper()])
IDS = st.integers(100, 999).map(uuid)
EXTRAS = st.sampled_from([{}, {"created_at": "2026-01-01T00:00:00+0000", "revision_number": 3}, {"new": {"a": 1}}])
NULL_OR_TEXTS = st.one_of(st.none(), TEXTS)


@st.composite
def api_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A rule as the API may answer it: every spelling, and whatever else comes along."""
    ethertype = draw(ETHERTYPES)
    protocol = draw(PROTOCOLS)
    prefix = draw(PREFIXES[ethertype])
    if str(protocol).startswith(("ipv6-", "icmpv6", "58")):
        prefix = None if prefix is None or ":" not in prefix else prefix
        ethertype = ethertype if ethertype != "IPv4" else None
    remote = draw(GROUP_IDS) if not prefix else None
    low, high = draw(_ranges(str(protocol).lower()))
    known = {
        "id": draw(IDS),
        "direction": draw(DIRECTIONS),
        "ethertype": ethertype,
        "protocol": protocol,
        "port_range_min": low,
        "port_range_max": high,
        "remote_ip_prefix": prefix,
        "remote_group_id": remote,
        "description": draw(NULL_OR_TEXTS),
    }
    return known | draw(EXTRAS)


@cache
def _ranges(protocol: str) -> st.SearchStrategy[tuple[int | None, int | None]]:
    nothing = st.just((None, None))
    if protocol in PORT_PROTOCOLS or protocol in {"6", "17", "132"}:
        ports = st.sampled_from([1, 22, 80, 443, 65535])
        some = st.tuples(ports, ports).map(lambda pair: (min(pair), max(pair)))
        return st.one_of(nothing, some, st.just((1, 65535)))
    if protocol in ICMP or protocol in {"1", "58"}:
        return st.one_of(nothing, st.tuples(st.sampled_from([0, 8, 255]), st.sampled_from([None, 0, 255])))
    return nothing


@cache
def rules() -> st.SearchStrategy[Rule]:
    """Canonical rules of a small world."""
    ports = st.sampled_from([None, 22, 80, (1, 65535), (8000, 8099)])
    remotes = st.sampled_from([None, "10.0.0.0/8", "2001:db8::/32", uuid(1), uuid(2)])
    usual = st.builds(rule, st.sampled_from(["ingress", "egress"]), st.sampled_from(["tcp", "udp"]), ports, remotes)
    other = st.builds(rule, st.just("egress"), st.sampled_from([None, "gre", "icmp", "47", "255"]), st.none(), remotes)
    return st.one_of(usual, other)


@cache
def rules_of_requests() -> st.SearchStrategy[Rule]:
    """Those of the canonical rules that a request can spell."""
    return rules().filter(lambda each: each.protocol in {None, *PUBLISHED_PROTOCOLS})


@cache
def described(maximum: int, of: st.SearchStrategy[Rule]) -> st.SearchStrategy[dict[Rule, str]]:
    """Different rules, each with a description."""
    return st.lists(st.tuples(of, TEXTS), max_size=maximum, unique_by=lambda pair: pair[0]).map(dict)


@cache
def desired_rules(maximum: int = 8) -> st.SearchStrategy[tuple[DesiredRule, ...]]:
    """Rules of a desired group."""
    return described(maximum, rules()).map(_wanted)


@cache
def rules_to_create(maximum: int = 8) -> st.SearchStrategy[tuple[DesiredRule, ...]]:
    """Rules of a desired group that a request can spell."""
    return described(maximum, rules_of_requests()).map(_wanted)


def _wanted(found: Mapping[Rule, str]) -> tuple[DesiredRule, ...]:
    return tuple(wanted(each, text) for each, text in found.items())


@cache
def live_rules(maximum: int = 8) -> st.SearchStrategy[tuple[LiveRule, ...]]:
    """Rules of a live group; some of them several times, as Neutron's races leave them."""

    def build(found: Mapping[Rule, str], *, twice: bool) -> tuple[LiveRule, ...]:
        items = [*found.items(), *(list(found.items())[:2] if twice else ())]
        return tuple(there(100 + index, each, text) for index, (each, text) in enumerate(items))

    return st.builds(build, described(maximum, rules()), twice=st.booleans())


@cache
def tag_maps() -> st.SearchStrategy[dict[str, str]]:
    """Tags of a group."""
    return st.dictionaries(KEYS, st.sampled_from(["1", "prod", "no", "ü"]), max_size=4)
