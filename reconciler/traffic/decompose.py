"""A region as flows: canonical, exact, without overlap, and as few as a clear rule allows.

The rule, read from the remotes: at every remote the services are written as the longest stretches that exist ("tcp
20-25", never 20-22 and 23-25), and all remotes that share a stretch are written together, in the fewest blocks.

- *Every protocol* stands where the protocols that nobody named are admitted, and only there. The named protocols that
  are not admitted in full beside them become `except_protocols`, and what is admitted of those has its own flows.
- *Every remote* stands where the groups that nobody named are admitted, and only there. What is not admitted becomes
  `except_remotes`; only where listing the admitted addresses is shorter than listing the others, all addresses are
  excepted (as two /1) and the admitted ones follow as flows of their own.
- A prefix has exceptions where that is shorter than its parts (see `blocks`).

Flows come in the order of protocol (every protocol first, then by name), ports, remotes (every remote first, then
addresses, then groups).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from reconciler.model.rule import ICMP_PROTOCOLS, PORT_PROTOCOLS, Direction, Ethertype
from reconciler.traffic import blocks, spans
from reconciler.traffic.extent import ADDRESS_BITS, BOTTOM, CODES, EVERYTHING, TOP, Point, extent
from reconciler.traffic.flow import Flow, Range, Remote
from reconciler.traffic.region import Region
from reconciler.traffic.spans import Spans

Stretch = tuple[Point, ...]
"""Start and end of services in one piece; for every protocol, followed by one point for each that is missing."""
Service = tuple[str | None, tuple[str, ...], Range | None, Range | None, Range | None]
"""The fields of a flow from `protocol` to `icmp_codes`."""
From = tuple[Remote | None, tuple[Remote, ...]]
"""The last two fields of a flow."""


def decompose(region: Region, direction: Direction, ethertype: Ethertype) -> Iterator[Flow]:
    """Yield the flows of a region."""
    remotes_of: dict[Stretch, list[Point]] = defaultdict(list)
    known: dict[int, frozenset[Stretch]] = {}  # by identity: between two hosts the same column is met again
    before: frozenset[Stretch] = frozenset()
    for start, column in zip(region.bounds, region.columns, strict=True):
        now = known.get(id(column))
        if now is None:
            now = known[id(column)] = _stretches(column)
        for stretch in before ^ now:  # where one begins or ends: its remotes as boundaries, in rising order
            remotes_of[stretch].append(start)
        before = now
    for stretch in before:
        remotes_of[stretch].append(TOP)

    written: dict[Spans, list[From]] = {}
    for stretch in sorted(remotes_of):
        remotes = tuple(remotes_of[stretch])
        if remotes not in written:
            written[remotes] = _remotes(remotes, ethertype)
        for service in _services(stretch):
            for remote, exceptions in written[remotes]:
                yield Flow(direction, ethertype, *service, remote, exceptions)


def _stretches(column: Spans) -> frozenset[Stretch]:
    """Return the longest stretches of one column's services."""
    if not column or column[0] != BOTTOM:
        # Without the unnamed protocols no stretch reaches from one protocol into another: they lie between any two.
        return frozenset(spans.stretches(column))
    # With them, the same holds for the stretches that are missing.
    missing = spans.complement(column)
    names = sorted({name for name, _ in missing})
    stretches: set[Stretch] = {(*EVERYTHING, *((name, 0) for name in names))}
    for name in names:
        start, end = extent(name)
        admitted = spans.clip(column, (name, start), (name, end))
        stretches.update(spans.stretches(admitted))
    return frozenset(stretches)


def _services(stretch: Stretch) -> Iterator[Service]:
    """Yield a stretch as the fields of flows: one, or up to three for ICMP, whose types and codes are a rectangle."""
    (protocol, start), (last, end), *missing = stretch
    if last != protocol:
        yield None, tuple([name for name, _ in missing]), None, None, None
        return
    if (start, end) == extent(protocol):
        yield protocol, (), None, None, None
    elif protocol in PORT_PROTOCOLS:
        yield protocol, (), (start, end - 1), None, None
    elif protocol in ICMP_PROTOCOLS:
        for types, codes in _types_and_codes(start, end):
            yield protocol, (), None, types, codes


def _types_and_codes(start: int, end: int) -> Iterator[tuple[Range, Range | None]]:
    """Split a stretch of `type * 256 + code` into the rest of a type, whole types, and the beginning of a type."""
    first, first_code = divmod(start, CODES)
    last, after_code = divmod(end, CODES)
    if first == last:
        yield (first, first), (first_code, after_code - 1)
        return
    if first_code:
        yield (first, first), (first_code, CODES - 1)
        first += 1
    if first < last:
        yield (first, last - 1), None
    if after_code:
        yield (last, last), (0, after_code - 1)


def _remotes(remotes: Spans, ethertype: Ethertype) -> list[From]:
    """Write a set of remotes as the last fields of flows."""
    size = 1 << ADDRESS_BITS[ethertype]
    (_, first), (last, end) = remotes[0], remotes[-1]
    if len(remotes) == 2 and not last and blocks.is_block(first, end - first, ethertype):
        return [(_prefix((first, end - first), ethertype), ())]  # by far the most common set
    addresses = _addresses(remotes, size)
    if remotes[-1] != TOP:  # the groups that nobody named lie above every name, and are not in the set
        groups = [Remote(group=name) for name, _ in remotes[::2] if name]
        return [*_prefixes(addresses, ethertype), *((group, ()) for group in groups)]

    missing = spans.complement(remotes)
    groups = [Remote(group=name) for name, _ in missing[::2] if name]
    others = blocks.plain(_addresses(missing, size), ethertype)
    halves = blocks.plain((0, size), ethertype)
    fewest = len(halves) + len(addresses) // 2  # what listing the addresses takes at the very least
    if len(others) <= fewest or len(others) <= len(halves) + blocks.cost(blocks.write(addresses, ethertype)):
        return [(None, (*_as_remotes(others, ethertype), *groups))]
    return [(None, (*_as_remotes(halves, ethertype), *groups)), *_prefixes(addresses, ethertype)]


def _addresses(remotes: Spans, size: int) -> list[int]:
    """Return the addresses of a set of remotes as boundaries without names."""
    return [number for _, number in spans.clip(remotes, BOTTOM, ("", size))]


def _prefixes(addresses: list[int], ethertype: Ethertype) -> Iterator[From]:
    for block, exceptions in blocks.write(addresses, ethertype):
        yield _prefix(block, ethertype), _as_remotes(exceptions, ethertype)


def _as_remotes(some: Iterable[blocks.Block], ethertype: Ethertype) -> tuple[Remote, ...]:
    return tuple([_prefix(block, ethertype) for block in some])


@lru_cache(maxsize=4096)
def _prefix(block: blocks.Block, ethertype: Ethertype) -> Remote:
    return Remote(blocks.cidr(block, ethertype))
