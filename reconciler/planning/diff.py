"""Stage 4: a desired group and its live one -> what differs: data for people and for the plan, without any request.

A set difference and no more: `model.canonical` has settled what is equal, `resolve` which group is which.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.ignore_rules import IgnoreRule, find_entry
from reconciler.model.live import OWNER_TAG, PROTECTION_TAG, RESERVED_TAGS, LiveGroup, LiveRule, LiveState, Tag
from reconciler.model.place import Place
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import PolicyException
from reconciler.model.rule import Rule
from reconciler.planning.resolve import Match
from reconciler.traffic.difference import SAME, TrafficDifference, traffic_difference


class Action(StrEnum):
    """What a plan does with a group."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text attribute that changes."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag that is added (`old` is None), removed (`new` is None) or given another value."""

    key: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Redescription:
    """The same rule with another description: the API can only delete the rule and create it again.

    `live` holds several rules where the cloud has several that mean the same; all of them give way to the one.
    """

    live: tuple[LiveRule, ...]
    desired: DesiredRule


class IgnoredRules(NamedTuple):
    """An entry of `ignore_rules`, and the live rules that are left to others for it; each counts for its first entry.

    A live rule that matches, and means the same as a desired one, is not among them: it stands for that.
    """

    entry: IgnoreRule
    rules: tuple[LiveRule, ...] = ()


@dataclass(frozen=True, slots=True)
class LostRule:
    """A rule of a group outside the plan that the cloud deletes because it refers to a group to be deleted."""

    group_id: str
    group_name: str
    rule: LiveRule


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything about one group that a plan changes; nothing that it leaves alone.

    `live` is the group as it was read, None for one to create. `name` is the name that the group has in the end.
    `traffic` is what the change of rules opens and closes, `unchanged` counts the managed rules that stay as they are,
    and `instances` those that the group is attached to, where that was asked for, with the names that the API told.
    `exceptions` stand beside the group. `ignored` holds every entry of `ignore_rules` that is in force. `lost_name` is
    the previous name of a group to create, where no live group has it.
    """

    action: Action
    target: Target
    name: str
    live: LiveGroup | None
    place: Place | None = None
    previous_name: str | None = None
    description: TextChange | None = None
    tags: tuple[TagChange, ...] = ()
    creates: tuple[DesiredRule, ...] = ()
    redescribes: tuple[Redescription, ...] = ()
    deletes: tuple[LiveRule, ...] = ()
    unchanged: int = 0
    lost_rules: tuple[LostRule, ...] = ()
    traffic: TrafficDifference = SAME
    instances: int | None = None
    instance_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    exceptions: tuple[PolicyException, ...] = ()
    ignored: tuple[IgnoredRules, ...] = ()
    lost_name: str | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether an update would change nothing."""
        return self.action is Action.UPDATE and not (
            self.previous_name or self.description or self.tags or self.changes_rules
        )

    @property
    def changes_rules(self) -> bool:
        """Tell whether any rule is created, deleted or described anew."""
        return bool(self.creates or self.redescribes or self.deletes)

    @property
    def kept_rules(self) -> tuple[Rule, ...]:
        """All rules that the group has and keeps."""
        gone = {rule.id for rule in self.deletes}
        return tuple(rule.rule for rule in (self.live.rules if self.live else ()) if rule.id not in gone)

    @property
    def ignored_ids(self) -> frozenset[str]:
        """The ids of the live rules that are left to others."""
        return frozenset(rule.id for each in self.ignored for rule in each.rules)

    def is_of_others(self, rule: LiveRule) -> bool:
        """Tell whether a live rule, be it new or known, matches `ignore_rules`: then it is never deleted."""
        return any(each.entry.matches(rule.rule, rule.description) for each in self.ignored)

    @property
    def created_rules(self) -> tuple[DesiredRule, ...]:
        """All rules that are created; one with a new description is created anew."""
        return (*self.creates, *(each.desired for each in self.redescribes))


def diff(match: Match) -> Difference:
    """Tell what has to change for the live group to be the desired one. What the file leaves out is left alone."""
    desired, live = match.desired, match.live
    if live is None:
        return Difference(
            Action.CREATE,
            desired.target,
            desired.name,
            None,
            desired.place,
            description=_diff_text("", desired.description),
            tags=_diff_tags(desired, ()),
            creates=desired.rules or (),
            traffic=traffic_difference((), (rule.rule for rule in desired.rules or ())),
            notes=_lost_name(desired),
            exceptions=desired.exceptions,
            ignored=tuple(IgnoredRules(entry) for entry in desired.ignore_rules),
            lost_name=desired.previous_name,
        )
    rules = _diff_rules(desired.rules, live.rules, desired.ignore_rules)
    return Difference(
        Action.UPDATE,
        desired.target,
        desired.name,
        live,
        desired.place,
        previous_name=live.name if live.name != desired.name else None,
        description=_diff_text(live.description, desired.description),
        tags=_diff_tags(desired, live.tags),
        creates=rules.creates,
        redescribes=rules.redescribes,
        deletes=rules.deletes,
        unchanged=rules.unchanged,
        traffic=_diff_traffic(live, rules),
        notes=rules.notes,
        exceptions=desired.exceptions,
        ignored=rules.ignored,
    )


def _lost_name(desired: DesiredGroup) -> tuple[str, ...]:
    """Say that a rename finds nothing to rename: its old name may be misspelled."""
    if desired.previous_name is None:
        return ()
    return (f"no live group is named {desired.previous_name!r} (`previous_name`): a new group is created",)


def diff_deletion(live: LiveGroup, lost_rules: tuple[LostRule, ...] = ()) -> Difference:
    """Tell what goes with a group: its own rules, and those elsewhere that refer to it."""
    traffic = traffic_difference((rule.rule for rule in live.rules), ())
    return Difference(
        Action.DELETE, live.target, live.name, live, deletes=live.rules, lost_rules=lost_rules, traffic=traffic
    )


@dataclass(frozen=True, slots=True)
class _Rules:
    creates: tuple[DesiredRule, ...] = ()
    redescribes: tuple[Redescription, ...] = ()
    deletes: tuple[LiveRule, ...] = ()
    unchanged: int = 0
    notes: tuple[str, ...] = ()
    ignored: tuple[IgnoredRules, ...] = ()


def _diff_rules(
    desired: tuple[DesiredRule, ...] | None, live: tuple[LiveRule, ...], entries: tuple[IgnoreRule, ...]
) -> _Rules:
    if desired is None:
        return _Rules()
    there = {(rule.rule, rule.description) for rule in live}
    if not entries and len(there) == len(live) and there == {(rule.rule, rule.description) for rule in desired}:
        return _Rules(unchanged=len(live))  # nearly every group of every run: worth a test of its own
    live_by_rule: defaultdict[Rule, list[LiveRule]] = defaultdict(list)
    for live_rule in live:
        live_by_rule[live_rule.rule].append(live_rule)
    others = {
        rule.id: entry for rule in live if entries and (entry := find_entry(entries, rule.rule, rule.description))
    }
    creates, redescribes, kept = [], [], set()
    named = set()
    for rule in desired:
        named.add(rule.rule)
        same = live_by_rule.get(rule.rule)
        if same is None:
            creates.append(rule)
        elif any(live_rule.description == rule.description or live_rule.id in others for live_rule in same):
            kept.add(rule.rule)
        else:
            redescribes.append(Redescription(tuple(same), rule))
    return _Rules(
        tuple(creates),
        tuple(redescribes),
        deletes=tuple(
            each for rule, same in live_by_rule.items() if rule not in named for each in same if each.id not in others
        ),
        unchanged=sum(len(same) for rule, same in live_by_rule.items() if rule in kept),
        notes=tuple(_kept_all(same) for rule, same in live_by_rule.items() if rule in kept and len(same) > 1),
        ignored=tuple(
            IgnoredRules(entry, tuple(rule for rule in live if others.get(rule.id) is entry and rule.rule not in named))
            for entry in entries
        ),
    )


def _kept_all(rules: Sequence[LiveRule]) -> str:
    return f"{len(rules)} live rules mean the same and are all kept: {', '.join(rule.id for rule in rules)}"


def _diff_traffic(live: LiveGroup, rules: _Rules) -> TrafficDifference:
    if not rules.creates and not rules.deletes:
        return SAME
    gone = {rule.id for rule in rules.deletes}
    kept = [rule.rule for rule in live.rules if rule.id not in gone]
    return traffic_difference([rule.rule for rule in live.rules], kept + [rule.rule for rule in rules.creates])


def _diff_text(live: str, desired: str | None) -> TextChange | None:
    return None if desired is None or desired == live else TextChange(live, desired)


def _diff_tags(desired: DesiredGroup, live: tuple[Tag, ...]) -> tuple[TagChange, ...]:
    """Compare the managed tags: those of `tags:` where it is given, and the reserved ones that other keys stand for."""
    read_only = {tag.key for tag in live if tag.read_only}
    old = {tag.key: tag.value for tag in live if not tag.read_only}
    new = _desired_tags(desired, old)
    keys = sorted((old.keys() | new.keys()) - read_only)
    return tuple(TagChange(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key))


def _desired_tags(desired: DesiredGroup, old: Mapping[str, str]) -> dict[str, str]:
    if desired.tags is None:
        tags = dict(old)
    else:
        tags = {key: value for key, value in old.items() if key in RESERVED_TAGS} | dict(desired.tags)
    if desired.owner is not None:
        tags[OWNER_TAG] = desired.owner
    if desired.prevent_destroy is True:
        tags[PROTECTION_TAG] = "true"
    elif desired.prevent_destroy is False:
        tags.pop(PROTECTION_TAG, None)
    return tags


def names_of_remotes(differences: Iterable[Difference], live: LiveState) -> dict[str, str]:
    """Name every group that the rules of either side refer to, or that loses a rule, as far as it alone has its name.

    Rules that stay count as well: what a change opens beside one is told as an exception from it. A group that is not
    named here is told by its id.
    """
    differences = tuple(differences)
    remotes: set[str | None] = set()
    for each in differences:
        remotes |= {rule.rule.remote_group_id for rule in each.created_rules}
        remotes |= {rule.rule.remote_group_id for rule in (each.live.rules if each.live else ())}
        for lost in each.lost_rules:
            remotes |= {lost.rule.rule.remote_group_id, lost.group_id}
    named = {placeholder(each.name): each.name for each in differences if each.action is Action.CREATE}
    for groups in live.values():
        having = Counter(group.name for group in groups)
        named |= {group.id: group.name for group in groups if having[group.name] == 1}
    return {remote: named[remote] for remote in sorted(filter(None, remotes)) if remote in named}
