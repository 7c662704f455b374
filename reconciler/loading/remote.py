"""Where a rule's traffic comes from or goes to, from any of the ways to write it."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from reconciler.loading.issues import Path, Problem
from reconciler.model.canonical import canonical_prefix, is_canonical_ipv4
from reconciler.model.cloud import EVERYWHERE
from reconciler.model.problems import ProblemName
from reconciler.model.rule import Ethertype
from reconciler.model.text import MOST_WORDS, shown


class Prefix(NamedTuple):
    """The family and the canonical text of a prefix (None is every address), or what is wrong with it."""

    family: Ethertype
    canonical: str | None
    problem: Problem | None = None
    note: str | None = None


@lru_cache(1 << 16)
def read_prefix(text: str) -> Prefix:
    """Read an address or a prefix. Refuses what could mean something else than its writer meant."""
    family: Ethertype = "IPv6" if ":" in text else "IPv4"
    if family == "IPv4":
        whole = text if "/" in text else f"{text}/32"
        if is_canonical_ipv4(whole):
            prefix = None if whole.endswith("/0") else whole
            if whole is text or not text.endswith(".0"):
                return Prefix(family, prefix)
    return _read_with_care(text, canonical_prefix(text), family)


def _read_with_care(text: str, canonical: str | None, family: Ethertype) -> Prefix:
    """Judge a prefix that is not spelled the canonical way."""
    from reconciler.loading.prefix_problems import find_problem, note_of  # noqa: PLC0415  # good files need not pay for it

    problem = find_problem(text, canonical or EVERYWHERE[family])
    return Prefix(family, None, problem) if problem else Prefix(family, canonical, None, note_of(text))


WAYS = frozenset({"remote_ip_prefix", "remote_ip_prefixes", "remote_address_group", "remote_group", "remote_group_id"})


class Remote(NamedTuple):
    """One remote of a rule. `family` is None where the remote has none of its own; `path` is where it is written.

    `address_group` is the one that it is of.
    """

    family: Ethertype | None
    prefix: str | None
    group_id: str | None
    group_name: str | None
    path: Path
    note: str | None = None
    address_group: str | None = None


class AddressGroup(NamedTuple):
    """The prefixes of an address group, each once, in their canonical form."""

    prefixes: tuple[tuple[Ethertype, str | None], ...]


ANYWHERE = (Remote(None, None, None, None, ()),)
_NO_PROBLEMS: tuple[Problem, ...] = ()
Remotes = tuple[tuple[Remote, ...], tuple[Problem, ...]]


def read_remotes(rule: dict[str, Any], address_groups: Mapping[str, AddressGroup]) -> Remotes:
    """Read the remotes of a well-formed rule, each once; or what is wrong with them."""
    given = [key for key in rule if key in WAYS and rule[key] is not None]
    if not given:
        return ANYWHERE, _NO_PROBLEMS
    way = given[0]
    if len(given) > 1:
        message = f"`{given[1]}` and `{way}` exclude each other: a rule has one remote"
        problem = Problem(
            (given[1],),
            ProblemName.EXCLUSIVE_KEYS,
            message,
            "write two rules if either is enough",
            (("the other", (way,)),),
            at_key=True,
        )
        return (), (problem,)
    return _read_way(way, rule[way], address_groups)


def _read_way(way: str, value: Any, address_groups: Mapping[str, AddressGroup]) -> Remotes:
    if way == "remote_ip_prefix":
        prefix = read_prefix(value)
        if prefix.problem:
            return (), (prefix.problem.below((way,)),)
        return (Remote(prefix.family, prefix.canonical, None, None, (way,), prefix.note),), _NO_PROBLEMS
    if way == "remote_ip_prefixes":
        return _prefixes([((way, index), text) for index, text in enumerate(value)])
    if way == "remote_group_id":
        return (Remote(None, None, value, None, (way,)),), _NO_PROBLEMS
    if way == "remote_group":
        return (Remote(None, None, None, value, (way,)),), _prefix_for_name(way, value)
    return _address_groups(value, address_groups)


USE_PREFIX = "use `remote_ip_prefix` for a prefix"


def _prefix_for_name(way: str, name: str) -> tuple[Problem, ...]:
    """Refuse a prefix for a name of a group: the cloud allows none with `/` or `:`, but one like an IPv4 address."""
    if "/" not in name and ":" not in name:
        return _NO_PROBLEMS
    problem = read_prefix(name).problem
    if problem is not None and problem.name is not ProblemName.HOST_BITS:
        return _NO_PROBLEMS
    message = f"`{way}` takes a group's name, and {shown(name)} is a prefix"
    return (Problem((way,), ProblemName.WRONG_VALUE, message, USE_PREFIX),)


def count_prefixes(rule: Any, address_groups: Mapping[str, AddressGroup]) -> int:
    """Count the prefixes that the address groups of a rule, which may be malformed, hold together."""
    if rule.__class__ is not dict or "remote_address_group" not in rule:
        return 0
    return sum(len(address_groups[name].prefixes) for name in named_address_groups(rule, address_groups))


def named_address_groups(rule: Any, address_groups: Mapping[str, AddressGroup]) -> set[str]:
    """Return the names of those address groups that a rule, which may be malformed, names."""
    names = rule.get("remote_address_group") if rule.__class__ is dict else None
    named = names if isinstance(names, list) else [names]
    return {name for name in named if isinstance(name, str) and name in address_groups}


def _prefixes(written: list[tuple[Path, str]]) -> Remotes:
    found: dict[tuple[Ethertype, str | None], Remote] = {}
    problems = []
    for path, text in written:
        prefix = read_prefix(text)
        if prefix.problem:
            problems.append(prefix.problem.below(path))
        else:
            key = (prefix.family, prefix.canonical)
            found.setdefault(key, Remote(prefix.family, prefix.canonical, None, None, path, prefix.note))
    return tuple(found.values()), tuple(problems)


def _address_groups(names: str | list[str], address_groups: Mapping[str, AddressGroup]) -> Remotes:
    way = "remote_address_group"
    places: dict[str, Path] = {}
    for index, name in enumerate(names if isinstance(names, list) else ()):
        places.setdefault(name, (way, index))
    if isinstance(names, str):
        places[names] = (way,)
    found: dict[tuple[Ethertype, str | None], Remote] = {}
    problems = []
    for name, path in places.items():
        group = address_groups.get(name)
        if group is None:
            fix = "define it under `address_groups` of any file, and give that file, or its folder, too"
            if read_prefix(name).problem is None:
                fix = USE_PREFIX
            message = f"no file defines the address group {shown(name)}"
            problems.append(
                Problem(
                    path,
                    ProblemName.UNKNOWN_ADDRESS_GROUP,
                    message,
                    fix,
                    guess=(name, tuple(islice(address_groups, MOST_WORDS))),
                )
            )
            continue
        for family, prefix in group.prefixes:
            found.setdefault((family, prefix), Remote(family, prefix, None, None, path, None, name))
    return tuple(found.values()), tuple(problems)
