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
from reconciler.policy.judging import Judging, exceptions_of, finding
from reconciler.policy.subject import JudgedRule, Subject
from reconciler.traffic import Exposure, Flow, Traffic, describe, exposures, spans
from reconciler.traffic.extent import ADDRESS_BITS, BOTTOM, rectangle
from reconciler.traffic.flow import flow_remotes, flow_services, whole_protocol
from reconciler.traffic.spans import Spans

MANAGEMENT = "world_open_management"
ANY_PORT = "world_open_any_port"
_SHOWN = 3
_SHOWN_PORTS = 30
_UNNAMED: Spans = (BOTTOM, ("", 1))
"""A protocol that nobody named: only rules for every protocol admit it."""


class _Breach(NamedTuple):
    """What is open, the flows that make it so, and the services that are meant: those of the rules at fault."""

    what: str
    flows: tuple[Flow, ...]
    services: Spans


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
            for breach in _breaches(policy, traffic.part(rule.rule).flows(), kept, judging):
                yield finding(policy, level, _message(breach, policy, subject), subject, judging, rule)
    for breach in _breaches(policy, left, kept, judging):
        rule_at_fault = _rule_behind(breach, subject, policy, judging)
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
        some: list[tuple[int, int]] = []
        for (_, start), (_, end) in spans.stretches(_open_ports([exposure], "tcp")):
            for low, high in ports[bisect_left(last_ports, start) :]:
                if low >= end:
                    break
                some.append((max(low, start), min(high, end - 1)))
        if some:
            many = "s" if len(some) > 1 else ""
            shown = [str(low) if low == high else f"{low}-{high}" for low, high in some[:_SHOWN_PORTS]]
            more = f" and {len(some) - _SHOWN_PORTS:,} more" if len(some) > _SHOWN_PORTS else ""
            services = spans.of((("tcp", low), ("tcp", high + 1)) for low, high in some)
            yield _Breach(f"the management port{many} tcp {', '.join(shown)}{more}", exposure.flows, services)


def _any_port(exposed: Sequence[Exposure], max_ports: int) -> Iterator[_Breach]:
    services = [service for exposure in exposed for service in exposure.services]
    if any(service.protocol is None for service in services):
        every = [each for each in exposed if any(service.protocol is None for service in each.services)]
        yield _Breach("every protocol", _flows_of(every), _UNNAMED)
        return
    for protocol in sorted({service.protocol for service in services if service.protocol in PORT_PROTOCOLS} - {None}):
        opened = _open_ports(exposed, protocol)
        number = sum(end - start for (_, start), (_, end) in spans.stretches(opened))
        if number > max_ports:
            what = f"{number:,} ports of {protocol}, over the limit of {max_ports:,} (`max_ports`),"
            yield _Breach(what, _flows_of(each for each in exposed if _open_ports([each], protocol)), opened)


def _flows_of(exposed: Iterable[Exposure]) -> tuple[Flow, ...]:
    return tuple(dict.fromkeys(flow for each in exposed for flow in each.flows))


def _open_ports(exposed: Iterable[Exposure], protocol: str) -> Spans:
    """Return the ports of a protocol that are open, on the axis of services."""
    services = chain.from_iterable(exposure.services for exposure in exposed)
    column = spans.of(chain.from_iterable(spans.stretches(flow_services(service)) for service in services))
    return spans.clip(column, *whole_protocol(protocol))


def _rule_behind(breach: _Breach, subject: Subject, policy: str, judging: Judging) -> JudgedRule | None:
    """Find the rule that admits most of what was found, in addresses and services: where the eye should go first."""
    family = breach.flows[0].ethertype
    remotes = spans.of(chain.from_iterable(spans.stretches(flow_remotes(flow)) for flow in breach.flows))
    addresses = spans.Measure(spans.clip(remotes, BOTTOM, ("", 1 << ADDRESS_BITS[family])))
    services = spans.Measure(breach.services)
    best: JudgedRule | None = None
    most = 0
    for rule in subject.rules:
        if rule.rule.ethertype != family or rule.rule.direction != "ingress":
            continue
        for_services, from_remotes = rectangle(rule.rule)
        share = services.within(for_services) * addresses.within(from_remotes)
        if share > most and not judging.in_force(policy, exceptions_of(rule, subject)):
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
