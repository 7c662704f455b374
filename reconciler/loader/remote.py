"""Where a rule's traffic comes from or goes to, from any of the ways to write it."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

from reconciler.loader.prefix import read_prefix
from reconciler.loader.problem import Path, Problem
from reconciler.loader.similar import MOST_WORDS
from reconciler.loader.source import shown
from reconciler.model.rule import Ethertype

WAYS = frozenset({"remote_ip_prefix", "remote_ip_prefixes", "remote_address_group", "remote_group", "remote_group_id"})


class Remote(NamedTuple):
    """One remote of a rule. `family` is None where the remote has none of its own; `path` is where it is written."""

    family: Ethertype | None
    prefix: str | None
    group_id: str | None
    group_name: str | None
    path: Path


class AddressGroup(NamedTuple):
    """The prefixes of an address group, each once, in their canonical form."""

    prefixes: tuple[tuple[Ethertype, str | None], ...]


EVERYWHERE = (Remote(None, None, None, None, ()),)
_NO_PROBLEMS: tuple[Problem, ...] = ()
Remotes = tuple[tuple[Remote, ...], tuple[Problem, ...]]


def read_remotes(rule: dict[str, Any], address_groups: Mapping[str, AddressGroup]) -> Remotes:
    """Read the remotes of a well-formed rule, each once; or what is wrong with them."""
    given = [key for key in rule if key in WAYS and rule[key] is not None]
    if not given:
        return EVERYWHERE, _NO_PROBLEMS
    way = given[0]
    if len(given) > 1:
        message = f"`{given[1]}` and `{way}` exclude each other: a rule has one remote"
        problem = Problem((given[1],), message, "write two rules", (("the other", (way,)),), at_key=True)
        return (), (problem,)
    return _read(way, rule[way], address_groups)


def _read(way: str, value: Any, address_groups: Mapping[str, AddressGroup]) -> Remotes:
    if way == "remote_ip_prefix":
        prefix = read_prefix(value)
        if prefix.problem:
            return (), (Problem((way,), prefix.problem, prefix.fix),)
        return (Remote(prefix.family, prefix.canonical, None, None, (way,)),), _NO_PROBLEMS
    if way == "remote_ip_prefixes":
        return _prefixes([((way, index), text) for index, text in enumerate(value)])
    if way == "remote_group_id":
        return (Remote(None, None, value.lower(), None, (way,)),), _NO_PROBLEMS
    if way == "remote_group":
        return (Remote(None, None, None, value, (way,)),), _NO_PROBLEMS
    return _address_groups(value, address_groups)


def _prefixes(written: list[tuple[Path, str]]) -> Remotes:
    found: dict[tuple[Ethertype, str | None], Remote] = {}
    problems = []
    for path, text in written:
        prefix = read_prefix(text)
        if prefix.problem:
            problems.append(Problem(path, prefix.problem, prefix.fix))
        else:
            key = (prefix.family, prefix.canonical)
            found.setdefault(key, Remote(prefix.family, prefix.canonical, None, None, path))
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
            fix = "define it under `address_groups` of any file"
            message = f"no file defines the address group {shown(name)}"
            problems.append(Problem(path, message, fix, guess=(name, tuple(islice(address_groups, MOST_WORDS)))))
            continue
        for family, prefix in group.prefixes:
            found.setdefault((family, prefix), Remote(family, prefix, None, None, path))
    return tuple(found.values()), tuple(problems)
