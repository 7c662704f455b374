"""Stage 4: a desired group and its live one -> what differs.

A set difference and no more: `model.canonical` has settled what is equal, `resolve` which group is which.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.desired import DesiredGroup, DesiredRule
from reconciler.model.difference import Action, Difference, LostRule, Redescription, TagChange, TextChange
from reconciler.model.live import OWNER_TAG, PROTECTION_TAG, RESERVED_TAGS, LiveGroup, LiveRule, Tag
from reconciler.model.rule import Rule
from reconciler.resolve import Match
from reconciler.traffic.difference import SAME, TrafficDifference, traffic_difference


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
            exceptions=desired.exceptions,
        )
    rules = _diff_rules(desired.rules, live.rules)
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
    )


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


def _diff_rules(desired: tuple[DesiredRule, ...] | None, live: tuple[LiveRule, ...]) -> _Rules:
    if desired is None:
        return _Rules()
    there = {(rule.rule, rule.description) for rule in live}
    if len(there) == len(live) and there == {(rule.rule, rule.description) for rule in desired}:
        return _Rules(unchanged=len(live))  # nearly every group of every run: worth a test of its own
    live_by_rule: defaultdict[Rule, list[LiveRule]] = defaultdict(list)
    for live_rule in live:
        live_by_rule[live_rule.rule].append(live_rule)
    creates, redescribes, notes, unchanged = [], [], [], 0
    for rule in desired:
        same = live_by_rule.pop(rule.rule, None)
        if same is None:
            creates.append(rule)
        elif any(live_rule.description == rule.description for live_rule in same):
            unchanged += len(same)
            if len(same) > 1:
                notes.append(f"{len(same)} live rules mean the same and are all kept: {_ids(same)}")
        else:
            redescribes.append(Redescription(tuple(same), rule))
    deletes = tuple(live_rule for same in live_by_rule.values() for live_rule in same)
    return _Rules(tuple(creates), tuple(redescribes), deletes, unchanged, tuple(notes))


def _diff_traffic(live: LiveGroup, rules: _Rules) -> TrafficDifference:
    if not rules.creates and not rules.deletes:
        return SAME
    old = [rule.rule for rule in live.rules]
    gone = {rule.rule for rule in rules.deletes}
    new = [rule for rule in old if rule not in gone] + [rule.rule for rule in rules.creates]
    return traffic_difference(old, new)


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


def _ids(rules: list[LiveRule]) -> str:
    return ", ".join(rule.id for rule in rules)
