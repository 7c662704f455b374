"""The v1 operations: security groups, projects, regions."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import actions, catalog, operations, validation
from .changes import ordered
from .faults import Control
from .messages import Query, body_of, group_id_of, group_of, json_reply, path_number, raw_reply, target_of
from .policy import rules_by_default
from .records import ApiError, Group
from .store import Store, as_answer, no_such_group
from .tasks import look_at_target, unlocked_group_of

GROUP_LIMIT = 10
CATALOG_LIMIT = 100


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
    found = control.store.group_json(target, group_id)
    if found is None:
        raise no_such_group(group_id)
    return raw_reply(found)


async def create_group(request: Request) -> Response:
    """Serve POST /cloud/v1/securitygroups/{project_id}/{region_id}."""
    control: Control = request.app.state.control
    body = await body_of(request)
    asked = validation.creation_v1(body)
    by_default = rules_by_default(control.knobs, asked.rules or ())
    group = operations.create(control.store, control.knobs, target_of(request), asked, by_default)
    _log(request, "create", group, body)
    return raw_reply(as_answer(group))


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
    return raw_reply(as_answer(changed))


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
    return raw_reply(as_answer(twin))


async def group_instances(request: Request) -> Response:
    """Serve GET /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/instances."""
    store = request.app.state.control.store
    Query(request, ())
    group = group_of(request)
    results = [
        catalog.instance(
            instance_id, name, group.target.project_id, group.target.region_id, store.instance_groups(instance_id)
        )
        for instance_id, name in store.instances(group.id)
    ]
    return json_reply({"count": len(results), "results": results})


async def list_projects(request: Request) -> Response:
    """Serve GET /cloud/v1/projects."""
    query = Query(request, ("include_deleted", "limit", "name", "offset", "order_by"))
    name = query.text("name")
    found = [project for project in catalog.projects() if name in {None, project["name"]}]
    return _page(query, found, "name")


async def get_project(request: Request) -> Response:
    """Serve GET /cloud/v1/projects/{project_id}."""
    Query(request, ())
    return json_reply(catalog.project(path_number(request, "project_id")))


async def list_regions(request: Request) -> Response:
    """Serve GET /cloud/v1/regions."""
    query = Query(request, ("display_name", "limit", "offset", "order_by", "product", "show_volume_types"))
    name = query.text("display_name")
    found = [r for r in catalog.regions() if name is None or r["display_name"].lower() == name.lower()]
    return _page(query, found, "display_name")


async def get_region(request: Request) -> Response:
    """Serve GET /cloud/v1/regions/{region_id}."""
    Query(request, ("show_volume_types",))
    return json_reply(catalog.region(path_number(request, "region_id")))


def _log(request: Request, action_type: str, group: Group, body: object = None) -> None:
    store: Store = request.app.state.control.store
    actions.write(store, actions.actor_of(request), group.target, action_type, [actions.of_group(group)], data=body)


def _page(query: Query, found: list[dict[str, Any]], name: str) -> Response:
    """Return a page of the catalog, sorted by its name or by the age of its entries."""
    orders = [f"{field}.{direction}" for field in ("created_at", name) for direction in ("asc", "desc")]
    field, _, direction = query.choice("order_by", orders, "created_at.desc").partition(".")
    found = sorted(found, key=itemgetter(field), reverse=direction == "desc")
    limit, offset = query.limit(CATALOG_LIMIT), query.offset()
    return json_reply({"count": len(found), "results": found[offset : offset + limit]})
