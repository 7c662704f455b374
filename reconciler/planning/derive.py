"""JSON data of a plan file -> the plan that it stands for. Pure.

Taken from the file is only what nobody could compute: which groups there were (`live`), what each is to become, and
what was said, allowed and looked up besides. The rest is derived with the functions that plan: `diff` compares the
group that the change stands for with its live one, `encode_changes` makes the requests. `planfile` then writes the plan
again and compares, so that whatever else a file says is either the same or refused.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import Any

from reconciler.loading.policies import saved_policies
from reconciler.loading.remote import read_prefix
from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.errors import InputError
from reconciler.model.ignore_rules import IgnoreRule, find_entry
from reconciler.model.json_form import (
    few_of,
    read_entry,
    read_exception,
    read_finding,
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
    flag,
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
from reconciler.model.policies import Limits, PoliciesSource
from reconciler.model.rule import Rule
from reconciler.model.text import shown
from reconciler.planning.diff import Action, Difference, LostRule, TagChange, diff, diff_deletion
from reconciler.planning.encode import ApiVersion, Encoder
from reconciler.planning.orphans import UnmanagedGroup
from reconciler.planning.plan import COMMIT, Origin, Plan, Scope, encode_changes
from reconciler.planning.resolve import Match

Encoders = Mapping[ApiVersion, Encoder]

_PLAN = (
    *("format_version", "created_at", "base_url", "api_version", "two_phase", "lifted", "summary", "scope", "findings"),
    *("notes", "group_names", "policies", "protect_ssh_from", "changes", "digest"),
)
_ORIGIN = ("version", "commit")
_SCOPE = ("groups", "rules", "owned_groups")
_IGNORED_RULES = "ignored_rules"
_POLICIES = ("where", "settings", "address_groups")
_CHANGE = frozenset(
    {
        *("action", "project_id", "region_id", "id", "name", "previous_name", "place", "description", "tags", "rules"),
        *("lost_rules", "traffic", "instances", "notes", "fingerprint", "live", "requests"),
    }
)
_TARGET_NAMES = ("project", "region")
_RULES = ("create", "redescribe", "delete", "unchanged")
_DESIRED_RULE = frozenset({*Rule._fields, "description", "remote_group", "place"})
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def derive_plan(content: Json, encoders: Encoders) -> Plan:
    """Derive a plan from what its file shows. Raises `Fault` with the path of what is wrong."""
    members(content, _PLAN, ("origin", "orphans", "limits"))
    encoder = member(content, "api_version", partial(_read_encoder, encoders=encoders))
    two_phase = member(content, "two_phase", flag)
    differences = member(content, "changes", each_of(_read_difference))
    group_names = member(content, "group_names", _read_names)
    _check_together(differences, group_names)
    changes = tuple(encode_changes(differences, encoder, two_phase=two_phase))
    for index, (change, difference) in enumerate(zip(changes, differences, strict=True)):
        if _key(change.difference) != _key(difference):
            raise Fault("is not where it is in the order in which changes are applied").within(index).within("changes")
    return Plan(
        created_at=member(content, "created_at", _read_time),
        base_url=member(content, "base_url", text),
        api_version=encoder.version,
        changes=changes,
        scope=member(content, "scope", _read_scope),
        two_phase=two_phase,
        lifted=member(content, "lifted", _read_lifted),
        findings=member(content, "findings", each_of(read_finding)),
        notes=member(content, "notes", each_of(text)),
        group_names=group_names,
        policies=member(content, "policies", _read_policies),
        protect_ssh_from=member(content, "protect_ssh_from", optional(_read_address)),
        origin=member(content, "origin", _read_origin) if "origin" in content else None,
        orphans=member(content, "orphans", each_of(_read_orphan)) if "orphans" in content else (),
        limits=member(content, "limits", _read_limits) if "limits" in content else Limits(),
    )


def _read_encoder(content: Any, encoders: Encoders) -> Encoder:
    found = next((encoder for version, encoder in encoders.items() if version == content), None)
    if found is None:
        raise Fault(f"is {shown(content)}, none of {', '.join(encoders)}")
    return found


def _read_time(content: Any) -> str:
    if _TIME.fullmatch(text(content)):
        try:
            return content if datetime.fromisoformat(content) else ""
        except ValueError:
            pass
    raise Fault(f"is {shown(content)}, not a time written like 2026-01-31T23:59:59Z")


def _read_scope(content: Any) -> Scope:
    members(content, _SCOPE, (_IGNORED_RULES,))
    ignored = member(content, _IGNORED_RULES, whole) if _IGNORED_RULES in content else 0
    groups, rules, owned_groups = (member(content, key, whole) for key in _SCOPE)
    return Scope(groups, rules, owned_groups, ignored)


def _read_lifted(content: Any) -> tuple[str, ...]:
    lifted = each_of(text)(content)
    if list(lifted) != sorted(set(lifted)):
        raise Fault("is not sorted, or has a guardrail twice")
    return lifted


def _read_limits(content: Any) -> Limits:
    names = [each.name for each in fields(Limits)]
    members(content, names)
    return Limits(**{name: member(content, name, whole) for name in names})


def _read_origin(content: Any) -> Origin:
    members(content, _ORIGIN)
    origin = Origin(*(member(content, key, text) for key in _ORIGIN))
    if origin.commit and not COMMIT.fullmatch(origin.commit):
        raise Fault(f"is {shown(origin.commit)}, not a commit").within("commit")
    return origin


def _read_address(content: Any) -> str:
    try:
        if str(ip_address(text(content))) == content and "%" not in content:
            return str(content)
    except ValueError:
        pass
    raise Fault(f"is {shown(content)}, not an IP address")


def _read_target(content: Json) -> Target:
    """Read the ids of a target, and its names, which are for people, where they are there."""
    names = (member(content, key, text) if key in content else None for key in _TARGET_NAMES)
    return Target(member(content, "project_id", positive), member(content, "region_id", positive), *names)


def _read_orphan(content: Any) -> UnmanagedGroup:
    members(content, ("project_id", "region_id", *UnmanagedGroup._fields[1:]), _TARGET_NAMES)
    return UnmanagedGroup(
        _read_target(content),
        member(content, "id", uuid),
        member(content, "name", text),
        member(content, "rules", whole),
        member(content, "owner", text),
    )


def _read_names(content: Any) -> dict[str, str]:
    members(content, content if isinstance(content, dict) else ())
    return {key: member(content, key, text) for key in content}


def _read_policies(content: Any) -> PoliciesSource:
    members(content, _POLICIES)
    source = PoliciesSource(
        settings=member(content, "settings", _read_settings),
        address_groups=member(content, "address_groups", _read_address_groups),
        where=member(content, "where", text),
    )
    try:
        saved_policies(source)
    except (InputError, RecursionError) as error:
        issues = error.issues if isinstance(error, InputError) else ()
        raise Fault(f"is not valid: {issues[0].message if issues else error}").within("policies") from None
    return source


def _read_settings(content: Any) -> Json:
    return members(content, content if isinstance(content, dict) else ())


def _read_address_groups(content: Any) -> dict[str, tuple[str, ...]]:
    members(content, content if isinstance(content, dict) else ())
    return {name: member(content, name, each_of(_read_prefix)) for name in content}


def _read_prefix(content: Any) -> str:
    if read_prefix(text(content)).problem:
        raise Fault(f"is {shown(content)}, not a prefix")
    return str(content)


def _read_difference(content: Any) -> Difference:
    """Read what a change makes of which group, and derive the difference between the two."""
    members(content, _CHANGE, {"exceptions", "instance_names", "ignored", *_TARGET_NAMES})
    action = member(content, "action", one_of(Action))
    target = _read_target(content)
    live = member(content, "live", optional(partial(read_live_group, target=target)))
    if (live is None) != (action is Action.CREATE):
        raise Fault("is null for groups to create, and for them only").within("live")
    instances = member(content, "instances", optional(whole))
    names = member(content, "instance_names", each_of(text)) if "instance_names" in content else ()
    if action is Action.DELETE and live is not None:
        lost = member(content, "lost_rules", each_of(partial(_read_lost_rule, going=live.id)))
        return replace(diff_deletion(live, lost), instances=instances, instance_names=names)
    exceptions = member(content, "exceptions", each_of(read_exception)) if "exceptions" in content else ()
    ignored = member(content, "ignored", _read_ignored) if "ignored" in content else ()
    others = {rule_id for _, ids in ignored for rule_id in ids}
    desired = DesiredGroup(
        target,
        member(content, "name", text),
        member(content, "place", read_place),
        id=None if live is None else live.id,
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


def _check_together(differences: tuple[Difference, ...], names: Mapping[str, str]) -> None:
    """Check what only shows in all changes together: each group once, and references that mean what they are named."""
    created = {(each.target, placeholder(each.name)) for each in differences if each.live is None}
    known = {placeholder(each.name): each.name for each in differences if each.live is None}
    known |= {each.live.id: each.live.name for each in differences if each.live is not None}
    seen: set[str] = set()
    lost: set[str] = set()
    for index, each in enumerate(differences):
        key = each.live.id if each.live else f"{each.target} {each.name}"
        if key in seen:
            raise Fault(f"is about {shown(each.name)} once more").within(index).within("changes")
        seen.add(key)
        if each.live is None and "}" in each.name:
            raise Fault(f"is {shown(each.name)}, not a name").within("name").within(index).within("changes")
        for remote in (rule.rule.remote_group_id for rule in each.created_rules):
            if is_placeholder(remote) and (each.target, remote) not in created:
                raise Fault(f"refers to {shown(remote)}, which it does not create").within(index).within("changes")
        for one in each.lost_rules:
            if one.rule.id in lost:
                raise Fault(f"loses rule {one.rule.id} twice").within(index).within("changes")
            lost.add(one.rule.id)
    for group_id, name in names.items():
        if known.get(group_id, name) != name:
            raise Fault(f"names {shown(group_id)} {shown(name)}, and it is {shown(known[group_id])}").within(
                "group_names"
            )


def _key(difference: Difference) -> tuple[Target, str]:
    return difference.target, difference.live.id if difference.live else placeholder(difference.name)
