"""Desired, live or planned state as groups with rules, for questions that are the same of both: `trace` and `graph`.

Remotes are ids in live state, and names or ids in files. Here each is a key: a group's id where it is known, else the
placeholder of its name, so that a reference by name and one by id to the same group are one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.desired import DesiredGroup, DesiredRule, DesiredState, Target
from reconciler.model.egress import DEFAULT_EGRESS, preset_among
from reconciler.model.ignore_rules import find_entry
from reconciler.model.live import LiveGroup, LiveState
from reconciler.model.place import Place
from reconciler.model.placeholder import placeholder
from reconciler.model.rule import Rule
from reconciler.planning.resolve import Match


@dataclass(frozen=True, slots=True)
class ViewedRule:
    """A rule whose remote group is a key. `place` is where a file has it, `id` what the cloud calls it.

    `preset` names the preset that it is a part of, where all rules of that are in the group. `ignored` is the entry of
    `ignore_rules` that leaves a live rule to others, as a file writes it.
    """

    rule: Rule
    group: str
    description: str = ""
    place: Place | None = None
    id: str | None = None
    preset: str | None = None
    ignored: str | None = None


@dataclass(frozen=True, slots=True)
class ViewedGroup:
    """A group of a state; `rules` is None where the files do not manage them."""

    target: Target
    key: str
    name: str
    rules: tuple[ViewedRule, ...] | None
    place: Place | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class StateView:
    """All groups of one state, and the names of the groups by key, as far as they are known."""

    groups: tuple[ViewedGroup, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    is_live: bool = False

    def find(self, name: str) -> tuple[ViewedGroup, ...]:
        """Find the groups of a name, or the one of an id, in all targets."""
        return tuple(group for group in self.groups if name == group.name or name.lower() == group.id)


def desired_view(state: DesiredState) -> StateView:
    """Take the files by themselves. A remote group that no file defines keeps its placeholder, and its name."""
    keys: defaultdict[Target, dict[str, str]] = defaultdict(dict)
    names: dict[str, str] = {}
    for group in state.groups:
        keys[group.target].setdefault(group.name, _key(group))
        names[_key(group)] = group.name
    groups = []
    for group in state.groups:
        rules = None
        if group.rules is not None:
            rules = _desired_rules(group, keys[group.target])
            names |= {placeholder(rule.remote_group): rule.remote_group for rule in group.rules if rule.remote_group}
        groups.append(ViewedGroup(group.target, _key(group), group.name, rules, group.place, group.id))
    return StateView(tuple(groups), names)


def live_view(live: LiveState, matches: Iterable[Match] = ()) -> StateView:
    """Take what is live; `matches` tell which of the rules stand in a file, and where."""
    desired = {match.live.id: match.desired for match in matches if match.live is not None}
    groups = tuple(_live_group(group, desired.get(group.id)) for found in live.values() for group in found)
    return StateView(groups, {group.key: group.name for group in groups}, is_live=True)


def planned_view(live: LiveState, matches: Iterable[Match]) -> StateView:
    """Take what will be live once the files are applied; nothing is deleted."""
    planned: list[ViewedGroup] = []
    seen: set[str] = set()
    for match in matches:
        group, there = match.desired, match.live
        key = there.id if there else placeholder(group.name)
        seen.add(key)
        if group.rules is not None:
            left = (_live_group(there, group).rules if there else ()) or ()
            others = (rule for rule in left if rule.ignored and rule.place is None)
            rules: tuple[ViewedRule, ...] | None = (*_desired_rules(group, {}), *others)
        else:
            rules = _live_group(there).rules if there else ()
        planned.append(ViewedGroup(group.target, key, group.name, rules, group.place, there.id if there else None))
    unnamed = (_live_group(each) for groups in live.values() for each in groups if each.id not in seen)
    groups = (*planned, *unnamed)
    return StateView(groups, {group.key: group.name for group in groups})


def _key(group: DesiredGroup) -> str:
    return group.id or placeholder(group.name)


def _desired_rules(group: DesiredGroup, keys: Mapping[str, str]) -> tuple[ViewedRule, ...]:
    return _named_presets(_desired_rule(rule, group.name, keys) for rule in group.rules or ())


def _named_presets(rules: Iterable[ViewedRule]) -> tuple[ViewedRule, ...]:
    """Name the preset of its rules, where all of them are there."""
    rules = tuple(rules)
    preset = preset_among([(each.rule, each.description) for each in rules])
    if not preset:
        return rules
    return tuple(
        replace(each, preset=DEFAULT_EGRESS) if each.rule in preset and not each.description else each for each in rules
    )


def _desired_rule(rule: DesiredRule, group: str, keys: Mapping[str, str]) -> ViewedRule:
    canonical = rule.rule
    if rule.remote_group is not None and canonical.remote_group_id is None:
        key = keys.get(rule.remote_group) or placeholder(rule.remote_group)
        canonical = canonical._replace(remote_group_id=key)
    return ViewedRule(canonical, group, rule.description, rule.place)


def _live_group(group: LiveGroup, desired: DesiredGroup | None = None) -> ViewedGroup:
    written = (desired.rules if desired else None) or ()
    entries = desired.ignore_rules if desired and desired.rules is not None else ()
    places = {rule.rule: rule.place for rule in written}
    rules = _named_presets(
        ViewedRule(
            each.rule,
            group.name,
            each.description,
            places.get(each.rule),
            each.id,
            ignored=str(entry) if (entry := find_entry(entries, each.rule, each.description)) else None,
        )
        for each in group.rules
    )
    return ViewedGroup(group.target, group.id, group.name, rules, desired.place if desired else None, group.id)
