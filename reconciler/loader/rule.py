"""One written rule -> the rules it means.

The lists of a rule are multiplied: every port range with every remote, every remote in its own family. All facts are
Neutron's (`securitygroups_db.py`); `model.canonical` spells the results.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.loader.ports import Range, read_ranges
from reconciler.loader.prefix import read_prefix
from reconciler.loader.problem import Problem
from reconciler.loader.remote import WAYS, AddressGroup, Remote, read_remotes
from reconciler.model.canonical import IPV6_PROTOCOLS, canonical_protocol, canonical_rule
from reconciler.model.rule import Direction, Ethertype, Rule

MAX_RULES = 250
"""Rules that a group can hold."""


Pair = tuple[Ethertype, Remote]
_OTHER_REMOTES = WAYS - {"remote_ip_prefix"}


class Expansion(NamedTuple):
    """The rules that a written one means, each with the name of its remote group.

    `number` is how many they are; where one rule alone is over the limit of a group, they are counted and not made.
    """

    rules: tuple[tuple[Rule, str | None], ...]
    number: int
    problems: tuple[Problem, ...] = ()


def expand(rule: dict[str, Any], address_groups: Mapping[str, AddressGroup]) -> Expansion:
    """Expand a well-formed rule, or say all that is wrong with it."""
    plain = _expand_plain(rule)
    if plain is not None:
        return plain
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
    return _multiply(rule["direction"], protocol, pairs, parts)


def _expand_plain(rule: dict[str, Any]) -> Expansion | None:
    """Expand a rule whose only remote is one prefix in its own family, if all is well with it; else None.

    Most rules of a fleet are such, and what is said of all of them in `expand` need not be asked of each.
    """
    text = rule.get("remote_ip_prefix")
    if text is None or not _OTHER_REMOTES.isdisjoint(rule):
        return None
    family, prefix, problem, _ = read_prefix(text)
    if problem is not None or rule.get("ethertype", family) != family:
        return None
    protocol = canonical_protocol(rule.get("protocol"), family)
    ranges, wrong = read_ranges(rule, protocol)
    if wrong or (family == "IPv4" and protocol in IPV6_PROTOCOLS) or len(ranges) > MAX_RULES:
        return None
    direction = rule["direction"]
    rules = [(Rule(direction, family, protocol, low, high, prefix, None), None) for low, high in ranges]
    return Expansion(tuple(rules), len(rules))


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
            path = ("ethertype", index) if len(families) > 1 else ("ethertype",)
            problems.append(
                Problem(path, f"no prefix of this rule is of {family}", f"add an {family} prefix, or leave it out")
            )
    return pairs, tuple(dict.fromkeys(problems))


def _foreign(remote: Remote, families: tuple[Ethertype, ...]) -> Problem:
    """Word a prefix that is of none of the families written."""
    what = f"{remote.prefix or 'this prefix'} is of {remote.family}, the rule's ethertype is {families[0]}"
    fix = f"write ethertype: {remote.family}, or leave ethertype out"
    return Problem(remote.path, what, fix, (("the ethertype", ("ethertype",)),))


def _needs_ipv6(rule: dict[str, Any], families: tuple[Ethertype, ...], remote: Remote) -> Problem:
    message = f"the protocol {rule['protocol']} needs IPv6"
    if remote.family is not None and not families:
        return Problem(("protocol",), message, "use an IPv6 prefix", (("the IPv4 prefix", remote.path),))
    return Problem(("protocol",), message, f"{'write' if families else 'add'} ethertype: IPv6")


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
    return Expansion(tuple(rules), number)
