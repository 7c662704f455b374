"""Where a rule's traffic comes from or goes to, from any of the ways to write it."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from reconciler.loading.issues import Path, Problem, yaml_text
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
            note = _looks_like_a_network(text, family) if whole is not text and text.endswith(".0") else None
            return Prefix(family, None if whole.endswith("/0") else whole, None, note)
    return _read_with_care(text, canonical_prefix(text), family)


def _read_with_care(text: str, canonical: str | None, family: Ethertype) -> Prefix:
    """Judge a prefix that is not spelled the canonical way."""
    from ipaddress import ip_network  # noqa: PLC0415  # costs a start-up time that good files need not pay

    address, slash, mask = text.partition("/")
    masked = yaml_text(canonical or EVERYWHERE[family])
    try:
        network = ip_network(text, strict=False)
        whole = ip_network(address)
    except ValueError:
        return _no_prefix(text, family)
    if "%" in text:
        message = "a zone (`%...`) means nothing to a security group"
        return _wrong(family, ProblemName.NOT_A_PREFIX, message, f"write {address.partition('%')[0]}")
    if slash and not (mask.isascii() and mask.isdigit() and mask == str(int(mask))):
        return _wrong(
            family, ProblemName.NOT_A_PREFIX, f"`{text}` has no plain number after the slash", f"write {masked}"
        )
    if network.network_address != whole.network_address:
        # An address that opens everything is a slip, whose mending is left to who made it.
        alternative, replacement = (
            (f", or {yaml_text(address)} for this one address", masked) if network.prefixlen else ("", None)
        )
        message = f"`{text}` has host bits set"
        return _wrong(family, ProblemName.HOST_BITS, message, f"write {masked}{alternative}", replacement)
    return Prefix(
        family, canonical, None, None if slash or not text.endswith("::") else _looks_like_a_network(text, family)
    )


def _looks_like_a_network(address: str, family: Ethertype) -> str:
    """Word a bare address that ends in zeros: without a length it is a single address."""
    if family == "IPv4":
        length, whole = 8 * len(address.removesuffix(".0").removesuffix(".0").removesuffix(".0").split(".")), 32
        length = 0 if address == "0.0.0.0" else length  # noqa: S104 - no address to listen at
    else:
        length, whole = 16 * len([part for part in address.split(":") if part]), 128
    message = f"`{address}` is a single address, {address}/{whole}; write {address}/{length} if the network is meant"
    return f"{message}, {address}/{whole} if not"


def _no_prefix(text: str, family: Ethertype) -> Prefix:
    short = text if len(text) <= 50 else text[:50] + "..."
    short = "".join(char if char.isprintable() else "\ufffd" for char in short)
    if text.strip() != text and len(text) <= 50:
        return _wrong(
            family, ProblemName.NOT_A_PREFIX, f"`{short}` has blanks around the prefix", f"write {text.strip()}"
        )
    if text.lower() in {"any", "all", "*"}:
        return _wrong(
            family, ProblemName.NOT_A_PREFIX, f"`{text}` is no prefix", "write 0.0.0.0/0 or ::/0, or leave the key out"
        )
    if text in {"0/0", "0"}:
        return _wrong(family, ProblemName.NOT_A_PREFIX, f"`{text}` is no IP prefix", "write 0.0.0.0/0")
    if parts := _prefixes_of_range(text):
        message = f"`{short}` is a range of addresses, not a prefix"
        return _wrong(family, ProblemName.NOT_A_PREFIX, message, f"its prefixes are {parts}")
    if _is_host(text):
        message = f"`{short}` is no IP prefix, and names of hosts are not looked up"
        return _wrong(family, ProblemName.NOT_A_PREFIX, message, "write its addresses, such as 203.0.113.7")
    return _wrong(
        family, ProblemName.NOT_A_PREFIX, f"`{short}` is no IP prefix", "write one like 10.0.0.0/8 or 2001:db8::/32"
    )


_MOST_PARTS = 8


def _is_host(text: str) -> bool:
    *labels, last = text.split(".")
    return bool(labels) and last.isalpha() and all(part.replace("-", "").isalnum() for part in labels)


def _prefixes_of_range(text: str) -> str:
    """List the prefixes of a range such as `10.0.0.1-10.0.0.9`, or the first of many; "" for what is no range."""
    from ipaddress import ip_address, summarize_address_range  # noqa: PLC0415 - only for an error

    ends = [part.strip() for part in text.split("-")] if len(text) <= 100 else []
    try:
        first, last = map(ip_address, ends)
        parts = list(islice(summarize_address_range(first, last), _MOST_PARTS + 1))
    except (ValueError, TypeError):
        return ""
    return ", ".join(map(str, parts[:_MOST_PARTS])) + (" and more" if len(parts) > _MOST_PARTS else "")


def _wrong(family: Ethertype, name: ProblemName, message: str, fix: str, replacement: str | None = None) -> Prefix:
    return Prefix(family, None, Problem((), name, message, fix, replacement=replacement))


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
            (given[1],), ProblemName.EXCLUSIVE_KEYS, message, "write two rules", (("the other", (way,)),), at_key=True
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
        return (Remote(None, None, None, value, (way,)),), _NO_PROBLEMS
    return _address_groups(value, address_groups)


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
