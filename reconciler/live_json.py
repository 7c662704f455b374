"""Live groups and rules <-> JSON, the same in plan files and in journals. Pure."""

from dataclasses import asdict
from typing import Any

from reconciler.model.desired import Target
from reconciler.model.live import LiveGroup, LiveRule, Tag
from reconciler.model.rule import Rule

Json = dict[str, Any]


def rule_to_json(rule: LiveRule) -> Json:
    """Write a live rule."""
    return {"id": rule.id, **rule.rule._asdict(), "description": rule.description, "irregular": rule.irregular}


def group_to_json(group: LiveGroup) -> Json:
    """Write a live group, without its target."""
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "revision_number": group.revision_number,
        "tags": [asdict(tag) for tag in group.tags],
        "rules": [rule_to_json(rule) for rule in group.rules],
    }


def read_rule(content: Json) -> Rule:
    """Read the fields that make a rule's identity."""
    return Rule(**{field: content[field] for field in Rule._fields})


def read_live_rule(content: Json) -> LiveRule:
    """Read a live rule."""
    return LiveRule(content["id"], read_rule(content), content["description"], content["irregular"])


def read_live_group(content: Json, target: Target) -> LiveGroup:
    """Read a live group of a target."""
    return LiveGroup(
        target=target,
        id=content["id"],
        name=content["name"],
        description=content["description"],
        tags=tuple(Tag(**tag) for tag in content["tags"]),
        rules=tuple(read_live_rule(rule) for rule in content["rules"]),
        revision_number=content["revision_number"],
    )
