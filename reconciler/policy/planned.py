"""What a plan makes of the groups that it is about, in the form that policies look at."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.model.ignore_rules import find_entry
from reconciler.model.live import LiveState
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import Policies
from reconciler.model.rule import Rule
from reconciler.planning.diff import Action, Difference
from reconciler.planning.resolve import Match
from reconciler.policy.flows import remote_names
from reconciler.policy.subject import Ids, Names, Subject


def planned_subject(match: Match, ids: Ids, names: Names) -> Subject:
    """The group as the plan leaves it behind."""
    group, live = match.desired, match.live
    result = None if group.rules is not None else tuple(rule.rule for rule in (live.rules if live else ()))
    if group.rules is not None and group.ignore_rules and live:
        entries = group.ignore_rules
        others = (each.rule for each in live.rules if find_entry(entries, each.rule, each.description))
        result = (*(rule.rule for rule in group.rules), *others)
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

    Remote groups are known by name here: a saved plan does not hold the id of every group. So `names` has to hold the
    names of placeholders as well (`with_placeholders`).
    """
    tags = {tag.key: tag.value for tag in difference.live.tags} if difference.live else {}
    for tag in difference.tags:
        tags.pop(tag.key, None)
        if tag.new is not None:
            tags[tag.key] = tag.new
    return Subject(
        target=difference.target,
        name=difference.name,
        place=difference.place,
        rules=[replace(rule, rule=_by_name(rule.rule, names)) for rule in difference.created_rules],
        tags=tags,
        exceptions=difference.exceptions,
        result=tuple(_by_name(rule, names) for rule in result_of(difference)),
        names=names,
    )


def with_placeholders(names: Mapping[str, str]) -> dict[str, str]:
    """Add to the names by id the same names by placeholder."""
    return {**names, **{placeholder(name): name for name in names.values()}}


def _by_name(rule: Rule, names: Mapping[str, str]) -> Rule:
    name = names.get(rule.remote_group_id or "")
    return rule._replace(remote_group_id=placeholder(name)) if name else rule


def result_of(difference: Difference) -> tuple[Rule, ...]:
    """Return all rules that a changed group has in the end."""
    if difference.action is Action.DELETE:
        return ()
    return (*difference.kept_rules, *(rule.rule for rule in difference.creates))


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
