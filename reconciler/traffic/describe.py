"""A flow for people: one line of text, its size, and whether it is wide."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from reconciler.model.cloud import MAX_PORT
from reconciler.model.rule import ICMP_PROTOCOLS, PORT_PROTOCOLS, Ethertype
from reconciler.traffic import spans
from reconciler.traffic.extent import ADDRESS_BITS
from reconciler.traffic.flow import Flow, Range, Remote, flow_remotes

NO_NAMES: Mapping[str, str] = MappingProxyType({})

WIDE: dict[Ethertype, int] = {"IPv4": 1 << 15, "IPv6": 1 << 95}  # addresses: half of a /16, half of a /32


class Size(NamedTuple):
    """How much a flow is. `addresses` is None for a group; `ports` is None where the flow has no such dimension."""

    addresses: int | None
    ports: int | None


def describe(flow: Flow, names: Mapping[str, str] = NO_NAMES) -> str:
    """Return a flow as one line: `ingress tcp 22 from 0.0.0.0/0 except 10.0.0.0/8`.

    `names` gives the names of groups by id; a group that is not in it is shown by its id.
    """
    way = "from" if flow.direction == "ingress" else "to"
    # An address shows its family; where only groups are named, IPv6 has to be said.
    family = ["IPv6"] if flow.ethertype == "IPv6" and not size(flow).addresses else []
    return " ".join((flow.direction, *family, describe_service(flow), way, describe_flow_remote(flow, names)))


def describe_service(flow: Flow) -> str:
    """Return protocol and ports: `tcp 80-89`, `udp all ports`, `icmp type 8 code 0`, `every protocol except tcp`."""
    if flow.protocol is None:
        return "every protocol" + _except(flow.except_protocols)
    if flow.protocol in PORT_PROTOCOLS:
        return f"{flow.protocol} {_range(flow.ports) if flow.ports else 'all ports'}"
    words = [flow.protocol]
    if flow.icmp_types:
        words += [_plural("type", flow.icmp_types), _range(flow.icmp_types)]
    if flow.icmp_codes:
        words += [_plural("code", flow.icmp_codes), _range(flow.icmp_codes)]
    return " ".join(words)


def describe_flow_remote(flow: Flow, names: Mapping[str, str] = NO_NAMES) -> str:
    """Return where from or where to: `10.0.0.0/8 except 10.1.2.3/32`, `group web`, `0.0.0.0/0`.

    Every remote is written as the /0 of its family, as the API does.
    """
    if flow.remote is not None:
        return _remote(flow.remote, names) + _except(tuple(_remote(one, names) for one in flow.except_remotes))
    if size(flow).addresses == 0:  # only groups are left, and two excepted /1 would be a riddle
        return "every group" + _except(tuple(_remote(one, names) for one in flow.except_remotes if one.group))
    everywhere = "0.0.0.0/0" if flow.ethertype == "IPv4" else "::/0"
    return everywhere + _except(tuple(_remote(one, names) for one in flow.except_remotes))


def size(flow: Flow) -> Size:
    """Return how many addresses and how many ports a flow covers."""
    ports = None
    if flow.protocol in PORT_PROTOCOLS:
        ports = flow.ports[1] - flow.ports[0] + 1 if flow.ports else MAX_PORT
    return Size(None if flow.remote is not None and flow.remote.group else _count(flow), ports)


def describe_size(flow: Flow) -> str:
    """Return the size in words: `16,777,215 addresses, 1 port`; for a group only what is known."""
    addresses, ports = size(flow)
    words = []
    if addresses is not None:
        words.append(_number(addresses) + (" address" if addresses == 1 else " addresses"))
    if ports is not None:
        words.append(f"{ports:,} port" if ports == 1 else f"{ports:,} ports")
    return ", ".join(words)


def wide(flow: Flow) -> bool:
    """Return whether a flow covers half of an IPv4 /16 or of an IPv6 /32, or more.

    So much is a provider's network, and seldom meant where one host was written before: a slip from /32 to /8 or /16.
    Half, for what the old rules admitted already is no part of what a change opens. ICMP does not count (`exposure`).
    """
    addresses = size(flow).addresses
    return addresses is not None and addresses >= WIDE[flow.ethertype] and flow.protocol not in ICMP_PROTOCOLS


def _count(flow: Flow) -> int:
    return spans.size(spans.clip(flow_remotes(flow), ("", 0), ("", 1 << ADDRESS_BITS[flow.ethertype])))


def _remote(remote: Remote, names: Mapping[str, str]) -> str:
    if remote.group is not None:
        return f"group {names.get(remote.group, remote.group)}"
    return remote.prefix or ""


def _except(some: tuple[str, ...]) -> str:
    return f" except {', '.join(some)}" if some else ""


def _range(some: Range) -> str:
    return str(some[0]) if some[0] == some[1] else f"{some[0]}-{some[1]}"


def _plural(word: str, some: Range) -> str:
    return word if some[0] == some[1] else f"{word}s"


def _number(count: int) -> str:
    """Write a count; past what the eye can take in, as a power of two, which is how IPv6 sizes are spoken of."""
    if count < 1 << 40:
        return f"{count:,}"
    power = round(math.log2(count))
    return f"2^{power}" if count == 1 << power else f"about 2^{power}"
