"""JSON data of a plan file -> the plan that it stands for. Pure.

Taken from the file is only what nobody could compute: which groups there were (`live`), what each is to become, and
what was said, allowed and looked up besides. The rest is derived with the functions that plan: `diff` compares the
group that the change stands for with its live one, `encode_changes` makes the requests. `planfile` then writes the plan
again and compares, so that whatever else a file says is either the same or refused.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import Any

from reconciler.loading.policies import saved_policies
from reconciler.loading.remote import read_prefix
from reconciler.model.desired import Target
from reconciler.model.errors import InputError
from reconciler.model.json_form import read_finding
from reconciler.model.json_reading import (
    Fault,
    Json,
    each_of,
    flag,
    member,
    members,
    optional,
    text,
    uuid,
    whole,
)
from reconciler.model.placeholder import is_placeholder, placeholder
from reconciler.model.policies import Limits, PoliciesSource, RulebookSource
from reconciler.model.text import shown
from reconciler.planning.derive_change import TARGET_NAMES, read_difference, read_target
from reconciler.planning.diff import Action, Difference
from reconciler.planning.encode import ApiVersion, Encoder
from reconciler.planning.orphans import UnmanagedGroup
from reconciler.planning.plan import COMMIT, Origin, Plan, Scope, encode_changes

Encoders = Mapping[ApiVersion, Encoder]

_PLAN = (
    *("format_version", "created_at", "base_url", "api_version", "two_phase", "lifted", "summary", "scope", "findings"),
    *("notes", "group_names", "policies", "protect_ssh_from", "changes", "digest"),
)
_ORIGIN = ("version", "commit")
_SCOPE = ("groups", "rules", "owned_groups")
_IGNORED_RULES = "ignored_rules"
_POLICIES = ("where", "settings", "address_groups")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def derive_plan(content: Json, encoders: Encoders) -> Plan:
    """Derive a plan from what its file shows. Raises `Fault` with the path of what is wrong."""
    members(content, _PLAN, ("origin", "orphans", "limits", "outside"))
    encoder = member(content, "api_version", partial(_read_encoder, encoders=encoders))
    two_phase = member(content, "two_phase", flag)
    differences = member(content, "changes", each_of(read_difference))
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
        outside=member(content, "outside", _read_outside) if "outside" in content else None,
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


def _read_orphan(content: Any) -> UnmanagedGroup:
    members(content, ("project_id", "region_id", *UnmanagedGroup._fields[1:]), TARGET_NAMES)
    return UnmanagedGroup(
        read_target(content),
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


def _read_outside(content: Any) -> RulebookSource:
    members(content, RulebookSource._fields)
    return RulebookSource(member(content, "policies", _read_policies), member(content, "limits", _read_limits))


def _read_settings(content: Any) -> Json:
    return members(content, content if isinstance(content, dict) else ())


def _read_address_groups(content: Any) -> dict[str, tuple[str, ...]]:
    members(content, content if isinstance(content, dict) else ())
    return {name: member(content, name, each_of(_read_prefix)) for name in content}


def _read_prefix(content: Any) -> str:
    if read_prefix(text(content)).problem:
        raise Fault(f"is {shown(content)}, not a prefix")
    return str(content)


def _check_together(differences: tuple[Difference, ...], names: Mapping[str, str]) -> None:
    """Check what only shows in all changes together: each group once, and references that mean what they are named."""
    created = {(each.target, placeholder(each.name)) for each in differences if each.live is None}
    going = {_key(each) for each in differences if each.action is Action.DELETE}
    seen: set[tuple[Target, str]] = set()
    lost: set[tuple[str, str]] = set()
    for index, each in enumerate(differences):
        if _key(each) in seen:
            raise Fault(f"is about {shown(each.name)} once more").within(index).within("changes")
        seen.add(_key(each))
        if each.live is None and "}" in each.name:
            raise Fault(f"is {shown(each.name)}, not a name").within("name").within(index).within("changes")
        for remote in (rule.rule.remote_group_id for rule in each.created_rules):
            if is_placeholder(remote) and (each.target, remote) not in created:
                raise Fault(f"refers to {shown(remote)}, which it does not create").within(index).within("changes")
            if (each.target, remote) in going:
                raise Fault(f"refers to {shown(remote)}, which it deletes").within(index).within("changes")
        for one in each.lost_rules:
            if (one.group_id, one.rule.id) in lost:
                raise Fault(f"loses rule {one.rule.id} twice").within(index).within("changes")
            lost.add((one.group_id, one.rule.id))
    _check_names(differences, names)


def _check_names(differences: tuple[Difference, ...], names: Mapping[str, str]) -> None:
    """Check the names of groups by their ids against the groups that the plan changes, and those that rules give."""
    known: defaultdict[str, set[str]] = defaultdict(set)
    for each in differences:
        known[_key(each)[1]].add(each.live.name if each.live else each.name)
    for group_id, name in names.items():
        if name not in (there := known.get(group_id, {name})):
            raise Fault(f"names {shown(group_id)} {shown(name)}, and it is {shown(min(there))}").within("group_names")
    renamed = {each.live.id: each.name for each in differences if each.live is not None}
    for index, each in enumerate(differences):
        for rule in each.created_rules:
            remote = rule.rule.remote_group_id or ""
            known_as = {names.get(remote), renamed.get(remote), None}
            if rule.remote_group not in known_as and not is_placeholder(remote):
                problem = f"calls {remote} {shown(rule.remote_group)}, and it is {shown(names.get(remote))}"
                raise Fault(problem).within("rules").within(index).within("changes")


def _key(difference: Difference) -> tuple[Target, str]:
    return difference.target, difference.live.id if difference.live else placeholder(difference.name)
