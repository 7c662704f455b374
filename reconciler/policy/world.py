"""World-open ports: what a change newly opens to the world, or what a live group holds open. Ingress only.

Judged by traffic and not by rules (`traffic.exposure`): 0.0.0.0/1 beside 128.0.0.0/1 is the world as well, and a rule
that only repeats what was open before opens nothing.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from reconciler.model.policies import Finding, Level
from reconciler.model.rule import PORT_PROTOCOLS, Ethertype, Rule
from reconciler.policy.subject import JudgedRule, Judging, Subject, exceptions_of, finding
from reconciler.traffic import Exposure, Flow, Traffic, describe, exposures, spans
from reconciler.traffic.exposure import world_weight
from reconciler.traffic.flow import flow_services, whole_protocol
from reconciler.traffic.spans import Spans

MANAGEMENT = "world_open_management"
ANY_PORT = "world_open_any_port"
_SHOWN = 3
_SHOWN_PORTS = 30


class _Breach(NamedTuple):
    what: str
    flows: tuple[Flow, ...]


def check_world_open(
    subject: Subject, opens: Sequence[Flow], judging: Judging, kept: Sequence[Rule] = ()
) -> Iterator[Finding]:
    """Judge the flows that a change opens beside the rules that are kept, or those that a live group admits."""
    ingress = [flow for flow in opens if flow.direction == "ingress"]
    for policy, level in (
        (MANAGEMENT, judging.policies.world_open_management.level),
        (ANY_PORT, judging.policies.world_open_any_port.level),
    ):
        if level != "off" and ingress:
            yield from _judge(policy, level, subject, ingress, kept, judging)


def _judge(
    policy: str, level: Level, subject: Subject, opens: Sequence[Flow], kept: Sequence[Rule], judging: Judging
) -> Iterator[Finding]:
    if level == "off":
        return
    excepted = [rule for rule in subject.rules if rule.review and judging.in_force(policy, rule.review.exceptions)]
    left = opens
    if excepted:
        traffic = Traffic.of_flows(opens)
        left = traffic.difference(Traffic.of(rule.rule for rule in excepted)).flows()
        for rule in excepted:
            part = traffic.intersection(Traffic.of([rule.rule])).flows()
            for breach in _breaches(policy, part, kept, judging):
                yield finding(policy, level, _message(breach, policy, subject), subject, judging, rule)
    for breach in _breaches(policy, left, kept, judging):
        rule_at_fault = _rule_behind(breach.flows, subject, policy, judging)
        yield finding(policy, level, _message(breach, policy, subject), subject, judging, rule_at_fault)


def _breaches(policy: str, flows: Sequence[Flow], kept: Sequence[Rule], judging: Judging) -> Iterator[_Breach]:
    by_family: dict[Ethertype, list[Exposure]] = {}
    for exposure in exposures(flows, kept):
        by_family.setdefault(exposure.flows[0].ethertype, []).append(exposure)
    for exposed in by_family.values():
        if policy == MANAGEMENT:
            yield from _management(exposed, judging.management_ports)
        else:
            yield from _any_port(exposed, judging.policies.world_open_any_port.max_ports)


def _management(exposed: Iterable[Exposure], ports: Sequence[tuple[int, int]]) -> Iterator[_Breach]:
    """Find the management ports, given as ranges that rise and do not overlap, that are open."""
    last_ports = [high for _, high in ports]
    for exposure in exposed:
        some: list[str] = []
        for (_, start), (_, end) in spans.stretches(_open_ports([exposure], "tcp")):
            for low, high in ports[bisect_left(last_ports, start) :]:
                if low >= end:
                    break
                first, last = max(low, start), min(high, end - 1)
                some.append(str(first) if first == last else f"{first}-{last}")
        if some:
            many = "s" if len(some) > 1 else ""
            more = f" and {len(some) - _SHOWN_PORTS:,} more" if len(some) > _SHOWN_PORTS else ""
            what = f"the management port{many} tcp {', '.join(some[:_SHOWN_PORTS])}{more}"
            yield _Breach(what, exposure.flows)


def _any_port(exposed: Sequence[Exposure], max_ports: int) -> Iterator[_Breach]:
    services = [service for exposure in exposed for service in exposure.services]
    if any(service.protocol is None for service in services):
        every = [each for each in exposed if any(service.protocol is None for service in each.services)]
        yield _Breach("every protocol", _flows_of(every))
        return
    for protocol in sorted({service.protocol for service in services if service.protocol in PORT_PROTOCOLS} - {None}):
        number = sum(end - start for (_, start), (_, end) in spans.stretches(_open_ports(exposed, protocol)))
        if number > max_ports:
            what = f"{number:,} ports of {protocol}, over the limit of {max_ports:,} (`max_ports`),"
            yield _Breach(what, _flows_of(each for each in exposed if _open_ports([each], protocol)))


def _flows_of(exposed: Iterable[Exposure]) -> tuple[Flow, ...]:
    return tuple(dict.fromkeys(flow for each in exposed for flow in each.flows))


def _open_ports(exposed: Iterable[Exposure], protocol: str) -> Spans:
    """Return the ports of a protocol that are open, on the axis of services."""
    services = chain.from_iterable(exposure.services for exposure in exposed)
    column = spans.of(chain.from_iterable(spans.stretches(flow_services(service)) for service in services))
    return spans.clip(column, *whole_protocol(protocol))


def _rule_behind(flows: Iterable[Flow], subject: Subject, policy: str, judging: Judging) -> JudgedRule | None:
    """Find the rule that admits most of what was found: the first that the eye should go to."""
    traffic = Traffic.of_flows(flows)
    best: JudgedRule | None = None
    most = 0
    for rule in subject.rules:
        if not traffic.admits_some(rule.rule) or judging.in_force(policy, exceptions_of(rule, subject)):
            continue
        share = sum(world_weight(flow) for flow in traffic.intersection(Traffic.of([rule.rule])).flows())
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
