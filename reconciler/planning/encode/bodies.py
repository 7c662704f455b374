"""Parts of request bodies that both versions of the API share."""

from collections.abc import Mapping
from typing import Any

from reconciler.model.desired import DesiredRule, Target
from reconciler.model.difference import Difference
from reconciler.model.live import LiveRule
from reconciler.model.plan import Request
from reconciler.model.rule import Rule


def v1_path(target: Target, group_id: str | None = None) -> str:
    """Path of the v1 collection, or of one group in it."""
    path = f"/cloud/v1/securitygroups/{target.project_id}/{target.region_id}"
    return path if group_id is None else f"{path}/{group_id}"


def v2_path(target: Target, group_id: str | None = None) -> str:
    """Path of the v2 collection, or of one group in it."""
    path = f"/cloud/v2/security_groups/{target.project_id}/{target.region_id}"
    return path if group_id is None else f"{path}/{group_id}"


def rule_body(rule: Rule, description: str) -> dict[str, Any]:
    """Write a rule as a request takes it: what is not set is absent, for `remote_group_id` must never be null."""
    fields = {key: value for key, value in rule._asdict().items() if value is not None}
    return {**fields, "description": description}


def described(rule: DesiredRule | LiveRule) -> dict[str, Any]:
    """Write a desired or a live rule as a request takes it."""
    return rule_body(rule.rule, rule.description)


def tag_patch(difference: Difference) -> dict[str, str | None]:
    """JSON Merge Patch of the tags that change (RFC 7386): null removes one key."""
    return {tag.key: tag.new for tag in difference.tags}


def attributes(difference: Difference, *, with_description: bool) -> dict[str, Any]:
    """Name, tags and (v2) description, as far as they change."""
    body: dict[str, Any] = {}
    if difference.previous_name is not None:
        body["name"] = difference.name
    if with_description and difference.description is not None:
        body["description"] = difference.description.new
    if difference.tags:
        body["tags"] = tag_patch(difference)
    return body


def new_group(difference: Difference) -> dict[str, Any]:
    """Name, description and tags of a group to create."""
    body: dict[str, Any] = {"name": difference.name}
    if difference.description is not None:
        body["description"] = difference.description.new
    if difference.tags:
        body["tags"] = tag_patch(difference)
    return body


def describe_group(target: Target, group_id: str, description: str) -> Request:
    """Change a group's description, which only v2 can."""
    return Request("PATCH", v2_path(target, group_id), {"description": description})


def delete_group(target: Target, group_id: str) -> Request:
    """Delete a group."""
    return Request("DELETE", v1_path(target, group_id))


def patch(path: str, body: Mapping[str, Any]) -> Request:
    """Change a group."""
    return Request("PATCH", path, body)
