"""Rules that several groups repeat -> rule sets, of which each group names those that it has.

What the same groups have, all of them, is one set where that saves lines. So nothing is in two sets, a group that uses
a set has all of its rules, and each item is looked at once.
"""

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from itertools import takewhile
from typing import Generic, NamedTuple, TypeVar

from reconciler.importing.shorten import ShortRule, spell_name
from reconciler.model.cloud import DEFAULT_GROUP
from reconciler.model.naming import free_name

BASELINE = "baseline"
"""The name of a set that all groups use, the project's default group aside."""

_WORDS = re.compile(r"[a-z0-9]+")
_Item = TypeVar("_Item", bound=Hashable)


class Repeated(NamedTuple, Generic[_Item]):
    """What the groups with these numbers have in common, and the rules that are written for it."""

    holders: tuple[int, ...]
    items: Sequence[_Item]
    rules: Sequence[ShortRule]


def find_repeated(
    groups: Sequence[Iterable[_Item]], users: Collection[int], write: Callable[[Sequence[_Item]], Sequence[ShortRule]]
) -> list[Repeated[_Item]]:
    """Find what makes fewer lines as a rule set, what most groups have first.

    Each group has an item once. `users` are the numbers of groups that use a set already, with which another one costs
    no line; `write` writes items as rules.
    """
    holders: dict[_Item, list[int]] = {}
    for number, items in enumerate(groups):
        for item in items:
            holders.setdefault(item, []).append(number)
    together: dict[tuple[int, ...], list[_Item]] = {}
    for item, having in holders.items():
        together.setdefault(tuple(having), []).append(item)
    found, using = [], set(users)
    for numbers, same in sorted(together.items(), key=lambda each: (-len(each[0]), each[0])):
        rules = write(same) if len(numbers) > 1 and len(same) > 1 else ()
        # With its name, and a line in each group that uses no set yet, it must not be as long.
        if len(rules) > 1 and len(rules) * len(numbers) > 1 + len(rules) + len(set(numbers) - using):
            using.update(numbers)
            found.append(Repeated(numbers, same, rules))
    return found


def name_sets(
    groups: Sequence[str], repeated: Iterable[Repeated[_Item]], managed: int, taken: Iterable[str]
) -> list[str]:
    """Name rule sets by the names of all groups, of which so many have rules; none gets a name that is taken."""
    known, names = {name.casefold(): 1 for name in taken}, []
    for numbers, _, rules in repeated:
        holders = [groups[number] for number in numbers]
        is_of_all = sum(name != DEFAULT_GROUP for name in holders) >= managed
        names.append(free_name(BASELINE if is_of_all else _name(holders, rules), known))
    return names


def with_uses(names: Sequence[str], rules: Sequence[ShortRule]) -> Sequence[ShortRule]:
    """Put a use of the sets before the rules."""
    return [{"use": names[0] if len(names) == 1 else names}, *rules] if names else rules


def _name(groups: Sequence[str], rules: Sequence[ShortRule]) -> str:
    """Name a set by what the names of its groups have in common, else by the description of its rules, or the first."""
    words = [_WORDS.findall(group.lower()) for group in groups]
    common = _beginning(words) or _beginning([each[::-1] for each in words])[::-1]
    common = [word for word in common if not word.isdigit()]
    if common:
        return "-".join(common)
    if described := spell_name({str(rule.get("description", "")) for rule in rules}):
        return f"{described}-rules"
    rule = rules[0]
    ports = rule.get("ports", "")
    parts = [
        str(rule.get("direction", "")),
        str(rule.get("protocol", "any")),
        str(ports) if isinstance(ports, int | str) else "",
    ]
    return "-".join([*_WORDS.findall("-".join(parts)), "and", str(len(rules) - 1), "more"])


def _beginning(words: Sequence[Sequence[str]]) -> list[str]:
    """Return the words with which all begin."""
    return [same[0] for same in takewhile(lambda same: len(set(same)) == 1, zip(*words, strict=False))]
