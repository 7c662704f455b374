"""Sets of prefixes that several rules share, as address groups.

A name comes from the set itself or from what its rules are for, never from a counter alone, so that it stays when
other sets come and go.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from reconciler.importing.merge import MergedRule
from reconciler.importing.shorten import Prefixes, prefixes_of

_SHORT = 40
_NO_NAME = re.compile(r"[^a-z0-9]+")


def find_address_groups(rules: Iterable[MergedRule], in_files: Mapping[str, frozenset[str]]) -> dict[Prefixes, str]:
    """Name each set of two prefixes or more that two rules or more use.

    `in_files` are the address groups that are there already: one with the same prefixes is used.
    """
    uses: Counter[Prefixes] = Counter()
    descriptions: defaultdict[Prefixes, set[str]] = defaultdict(set)
    for rule in rules:
        prefixes = prefixes_of(rule)
        if len(prefixes) > 1:
            uses[prefixes] += 1
            descriptions[prefixes].add(rule.description)
    known = {prefixes: name for name, prefixes in sorted(in_files.items(), reverse=True)}
    taken = set(in_files)
    named: dict[Prefixes, str] = {}
    for prefixes in sorted(prefixes for prefixes, number in uses.items() if number > 1):
        name = known.get(frozenset(prefixes)) or _free(_name(prefixes, descriptions[prefixes]), taken)
        taken.add(name)
        named[prefixes] = name
    return named


def _name(prefixes: Prefixes, descriptions: Iterable[str]) -> str:
    """Take the one description that all rules share, else the first prefix and how many more there are."""
    words = {_NO_NAME.sub("-", description.lower()).strip("-") for description in descriptions}
    if len(words) == 1 and 0 < len(word := words.pop()) <= _SHORT and not word.isdigit():
        return f"{word}-networks"
    return f"{prefixes[0].replace('/', '-')}-and-{len(prefixes) - 1}-more"


def _free(name: str, taken: set[str]) -> str:
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
