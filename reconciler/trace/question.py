"""What is asked: `ingress tcp/443 from 203.0.113.9`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, cast

from reconciler.loading.remote import read_prefix
from reconciler.model.canonical import IPV6_PROTOCOLS, PROTOCOL_NUMBERS, PUBLISHED_PROTOCOLS, canonical_rule
from reconciler.model.cloud import MAX_PORT
from reconciler.model.errors import UsageError
from reconciler.model.rule import ICMP_PROTOCOLS, PORT_PROTOCOLS, Direction, Ethertype, Rule

_WAYS = {"ingress": "from", "egress": "to"}
_HINT = (
    "Ask like `ingress tcp/443 from 203.0.113.9`, `egress udp/53 to 10.0.0.0/8` or `ingress icmp/8/0 from group app`."
)
_ANYWHERE = {"anywhere", "any"}


@dataclass(frozen=True, slots=True)
class Question:
    """The flows that are asked for, as a rule without a remote group; `far` are the groups at the other end.

    `address` is the far address as the rule has it, None where none was given: then only the groups are known.
    `anywhere` says that every address was asked for.
    """

    flow: Rule
    far: tuple[str, ...] = ()
    address: str | None = None
    anywhere: bool = False


def parse_question(
    words: Sequence[str], far: Sequence[str] = (), ethertype: Ethertype | None = None
) -> tuple[Question, tuple[str, ...]]:
    """Read a question, and return it with the words that come after it (paths).

    `far` are groups named by an option. The family follows from the address, then from the protocol, else it is IPv4.
    Raises `UsageError` with what is not understood, and how to ask.
    """
    if len(words) < 2:
        _refuse("a question has a direction, a protocol and a remote")
    direction, service, rest = words[0], words[1], words[2:]
    if direction not in _WAYS:
        _refuse(f"{direction!r} is no direction: ingress or egress")
    names, address, rest = _remote(direction, rest, bool(far))
    far = tuple(dict.fromkeys((*far, *names)))
    anywhere = address in _ANYWHERE
    prefix, family = (None, None) if address is None or anywhere else _prefix(address)
    if family and ethertype and family != ethertype:
        _refuse(f"{address} is an address of {family}, and --ethertype says {ethertype}")
    protocol, low, high = _service(service)
    flow = canonical_rule(
        cast("Direction", direction), family or ethertype or _family(protocol), protocol, low, high, prefix, None
    )
    if flow.ethertype == "IPv4" and flow.protocol in IPV6_PROTOCOLS:
        _refuse(f"{flow.protocol} is a protocol of IPv6 only")
    anywhere = anywhere or (family is not None and flow.remote_ip_prefix is None)
    return Question(flow, far, flow.remote_ip_prefix, anywhere), tuple(rest)


def _remote(direction: str, words: Sequence[str], has_far: bool) -> tuple[tuple[str, ...], str | None, Sequence[str]]:  # noqa: FBT001 - private
    """Read `from ADDRESS` or `from group NAME`; may be missing where an option names the group."""
    way = _WAYS[direction]
    if not words or words[0] not in _WAYS.values():
        if has_far:
            return (), None, words
        _refuse(f"after the protocol comes `{way} ADDRESS` or `{way} group NAME`")
    if words[0] != way:
        _refuse(f"{direction} is `{way}` somewhere, not `{words[0]}`")
    if len(words) < 2:
        _refuse(f"`{way}` needs an address, or `group NAME`")
    if words[1] != "group":
        return (), words[1], words[2:]
    if len(words) < 3:
        _refuse(f"`{way} group` needs a name")
    return (words[2],), None, words[3:]


def _prefix(text: str) -> tuple[str | None, Ethertype]:
    read = read_prefix(text)
    if read.problem:
        raise UsageError(f"{read.problem.message} ({read.problem.fix})")
    return read.canonical, read.family


def _family(protocol: str) -> Ethertype:
    return "IPv6" if protocol in IPV6_PROTOCOLS or protocol == "icmpv6" else "IPv4"


def _service(text: str) -> tuple[str, int | None, int | None]:
    """Read `tcp/443`, `tcp/8000-8099`, `icmp/8/0`, `any`, `gre` or a protocol's number."""
    name, *parts = text.lower().split("/")
    name = {str(number): known for known, number in PROTOCOL_NUMBERS.items()}.get(name, name)
    is_number = name.isascii() and name.isdigit() and len(name) < 4 and int(name) < 256
    if name not in PUBLISHED_PROTOCOLS | {"any", "icmpv6"} and not is_number:
        _refuse(f"{text!r} is no protocol")
    if not parts:
        return name, None, None
    if name in PORT_PROTOCOLS:
        return (name, *_ports(text, parts))
    if name not in ICMP_PROTOCOLS | {"icmpv6"}:
        _refuse(f"{text!r}: the protocol {name} has no ports")
    return (name, *_type_and_code(text, parts))


def _ports(text: str, parts: Sequence[str]) -> tuple[int, int]:
    low, dash, high = parts[0].partition("-")
    if len(parts) > 1 or not all(map(_is_number, (low, high) if dash else (low,))):
        _refuse(f"{text!r} has no port like tcp/443 or tcp/8000-8099")
    first, last = int(low), int(high or low)
    if not 1 <= first <= last <= MAX_PORT:
        _refuse(f"{text!r}: ports are numbers from 1 to {MAX_PORT}, the lower one first")
    return first, last


def _type_and_code(text: str, parts: Sequence[str]) -> tuple[int, int | None]:
    if len(parts) > 2 or not all(map(_is_number, parts)) or any(int(part) > 255 for part in parts):
        _refuse(f"{text!r} has no type and code like icmp/8/0, each from 0 to 255")
    return int(parts[0]), int(parts[1]) if len(parts) > 1 else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def _refuse(message: str) -> NoReturn:
    raise UsageError(message, hint=_HINT)
