"""JSON data of one change of a plan file -> the difference that it stands for. Pure.

Taken from the file is what the group is to become; `diff` compares that with the live group, as planning does.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from reconciler.model.cloud import DEFAULT_GROUP
from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.ignore_rules import IgnoreRule, find_entry
from reconciler.model.json_form import (
    few_of,
    read_entry,
    read_exception,
    read_live_group,
    read_live_rule,
    read_place,
    read_review,
    read_rule,
)
from reconciler.model.json_reading import (
    Fault,
    Json,
    each_of,
    member,
    members,
    one_of,
    optional,
    positive,
    text,
    uuid,
    whole,
)
from reconciler.model.live import LiveGroup
from reconciler.model.placeholder import is_placeholder, placeholder
from reconciler.model.rule import Rule
from reconciler.model.text import shown
from reconciler.planning.diff import Action, Difference, LostRule, TagChange, diff, diff_deletion
from reconciler.planning.prune import why_kept
from reconciler.planning.resolve import Match

TARGET_NAMES = ("project", "region")
_CHANGE = frozenset(
    {
        *("action", "project_id", "region_id", "id", "name", "previous_name", "place", "description", "tags", "rules"),
        *("lost_rules", "traffic", "instances", "notes", "fingerprint", "live", "requests"),
    }
)
_RULES = ("create", "redescribe", "delete", "unchanged")
_DESIRED_RULE = frozenset({*Rule._fields, "description", "remote_group", "place"})


def read_target(content: Json) -> Target:
    """Read the ids of a target, and its names, which are for people, where they are there."""
    names = (member(content, key, text) if key in content else None for key in TARGET_NAMES)
    return Target(member(content, "project_id", positive), member(content, "region_id", positive), *names)


def read_difference(content: Any) -> Difference:
    """Read what a change makes of which group, and derive the difference between the two."""
    members(content, _CHANGE, {"exceptions", "instance_names", "ignored", "lost_name", *TARGET_NAMES})
    action = member(content, "action", one_of(Action))
    target = read_target(content)
    live = member(content, "live", optional(partial(read_live_group, target=target)))
    if (live is None) != (action is Action.CREATE):
        raise Fault("is null for groups to create, and for them only").within("live")
    instances = member(content, "instances", optional(whole))
    names = member(content, "instance_names", each_of(text)) if "instance_names" in content else ()
    if action is Action.DELETE and live is not None:
        if (reason := why_kept(live, instances or 0)) is not None:
            raise Fault(f"deletes {shown(live.name)}, which no plan does: {reason}")
        lost = member(content, "lost_rules", each_of(partial(_read_lost_rule, going=live.id)))
        return replace(diff_deletion(live, lost), instances=instances, instance_names=names)
    exceptions = member(content, "exceptions", each_of(read_exception)) if "exceptions" in content else ()
    ignored = member(content, "ignored", _read_ignored) if "ignored" in content else ()
    others = {rule_id for _, ids in ignored for rule_id in ids}
    name = member(content, "name", text)
    if live is not None and live.name == DEFAULT_GROUP != name:
        raise Fault(f"is {shown(name)}, and the group named 'default' cannot be renamed").within("name")
    desired = DesiredGroup(
        target,
        name,
        member(content, "place", read_place),
        id=None if live is None else live.id,
        previous_name=member(content, "lost_name", text) if "lost_name" in content else None,
        description=member(content, "description", optional(_read_new_text)),
        rules=member(content, "rules", partial(_read_rules, live=live, others=others, is_managed=bool(ignored))),
        exceptions=exceptions,
        ignore_rules=tuple(entry for entry, _ in ignored),
    )
    for created in desired.rules or ():
        if created.place is _NOWHERE or created.rule.remote_group_id is not None:
            continue  # a way back brings a rule of others again that went with the group it refers to
        if find_entry(desired.ignore_rules, created.rule, created.description):
            raise Fault("creates what `ignored` leaves to others").within("rules")
    tags = member(content, "tags", partial(_read_tags, live=live))
    difference = replace(diff(Match(desired, live)), tags=tags, instances=instances, instance_names=names)
    if difference.is_empty:
        raise Fault("changes nothing")
    return difference


def _read_new_text(content: Any) -> str:
    members(content, ("old", "new"))
    return member(content, "new", text)


def _read_tags(content: Any, live: LiveGroup | None) -> tuple[TagChange, ...]:
    before = {tag.key: tag for tag in live.tags} if live is not None else {}

    def read(content: Any) -> TagChange:
        members(content, ("key", "old", "new"))
        key, new = member(content, "key", text), member(content, "new", optional(text))
        tag = before.get(key)
        if tag is not None and tag.read_only:
            raise Fault(f"is {shown(key)}, which is read-only").within("key")
        old = tag.value if tag is not None else None
        if old == new:
            raise Fault("changes nothing")
        return TagChange(key, old, new)

    tags = each_of(read)(content)
    if len({tag.key for tag in tags}) != len(tags):
        raise Fault("has a key twice")
    return tags


def _read_ignored(content: Any) -> tuple[tuple[IgnoreRule, tuple[str, ...]], ...]:
    """Read what is left to others: each entry with the ids of the live rules that are said to match it first.

    They do so if the difference, which is derived, says the same.
    """

    def read(content: Any) -> tuple[IgnoreRule, tuple[str, ...]]:
        return read_entry(content, "rules"), member(content, "rules", each_of(uuid))

    return few_of(read)(content)


def _read_rules(
    content: Any, live: LiveGroup | None, others: set[str], *, is_managed: bool
) -> tuple[DesiredRule, ...] | None:
    """Read the rules that the group is to have: those that stay, and the new ones. None where they are not managed.

    The rules of `others` are not desired, and stay as well.
    """
    members(content, _RULES)
    creates = member(content, "create", each_of(_read_desired_rule))
    redescribed = member(content, "redescribe", each_of(_read_redescribed))
    deleted = set(member(content, "delete", each_of(_read_id)))
    new = [rule.rule for rule in (*creates, *redescribed)]
    if len(set(new)) != len(new):
        raise Fault("has a rule to create twice")
    if live is None:
        return creates
    if not new and not deleted and member(content, "unchanged", whole) == 0 and not is_managed:
        return None
    if taken := {rule.rule for rule in live.rules}.intersection(rule.rule for rule in creates):
        index = next(index for index, rule in enumerate(creates) if rule.rule in taken)
        raise Fault("is live already").within(index).within("create")
    return (*_kept(live, deleted | others, {rule.rule for rule in redescribed}), *redescribed, *creates)


def _kept(live: LiveGroup, deleted: set[str], redescribed: set[Rule]) -> Iterable[DesiredRule]:
    """Rules that stay, as a file would have them: once, where several are live that mean the same."""
    seen = set(redescribed)
    for rule in live.rules:
        if rule.id not in deleted and rule.rule not in seen:
            seen.add(rule.rule)
            yield DesiredRule(rule.rule, rule.description, _NOWHERE)


_NOWHERE = read_place("-:1:1")


def _read_id(content: Any) -> str:
    if type(content) is not dict or "id" not in content:
        raise Fault("is not a live rule")
    return member(content, "id", uuid)


def _read_redescribed(content: Any) -> DesiredRule:
    members(content, ("live", "desired"))
    return member(content, "desired", _read_desired_rule)


def _read_desired_rule(content: Any) -> DesiredRule:
    members(content, _DESIRED_RULE, {"address_group", "expires", "exceptions"})
    rule = read_rule(content, _read_remote_group)
    remote_group = member(content, "remote_group", optional(text))
    remote = rule.remote_group_id
    if remote_group is not None and (
        remote is None or (is_placeholder(remote) and remote != placeholder(remote_group))
    ):
        raise Fault(f"is {shown(remote_group)}, and that is not what the rule refers to").within("remote_group")
    return DesiredRule(
        rule,
        member(content, "description", text),
        member(content, "place", read_place),
        remote_group,
        read_review(content),
        member(content, "address_group", text) if "address_group" in content else None,
    )


def _read_remote_group(content: Any) -> str:
    """Read an id, or the placeholder of a group that the plan creates (`_check_together`)."""
    return content if isinstance(content, str) and is_placeholder(content) else uuid(content)


def _read_lost_rule(content: Any, going: str) -> LostRule:
    members(content, ("group_id", "group_name", "rule"))
    rule = member(content, "rule", read_live_rule)
    if rule.rule.remote_group_id != going:
        raise Fault("does not refer to the group that is deleted").within("rule")
    return LostRule(member(content, "group_id", uuid), member(content, "group_name", text), rule)
