"""One written rule -> the rules it means.

The lists of a rule are multiplied: every port range with every remote, every remote in its own family. All facts are
Neutron's (`securitygroups_db.py`); `model.canonical` spells the results.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from reconciler.loading.issues import Path, Problem
from reconciler.loading.remote import WAYS, AddressGroup, Remote, read_prefix, read_remotes
from reconciler.model.canonical import IPV6_PROTOCOLS, canonical_protocol, canonical_rule
from reconciler.model.cloud import MAX_ICMP, MAX_PORT, MAX_RULES
from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.problems import ProblemName
from reconciler.model.rule import ICMP_PROTOCOLS, PORT_PROTOCOLS, Direction, Ethertype, Rule

Range = tuple[int | None, int | None]
ALL: tuple[Range, ...] = ((None, None),)
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
        return _wrong(
            Problem(
                (second,),
                ProblemName.EXCLUSIVE_KEYS,
                message,
                "keep one of the two",
                (("the other", (first,)),),
                at_key=True,
            )
        )
    if protocol in ICMP_PROTOCOLS and first != "ports":
        type_key, code_key = given[0]
        return _icmp(type_key, written[type_key], code_key, written[code_key])
    if protocol not in PORT_PROTOCOLS or first.startswith("icmp"):
        return _wrong((_not_icmp if first.startswith("icmp") else _no_ports)(first, protocol))
    return _ports(ports) if first == "ports" else _range(low, high)


def _wrong(*problems: Problem) -> Ranges:
    return Ranges((), problems)


def _not_icmp(key: str, protocol: str | None) -> Problem:
    fix = "add protocol: icmp" if protocol is None else "write protocol: icmp if ICMP is meant, or `ports` for ports"
    return Problem((key,), ProblemName.NOT_ICMP, f"`{key}` needs protocol icmp or ipv6-icmp", fix, at_key=True)


def _no_ports(key: str, protocol: str | None) -> Problem:
    if protocol is None:
        message = f"`{key}` needs a protocol with ports: tcp, udp, udplite, sctp or dccp"
        return Problem(
            (key,), ProblemName.NO_PORTS, message, "add the one that is meant, such as `protocol: tcp`", at_key=True
        )
    if protocol in ICMP_PROTOCOLS:
        return Problem(
            (key,), ProblemName.NO_PORTS, f"{protocol} has no ports", "use icmp_type and icmp_code", at_key=True
        )
    message, fix = f"the protocol {protocol} has no ports", "write a protocol with ports, such as tcp or udp"
    return Problem((key,), ProblemName.NO_PORTS, message, fix, at_key=True)


def _icmp(type_key: str, icmp_type: int | None, code_key: str, icmp_code: int | None) -> Ranges:
    if icmp_type is None:
        return _wrong(
            Problem(
                (code_key,), ProblemName.INCOMPLETE_RANGE, "an ICMP code needs a type", f"add {type_key}", at_key=True
            )
        )
    beyond = [
        Problem((key,), ProblemName.OUT_OF_RANGE, f"an ICMP {name} is a number from 0 to {MAX_ICMP}, not {value}")
        for key, name, value in ((type_key, "type", icmp_type), (code_key, "code", icmp_code))
        if value is not None and value > MAX_ICMP
    ]
    return _wrong(*beyond) if beyond else Ranges(((icmp_type, icmp_code),))


def _range(low: int | None, high: int | None) -> Ranges:
    if low is None or high is None:
        given, missing = ("port_range_min", "port_range_max") if high is None else ("port_range_max", "port_range_min")
        value = low if high is None else high
        return _wrong(
            Problem(
                (given,),
                ProblemName.INCOMPLETE_RANGE,
                f"`{given}` needs `{missing}` beside it",
                f"add {missing}: {value}",
                at_key=True,
            )
        )
    if low == 0 or high == 0:
        return _wrong(
            Problem(
                ("port_range_min" if low == 0 else "port_range_max",),
                ProblemName.OUT_OF_RANGE,
                f"ports are numbers from 1 to {MAX_PORT}",
                _fix_zero(high),
            )
        )
    if low > high:
        fix = f"write port_range_min: {high} and port_range_max: {low}"
        return _wrong(
            Problem(
                ("port_range_min",), ProblemName.BACKWARDS_RANGE, f"the range {low}-{high} ends before it begins", fix
            )
        )
    return Ranges((_stored(low, high),))


def _fix_zero(high: int) -> str:
    if not high:
        return "leave both ends out if every port is meant"
    return "write 1" if high == MAX_PORT else f"write 1 if every port up to {high} is meant"


def _ports(ports: int | str | tuple[int | str, ...]) -> Ranges:
    found: dict[Range, None] = {}
    problems = []
    for index, port in enumerate(ports if isinstance(ports, tuple) else (ports,)):
        low, _, high = str(port).partition("-")
        first, last = int(low), int(high or low)
        path = ("ports", index) if isinstance(ports, tuple) else ("ports",)
        if max(first, last) > MAX_PORT:
            problems.append(
                Problem(
                    path, ProblemName.OUT_OF_RANGE, f"ports are numbers from 1 to {MAX_PORT}, not {max(first, last)}"
                )
            )
        elif first > last:
            problems.append(
                Problem(
                    path,
                    ProblemName.BACKWARDS_RANGE,
                    f"the range {port} ends before it begins",
                    f"write {last}-{first}",
                )
            )
        else:
            found[_stored(first, last)] = None
    return Ranges(() if problems else tuple(found), tuple(problems))


def _stored(low: int, high: int) -> Range:
    """All ports are no range at all to Neutron: said here too, so that `[1-65535, 1-65535]` counts as one."""
    return (None, None) if (low, high) == (1, MAX_PORT) else (low, high)


Pair = tuple[Ethertype, Remote]
_OTHER_REMOTES = WAYS - {"remote_ip_prefix"}


_NO_ORIGINS: Mapping[Rule, str] = {}


class Expansion(NamedTuple):
    """The rules that a written one means, each with the name of its remote group.

    `number` is how many they are; where one rule alone is over the limit of a group, they are counted and not made.
    `notes` are about what may have been meant otherwise, each with its path; `address_groups` tells of rules which one
    their prefix is of.
    """

    rules: tuple[tuple[Rule, str | None], ...]
    number: int
    problems: tuple[Problem, ...] = ()
    notes: tuple[tuple[Path, str], ...] = ()
    address_groups: Mapping[Rule, str] = _NO_ORIGINS


def expand(rule: dict[str, Any], address_groups: Mapping[str, AddressGroup]) -> Expansion:
    """Expand a well-formed rule or preset, or say all that is wrong with it."""
    plain = _expand_plain(rule)
    if plain is not None:
        return plain
    if "preset" in rule:
        return _PRESET
    remotes, problems = read_remotes(rule, address_groups)
    written = rule.get("ethertype")
    families: tuple[Ethertype, ...] = (
        () if written is None else tuple(written) if written.__class__ is list else (written,)
    )
    protocol = rule.get("protocol")
    if problems:
        return Expansion((), 0, (*problems, *read_ranges(rule, canonical_protocol(protocol, "IPv4")).problems))
    pairs, problems = _match_families(families, remotes)
    parts: dict[Ethertype, tuple[Range, ...]] = {}
    for family, remote in pairs:
        if family not in parts:
            name = canonical_protocol(protocol, family)
            parts[family], wrong = read_ranges(rule, name)
            if family == "IPv4" and name in IPV6_PROTOCOLS:
                wrong = (*wrong, _needs_ipv6(rule, families, remote))
            if wrong:
                problems += tuple(problem for problem in wrong if problem not in problems)
    if problems:
        return Expansion((), 0, problems)
    notes = tuple((each.path, each.note) for each in remotes if each.note)
    return _multiply(rule["direction"], protocol, pairs, parts)._replace(notes=notes)


_PRESET = Expansion(tuple((rule, None) for rule in DEFAULT_EGRESS_RULES), len(DEFAULT_EGRESS_RULES))


def _expand_plain(rule: dict[str, Any]) -> Expansion | None:
    """Expand a rule whose only remote is one prefix in its own family, if all is well with it; else None.

    Most rules of a fleet are such, and what is said of all of them in `expand` need not be asked of each.
    """
    text = rule.get("remote_ip_prefix")
    if text is None or not _OTHER_REMOTES.isdisjoint(rule):
        return None
    family, prefix, problem, note = read_prefix(text)
    if problem is not None or rule.get("ethertype", family) != family:
        return None
    protocol = canonical_protocol(rule.get("protocol"), family)
    ranges, wrong = read_ranges(rule, protocol)
    if wrong or (family == "IPv4" and protocol in IPV6_PROTOCOLS) or len(ranges) > MAX_RULES:
        return None
    direction = rule["direction"]
    rules = [(Rule(direction, family, protocol, low, high, prefix, None), None) for low, high in ranges]
    return Expansion(tuple(rules), len(rules), (), ((("remote_ip_prefix",), note),) if note else ())


def _match_families(
    families: tuple[Ethertype, ...], remotes: tuple[Remote, ...]
) -> tuple[list[Pair], tuple[Problem, ...]]:
    """Take each prefix in its own family, and everything else in each family of the rule."""
    if not remotes or remotes[0].family is None:
        return [(family, remote) for family in dict.fromkeys(families or ("IPv4",)) for remote in remotes], ()
    pairs = [(remote.family, remote) for remote in remotes if remote.family]
    if not families:
        return pairs, ()
    there = {family for family, _ in pairs}
    problems = [_foreign(remote, families) for family, remote in pairs if family not in families]
    for index, family in enumerate(families):
        if family not in there and not problems:
            problems.append(
                Problem(
                    ("ethertype", index),
                    ProblemName.ETHERTYPE_MISMATCH,
                    f"no prefix of this rule is of {family}",
                    f"add an {family} prefix, or leave it out",
                )
            )
    return pairs, tuple(dict.fromkeys(problems))


def _foreign(remote: Remote, families: tuple[Ethertype, ...]) -> Problem:
    """Word a prefix that is of none of the families written."""
    what = f"{remote.prefix or 'this prefix'} is of {remote.family}, the rule's ethertype is {families[0]}"
    fix = f"write ethertype: {remote.family}, or leave ethertype out"
    return Problem(remote.path, ProblemName.ETHERTYPE_MISMATCH, what, fix, (("the ethertype", ("ethertype",)),))


def _needs_ipv6(rule: dict[str, Any], families: tuple[Ethertype, ...], remote: Remote) -> Problem:
    message = f"the protocol {rule['protocol']} needs IPv6"
    if remote.family is not None and not families:
        return Problem(
            ("protocol",),
            ProblemName.ETHERTYPE_MISMATCH,
            message,
            "use an IPv6 prefix",
            (("the IPv4 prefix", remote.path),),
        )
    return Problem(
        ("protocol",), ProblemName.ETHERTYPE_MISMATCH, message, f"{'write' if families else 'add'} ethertype: IPv6"
    )


def _multiply(
    direction: Direction, protocol: str | None, pairs: list[Pair], parts: dict[Ethertype, tuple[Range, ...]]
) -> Expansion:
    """Make a rule of each remote with each range. Remotes and ranges are each there once, and so are the products."""
    number = sum([len(parts[family]) for family, _ in pairs])
    if number > MAX_RULES:
        return Expansion((), number)
    rules = [
        (canonical_rule(direction, family, protocol, low, high, remote.prefix, remote.group_id), remote.group_name)
        for family, remote in pairs
        for low, high in parts[family]
    ]
    if not pairs or pairs[0][1].address_group is None:
        return Expansion(tuple(rules), number)
    repeated = (remote.address_group or "" for family, remote in pairs for _ in parts[family])
    return Expansion(
        tuple(rules), number, address_groups={rule: name for (rule, _), name in zip(rules, repeated, strict=True)}
    )
