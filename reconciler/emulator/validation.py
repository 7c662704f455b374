"""Request bodies -> records, refusing (400) whatever the published description does not allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .fields import (
    PROTOCOLS_V1,
    PROTOCOLS_V2,
    TagPatch,
    list_of,
    name_of,
    object_of,
    refusal,
    rule,
    shown,
    tag_patch,
    tags_of,
    text_of,
    uuid,
)
from .records import RuleSpec

MAX_RULES_IN_BODY = 250
MAX_CHANGED_RULES = 500


@dataclass(frozen=True, slots=True)
class Creation:
    """A group to be created. `rules` is None where the request left them out."""

    name: str
    description: str = ""
    tags: Mapping[str, str] | None = None
    rules: tuple[RuleSpec, ...] | None = None
    instances: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deletion:
    """A `delete` entry of `changed_rules`."""

    rule_id: str


@dataclass(frozen=True, slots=True)
class ChangeV1:
    """A v1 PATCH. `wipe_tags` stands for ``tags: null``."""

    entries: tuple[RuleSpec | Deletion, ...] = ()
    name: str | None = None
    tags: TagPatch | None = None
    wipe_tags: bool = False


@dataclass(frozen=True, slots=True)
class ChangeV2:
    """A v2 PATCH: `rules` is the whole list, None where it was left out."""

    name: str | None = None
    description: str | None = None
    tags: TagPatch | None = None
    wipe_tags: bool = False
    rules: tuple[RuleSpec, ...] | None = None


def creation_v1(body: Any) -> Creation:
    """Return the body of POST /cloud/v1/securitygroups/..."""
    top = object_of(body, "body", {"security_group", "instances"}, required={"security_group"})
    place = "security_group"
    group = object_of(top[place], place, {"name", "description", "tags", "security_group_rules"}, required={"name"})
    rules = list_of(group.get("security_group_rules", []), f"{place}.security_group_rules", MAX_RULES_IN_BODY)
    instances = list_of(top.get("instances", []), "instances", None)
    return Creation(
        name=name_of(group["name"], f"{place}.name"),
        description=text_of(group.get("description", ""), f"{place}.description"),
        tags=tags_of(group.get("tags", {}), f"{place}.tags"),
        rules=tuple(
            rule(item, f"{place}.security_group_rules[{number}]", PROTOCOLS_V1) for number, item in enumerate(rules)
        ),
        instances=tuple(text_of(item, f"instances[{number}]") for number, item in enumerate(instances)),
    )


def change_v1(body: Any) -> ChangeV1:
    """Return the body of PATCH /cloud/v1/securitygroups/..."""
    top = object_of(body, "body", {"changed_rules", "name", "tags"})
    entries = list_of(top.get("changed_rules", []), "changed_rules", MAX_CHANGED_RULES)
    tags, wipe = tag_patch(top)
    return ChangeV1(
        entries=tuple(_entry(item, f"changed_rules[{number}]") for number, item in enumerate(entries)),
        name=name_of(top["name"], "name") if "name" in top else None,
        tags=tags,
        wipe_tags=wipe,
    )


def creation_v2(body: Any) -> Creation:
    """Return the body of POST /cloud/v2/security_groups/..."""
    top = object_of(body, "body", {"name", "description", "tags", "rules"}, required={"name"})
    return Creation(
        name=name_of(top["name"], "name"),
        description=text_of(top.get("description", ""), "description"),
        tags=tags_of(top.get("tags", {}), "tags"),
        rules=_rules_v2(top["rules"]) if "rules" in top else None,
    )


def change_v2(body: Any) -> ChangeV2:
    """Return the body of PATCH /cloud/v2/security_groups/..."""
    top = object_of(body, "body", {"name", "description", "tags", "rules"})
    tags, wipe = tag_patch(top)
    return ChangeV2(
        name=name_of(top["name"], "name") if "name" in top else None,
        description=text_of(top["description"], "description") if "description" in top else None,
        tags=tags,
        wipe_tags=wipe,
        rules=_rules_v2(top["rules"]) if "rules" in top else None,
    )


def copy_name(body: Any) -> str:
    """Return the body of POST .../copy."""
    return name_of(object_of(body, "body", {"name"}, required={"name"})["name"], "name")


def rule_v1(body: Any) -> RuleSpec:
    """Return the body of POST /cloud/v1/securitygroups/.../rules."""
    return rule(body, "body", PROTOCOLS_V1)


def replacement_v1(body: Any) -> RuleSpec:
    """Return the body of PUT /cloud/v1/securitygrouprules/...; the official SDK 0.25 sends the group's id in it."""
    if isinstance(body, dict) and "security_group_id" in body:
        uuid(body["security_group_id"], "body.security_group_id")
        body = {name: value for name, value in body.items() if name != "security_group_id"}
    return rule_v1(body)


def rule_v2(body: Any) -> RuleSpec:
    """Return the body of POST /cloud/v2/security_groups/.../rules."""
    return rule(body, "body", PROTOCOLS_V2)


def _entry(value: Any, place: str) -> RuleSpec | Deletion:
    action = value.get("action") if isinstance(value, dict) else None
    if action == "create":
        return rule({name: item for name, item in value.items() if name != "action"}, place, PROTOCOLS_V1)
    if action == "delete":
        names = {"action", "security_group_rule_id"}
        fields = object_of(value, place, names, required=names)
        return Deletion(uuid(fields["security_group_rule_id"], f"{place}.security_group_rule_id"))
    raise refusal(f"{place}.action", f"{shown(action)} is not one of create, delete")


def _rules_v2(value: Any) -> tuple[RuleSpec, ...]:
    items = list_of(value, "rules", MAX_RULES_IN_BODY)
    return tuple(rule(item, f"rules[{number}]", PROTOCOLS_V2) for number, item in enumerate(items))
