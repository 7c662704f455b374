"""The v1 operations on security groups, their rules and their tags."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from . import actions, fields, operations, validation
from .changes import Entry, no_such_rule, ordered
from .faults import Control
from .messages import Query, body_of, group_id_of, group_of, json_reply, raw_reply, target_of
from .policy import rules_by_default
from .records import ApiError, Group, Tag
from .store import Store
from .tasks import check_unlocked, look_at_target, unlocked_group_of
from .validation import Deletion

GROUP_LIMIT = 10


async def list_groups(request: Request) -> Response:
    """Serve GET /cloud/v1/securitygroups/{project_id}/{region_id}."""
    control: Control = request.app.state.control
    query = Query(request, ("limit", "offset", "name", "tag_key", "tag_key_value"))
    tags: dict[str, str | None] = dict.fromkeys(query.texts("tag_key"))
    tags |= query.pairs("tag_key_value")
    limit, offset, name = query.limit(GROUP_LIMIT), query.offset(), query.text("name")
    target = target_of(request)
    look_at_target(control, target)
    page = control.store.page(
        target, limit=limit, offset=offset, name=name, tags=tags, with_rules=control.knobs.list_rules
    )
    return raw_reply(page)


async def get_group(request: Request) -> Response:
    """Serve GET /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}."""
    control: Control = request.app.state.control
    Query(request, ())
    group_id, target = group_id_of(request), target_of(request)
    look_at_target(control, target)
    return raw_reply(control.store.group_json(target, group_id))


async def create_group(request: Request) -> Response:
    """Serve POST /cloud/v1/securitygroups/{project_id}/{region_id}."""
    control: Control = request.app.state.control
    body = await body_of(request)
    asked = validation.creation_v1(body)
    by_default = rules_by_default(control.knobs, asked.rules or ())
    group = operations.create(control.store, control.knobs, target_of(request), asked, by_default)
    _log(request, "create", group, body)
    return _answer(request, group)


async def patch_group(request: Request) -> Response:
    """Serve PATCH /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}."""
    control: Control = request.app.state.control
    gone = control.knobs.v1_patch_status
    if gone is not None:
        raise ApiError(gone, "OperationGone", "This operation is no longer available, use v2")
    body = await body_of(request)
    asked = validation.change_v1(body)
    group = unlocked_group_of(request)
    try:
        changed = operations.change(
            control.store,
            control.knobs,
            group,
            ordered(asked.entries, control.knobs.order),
            name=asked.name,
            tags=asked.tags,
            wipe_tags=asked.wipe_tags,
        )
    except ApiError:
        if control.store.group(group.target, group.id) != group:  # refused on the way, and what came before it stays
            _log(request, "update", group, body)
        raise
    _log(request, "update", changed, body)
    return _answer(request, changed)


async def delete_group(request: Request) -> Response:
    """Serve DELETE /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}."""
    control: Control = request.app.state.control
    Query(request, ())
    group = unlocked_group_of(request)
    operations.delete(control.store, group)
    _log(request, "delete", group)
    return Response(status_code=204)


async def copy_group(request: Request) -> Response:
    """Serve POST /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/copy."""
    control: Control = request.app.state.control
    body = await body_of(request)
    twin = operations.copy(control.store, control.knobs, group_of(request), validation.copy_name(body))
    _log(request, "create", twin, body)
    return _answer(request, twin)


async def revert_group(request: Request) -> Response:
    """Serve POST /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/revert."""
    control: Control = request.app.state.control
    Query(request, ())
    group = operations.revert(control.store, control.knobs, unlocked_group_of(request))
    _log(request, "revert", group)
    return _answer(request, group)


async def create_rule(request: Request) -> Response:
    """Serve POST /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/rules."""
    body = await body_of(request)
    return _rule_changed(request, "create", unlocked_group_of(request), [validation.rule_v1(body)], body)


async def replace_rule(request: Request) -> Response:
    """Serve PUT /cloud/v1/securitygrouprules/{project_id}/{region_id}/{rule_id}: the rule gets a new id."""
    body = await body_of(request)
    entries: list[Entry] = [Deletion(_rule_id_of(request)), validation.replacement_v1(body)]
    return _rule_changed(request, "update", _group_with_rule(request), entries, body)


async def delete_rule(request: Request) -> Response:
    """Serve DELETE /cloud/v1/securitygrouprules/{project_id}/{region_id}/{rule_id}."""
    Query(request, ())
    return _rule_changed(request, "delete", _group_with_rule(request), [Deletion(_rule_id_of(request))])


async def list_tags(request: Request) -> Response:
    """Serve GET /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/metadata."""
    Query(request, ())
    tags = [tag.as_json() for tag in group_of(request).tags]
    return json_reply({"count": len(tags), "results": tags})


async def add_tags(request: Request) -> Response:
    """Serve POST /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/metadata: the others stay."""
    return _tags_changed(request, "update_metadata", fields.tags_of(await body_of(request), "body"))


async def replace_tags(request: Request) -> Response:
    """Serve PUT /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/metadata: the others go."""
    tags = fields.tag_patch_of(await body_of(request), "body")
    others = {tag.key: None for tag in group_of(request).tags if not tag.read_only}
    return _tags_changed(request, "replace_metadata", {**others, **tags})


async def get_tag(request: Request) -> Response:
    """Serve GET /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/metadata_item."""
    return json_reply(_tag_of(request).as_json())


async def delete_tag(request: Request) -> Response:
    """Serve DELETE /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/metadata_item."""
    return _tags_changed(request, "delete_metadata", {_tag_of(request).key: None})


def _answer(request: Request, group: Group) -> Response:
    store: Store = request.app.state.control.store
    return raw_reply(store.group_json(group.target, group.id))


def _rule_changed(
    request: Request, action_type: str, group: Group, entries: Sequence[Entry], body: object = None
) -> Response:
    """Change one rule of a group; answer the new rule, or nothing where there is none."""
    control: Control = request.app.state.control
    after = operations.change(control.store, control.knobs, group, entries)
    new = next((rule for rule in after.rules if rule not in group.rules), None)
    gone = next((rule for rule in group.rules if rule not in after.rules), None)
    subjects = [actions.of_rule(rule.id) for rule in (gone, new) if rule is not None]
    subjects.append(actions.of_group(group))
    actions.write(
        control.store,
        actions.actor_of(request),
        group.target,
        action_type,
        subjects,
        api_group=actions.RULE,
        data=body,
    )
    return Response(status_code=204) if new is None else json_reply(new.as_json())


def _rule_id_of(request: Request) -> str:
    return fields.uuid(request.path_params["rule_id"], "path.rule_id")


def _group_with_rule(request: Request) -> Group:
    """Return the group that holds the rule in the path, to be changed. Raises ApiError (404, 409)."""
    control: Control = request.app.state.control
    rule_id = _rule_id_of(request)
    group = control.store.group_with_rule(target_of(request), rule_id)
    if group is None:
        raise no_such_rule(rule_id)
    check_unlocked(control, group.id)
    return group


def _tags_changed(request: Request, action_type: str, patch: fields.TagPatch) -> Response:
    control: Control = request.app.state.control
    group = operations.change(control.store, control.knobs, unlocked_group_of(request), tags=patch)
    _log(request, action_type, group, dict(patch))
    return Response(status_code=204)


def _tag_of(request: Request) -> Tag:
    key = Query(request, ("key",)).text("key")
    if key is None:
        raise fields.refusal("query.key", "parameter required")
    found = next((tag for tag in group_of(request).tags if tag.key == key), None)
    if found is None:
        raise ApiError(404, "TagNotFound", f"Tag {key} could not be found.")
    return found


def _log(request: Request, action_type: str, group: Group, body: object = None) -> None:
    store: Store = request.app.state.control.store
    actions.write(store, actions.actor_of(request), group.target, action_type, [actions.of_group(group)], data=body)
