"""World-open ports: what a change newly opens, exactly, at and beside each limit."""

import re
import time
from ipaddress import ip_network

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_build import group, live_group, live_rule, of, planned, policies

from reconciler.model.policies import MANAGEMENT_PORTS
from reconciler.traffic import Traffic

IN = "direction: ingress, protocol: tcp"
ANYONE = "remote_ip_prefix: 0.0.0.0/0"


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        pytest.param(f"{IN}, ports: 22, {ANYONE}", ["tcp 22 to the world"], id="ssh"),
        pytest.param(f"{IN}, ports: 22", ["tcp 22 to the world"], id="no_remote_is_everyone"),
        pytest.param(f"{IN}, ports: 22, remote_ip_prefix: '::/0'", ["from ::/0"], id="ipv6"),
        pytest.param(f"{IN}, ports: 20-25", ["ports tcp 21, 22, 23"], id="inside_a_range"),
        pytest.param(f"{IN}, ports: 24-25", [], id="beside_the_list"),
        pytest.param(f"{IN}, ports: 443", [], id="https"),
        pytest.param(f"{IN}, ports: 22, remote_ip_prefix: 16.0.0.0/4", ["16.0.0.0/4"], id="a_sixteenth_is_the_world"),
        pytest.param(f"{IN}, ports: 22, remote_ip_prefix: 16.0.0.0/5", [], id="less_is_not"),
        pytest.param(
            f"{IN}, ports: 22, remote_ip_prefixes: [16.0.0.0/5, 32.0.0.0/5]",
            ["16.0.0.0/5", "32.0.0.0/5"],
            id="several_prefixes_add_up",
        ),
        pytest.param(f"{IN}, ports: 22, remote_ip_prefix: 10.0.0.0/8", [], id="private_addresses"),
        pytest.param(f"{IN}, ports: 22, remote_group: web", [], id="a_group"),
        pytest.param("direction: egress, protocol: tcp, ports: 22", [], id="egress"),
        pytest.param("direction: ingress, protocol: udp, ports: 22", [], id="udp"),
        pytest.param("direction: ingress", ["22"], id="every_protocol_holds_tcp"),
    ],
)
def test_management_ports_are_found_where_they_become_open_to_the_world(rules: str, says: list[str]) -> None:
    found = of(planned(group(rules)).findings, "world_open_management")
    assert bool(found) == bool(says)
    for words in says:
        assert words in " ".join(each.message for each in found)
    assert all(each.level == "warning" for each in found)


@pytest.mark.parametrize(
    ("rules", "is_found"),
    [
        pytest.param("direction: ingress", True, id="every_protocol"),
        pytest.param(IN, True, id="all_ports"),
        pytest.param(f"{IN}, ports: 1-32768", True, id="one_over_the_limit"),
        pytest.param(f"{IN}, ports: 1-32767", False, id="at_the_limit"),
        pytest.param(f"{IN}, ports: [1-20000, 30000-50000]", True, id="several_ranges_add_up"),
        pytest.param("direction: ingress, protocol: icmp", False, id="no_ports"),
        pytest.param("direction: egress", False, id="egress"),
    ],
)
def test_any_port_counts_the_ports(rules: str, *, is_found: bool) -> None:
    assert bool(of(planned(group(rules)).findings, "world_open_any_port")) == is_found


def test_what_was_open_before_is_not_found_again() -> None:
    live = live_group(live_rule(1, "0.0.0.0/1", 22), live_rule(2, "128.0.0.0/1", 22))
    assert of(planned(group(f"{IN}, ports: 22, {ANYONE}"), live).findings, "world_open_management") == []


def test_opening_the_rest_of_the_ports_is_any_port_though_one_was_open() -> None:
    live = live_group(live_rule(1, "0.0.0.0/0", 443))
    (found,) = of(planned(group(f"{IN}, {ANYONE}"), live).findings, "world_open_any_port")
    assert "65,534 ports of tcp, over the limit of 32,767 (`max_ports`)" in found.message


def test_the_place_is_that_of_the_rule() -> None:
    rules = f"{IN}, ports: 443\n{IN}, ports: 22, remote_ip_prefix: 10.0.0.0/8\n{IN}, ports: 22, {ANYONE}"
    (found,) = of(planned(group(rules)).findings, "world_open_management")
    assert found.place is not None
    assert (found.place.line, found.place.column) == (8, 9)


@pytest.mark.parametrize(
    ("written", "levels"),
    [
        pytest.param("error", ["error"], id="raised"),
        pytest.param("off", [], id="off_without_quotes"),
        pytest.param('"off"', [], id="off_with_quotes"),
        pytest.param("{level: off}", [], id="off_in_a_mapping"),
        pytest.param("{level: error, ports: [3389, 20-21]}", [], id="another_list"),
        pytest.param("{level: error, ports: 20-30}", ["error"], id="a_range"),
    ],
)
def test_level_and_list_can_be_set(written: str, levels: list[str]) -> None:
    text = policies(world_open_management=written) + group(f"{IN}, ports: 22, {ANYONE}")
    plan = planned(text)
    assert [each.level for each in of(plan.findings, "world_open_management")] == levels
    assert bool(plan.stopped_by) == ("error" in levels)


def test_a_full_group_that_is_open_to_the_world_is_judged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule behind a finding is told without an intersection a rule; that took a second a group."""
    monkeypatch.setattr(Traffic, "intersection", lambda *_: pytest.fail("this takes long"))
    rules = "\n".join(
        f"{IN}, ports: {1 + each * 3}-{20000 + each * 170}, remote_ip_prefix: {16 * (each % 16)}.0.0.0/{4 + each // 16}"
        for each in range(250)
    )
    text = group(rules)
    started = time.process_time()
    assert of(planned(text).findings, "world_open_management")
    assert time.process_time() - started < 5


PORTS = st.sampled_from([(20, 25), (22, 22), (23, 3400), (3389, 3389), (100, 120)])
NETWORKS = st.sampled_from(["0.0.0.0/1", "128.0.0.0/1", "16.0.0.0/5", "24.0.0.0/5", "20.0.0.0/6", "200.0.0.0/8"])


@given(st.lists(st.tuples(PORTS, NETWORKS), min_size=1, max_size=6, unique=True))
@settings(max_examples=examples(60))
def test_the_ports_found_are_those_that_a_count_of_addresses_finds(rules: list[tuple[tuple[int, int], str]]) -> None:
    """And the place is that of a rule which admits one of them."""
    text = group("\n".join(f"{IN}, ports: {low}-{high}, remote_ip_prefix: {net}" for (low, high), net in rules))
    found = of(planned(text).findings, "world_open_management")
    named = set()
    for each in found:
        match = re.search(r"management ports? tcp ([0-9, ]+) to", each.message)
        assert match
        ports = {int(port) for port in match[1].split(", ")}
        named |= ports
        low, high = rules[each.place.order[1] - 6][0] if each.place else (0, 0)
        assert any(low <= port <= high for port in ports)
    assert named == {port for port in MANAGEMENT_PORTS if _is_open(port, rules)}


def _is_open(port: int, rules: list[tuple[tuple[int, int], str]]) -> bool:
    networks = {ip_network(net) for (low, high), net in rules if low <= port <= high}
    apart = [net for net in networks if not any(net != other and net.subnet_of(other) for other in networks)]
    public = sum(
        max(0, min(int(net.broadcast_address) + 1, 224 << 24) - max(int(net.network_address), 1 << 24)) for net in apart
    )
    return public * 16 >= 223 << 24 or sum(net.num_addresses for net in apart) * 2 >= 1 << 32
