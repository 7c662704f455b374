"""Which of some rules admit one packet."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.model.rule import ICMP_PROTOCOLS, PORT_PROTOCOLS, Direction, Ethertype, Rule
from reconciler.traffic.extent import CODES, EVERYTHING, Point, Span, address_number, extent, rectangle


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as an interface sees it. What is None is not known, and only a rule that admits all of it will do.

    `port` is that of tcp, udp, udplite, sctp and dccp, at the far end for egress and at the near end for ingress;
    `icmp_type` and `icmp_code` are those of icmp and ipv6-icmp.
    The remote is an address, the groups its interface is a member of, or both.
    """

    direction: Direction
    ethertype: Ethertype
    protocol: str
    port: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    remote_address: str | None = None
    remote_group_ids: frozenset[str] = frozenset()


def admits(rules: Iterable[Rule], packet: Packet) -> tuple[Rule, ...]:
    """Return the rules that admit a packet, in their order. Security groups only admit: one is enough.

    Raises `OSError` if the remote address is no address of the packet's family.
    """
    wanted = _services(packet)
    remotes: list[Point] = [(group, 0) for group in packet.remote_group_ids]
    if packet.remote_address is not None:
        remotes.append(("", address_number(packet.remote_address, packet.ethertype)))
    return tuple(
        rule
        for rule in rules
        if rule.direction == packet.direction
        and rule.ethertype == packet.ethertype
        and _admits(*rectangle(rule), wanted, remotes)
    )


def _admits(services: Span, remotes: Span, wanted: Span, points: list[Point]) -> bool:
    if not (services[0] <= wanted[0] and wanted[1] <= services[1]):
        return False
    return remotes == EVERYTHING or any(remotes[0] <= at < remotes[1] for at in points)


def _services(packet: Packet) -> Span:
    """Return the services the packet may belong to: one, or all that its unknown fields leave possible."""
    protocol = packet.protocol
    start, end = extent(protocol)
    if packet.port is not None and protocol in PORT_PROTOCOLS:
        start, end = packet.port, packet.port + 1
    elif packet.icmp_type is not None and protocol in ICMP_PROTOCOLS:
        start, end = packet.icmp_type * CODES, (packet.icmp_type + 1) * CODES
        if packet.icmp_code is not None:
            start, end = start + packet.icmp_code, start + packet.icmp_code + 1
    return (protocol, start), (protocol, end)
