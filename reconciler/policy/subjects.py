"""Groups as policies judge them: from the files, from a plan, from a saved plan, and live."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.live import LiveState
from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.difference import Action, Difference
from reconciler.model.live import LiveGroup
from reconciler.model.policies import Policies
from reconciler.model.rule import Rule
from reconciler.placeholder import placeholder
from reconciler.policy.flows import remote_names
from reconciler.policy.subject import LiveJudgedRule, Subject
from reconciler.resolve import Match

Ids = Mapping[Target, Mapping[str, str]]
"""The ids of each target's groups, by name."""

Names = Mapping[Target, Mapping[str, str]]
"""The names of each target's groups, by id."""


def desired_subject(group: DesiredGroup, ids: Mapping[str, str]) -> Subject:
    """The group as the files have it; remote groups get ids, for no remote at all would be everyone."""
    rules = tuple(rule if rule.remote_group is None else _with_id(rule, ids) for rule in group.rules or ())
    return Subject(
        group.target, group.name, group.place, rules, group.tags, group.exceptions, ids=ids, names=_names(ids)
    )


def _with_id(rule: DesiredRule, ids: Mapping[str, str]) -> DesiredRule:
    name = rule.remote_group or ""
    return replace(rule, rule=rule.rule._replace(remote_group_id=ids.get(name) or placeholder(name)))


def planned_subject(match: Match, ids: Ids, names: Names) -> Subject:
    """The group as the plan leaves it behind."""
    group, live = match.desired, match.live
    result = None if group.rules is not None else tuple(rule.rule for rule in (live.rules if live else ()))
    tags = group.tags
    if tags is None:
        tags = {tag.key: tag.value for tag in live.tags} if live else {}
    return Subject(
        target=group.target,
        name=group.name,
        place=group.place,
        rules=group.rules or (),
        tags=tags,
        exceptions=group.exceptions,
        result=result,
        ids=ids.get(group.target, {}),
        names=names.get(group.target, {}),
    )


def written_subject(difference: Difference, names: Mapping[str, str]) -> Subject:
    """A group with the rules that a change writes; what is kept is known as traffic only.

    Remote groups are known by name here: a saved plan does not hold the id of every group.
    """
    written = (*difference.creates, *(each.desired for each in difference.redescribes))
    tags = {tag.key: tag.value for tag in difference.live.tags} if difference.live else {}
    for tag in difference.tags:
        tags.pop(tag.key, None)
        if tag.new is not None:
            tags[tag.key] = tag.new
    return Subject(
        target=difference.target,
        name=difference.name,
        place=difference.place,
        rules=[replace(rule, rule=_by_name(rule.rule, names)) for rule in written],
        tags=tags,
        exceptions=difference.exceptions,
        result=tuple(_by_name(rule, names) for rule in result_of(difference)),
        names={**names, **{placeholder(name): name for name in names.values()}},
    )


def _by_name(rule: Rule, names: Mapping[str, str]) -> Rule:
    name = names.get(rule.remote_group_id or "")
    return rule._replace(remote_group_id=placeholder(name)) if name else rule


def live_subject(group: LiveGroup, desired: DesiredGroup | None, ids: Mapping[str, str]) -> Subject:
    """A live group, with the places and exceptions that files give it."""
    written = {rule.rule: rule for rule in (desired.rules or () if desired else ())}
    rules = []
    for rule in group.rules:
        same = written.get(rule.rule)
        place, terms = (same.place, same.terms) if same else (None, None)
        rules.append(LiveJudgedRule(rule.rule, rule.description, rule.id, place, terms))
    return Subject(
        target=group.target,
        name=group.name,
        place=desired.place if desired else None,
        rules=rules,
        tags={tag.key: tag.value for tag in group.tags},
        exceptions=desired.exceptions if desired else (),
        ids=ids,
        names=_names(ids),
        is_live=True,
        id=group.id,
    )


def result_of(difference: Difference) -> tuple[Rule, ...]:
    """Return all rules that a changed group has in the end."""
    if difference.action is Action.DELETE:
        return ()
    gone = {rule.id for rule in difference.deletes}
    kept = (rule.rule for rule in (difference.live.rules if difference.live else ()) if rule.id not in gone)
    return (*kept, *(rule.rule for rule in difference.creates))


def ids_of(matches: Iterable[Match], live: LiveState) -> Ids:
    """Return the ids of all groups, live and to be created, by their names now and in the end."""
    ids = {target: {group.name: group.id for group in groups} for target, groups in live.items()}
    for match in matches:
        name = match.desired.name
        ids.setdefault(match.desired.target, {})[name] = match.live.id if match.live else placeholder(name)
    return ids


def names_in_policies(policies: Policies, matches: Iterable[Match], live: LiveState) -> dict[str, str]:
    """Name the groups that policies speak of by their ids, for a plan to keep."""
    wanted = remote_names(policies)
    if not wanted:
        return {}
    return {
        group_id: name for here in ids_of(matches, live).values() for name, group_id in here.items() if name in wanted
    }


def _names(ids: Mapping[str, str]) -> dict[str, str]:
    return {group_id: name for name, group_id in ids.items()}
