"""The ports of a rule, or the type and code of ICMP, from any of the ways to write them."""

from functools import lru_cache
from typing import Any, NamedTuple

from reconciler.loader.problem import Problem
from reconciler.model.rule import ICMP_PROTOCOLS, PORT_PROTOCOLS

Range = tuple[int | None, int | None]
ALL: tuple[Range, ...] = ((None, None),)
_HIGHEST = 65535
_WAYS: tuple[tuple[str, ...], ...] = (("ports",), ("port_range_min", "port_range_max"), ("icmp_type", "icmp_code"))


class Ranges(NamedTuple):
    """The ranges that a rule asks for, each once, or what is wrong."""

    ranges: tuple[Range, ...]
    problems: tuple[Problem, ...] = ()


def read_ranges(rule: dict[str, Any], protocol: str | None) -> Ranges:
    """Read the ranges of a well-formed rule for a canonical protocol."""
    get = rule.get
    ports = get("ports")
    if ports.__class__ is list:
        ports = tuple(ports)
    return _ranges(protocol, ports, get("port_range_min"), get("port_range_max"), get("icmp_type"), get("icmp_code"))


@lru_cache(1 << 14)
def _ranges(
    protocol: str | None,
    ports: Any,
    low: int | None,
    high: int | None,
    icmp_type: int | None,
    icmp_code: int | None,
) -> Ranges:
    written = dict(zip([key for way in _WAYS for key in way], (ports, low, high, icmp_type, icmp_code), strict=True))
    given = [way for way in _WAYS if any(written[key] is not None for key in way)]
    if not given:
        return Ranges(ALL)
    first = next(key for key in given[0] if written[key] is not None)
    if len(given) > 1:
        second = next(key for key in given[1] if written[key] is not None)
        message = f"`{second}` and `{first}` exclude each other"
        return _wrong(Problem((second,), message, "keep one of the two", (("the other", (first,)),), at_key=True))
    if protocol in ICMP_PROTOCOLS and first != "ports":
        type_key, code_key = given[0]
        return _icmp(type_key, written[type_key], code_key, written[code_key])
    if protocol not in PORT_PROTOCOLS or first.startswith("icmp"):
        return _wrong((_not_icmp if first.startswith("icmp") else _no_ports)(first, protocol))
    return _ports(ports) if first == "ports" else _range(low, high)


def _wrong(*problems: Problem) -> Ranges:
    return Ranges((), problems)


def _not_icmp(key: str, protocol: str | None) -> Problem:
    fix = "add protocol: icmp" if protocol is None else "leave it out"
    return Problem((key,), f"`{key}` needs protocol icmp or ipv6-icmp", fix, at_key=True)


def _no_ports(key: str, protocol: str | None) -> Problem:
    if protocol is None:
        message = f"`{key}` needs a protocol with ports: tcp, udp, udplite, sctp or dccp"
        return Problem((key,), message, "add protocol: tcp", at_key=True)
    if protocol in ICMP_PROTOCOLS:
        return Problem((key,), f"{protocol} has no ports", "use icmp_type and icmp_code", at_key=True)
    return Problem((key,), f"the protocol {protocol} has no ports", "leave it out", at_key=True)


def _icmp(type_key: str, icmp_type: int | None, code_key: str, icmp_code: int | None) -> Ranges:
    if icmp_type is None:
        return _wrong(Problem((code_key,), "an ICMP code needs a type", f"add {type_key}", at_key=True))
    beyond = [
        Problem((key,), f"an ICMP {name} is a number from 0 to 255, not {value}")
        for key, name, value in ((type_key, "type", icmp_type), (code_key, "code", icmp_code))
        if value is not None and value > 255
    ]
    return _wrong(*beyond) if beyond else Ranges(((icmp_type, icmp_code),))


def _range(low: int | None, high: int | None) -> Ranges:
    if low is None or high is None:
        given, missing = ("port_range_min", "port_range_max") if high is None else ("port_range_max", "port_range_min")
        value = low if high is None else high
        return _wrong(
            Problem((given,), f"`{given}` needs `{missing}` beside it", f"add {missing}: {value}", at_key=True)
        )
    if low == 0 or high == 0:
        return _wrong(
            Problem(("port_range_min" if low == 0 else "port_range_max",), "ports are numbers from 1 to 65535")
        )
    if low > high:
        fix = f"write port_range_min: {high} and port_range_max: {low}"
        return _wrong(Problem(("port_range_min",), f"the range {low}-{high} ends before it begins", fix))
    return Ranges((_stored(low, high),))


def _ports(ports: int | str | tuple[int | str, ...]) -> Ranges:
    found: dict[Range, None] = {}
    problems = []
    for index, port in enumerate(ports if isinstance(ports, tuple) else (ports,)):
        low, _, high = str(port).partition("-")
        first, last = int(low), int(high or low)
        path = ("ports", index) if isinstance(ports, tuple) else ("ports",)
        if max(first, last) > _HIGHEST:
            problems.append(Problem(path, f"ports are numbers from 1 to {_HIGHEST}, not {max(first, last)}"))
        elif first > last:
            problems.append(Problem(path, f"the range {port} ends before it begins", f"write {last}-{first}"))
        else:
            found[_stored(first, last)] = None
    return Ranges(() if problems else tuple(found), tuple(problems))


def _stored(low: int, high: int) -> Range:
    """All ports are no range at all to Neutron: said here too, so that `[1-65535, 1-65535]` counts as one."""
    return (None, None) if (low, high) == (1, _HIGHEST) else (low, high)
