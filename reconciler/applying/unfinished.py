"""What of a change is not live yet, and whether the end is the one that was planned. Pure.

After a refusal, a lost answer or a crash nobody has to know what the server did: the difference between the approved
change and the group as it is now says what is left. It never holds anything that the plan did not approve.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.desired import DesiredRule
from reconciler.model.live import LiveGroup, LiveRule, Tag
from reconciler.model.placeholder import fill_in, is_placeholder, names_in
from reconciler.model.rule import Rule, describe_rule
from reconciler.planning.diff import Action, Difference, IgnoredRules, Redescription, TextChange
from reconciler.traffic.difference import traffic_difference


def with_ids(difference: Difference, ids: Mapping[str, str]) -> Difference:
    """Fill in the ids of groups that have been created meanwhile. Raises `KeyError` for one that has not."""
    return replace(
        difference,
        creates=tuple(_with_id(rule, ids) for rule in difference.creates),
        redescribes=tuple(replace(each, desired=_with_id(each.desired, ids)) for each in difference.redescribes),
        ignored=tuple(_ignored_with_ids(each, ids) for each in difference.ignored),
    )


def _ignored_with_ids(ignored: IgnoredRules, ids: Mapping[str, str]) -> IgnoredRules:
    """Fill in what is known by now: nobody refers to a group that is not there."""
    entry = ignored.entry
    if not any(map(is_placeholder, entry.remote_group_ids)):
        return ignored
    found = tuple(ids.get("".join(names_in(each)), each) for each in entry.remote_group_ids)
    return ignored._replace(entry=replace(entry, remote_group_ids=found))


def what_is_left(difference: Difference, live: LiveGroup) -> Difference:
    """Tell what of an approved change is left to do, given the group as it is now.

    For a group that the plan created, what the cloud added by itself counts as to be deleted.
    """
    rules = _remaining_of_new(difference, live) if difference.action is Action.CREATE else _remaining(difference, live)
    tags = {tag.key: tag.value for tag in live.tags}
    description = difference.description
    if description is not None:
        description = None if description.new == live.description else TextChange(live.description, description.new)
    return replace(
        difference,
        action=Action.UPDATE,
        live=live,
        previous_name=live.name if difference.previous_name and live.name != difference.name else None,
        description=description,
        tags=tuple(tag for tag in difference.tags if tags.get(tag.key) != tag.new),
        creates=tuple(rules.creates),
        redescribes=tuple(rules.redescribes),
        deletes=tuple(rule for rule in live.rules if rule.id in rules.deletes),
    )


def what_is_done(difference: Difference, live: LiveGroup) -> Difference:
    """Tell what of an approved change shows in the group as it is now, and what its traffic has become meanwhile.

    A rule that lost its old description and has not got the new one is missing by now, and so among the deletes.
    """
    left = what_is_left(difference, live)
    before = () if difference.live is None else difference.live.rules
    there = {rule.rule for rule in live.rules}
    ids = {rule.id for rule in live.rules}
    missing = {rule.rule for rule in (*left.creates, *(each.desired for each in left.redescribes))}
    described = tuple(each for each in difference.redescribes if each.desired.rule not in missing)
    gone = tuple(rule for each in difference.redescribes for rule in each.live if rule.rule not in there)
    return replace(
        difference,
        previous_name=None if left.previous_name else difference.previous_name,
        description=None if left.description else difference.description,
        tags=tuple(tag for tag in difference.tags if tag not in left.tags),
        creates=tuple(rule for rule in difference.creates if rule.rule not in missing),
        redescribes=described,
        deletes=(*(rule for rule in difference.deletes if rule.id not in ids), *gone),
        unchanged=0,
        traffic=traffic_difference((rule.rule for rule in before), (rule.rule for rule in live.rules)),
    )


def is_begun(difference: Difference, live: LiveGroup) -> bool:
    """Tell whether anything of an approved update shows in the group as it is now."""
    assert difference.live is not None  # noqa: S101 - an update has a live side
    return _parts(what_is_left(difference, live)) != _parts(what_is_left(difference, difference.live))


def _parts(left: Difference) -> tuple[object, ...]:
    """What is left of a change, without what was live before."""
    redescribed = {each.desired.rule for each in left.redescribes}
    deleted = {rule.id for rule in left.deletes}
    created = {rule.rule for rule in left.creates}
    return left.previous_name, left.description is None, left.tags, created, redescribed, deleted


@dataclass(slots=True)
class _Rules:
    creates: list[DesiredRule] = field(default_factory=list)
    redescribes: list[Redescription] = field(default_factory=list)
    deletes: set[str] = field(default_factory=set)


def _remaining(difference: Difference, live: LiveGroup) -> _Rules:
    same = _by_rule(live)
    rules = _Rules(
        creates=[rule for rule in difference.creates if rule.rule not in same],
        deletes={rule.id for rule in difference.deletes},
    )
    for each in difference.redescribes:
        now = same.get(each.desired.rule, [])
        if not now:
            rules.creates.append(each.desired)
        elif all(rule.description != each.desired.description for rule in now):
            if not any(map(difference.is_of_others, now)):  # else one of others stands for it by now
                rules.redescribes.append(Redescription(tuple(now), each.desired))
        else:
            rules.deletes |= {rule.id for rule in each.live}
    return rules


def _remaining_of_new(difference: Difference, live: LiveGroup) -> _Rules:
    there = {(rule.rule, rule.description) for rule in live.rules}
    if len(there) == len(live.rules) and there == {(rule.rule, rule.description) for rule in difference.creates}:
        return _Rules()  # what nearly every new group is
    same = _by_rule(live)
    rules = _Rules(creates=[rule for rule in difference.creates if rule.rule not in same])
    for rule in difference.creates:
        now = same.pop(rule.rule, [])
        stands = (each.description == rule.description or difference.is_of_others(each) for each in now)
        if now and not any(stands):
            rules.redescribes.append(Redescription(tuple(now), rule))
    rules.deletes = {rule.id for foreign in same.values() for rule in foreign if not difference.is_of_others(rule)}
    return rules


def _by_rule(live: LiveGroup) -> dict[Rule, list[LiveRule]]:
    rules: dict[Rule, list[LiveRule]] = {}
    for rule in live.rules:
        rules.setdefault(rule.rule, []).append(rule)
    return rules


def is_done(difference: Difference, live: LiveGroup, ids: Mapping[str, str], gone: Collection[str] = ()) -> bool:
    """Tell whether a group is in all respects what a change would make of the group that it was computed from.

    `ids` are those of the new groups by name; `gone` are ids of rules that went with deleted groups.
    """
    try:
        difference = with_ids(difference, ids)
    except KeyError:
        return False
    old = difference.live
    description = difference.description.new if difference.description else (old.description if old else "")
    tags = {} if old is None else {tag.key: tag for tag in old.tags}
    for each in difference.tags:
        tags.pop(each.key, None)
        if each.new is not None:
            tags[each.key] = Tag(each.key, each.new)
    if old is None:  # the cloud may add tags of its own
        tags |= {tag.key: tag for tag in live.tags if tag.read_only}
    missing, foreign = _deviations(difference, live, gone)
    return (live.name, live.description) == (difference.name, description) and (
        {tag.key: tag for tag in live.tags} == tags and not missing and not foreign
    )


def surprises(difference: Difference, live: LiveGroup) -> tuple[str, ...]:
    """Tell in sentences what others did to the rules of a group whose change is under way, as far as it shows.

    Rules are told by their content: a server that takes whole lists need not keep their ids.
    """
    assert difference.live is not None  # noqa: S101 - an update has a live side
    going = _going(difference)
    before = {(rule.rule, rule.description) for rule in difference.live.rules}
    kept = {(rule.rule, rule.description) for rule in _ours(difference, difference.live) if rule.id not in going}
    now = {(rule.rule, rule.description) for rule in _ours(difference, live)}
    return _surprises(now - before - set(_planned(difference)), kept - now)


def unexpected(difference: Difference, live: LiveGroup) -> tuple[str, ...]:
    """Tell in sentences how a group whose change is done differs from what was planned: what others did meanwhile."""
    if not difference.changes_rules:
        return ()
    missing, foreign = _deviations(difference, live)
    return _surprises(foreign, missing)


def _deviations(
    difference: Difference, live: LiveGroup, gone: Collection[str] = ()
) -> tuple[Iterable[tuple[Rule, str]], Iterable[tuple[Rule, str]]]:
    """Compare with what was planned: which rules are missing, and which there are that nobody planned.

    Rules of others are neither; a planned rule is not missing where one of others stands for it.
    """
    planned = Counter(_planned(difference, gone))
    found = Counter((rule.rule, rule.description) for rule in _ours(difference, live))
    missing = planned - found
    if missing:
        others = {rule.rule for rule in live.rules if difference.is_of_others(rule)}
        missing = Counter({each: number for each, number in missing.items() if each[0] not in others})
    return missing, found - planned


def _ours(difference: Difference, group: LiveGroup) -> Iterable[LiveRule]:
    """Return the rules of a group but for those of others."""
    if not difference.ignored:
        return group.rules
    return [rule for rule in group.rules if not difference.is_of_others(rule)]


def _surprises(foreign: Iterable[tuple[Rule, str]], missing: Iterable[tuple[Rule, str]]) -> tuple[str, ...]:
    return (
        *(f"there is a rule that the plan does not know: {_words(each)}" for each in foreign),
        *(f"a rule is missing: {_words(each)}" for each in missing),
    )


def _planned(difference: Difference, gone: Collection[str] = ()) -> Iterator[tuple[Rule, str]]:
    going = _going(difference).union(gone)
    kept: Iterable[tuple[Rule, str]] = ()
    if difference.live is not None:
        ours = _ours(difference, difference.live)
        kept = ((rule.rule, rule.description) for rule in ours if rule.id not in going)
    yield from kept
    yield from ((rule.rule, rule.description) for rule in difference.creates)
    yield from ((each.desired.rule, each.desired.description) for each in difference.redescribes)


def _going(difference: Difference) -> set[str]:
    going = {rule.id for rule in difference.deletes}
    return going | {rule.id for each in difference.redescribes for rule in each.live}


def _with_id(rule: DesiredRule, ids: Mapping[str, str]) -> DesiredRule:
    remote = rule.rule.remote_group_id
    if remote is None:
        return rule
    return replace(rule, rule=rule.rule._replace(remote_group_id=fill_in(remote, ids)))


def _words(each: tuple[Rule, str]) -> str:
    rule, description = each
    return describe_rule(rule) + (f" ({description})" if description else "")
