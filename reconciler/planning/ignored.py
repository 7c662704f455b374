"""What a plan leaves alone, told: rules of others (`ignore_rules`), rules that no file manages, owners. Pure."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.model.desired import Target
from reconciler.model.ignore_rules import IgnoreRule, find_entry
from reconciler.model.json_reading import Json
from reconciler.model.place import Place
from reconciler.model.rule import describe_rule
from reconciler.model.text import count, listed, shown
from reconciler.planning.diff import Difference
from reconciler.planning.resolve import Match

MAX_COMPARISONS = 1_000_000
"""Rules of deleted groups, each with every entry, that are compared: a few seconds of work."""
_MOST = 3
"""Groups and rules that are named in a note; JSON has all."""


class LeftToOthers(NamedTuple):
    """The live rules that match one entry as it is written, in all groups for which it holds; counted by target."""

    entry: IgnoreRule
    by_target: Mapping[Target, int]
    groups: tuple[str, ...]

    @property
    def rules(self) -> int:
        """How many they are in all."""
        return sum(self.by_target.values())


def count_ignored(differences: Iterable[Difference]) -> int:
    """Count the live rules that are left to others."""
    return sum(len(each.rules) for difference in differences for each in difference.ignored)


def left_to_others(differences: Iterable[Difference]) -> tuple[LeftToOthers, ...]:
    """Count them for each entry that any rule matches, in the order of the groups."""
    return join_ignored(
        LeftToOthers(entry, {difference.target: len(rules)}, (difference.name,))
        for difference in differences
        for entry, rules in difference.ignored
        if rules
    )


def join_ignored(parts: Iterable[LeftToOthers]) -> tuple[LeftToOthers, ...]:
    """Put together what is left to others for one entry in several groups, also of several targets."""
    found: dict[Place, list[LeftToOthers]] = {}
    for part in parts:
        found.setdefault(part.entry.place, []).append(part)
    return tuple(
        LeftToOthers(
            same[0].entry,
            sum((Counter(each.by_target) for each in same), Counter()),
            tuple(dict.fromkeys(name for each in same for name in each.groups)),
        )
        for same in found.values()
    )


def describe_left(left: LeftToOthers) -> str:
    """Write it on one line: `3 rules left to others in web: {description: "k8s-*"} (groups.yaml:4:5)`."""
    groups = listed([shown(name) for name in left.groups], _MOST)
    return f"{_left(left.rules)} in {groups}: {left.entry} ({left.entry.place})"


def _left(rules: int) -> str:
    return f"{count(rules, 'rule')} left to others"


def ignored_in_group(difference: Difference) -> tuple[str, ...]:
    """Say the same of one group, a line for each entry."""
    return tuple(f"{_left(len(rules))}: {entry}" for entry, rules in difference.ignored if rules)


def ignored_to_json(left: LeftToOthers) -> Json:
    """Write it as JSON data."""
    return {
        "match": str(left.entry),
        "place": str(left.entry.place),
        "rules": left.rules,
        "groups": list(left.groups),
    }


def ignored_notes(compared: Iterable[Difference]) -> tuple[str, ...]:
    """Tell what is left to others in groups that do not change, and what of `ignore_rules` may not be as it was meant.

    A group that changes tells its own part.
    """
    compared = tuple(compared)
    return (
        *map(describe_left, left_to_others(each for each in compared if each.is_empty)),
        *(note for each in compared if each.ignored and each.live for note in _stand_ins(each)),
        *dict.fromkeys(note for each in compared for note in _unknown_groups(each)),
    )


def _stand_ins(difference: Difference) -> Iterator[str]:
    """Name desired rules for which a rule of others stands: the cloud takes no second one beside it."""
    assert difference.live is not None  # noqa: S101 - the caller looks
    left = difference.ignored_ids
    rules = [rule for rule in difference.live.rules if difference.is_of_others(rule) and rule.id not in left]
    if rules:
        names = [f"{' '.join(describe_rule(each.rule).split())} ({shown(each.description)})" for each in rules]
        yield (
            f"{shown(difference.name)}: {count(len(rules), 'desired rule')} live already as others' "
            f"(`ignore_rules`), and left so: {listed(names, _MOST)}"
        )


def _unknown_groups(difference: Difference) -> Iterator[str]:
    for entry, _ in difference.ignored:
        if entry.remote_group is not None and not entry.remote_group_ids:
            where = f"no group of {difference.target} is named {shown(entry.remote_group)}"
            yield f"{entry.place}: {where}: this entry of `ignore_rules` matches nothing there"


def left_alone_notes(matches: Iterable[Match], owners: Mapping[Target, Container[str]]) -> Iterator[str]:
    """Tell what of live groups nobody looks after because a key is not in their files: their rules, and the rest.

    `owners` are those of the files. Who takes the key out of a file changes nothing that is live, and ends all looking.
    """
    live = [(match.desired, match.live) for match in matches if match.live is not None]
    unmanaged = [it for desired, it in live if desired.rules is None and it.rules]
    if unmanaged:
        names = listed([f"{shown(it.name)} ({count(len(it.rules), 'rule')})" for it in unmanaged], _MOST)
        yield f"the rules of {names} are left as they are: no file has a `rules` key for them"
    lost: dict[str, list[str]] = {}
    for _, it in live:
        if it.owner is not None and it.owner not in owners.get(it.target, ()):
            lost.setdefault(it.owner, []).append(shown(it.name))
    for owner, names_of_it in lost.items():
        yield (
            f"the owner {shown(owner)} of {listed(names_of_it, _MOST)} is in no file of their target: other live "
            "groups that it has are not looked for"
        )


def deletion_notes(deletions: Sequence[Difference], matches: Iterable[Match]) -> tuple[str, ...]:
    """Say which rules of others go with a deleted group: those that match what holds for other groups of its target.

    No file names the group any more, and so nothing of `ignore_rules` holds for it.
    """
    if not deletions:
        return ()
    known: defaultdict[Target, dict[str, IgnoreRule]] = defaultdict(dict)
    for match in matches:
        for entry in match.desired.ignore_rules:
            known[match.desired.target][str(entry)] = entry
    compared = sum(len(each.deletes) * len(known[each.target]) for each in deletions)
    if compared > MAX_COMPARISONS:
        what = f"which rules of the {count(len(deletions), 'deleted group')} may be others' is not told"
        pairs = f"{compared:,} pairs, over the limit of {MAX_COMPARISONS:,}"
        return (f"{what}: they and the entries of `ignore_rules` are {pairs}",)
    notes = []
    for difference in deletions:
        entries = known[difference.target].values()
        going = Counter(find_entry(entries, rule.rule, rule.description) for rule in difference.deletes)
        notes += [
            f"{count(number, 'rule')} of {shown(difference.name)} may be others', and go with it: "
            f"{entry} ({entry.place})"
            for entry, number in going.items()
            if entry is not None
        ]
    return tuple(notes)
