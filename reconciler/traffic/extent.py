"""Where a rule lies: one span of services and one span of remotes.

All traffic of one direction and one ethertype is a plane. Its one axis holds the services (protocol and port), the
other the remotes (addresses and groups), and a rule is a single rectangle: one stretch of services, from one stretch
of remotes. Two remarks make every later step plain arithmetic on sorted numbers.

**Points are pairs `(name, number)`**, and both axes order them as Python orders tuples:

    services   ("", 0) ... ("icmp", type * 256 + code) ... ("tcp", port) ... TOP
    remotes    ("", address) ... ("<group id>", 0) ... TOP

**Between two names there is always room**: `("tcp", 65536)` and `("udp", 1)` are different points. What lies between
stands for the protocols that nobody named, as the room between two groups stands for the groups that nobody named.
Only a rule without protocol (or without remote) covers that room, and it covers all of it. So "every protocol" is more
than all named protocols together, without a list of protocols kept anywhere.

Spans are half open: `(start, end)` holds the points `start <= p < end`.
"""

from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_pton

from reconciler.model.rule import EVERY_PROTOCOL, ICMP_PROTOCOLS, PORT_PROTOCOLS, Direction, Ethertype, Rule

Point = tuple[str, int]
Span = tuple[Point, Point]

BOTTOM: Point = ("", 0)
TOP: Point = ("\U0010ffff", 0)
"""Above every name: the last code point is no character, so no protocol and no group id starts with it."""
EVERYTHING: Span = (BOTTOM, TOP)

PLANES: tuple[tuple[Direction, Ethertype], ...] = (
    ("ingress", "IPv4"),
    ("ingress", "IPv6"),
    ("egress", "IPv4"),
    ("egress", "IPv6"),
)
"""No rule reaches from one of these into another. In the order of display."""

ADDRESS_BITS: dict[Ethertype, int] = {"IPv4": 32, "IPv6": 128}
CODES = 256
"""ICMP codes of one type; types and codes are 0-255 (RFC 792, RFC 4443)."""


def extent(protocol: str) -> tuple[int, int]:
    """Return the numbers a protocol takes up among the services: its ports, its types x codes, or one single place."""
    if protocol in PORT_PROTOCOLS:
        return 1, 65536
    if protocol in ICMP_PROTOCOLS:
        return 0, 256 * CODES
    return 0, 1


def services(rule: Rule) -> Span:
    """Return the stretch of services a rule admits; fields its protocol does not have are ignored."""
    protocol = rule.protocol
    if protocol is None or protocol in EVERY_PROTOCOL:
        return EVERYTHING
    start, end = extent(protocol)
    low, high = rule.port_range_min, rule.port_range_max
    if low is not None and protocol in PORT_PROTOCOLS:
        start = low
        end = end if high is None else high + 1
    elif low is not None and protocol in ICMP_PROTOCOLS:
        start = low * CODES + (high or 0)
        end = low * CODES + CODES if high is None else start + 1
    return (protocol, start), (protocol, end)


def remotes(rule: Rule) -> Span:
    """Return the stretch of remotes a rule admits: every remote, one group as such, or the addresses of a prefix."""
    if rule.remote_group_id is not None:
        return (rule.remote_group_id, 0), (rule.remote_group_id, 1)
    if rule.remote_ip_prefix is None:
        return EVERYTHING
    start, end = prefix_span(rule.remote_ip_prefix, rule.ethertype)
    if end[1] - start[1] == 1 << ADDRESS_BITS[rule.ethertype]:
        return EVERYTHING  # a /0 is no remote at all (Neutron stores it as none), and so admits groups as well
    return start, end


@lru_cache(maxsize=4096)
def prefix_span(prefix: str, ethertype: Ethertype) -> Span:
    """Return the addresses of a CIDR or of a bare address; host bits are masked away."""
    address, _, length = prefix.partition("/")
    bits = ADDRESS_BITS[ethertype]
    size = 1 << (bits - int(length or bits))
    start = address_number(address, ethertype) & -size
    return ("", start), ("", start + size)


def address_number(address: str, ethertype: Ethertype) -> int:
    """Return an address as a number. `inet_pton` is C, and some eight times as fast as `ipaddress`.

    Raises `OSError` for text that is no address of that family.
    """
    return int.from_bytes(inet_pton(AF_INET if ethertype == "IPv4" else AF_INET6, address), "big")


@lru_cache(maxsize=4096)
def rectangle(rule: Rule) -> tuple[Span, Span]:
    """Services and remotes of a rule. Remembered, because ordering a change compares each rule with many others."""
    return services(rule), remotes(rule)


def overlaps(a: Rule, b: Rule) -> bool:
    """Whether some flow is admitted by both rules."""
    if not _comparable(a, b):
        return False
    (a_services, a_remotes), (b_services, b_remotes) = rectangle(a), rectangle(b)
    return (
        a_services[0] < b_services[1]
        and b_services[0] < a_services[1]
        and a_remotes[0] < b_remotes[1]
        and b_remotes[0] < a_remotes[1]
    )


def covers(a: Rule, b: Rule) -> bool:
    """Whether `a` admits every flow that `b` admits. A rule covers itself."""
    if not _comparable(a, b):
        return False
    (a_services, a_remotes), (b_services, b_remotes) = rectangle(a), rectangle(b)
    return (
        a_services[0] <= b_services[0]
        and b_services[1] <= a_services[1]
        and a_remotes[0] <= b_remotes[0]
        and b_remotes[1] <= a_remotes[1]
    )


def _comparable(a: Rule, b: Rule) -> bool:
    """Ask the cheap questions first: most pairs of a real group already differ here."""
    if a.direction != b.direction or a.ethertype != b.ethertype:
        return False
    return a.protocol == b.protocol or a.protocol in EVERY_PROTOCOL or b.protocol in EVERY_PROTOCOL
