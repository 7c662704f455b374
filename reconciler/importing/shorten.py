"""A merged rule -> the mapping that a person would have written: shorthands, and nothing that follows by itself."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reconciler.importing.merge import MergedRule, Range
from reconciler.model.cloud import EVERYWHERE
from reconciler.model.naming import free_name
from reconciler.model.rule import ICMP_PROTOCOLS

Value = str | int | bool | Sequence["Value"] | Mapping[str, "Value"]

ShortRule = dict[str, Value]
"""The keys of a rule in the order in which they are written."""

Prefixes = tuple[str, ...]
PREFIXES = "remote_ip_prefixes"


def shorten(rule: MergedRule, names: Mapping[str, str]) -> ShortRule:
    """Write a rule; `names` are those of remote groups by id."""
    families = [family for family, prefix in rule.sources if prefix is None]
    everyone = bool(families) and rule.remote_group_id is None
    # Who may come in is said even where it is everyone; `ethertype` says it for both families at once.
    open_to = EVERYWHERE[families[0]] if everyone and len(families) == 1 and rule.direction == "ingress" else None
    written: ShortRule = {"direction": rule.direction}
    if len(families) > 1:
        written["ethertype"] = families
    elif families == ["IPv6"] and open_to is None:
        written["ethertype"] = "IPv6"
    if rule.protocol is not None:
        written["protocol"] = rule.protocol
    written |= _ranges(rule)
    if open_to is not None:
        written["remote_ip_prefix"] = open_to
    elif rule.remote_group_id is not None:
        name = names.get(rule.remote_group_id)
        written |= {"remote_group_id": rule.remote_group_id} if name is None else {"remote_group": name}
    elif not families:
        prefixes = tuple(prefix for _, prefix in rule.sources if prefix is not None)
        written |= {"remote_ip_prefix": prefixes[0]} if len(prefixes) == 1 else {PREFIXES: prefixes}
    if rule.description:
        written["description"] = rule.description
    return written


def _ranges(rule: MergedRule) -> ShortRule:
    low, high = rule.ranges[0]
    if low is None:
        return {}
    if rule.protocol in ICMP_PROTOCOLS:
        return {"icmp_type": low} if high is None else {"icmp_type": low, "icmp_code": high}
    ports = [_port(range_) for range_ in rule.ranges]
    return {"ports": ports[0] if len(ports) == 1 else ports}


def _port(range_: Range) -> int | str:
    low, high = range_
    return low if low is not None and low == high else f"{low}-{high}"


_SHORT = 40
_NO_NAME = re.compile(r"[^a-z0-9]+")


def find_address_groups(rules: Iterable[ShortRule], in_files: Mapping[str, frozenset[str]]) -> dict[Prefixes, str]:
    """Name each set of two prefixes or more that two rules or more use.

    `in_files` are the address groups that are there already: one with the same prefixes is used.
    """
    uses: Counter[Prefixes] = Counter()
    descriptions: defaultdict[Prefixes, set[str]] = defaultdict(set)
    for rule in rules:
        if isinstance(prefixes := rule.get(PREFIXES), tuple):
            uses[prefixes] += 1
            descriptions[prefixes].add(str(rule.get("description", "")))
    known = {prefixes: name for name, prefixes in sorted(in_files.items(), reverse=True)}
    taken = {name.casefold(): 1 for name in in_files}
    named: dict[Prefixes, str] = {}
    for prefixes in sorted(prefixes for prefixes, number in uses.items() if number > 1):
        named[prefixes] = known.get(frozenset(prefixes)) or free_name(_name(prefixes, descriptions[prefixes]), taken)
    return named


def with_address_groups(rules: Iterable[ShortRule], named: Mapping[Prefixes, str]) -> list[ShortRule]:
    """Write the names of address groups in place of their prefixes."""
    return [_with_address_group(rule, named) for rule in rules]


def _with_address_group(rule: ShortRule, named: Mapping[Prefixes, str]) -> ShortRule:
    prefixes = rule.get(PREFIXES)
    name = named.get(prefixes) if isinstance(prefixes, tuple) else None
    if name is None:
        return rule
    return dict(("remote_address_group", name) if key == PREFIXES else (key, value) for key, value in rule.items())


def _name(prefixes: Prefixes, descriptions: Iterable[str]) -> str:
    """Take the one description that all rules share, else the first prefix and how many more there are."""
    if word := spell_name(descriptions):
        return f"{word}-networks"
    return f"{prefixes[0].replace('/', '-')}-and-{len(prefixes) - 1}-more"


def spell_name(descriptions: Iterable[str]) -> str:
    """Make a name of the one description that all share; empty where there is none, or it is no name."""
    words = {_NO_NAME.sub("-", description.lower()).strip("-") for description in descriptions}
    word = words.pop() if len(words) == 1 else ""
    return "" if len(word) > _SHORT or word.isdigit() else word
