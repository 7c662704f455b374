"""Rules that several groups repeat -> rule sets, of which each group names those that it has.

Written rules that the same groups have, all of them, are one set where that saves lines. So no rule is in two sets, a
group that uses a set has all of its rules, and each written rule is looked at once.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from reconciler.importing.shorten import ShortRule, free_name, spell_name
from reconciler.model.cloud import DEFAULT_GROUP

BASELINE = "baseline"
"""The name of a set that all groups use, the project's default group aside."""

_WORDS = re.compile(r"[a-z0-9]+")


class Factored(NamedTuple):
    """The rules of each group, with uses in the place of what became a rule set; and the rule sets by name."""

    rules: tuple[Sequence[ShortRule] | None, ...]
    rule_sets: Mapping[str, Sequence[ShortRule]]


def factor(names: Sequence[str], rules: Sequence[Sequence[ShortRule] | None], taken: Iterable[str]) -> Factored:
    """Find the rule sets of groups, given with their names and rules; none gets a name that is taken."""
    known = set(taken)
    managed = sum(bool(written) for name, written in zip(names, rules, strict=True) if name != DEFAULT_GROUP)
    sets: dict[str, Sequence[ShortRule]] = {}
    uses: dict[int, list[str]] = {number: [] for number, written in enumerate(rules) if written and "use" in written[0]}
    moved: set[str] = set()
    for holders, found in _together(rules):
        if len(found) * len(holders) <= 1 + len(found) + sum(number not in uses for number in holders):
            continue  # with its name, and a line in each group that uses no set yet, it would be as long
        name = BASELINE if len(holders) >= managed else _name([names[number] for number in holders], found)
        name = free_name(name, known)
        known.add(name)
        sets[name] = found
        moved.update(map(repr, found))
        for number in holders:
            uses.setdefault(number, []).append(name)
    left = (
        written
        if written is None or not uses.get(number)
        else with_uses(uses[number], [rule for rule in written if repr(rule) not in moved])
        for number, written in enumerate(rules)
    )
    return Factored(tuple(left), sets)


def _together(rules: Sequence[Sequence[ShortRule] | None]) -> list[tuple[tuple[int, ...], Sequence[ShortRule]]]:
    """Find the rules that the same groups have, with the numbers of those; what most groups have comes first."""
    holders: dict[str, list[int]] = {}
    items: dict[str, ShortRule] = {}
    for number, written in enumerate(rules):
        for rule in written or ():
            key = repr(rule)
            items.setdefault(key, rule)
            holders.setdefault(key, []).append(number)
    together: dict[tuple[int, ...], list[ShortRule]] = {}
    for key, numbers in holders.items():
        if "use" not in items[key]:
            together.setdefault(tuple(numbers), []).append(items[key])
    found = [(numbers, same) for numbers, same in together.items() if len(numbers) > 1 and len(same) > 1]
    return sorted(found, key=lambda each: (-len(each[0]), each[0], repr(each[1][0])))


def with_uses(names: Sequence[str], rules: Sequence[ShortRule]) -> Sequence[ShortRule]:
    """Put a use of the sets before the rules; one that is there already is extended."""
    if not names:
        return rules
    before = rules[0].get("use", ()) if rules else ()
    all_names = [*([before] if isinstance(before, str) else before), *names]  # type: ignore[misc]  # a use holds names
    use: ShortRule = {"use": all_names[0] if len(all_names) == 1 else all_names}
    return [use, *(rules[1:] if before else rules)]


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
