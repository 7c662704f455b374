"""How a difference reads. Each row is a change somebody may make, and the lines a reviewer then sees."""

import pytest

from reconciler.model.rule import Rule
from reconciler.traffic import (
    Flow,
    Remote,
    describe,
    describe_size,
    size,
    to_json,
    traffic_difference,
    wide,
    world_open,
)


def v4(protocol: str | None = None, low: int | None = None, high: int | None = None, prefix: str | None = None) -> Rule:
    return Rule("ingress", "IPv4", protocol, low, high, prefix)


def from_group(rule: Rule, group: str) -> Rule:
    return rule._replace(remote_group_id=group)


ssh = v4("tcp", 22, 22)
every = v4()

ROWS = {
    "new_rules_read_as_they_were_written": (
        [],
        [v4("tcp", 80, 80), v4("tcp", 8000, 8099, "192.0.2.0/24"), v4("udp"), v4("gre"), v4("icmp", 8, 0)],
        [
            "gre from 0.0.0.0/0",
            "icmp type 8 code 0 from 0.0.0.0/0",
            "tcp 80 from 0.0.0.0/0",
            "tcp 8000-8099 from 192.0.2.0/24",
            "udp all ports from 0.0.0.0/0",
        ],
    ),
    "a_slip_from_32_to_8_is_one_line": (
        [v4("tcp", 22, 22, "10.1.2.3/32")],
        [v4("tcp", 22, 22, "10.0.0.0/8")],
        ["tcp 22 from 10.0.0.0/8 except 10.1.2.3/32"],
    ),
    "opened_to_the_world": (
        [v4("tcp", 22, 22, "10.0.0.0/8")],
        [ssh],
        ["tcp 22 from 0.0.0.0/0 except 10.0.0.0/8"],
    ),
    "a_listing_is_kept_where_exceptions_are_no_shorter": (
        [v4("tcp", 22, 22, "10.192.0.0/10")],
        [v4("tcp", 22, 22, "10.0.0.0/8")],
        ["tcp 22 from 10.0.0.0/9", "tcp 22 from 10.128.0.0/10"],
    ),
    "and_also_further_down": (
        [v4("tcp", 22, 22, "10.0.0.0/11"), v4("tcp", 22, 22, "10.64.0.0/11")],
        [v4("tcp", 22, 22, "10.0.0.0/8")],
        ["tcp 22 from 10.32.0.0/11", "tcp 22 from 10.96.0.0/11", "tcp 22 from 10.128.0.0/9"],
    ),
    "one_hole_in_one_of_two_prefixes": (
        [v4("tcp", 22, 22, "10.0.0.7/32")],
        [v4("tcp", 22, 22, "10.0.0.0/24"), v4("tcp", 22, 22, "172.16.0.0/12")],
        ["tcp 22 from 10.0.0.0/24 except 10.0.0.7/32", "tcp 22 from 172.16.0.0/12"],
    ),
    "a_port_hole_splits_the_range": (
        [v4("tcp", 443, 443)],
        [v4("tcp", 400, 500)],
        ["tcp 400-442 from 0.0.0.0/0", "tcp 444-500 from 0.0.0.0/0"],
    ),
    "ports_stay_whole_and_remotes_give_way": (
        [],
        [v4("tcp", 1, 100, "10.0.0.0/8"), v4("tcp", 50, 200, "10.1.0.0/16")],
        ["tcp 1-100 from 10.0.0.0/8 except 10.1.0.0/16", "tcp 1-200 from 10.1.0.0/16"],
    ),
    "every_protocol_less_what_was_admitted": (
        [v4("tcp", 22, 22), v4("udp")],
        [every],
        [
            "every protocol except tcp, udp from 0.0.0.0/0",
            "tcp 1-21 from 0.0.0.0/0",
            "tcp 23-65535 from 0.0.0.0/0",
        ],
    ),
    "all_named_icmp_types_but_one_code": (
        [v4("icmp", 8, 0)],
        [v4("icmp")],
        [
            "icmp types 0-7 from 0.0.0.0/0",
            "icmp type 8 codes 1-255 from 0.0.0.0/0",
            "icmp types 9-255 from 0.0.0.0/0",
        ],
    ),
    "a_group_by_name_and_one_without": (
        [],
        [from_group(ssh, "id-of-app"), from_group(ssh, "id-of-nobody")],
        ["tcp 22 from group app", "tcp 22 from group id-of-nobody"],
    ),
    "everywhere_but_a_group_that_had_it": (
        [from_group(ssh, "id-of-app")],
        [ssh],
        ["tcp 22 from 0.0.0.0/0 except group app"],
    ),
    "all_addresses_were_open_and_groups_are_what_is_new": (
        [v4("tcp", 22, 22, "0.0.0.0/1"), v4("tcp", 22, 22, "128.0.0.0/1"), from_group(ssh, "id-of-app")],
        [ssh],
        ["tcp 22 from every group except group app"],
    ),
    "nearly_all_addresses_were_open": (
        [v4("tcp", 22, 22, "0.0.0.0/1")]
        + [v4("tcp", 22, 22, prefix) for prefix in ("128.0.0.0/2", "192.0.0.0/3", "224.0.0.0/4", "240.0.0.0/5")],
        [ssh],
        ["tcp 22 from every group", "tcp 22 from 248.0.0.0/5"],
    ),
    "a_zero_prefix_is_never_written_since_it_would_take_groups_in": (
        [v4("tcp", 22, 22, "10.0.0.0/8")],
        [v4("tcp", 22, 22, "0.0.0.0/1"), v4("tcp", 22, 22, "128.0.0.0/1")],
        ["tcp 22 from 0.0.0.0/1 except 10.0.0.0/8", "tcp 22 from 128.0.0.0/1"],
    ),
    "all_addresses_and_no_group_are_two_halves": (
        [],
        [v4("tcp", 22, 22, "0.0.0.0/1"), v4("tcp", 22, 22, "128.0.0.0/1")],
        ["tcp 22 from 0.0.0.0/1", "tcp 22 from 128.0.0.0/1"],
    ),
}


@pytest.mark.parametrize(("old", "new", "lines"), ROWS.values(), ids=ROWS.keys())
def test_what_opens_reads_well(old: list[Rule], new: list[Rule], lines: list[str]) -> None:
    opens = traffic_difference(old, new).opens
    assert [describe(flow, {"id-of-app": "app"}) for flow in opens] == [f"ingress {line}" for line in lines]


def test_the_family_is_named_where_the_remote_does_not_show_it() -> None:
    six = Rule("ingress", "IPv6", "tcp", 22, 22)
    rules = [six._replace(remote_group_id="app"), six._replace(direction="egress"), ssh._replace(direction="egress")]
    assert [describe(flow) for flow in traffic_difference([], rules).opens] == [
        "ingress IPv6 tcp 22 from group app",
        "egress tcp 22 to 0.0.0.0/0",
        "egress tcp 22 to ::/0",
    ]
    halves = [six._replace(remote_ip_prefix=prefix) for prefix in ("::/1", "8000::/1")]
    assert [describe(flow) for flow in traffic_difference(halves, [six]).opens] == [
        "ingress IPv6 tcp 22 from every group"
    ]


@pytest.mark.parametrize(
    ("flow", "addresses", "ports", "words"),
    [
        pytest.param(
            Flow("ingress", "IPv4", "tcp", ports=(22, 22), remote=Remote("10.1.2.3/32")),
            1,
            1,
            "1 address, 1 port",
            id="one_of_each",
        ),
        pytest.param(
            Flow("ingress", "IPv4", "tcp", remote=Remote("10.0.0.0/8"), except_remotes=(Remote("10.1.2.3/32"),)),
            2**24 - 1,
            65535,
            "16,777,215 addresses, 65,535 ports",
            id="less_an_exception",
        ),
        pytest.param(Flow("ingress", "IPv4"), 2**32, None, "4,294,967,296 addresses", id="no_dimension_of_ports"),
        pytest.param(
            Flow("ingress", "IPv6", "udp", ports=(1, 9), remote=Remote("2001:db8::/32")),
            2**96,
            9,
            "2^96 addresses, 9 ports",
            id="ipv6_as_a_power",
        ),
        pytest.param(
            Flow("egress", "IPv6", "gre", except_remotes=(Remote("2001:db8::/32"),)),
            2**128 - 2**96,
            None,
            "about 2^128 addresses",
            id="ipv6_nearly_a_power",
        ),
        pytest.param(
            Flow("ingress", "IPv4", "tcp", ports=(80, 81), remote=Remote(group="app")),
            None,
            2,
            "2 ports",
            id="a_group_has_no_count",
        ),
    ],
)
def test_sizes(flow: Flow, addresses: int | None, ports: int | None, words: str) -> None:
    assert size(flow) == (addresses, ports)
    assert describe_size(flow) == words


@pytest.mark.parametrize(
    ("flow", "world"),
    [
        pytest.param(Flow("ingress", "IPv4"), True, id="every_remote"),
        pytest.param(Flow("ingress", "IPv4", except_remotes=(Remote("10.0.0.0/8"),)), True, id="all_but_a_8"),
        pytest.param(Flow("ingress", "IPv4", remote=Remote("0.0.0.0/1")), True, id="one_half_of_two"),
        pytest.param(Flow("ingress", "IPv4", remote=Remote("64.0.0.0/4")), True, id="a_sixteenth"),
        pytest.param(Flow("ingress", "IPv4", remote=Remote("64.0.0.0/5")), False, id="less_than_a_sixteenth"),
        pytest.param(Flow("ingress", "IPv4", remote=Remote("10.0.0.0/8")), False, id="private"),
        pytest.param(Flow("ingress", "IPv4", remote=Remote("224.0.0.0/4")), False, id="multicast"),
        pytest.param(Flow("ingress", "IPv4", remote=Remote(group="app")), False, id="a_group"),
        pytest.param(
            Flow("ingress", "IPv4", except_remotes=(Remote("0.0.0.0/1"), Remote("128.0.0.0/1"))),
            False,
            id="every_group_and_no_address",
        ),
        pytest.param(Flow("ingress", "IPv6"), True, id="every_remote_v6"),
        pytest.param(Flow("ingress", "IPv6", remote=Remote("2000::/3")), True, id="all_global_unicast_v6"),
        pytest.param(Flow("ingress", "IPv6", remote=Remote("2001:db8::/32")), False, id="a_32_v6"),
        pytest.param(Flow("ingress", "IPv6", remote=Remote("fc00::/7")), False, id="private_v6"),
    ],
)
def test_world_open(flow: Flow, *, world: bool) -> None:
    assert world_open(flow) == world


@pytest.mark.parametrize(
    ("flow", "is_wide"),
    [
        pytest.param(
            Flow("ingress", "IPv4", remote=Remote("10.0.0.0/8"), except_remotes=(Remote("10.1.2.3/32"),)),
            True,
            id="a_host_that_became_a_8",
        ),
        pytest.param(
            Flow("ingress", "IPv4", remote=Remote("10.1.0.0/16"), except_remotes=(Remote("10.1.2.3/32"),)),
            True,
            id="a_host_that_became_a_16",
        ),
        pytest.param(Flow("ingress", "IPv4", remote=Remote("10.1.0.0/18")), False, id="a_18"),
        pytest.param(Flow("ingress", "IPv4", remote=Remote(group="app")), False, id="a_group"),
        pytest.param(Flow("ingress", "IPv6", remote=Remote("2001:db8::/32")), True, id="a_32_v6"),
        pytest.param(Flow("ingress", "IPv6", remote=Remote("2001:db8:1::/48")), False, id="a_site_v6"),
    ],
)
def test_wide(flow: Flow, *, is_wide: bool) -> None:
    assert wide(flow) == is_wide


def test_json_has_the_keys_of_the_contract_in_its_order() -> None:
    opens = traffic_difference([from_group(ssh, "id-of-app")], [ssh, from_group(v4("icmp", 3), "id-of-db")]).opens
    common = {"direction": "ingress", "ethertype": "IPv4"}
    assert [list(flow.items()) for flow in to_json(opens, {"id-of-app": "app"})] == [
        list(flow.items())
        for flow in (
            {
                **common,
                "protocol": "icmp",
                "except_protocols": [],
                "ports": None,
                "icmp_types": [3, 3],
                "icmp_codes": None,
                "remote": {"group": "id-of-db", "name": None},
                "except_remotes": [],
            },
            {
                **common,
                "protocol": "tcp",
                "except_protocols": [],
                "ports": [22, 22],
                "icmp_types": None,
                "icmp_codes": None,
                "remote": None,
                "except_remotes": [{"group": "id-of-app", "name": "app"}],
            },
        )
    ]


def test_json_lists_plain_prefixes_where_a_line_of_text_has_exceptions() -> None:
    (flow,) = traffic_difference([v4("tcp", 22, 22, "10.0.0.8/30")], [v4("tcp", 22, 22, "10.0.0.0/27")]).opens
    assert flow.except_remotes == (Remote("10.0.0.8/30"),)
    listed = to_json([flow])
    assert [one["remote"] for one in listed] == [
        {"prefix": prefix} for prefix in ("10.0.0.0/29", "10.0.0.12/30", "10.0.0.16/28")
    ]
    assert not any(one["except_remotes"] for one in listed)
