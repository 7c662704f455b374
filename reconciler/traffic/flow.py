"""One flow of a traffic difference: a stretch of services from a stretch of remotes, as people write it."""

from typing import NamedTuple

from reconciler.model.rule import Direction, Ethertype
from reconciler.traffic import spans
from reconciler.traffic.extent import CODES, EVERYTHING, Span, extent, prefix_span
from reconciler.traffic.spans import Spans

Range = tuple[int, int]
"""First and last, both included."""


class Remote(NamedTuple):
    """Either the addresses of a prefix or a group as such; exactly one of the two is set."""

    prefix: str | None = None
    group: str | None = None


class Flow(NamedTuple):
    """A set of packets in one line; a rule with exceptions, so to say.

    `protocol` None is every protocol, also those without a name, less `except_protocols`.
    `ports`, `icmp_types` and `icmp_codes` are None for all of them, and where the protocol has none.
    `remote` None is every address and every group, less `except_remotes`. A prefix may have exceptions as well
    (prefixes inside it), a group has none.
    """

    direction: Direction
    ethertype: Ethertype
    protocol: str | None = None
    except_protocols: tuple[str, ...] = ()
    ports: Range | None = None
    icmp_types: Range | None = None
    icmp_codes: Range | None = None
    remote: Remote | None = None
    except_remotes: tuple[Remote, ...] = ()


def flow_services(flow: Flow) -> Spans:
    """Return the services of a flow on their axis."""
    protocol = flow.protocol
    if protocol is None:
        return spans.complement(spans.of(whole_protocol(name) for name in flow.except_protocols))
    if flow.ports is not None:
        return (protocol, flow.ports[0]), (protocol, flow.ports[1] + 1)
    if flow.icmp_types is None:
        return whole_protocol(protocol)
    first, last = flow.icmp_types
    low, high = flow.icmp_codes or (0, CODES - 1)
    return spans.of(
        ((protocol, kind * CODES + low), (protocol, kind * CODES + high + 1)) for kind in range(first, last + 1)
    )


def flow_remotes(flow: Flow) -> Spans:
    """Return the remotes of a flow on their axis."""
    within = EVERYTHING if flow.remote is None else _remote_span(flow.remote, flow.ethertype)
    if not flow.except_remotes:
        return within
    missing = spans.of(_remote_span(remote, flow.ethertype) for remote in flow.except_remotes)
    return spans.clip(spans.complement(missing), *within)


def whole_protocol(protocol: str) -> Span:
    """Return all services of a protocol on their axis."""
    start, end = extent(protocol)
    return (protocol, start), (protocol, end)


def _remote_span(remote: Remote, ethertype: Ethertype) -> Span:
    if remote.prefix is not None:
        return prefix_span(remote.prefix, ethertype)
    name = remote.group or ""
    return (name, 0), (name, 1)
