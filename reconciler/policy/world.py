"""World-open ports: what a change newly opens to the world, or what a live group holds open. Ingress only.

Judged by traffic and not by rules: 0.0.0.0/1 beside 128.0.0.0/1 is the world as well, and a rule that only repeats what
was open before opens nothing.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from reconciler.model.policies import Finding, Level
from reconciler.model.rule import PORT_PROTOCOLS, Ethertype, Rule
from reconciler.policy.subject import JudgedRule, Judging, Subject, exceptions_of, finding
from reconciler.traffic import Flow, Traffic, describe
from reconciler.traffic.describe import is_world, world_addresses
from reconciler.traffic.extent import prefix_span

MANAGEMENT = "world_open_management"
ANY_PORT = "world_open_any_port"
_LAST_PORT = 65535
_SHOWN = 3
_SHOWN_PORTS = 30


class _Open(NamedTuple):
    """Ports of one protocol that are open to the world, and the flows that make them so."""

    low: int
    high: int
    flows: tuple[Flow, ...]


class _Breach(NamedTuple):
    what: str
    flows: tuple[Flow, ...]


def check_world_open(subject: Subject, opens: Sequence[Flow], judging: Judging) -> Iterator[Finding]:
    """Judge the flows that a change opens, or that a live group admits."""
    ingress = [flow for flow in opens if flow.direction == "ingress"]
    for policy, level in (
        (MANAGEMENT, judging.policies.world_open_management.level),
        (ANY_PORT, judging.policies.world_open_any_port.level),
    ):
        if level != "off" and ingress:
            yield from _judge(policy, level, subject, ingress, judging)


def may_be_world(rules: Iterable[Rule]) -> bool:
    """Tell quickly of most groups that no rules of theirs can be the world together, by the sizes of their prefixes."""
    total: dict[Ethertype, int] = {"IPv4": 0, "IPv6": 0}
    for prefix, ethertype in {
        (rule.remote_ip_prefix, rule.ethertype)
        for rule in rules
        if rule.direction == "ingress" and rule.remote_group_id is None
    }:
        if prefix is None:
            return True
        start, end = prefix_span(prefix, ethertype)
        total[ethertype] += end[1] - start[1]
    return any(is_world(addresses, family) for family, addresses in total.items())


def _judge(policy: str, level: Level, subject: Subject, opens: Sequence[Flow], judging: Judging) -> Iterator[Finding]:
    if level == "off":
        return
    excepted = [rule for rule in subject.rules if rule.review and judging.in_force(policy, rule.review.exceptions)]
    left = opens
    if excepted:
        traffic = Traffic.of_flows(opens)
        left = traffic.difference(Traffic.of(rule.rule for rule in excepted)).flows()
        for rule in excepted:
            part = traffic.intersection(Traffic.of([rule.rule])).flows()
            for breach in _breaches(policy, part, judging):
                yield finding(policy, level, _message(breach, policy, subject), subject, judging, rule)
    for breach in _breaches(policy, left, judging):
        rule_at_fault = _rule_behind(breach.flows, subject, policy, judging)
        yield finding(policy, level, _message(breach, policy, subject), subject, judging, rule_at_fault)


def _breaches(policy: str, flows: Sequence[Flow], judging: Judging) -> Iterator[_Breach]:
    families: tuple[Ethertype, ...] = ("IPv4", "IPv6")
    for family in families:
        here = [flow for flow in flows if flow.ethertype == family]
        if not is_world(sum(map(world_addresses, here)), family):
            continue  # whatever is in here, together it is not the world
        if policy == MANAGEMENT:
            yield from _management(here, judging.management_ports)
        else:
            yield from _any_port(here, judging.policies.world_open_any_port.max_ports)


def _management(flows: Sequence[Flow], ports: Sequence[tuple[int, int]]) -> Iterator[_Breach]:
    """Find the management ports, given as ranges that rise and do not overlap, that are open."""
    last_ports = [high for _, high in ports]
    found: dict[tuple[Flow, ...], list[str]] = {}
    for part in _open_ports(flows, "tcp"):
        for low, high in ports[bisect_left(last_ports, part.low) :]:
            if low > part.high:
                break
            first, last = max(low, part.low), min(high, part.high)
            found.setdefault(part.flows, []).append(str(first) if first == last else f"{first}-{last}")
    for behind, some in found.items():
        many = "s" if len(some) > 1 else ""
        more = f" and {len(some) - _SHOWN_PORTS:,} more" if len(some) > _SHOWN_PORTS else ""
        yield _Breach(f"the management port{many} tcp {', '.join(some[:_SHOWN_PORTS])}{more}", behind)


def _any_port(flows: Sequence[Flow], max_ports: int) -> Iterator[_Breach]:
    every = tuple(flow for flow in flows if flow.protocol is None)
    if every and is_world(sum(map(world_addresses, every)), every[0].ethertype):
        yield _Breach("every protocol", every)
        return
    for protocol in sorted({flow.protocol for flow in flows if flow.protocol in PORT_PROTOCOLS and flow.protocol}):
        opened = list(_open_ports(flows, protocol))
        number = sum(part.high - part.low + 1 for part in opened)
        if number > max_ports:
            what = f"{number:,} ports of {protocol}, over the limit of {max_ports:,} (`max_ports`),"
            yield _Breach(what, tuple(dict.fromkeys(flow for part in opened for flow in part.flows)))


def _open_ports(flows: Sequence[Flow], protocol: str) -> Iterator[_Open]:
    """Cut the ports where any flow begins or ends; the flows over a piece do not overlap, so they may be added up."""
    parts = [
        (flow, world_addresses(flow), *(flow.ports or (1, _LAST_PORT)))
        for flow in flows
        if flow.protocol == protocol or (flow.protocol is None and protocol not in flow.except_protocols)
    ]
    if not parts:
        return
    family = parts[0][0].ethertype
    cuts = sorted({cut for _, _, low, high in parts for cut in (low, high + 1)})
    for start, end in pairwise(cuts):
        over = [(flow, addresses) for flow, addresses, low, high in parts if low <= start and end <= high + 1]
        if is_world(sum(addresses for _, addresses in over), family):
            yield _Open(start, end - 1, tuple(flow for flow, _ in over))


def _rule_behind(flows: Iterable[Flow], subject: Subject, policy: str, judging: Judging) -> JudgedRule | None:
    """Find the rule that admits most of what was found: the first that the eye should go to."""
    traffic = Traffic.of_flows(flows)
    best: JudgedRule | None = None
    most = 0
    for rule in subject.rules:
        if not traffic.admits_some(rule.rule) or judging.in_force(policy, exceptions_of(rule, subject)):
            continue
        share = sum(world_addresses(flow) for flow in traffic.intersection(Traffic.of([rule.rule])).flows())
        if share > most:
            best, most = rule, share
    return best


def _message(breach: _Breach, policy: str, subject: Subject) -> str:
    flows = "; ".join(describe(flow, subject.names) for flow in breach.flows[:_SHOWN])
    more = f" and {len(breach.flows) - _SHOWN} more" if len(breach.flows) > _SHOWN else ""
    verb = "holds" if subject.is_live else "opens"
    state = "open to the world" if subject.is_live else "to the world"
    return (
        f"{subject.label} {verb} {breach.what} {state}: {flows}{more}; narrow the prefixes or ports, add a reviewed "
        f"`exception` beside the rule, or set `{policy}` in the policies"
    )
