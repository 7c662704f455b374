"""Live groups of ours that no file names, and new groups that may be one of them under another name. Pure.

A group's name is its identity, so a rename that nobody wrote down is a new group beside an old one, which the instances
keep. The rules give it away: those of a new group are compared with those of live groups that no file names.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from reconciler.model.desired import DesiredGroup, DesiredState, Target
from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.live import Instances, LiveGroup, LiveState, RefusedTarget
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import Finding
from reconciler.model.rule import Rule
from reconciler.model.text import count, listed
from reconciler.planning.resolve import Match

ORPHAN = "orphan"
RENAME = "rename"

MOST_NAMED = 10
"""Orphans of a target, and targets with different ones, that are named."""

MOST_SHARING = 20
"""Live groups that may share a rule for it to point at them; a rule that more have says little and would cost much."""

MOST_COMPARED = 10
"""Live groups that a new one is compared with, rule by rule."""

ALIKE = 0.8
"""Share of equal rules from which two groups look like one."""

ALIKE_BY_NAME = 0.5
"""The same where their names are alike as well."""

_ANYWHERE = frozenset({*DEFAULT_EGRESS_RULES, Rule("egress", "IPv4"), Rule("egress", "IPv6")})
"""Rules that so many groups have that they do not tell one from another."""

_VERSION_BACKWARDS = re.compile(r"(?:(?:[0-9]++v?|dlo|wen|ypoc|kab|pmt)[-_. ]?)*")
"""A version at the end of a name, from its end to its beginning: so there is one way to read it, whatever it is."""
_SELF = placeholder("")


class UnmanagedGroup(NamedTuple):
    """A live group that no file names, with the number of its rules and its owner by tag."""

    target: Target
    id: str
    name: str
    rules: int
    owner: str | None

    @classmethod
    def of(cls, group: LiveGroup) -> "UnmanagedGroup":
        """Keep of a group what tells which it is."""
        return cls(group.target, group.id, group.name, len(group.rules), group.owner)


def find_unmanaged(targets: Iterable[Target], live: LiveState, matches: Iterable[Match]) -> tuple[LiveGroup, ...]:
    """Find the live groups of the targets that no file names."""
    return tuple(_unmanaged(targets, live, _named(matches)))


def _named(matches: Iterable[Match]) -> frozenset[str]:
    return frozenset(match.live.id for match in matches if match.live is not None)


def _unmanaged(targets: Iterable[Target], live: LiveState, named: Container[str]) -> Iterator[LiveGroup]:
    return (group for target in targets for group in live[target] if group.id not in named)


def is_ours(group: LiveGroup, state: DesiredState) -> bool:
    """Tell whether a group carries an owner that the files have in its target."""
    return group.owner is not None and group.owner in state.owners.get(group.target, frozenset())


def find_orphans(state: DesiredState, live: LiveState, matches: Iterable[Match]) -> tuple[LiveGroup, ...]:
    """Find the live groups that carry an owner of these files, in the targets they name, and that no file names."""
    if not any(state.owners.values()):
        return ()
    return tuple(group for group in find_unmanaged(state.targets, live, matches) if is_ours(group, state))


def describe_orphans(orphans: Sequence[UnmanagedGroup], most: int | None = MOST_NAMED) -> Iterator[str]:
    """Say which groups they are, `most` of them by name or all; targets that have the same ones once."""
    by_target: dict[Target, list[UnmanagedGroup]] = {}
    for each in orphans:
        by_target.setdefault(each.target, []).append(each)
    alike: dict[tuple[tuple[str, int, str | None], ...], list[Target]] = {}
    for target, groups in by_target.items():
        alike.setdefault(tuple((each.name, each.rules, each.owner) for each in groups), []).append(target)
    for same, targets in islice(alike.items(), most):
        names = listed([f"{name} ({count(rules, 'rule')})" for name, rules, _ in same], most)
        owners = " or ".join(sorted({owner or "" for _, _, owner in same}))
        are = "live groups of the owner {} are" if len(same) > 1 else "live group of the owner {} is"
        yield f"{listed([*map(str, targets)], most and 3, '; ')}: {len(same)} {are.format(owners)} in no file: {names}"
    if most is not None and len(alike) > most:
        left = sum(len(same) * len(targets) for same, targets in [*alike.items()][most:])
        yield f"{left} more such groups are live in other projects and regions"


ORPHAN_ADVICE = (
    "a group in no file: give the file that has it as well, or name all in `paths`; `sgctl import` writes it into "
    "one, `sgctl plan --prune` deletes it where a file names its target"
)


def describe_refused(refused: Sequence[RefusedTarget], most: int = 5) -> Iterator[str]:
    """Say in one line which targets could not be looked through, `most` of them by name; nothing where all could."""
    if refused:
        numbers = Counter(status for _, status in refused)
        statuses = ", ".join(f"{number} with {status}" for status, number in sorted(numbers.items()))
        names = listed([str(each.target) for each in refused], most, "; ")
        yield f"{len(refused)} of the projects and regions refuse to be looked through ({statuses}): {names}"


@dataclass(frozen=True, slots=True)
class LikelyRename:
    """A group to be created that may be a live one under another name.

    `same` rules of `rules` different ones are in both. `also` are names of live groups that look like it as much.
    """

    desired: DesiredGroup
    live: LiveGroup
    same: int
    rules: int
    is_ours: bool
    also: tuple[str, ...] = ()


def find_renames(
    state: DesiredState, live: LiveState, matches: Sequence[Match], chosen: Iterable[Match]
) -> tuple[LikelyRename, ...]:
    """Find, for chosen groups to be created, live ones with the same or nearly the same rules that no file names.

    One of ours may differ: `ALIKE` of the rules have to be equal, `ALIKE_BY_NAME` where the names are alike. One
    without an owner may be anybody's, and has to have the very same rules. One of another owner is never meant.
    """
    created: defaultdict[Target, list[DesiredGroup]] = defaultdict(list)
    for match in chosen:
        if match.live is None and match.desired.rules is not None:
            created[match.desired.target].append(match.desired)
    named = _named(matches) if created else frozenset()
    found: list[LikelyRename] = []
    for target, groups in created.items():
        candidates = [
            group for group in _unmanaged((target,), live, named) if group.owner is None or is_ours(group, state)
        ]
        if candidates:
            found += _Likeness(candidates, state).renames(groups)
    return tuple(found)


class _Pair(NamedTuple):
    """A new group and a live one, by their positions; sorted, the most alike come first."""

    differing: float
    unlike_names: bool
    new: int
    old: int


class _Likeness:
    """The live groups of one target that may have been renamed, indexed so that a new one is compared with few of them.

    Those are the ones that share most of its rarer rules, those with the very same rules, and those with the same name
    but for a version.
    """

    def __init__(self, live: Sequence[LiveGroup], state: DesiredState) -> None:
        self._live = live
        self._is_ours = [is_ours(group, state) for group in live]
        self._rules = [_rules_of((each.rule for each in group.rules), group.id) for group in live]
        self._having: defaultdict[Rule, list[int]] = defaultdict(list)
        self._equal: defaultdict[frozenset[Rule], list[int]] = defaultdict(list)
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        for index, (group, rules) in enumerate(zip(live, self._rules, strict=True)):
            telling = rules - _ANYWHERE
            self._equal[telling].append(index)
            self._named[_stem(group.name)].append(index)
            for rule in telling:
                self._having[rule].append(index)

    def renames(self, created: Sequence[DesiredGroup]) -> Iterator[LikelyRename]:
        """Pair new groups with live ones, the most alike first, each at most once."""
        rules = [_rules_of((r.rule for r in group.rules or ()), placeholder(group.name)) for group in created]
        by_new = [sorted(self._pairs(new, group.name, rules[new])) for new, group in enumerate(created)]
        new_taken: set[int] = set()
        old_taken: set[int] = set()
        for pair in sorted(pair for pairs in by_new for pair in pairs):
            if pair.new in new_taken or pair.old in old_taken:
                continue
            new_taken.add(pair.new)
            old_taken.add(pair.old)
            desired, live = created[pair.new], self._live[pair.old]
            both, other = rules[pair.new], self._rules[pair.old]
            as_much = (each.old for each in by_new[pair.new] if each[:2] == pair[:2] and each.old != pair.old)
            also = tuple(self._live[old].name for old in as_much)
            yield LikelyRename(desired, live, len(both & other), len(both | other), self._is_ours[pair.old], also)

    def _pairs(self, new: int, name: str, rules: frozenset[Rule]) -> Iterator[_Pair]:
        for old in self._worth_comparing(name, rules):
            share = _share(rules, self._rules[old])
            is_named_alike = are_alike(name, self._live[old].name)
            needed = (ALIKE_BY_NAME if is_named_alike else ALIKE) if self._is_ours[old] else 1.0
            if share >= needed:
                yield _Pair(1 - share, not is_named_alike, new, old)

    def _worth_comparing(self, name: str, rules: frozenset[Rule]) -> set[int]:
        telling = rules - _ANYWHERE
        votes: Counter[int] = Counter()
        for rule in telling:
            having = self._having.get(rule, ())
            if len(having) <= MOST_SHARING:
                votes.update(having)
        return {
            *(old for old, _ in votes.most_common(MOST_COMPARED)),
            *self._equal.get(telling, ())[:MOST_COMPARED],
            *self._named.get(_stem(name), ())[:MOST_COMPARED],
        }


def _rules_of(rules: Iterable[Rule], own_id: str) -> frozenset[Rule]:
    """Take rules without their descriptions; one that refers to its own group does so in both of a pair."""
    return frozenset(rule._replace(remote_group_id=_SELF) if rule.remote_group_id == own_id else rule for rule in rules)


def _share(one: frozenset[Rule], other: frozenset[Rule]) -> float:
    """Tell which share of the rules of two groups is equal, but for rules that nearly every group has.

    Where there are only those, equal ones are half an argument: the names have to be alike as well.
    """
    telling, others = one - _ANYWHERE, other - _ANYWHERE
    if not telling and not others:
        return ALIKE_BY_NAME if one == other else 0.0
    return 2 * len(telling & others) / (len(telling) + len(others))


def _stem(name: str) -> str:
    """Take what a name is without a version at its end: `cache` for `cache-v2`."""
    name = name.lower()
    version = _VERSION_BACKWARDS.match(name[::-1])
    return name[: len(name) - (version.end() if version else 0)] or name


def are_alike(one: str, other: str) -> bool:
    """Tell whether two names are the same but for a version, or one is a part of the other."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    return _stem(one) == _stem(other) or (len(short) > 2 and short in long)


def rename_findings(renames: Iterable[LikelyRename], instances: Mapping[str, Instances]) -> Iterator[Finding]:
    """Ask about each likely rename, at the place of the new group; `instances` are by group id, as far as known."""
    for each in renames:
        name = each.live.name
        alike = (
            count(each.same, "equal rule") if each.same == each.rules else f"{each.same} of {each.rules} rules equal"
        )
        whose = "in no file" if each.is_ours else "in no file of this run, without an owner"
        also = f"; so do {', '.join(each.also)}" if each.also else ""
        yield Finding(
            RENAME,
            "warning",
            f"live {name!r} looks like this group ({alike}; {whose}{also}): if it was renamed, write "
            f"`previous_name: {name}`; else an apply creates a new group{_stay(instances.get(each.live.id), name)}",
            place=each.desired.place,
            group=each.desired.name,
        )


def _stay(instances: Instances | None, name: str) -> str:
    if instances is None:
        return f" beside {name!r}"
    if not instances.number:
        return f" beside {name!r}, which no instance has"
    stay = "instance stays" if instances.number == 1 else "instances stay"
    return f", and {instances.number} {stay} behind with {name!r}"
