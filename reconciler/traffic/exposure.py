"""What is open to the world: the one definition, which banners, policies and graphs follow.

Open to the world is ingress that a sixteenth of all public unicast addresses may use, or half of its family's address
space, whatever addresses those are. Nobody knows that many peers: the largest block ever given to one organisation is a
/8, and a sixteenth is the size of a /4 (of a /7 within 2000::/3 for IPv6). Private ranges never reach it. However many
prefixes make it up: they are added up for each service. ICMP is not counted, for hosts are meant to answer it (path MTU
discovery and neighbour discovery need it), and it reaches no program.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, pairwise
from typing import NamedTuple

from reconciler.model.rule import ICMP_PROTOCOLS, Ethertype, Rule
from reconciler.traffic import spans
from reconciler.traffic.decompose import decompose
from reconciler.traffic.describe import NO_NAMES, describe, describe_flow_remote, describe_service
from reconciler.traffic.extent import ADDRESS_BITS, BOTTOM, Point, Span, prefix_span
from reconciler.traffic.flow import Flow, flow_remotes, flow_services
from reconciler.traffic.region import Region
from reconciler.traffic.spans import Spans
from reconciler.traffic.traffic import Traffic

_PUBLIC: dict[Ethertype, Span] = {
    "IPv4": (("", 1 << 24), ("", 224 << 24)),  # neither "this network" nor multicast (IANA registry)
    "IPv6": (("", 0x2 << 124), ("", 0x4 << 124)),  # 2000::/3, all that is allocated for global unicast (RFC 4291)
}
_PUBLIC_SIZE = {family: spans.size(public) for family, public in _PUBLIC.items()}
_PUBLIC_PARTS, _PARTS = 16, 2
"""A sixteenth of the public addresses, or half of all."""
_SHOWN = 3


class Exposure(NamedTuple):
    """What is open to the world for one reason: a flow that is by itself, or flows of a protocol that are together.

    `services` are the protocols and ports, as flows from everywhere.
    """

    flows: tuple[Flow, ...]
    services: tuple[Flow, ...]


def exposures(flows: Iterable[Flow], kept: Iterable[Rule] = ()) -> tuple[Exposure, ...]:
    """Find what is open to the world in flows that do not overlap: what a group admits, or what a change opens.

    For a change, `kept` are the rules that stay: prefixes that were opened one after the other are added up.
    """
    ingress = [flow for flow in flows if flow.direction == "ingress" and flow.protocol not in ICMP_PROTOCOLS]
    stays = [rule for rule in kept if ingress and not _is_whole(rule)]  # beside such a rule nothing is opened
    found: list[Exposure] = []
    for family in dict.fromkeys(flow.ethertype for flow in ingress):
        weights = {flow: world_weight(flow) for flow in ingress if flow.ethertype == family}
        found += [Exposure((flow,), (flow,)) for flow, weight in weights.items() if is_world(weight, family)]
        parts = {flow: weight for flow, weight in weights.items() if weight and not is_world(weight, family)}
        beside = [rule for rule in stays if rule.ethertype == family]
        if parts and is_world(sum(parts.values()) + sum(_prefix_weights(beside)), family):
            found += _together(parts, beside, family)
    return tuple(found)


def world_open(flow: Flow) -> bool:
    """Return whether a flow is open to the world by itself."""
    if flow.direction != "ingress" or flow.protocol in ICMP_PROTOCOLS:
        return False
    return is_world(world_weight(flow), flow.ethertype)


def describe_exposure(exposure: Exposure, names: Mapping[str, str] = NO_NAMES) -> str:
    """Return it as one line: `ingress tcp 22 from 0.0.0.0/0`, or `... from 17 prefixes together (1.0.0.0/8, ...)`."""
    first, *more = exposure.flows
    if not more:
        return describe(first, names)
    services = ", ".join(dict.fromkeys(map(describe_service, exposure.services)))
    remotes = list(dict.fromkeys(describe_flow_remote(flow, names) for flow in exposure.flows))
    left = f", and {len(remotes) - _SHOWN} more" if len(remotes) > _SHOWN else ""
    return f"ingress {services} from {len(remotes)} prefixes together ({', '.join(remotes[:_SHOWN])}{left})"


def may_be_world(rules: Iterable[Rule], kept: Iterable[Rule] = ()) -> bool:
    """Tell quickly of most groups that nothing can be open to the world by these rules, by the sizes of prefixes.

    Takes rules as `exposures` takes flows.
    """
    counted = [rule for rule in rules if _counts(rule)]
    if not counted:
        return False
    if any(rule.remote_ip_prefix is None for rule in counted):
        return True
    together = [*counted, *(rule for rule in kept if not _is_whole(rule))]
    return any(
        is_world(sum(_prefix_weights(rule for rule in together if rule.ethertype == family)), family)
        for family in {rule.ethertype for rule in counted}
    )


def world_weight(flow: Flow) -> int:
    """Return how much of the world a flow's addresses are. Flows that do not overlap may be added up."""
    if flow.remote is not None and flow.remote.prefix is not None and not flow.except_remotes:
        return _prefix_weight(flow.remote.prefix, flow.ethertype)
    return _weight(flow_remotes(flow), flow.ethertype)


def is_world(weight: int, ethertype: Ethertype) -> bool:
    """Return whether so much is the world."""
    return weight * _PARTS >= _PUBLIC_SIZE[ethertype] << ADDRESS_BITS[ethertype]


def _weight(remotes: Spans, family: Ethertype) -> int:
    """Weigh addresses so that either share reaches one and the same sum."""
    every = spans.size(spans.clip(remotes, ("", 0), ("", 1 << ADDRESS_BITS[family])))
    public = spans.size(spans.clip(remotes, *_PUBLIC[family]))
    return public * (_PUBLIC_PARTS // _PARTS << ADDRESS_BITS[family]) + (every - public) * _PUBLIC_SIZE[family]


def _counts(rule: Rule) -> bool:
    return rule.direction == "ingress" and rule.remote_group_id is None and rule.protocol not in ICMP_PROTOCOLS


def _is_whole(rule: Rule) -> bool:
    return rule.remote_ip_prefix is None or not _counts(rule)


def _prefix_weights(rules: Iterable[Rule]) -> Iterator[int]:
    """Weigh each prefix of rules once."""
    for prefix, family in {(rule.remote_ip_prefix, rule.ethertype) for rule in rules}:
        if prefix is not None:
            yield _prefix_weight(prefix, family)


@lru_cache(maxsize=1 << 14)
def _prefix_weight(prefix: str, family: Ethertype) -> int:
    return _weight(prefix_span(prefix, family), family)


def _together(parts: Mapping[Flow, int], kept: Iterable[Rule], family: Ethertype) -> Iterator[Exposure]:
    """Go up the services, adding up what is opened and what was open where each flow begins and ends."""
    steps: dict[Point, list[int]] = defaultdict(lambda: [0, 0])
    for flow, weight in parts.items():
        _add(steps, flow, weight, 0)
    for flow in Traffic.of(kept).flows():
        _add(steps, flow, world_weight(flow), 1)
    world: list[Span] = []
    opened = was = 0
    for start, end in pairwise(sorted(steps)):
        opened, was = opened + steps[start][0], was + steps[start][1]
        becomes = is_world(opened + was, family) and not is_world(was, family)
        if opened and (becomes or is_world(opened, family)):
            world.append((start, end))
    by_protocol: dict[str | None, list[Flow]] = defaultdict(list)
    for service in decompose(Region((BOTTOM,), (spans.of(world),)), "ingress", family):
        by_protocol[service.protocol].append(service)
    for services in by_protocol.values():
        column = spans.of(chain.from_iterable(map(_stretches, services)))
        behind = [flow for flow in parts if any(spans.meets(column, stretch) for stretch in _stretches(flow))]
        yield Exposure(tuple(behind), tuple(services))


def _add(steps: dict[Point, list[int]], flow: Flow, weight: int, which: int) -> None:
    for start, end in _stretches(flow):
        steps[start][which] += weight
        steps[end][which] -= weight


def _stretches(flow: Flow) -> Iterator[Span]:
    return spans.stretches(flow_services(flow))
