"""What an account has: projects, regions and quotas. Any project and region exist; the lists name a few."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import actions, catalog
from .faults import Control
from .fields import name_of, object_of, rule_description
from .messages import Query, body_of, json_reply, path_number
from .records import ApiError, Target
from .store import Store
from .tasks import start
from .work import DELETE_PROJECT, Work

LIST_LIMIT = 100
FIRST_NEW_PROJECT = 10_000


async def list_projects(request: Request) -> Response:
    """Serve GET /cloud/v1/projects."""
    query = Query(request, ("include_deleted", "limit", "name", "offset", "order_by"))
    name, deleted_too = query.text("name"), query.flag("include_deleted")
    found = [project for project in _projects(request) if deleted_too or project["deleted_at"] is None]
    return _page(query, [project for project in found if name in {None, project["name"]}], "name")


async def get_project(request: Request) -> Response:
    """Serve GET /cloud/v1/projects/{project_id}."""
    Query(request, ())
    return json_reply(_project(request))


async def cdn_addresses(request: Request) -> Response:
    """Serve GET /cdn/public-ip-list."""
    Query(request, ())
    return json_reply(catalog.CDN_ADDRESSES)


async def egress_ranges(request: Request) -> Response:
    """Serve GET /cloud/public/v1/ipranges/egress."""
    Query(request, ())
    return json_reply({"ranges": catalog.EGRESS_RANGES})


async def create_project(request: Request) -> Response:
    """Serve POST /cloud/v1/projects."""
    store: Store = request.app.state.control.store
    body = object_of(await body_of(request), "body", {"name", "description"}, required={"name"})
    now = store.clock().strftime("%Y-%m-%dT%H:%M:%S")
    number = 1 + max(FIRST_NEW_PROJECT, *(project["id"] for project in _projects(request)))
    project = catalog.project(number) | {"created_at": now} | _checked(request, body)
    _save(request, project, "create", body)
    return json_reply(project, 201)


async def change_project(request: Request) -> Response:
    """Serve PATCH /cloud/v1/projects/{project_id}."""
    body = object_of(await body_of(request), "body", {"name", "description"})
    before = _project(request)
    project = before | _checked(request, body, before["id"])
    _save(request, project, "update", body)
    return json_reply(project)


async def delete_project(request: Request) -> Response:
    """Serve DELETE /cloud/v1/projects/{project_id}: a task that deletes its groups in every region too."""
    Query(request, ())
    project = _project(request)
    if project["is_default"]:
        raise ApiError(400, "BadRequest", "The default project cannot be deleted")
    work = Work(DELETE_PROJECT, Target(project["id"], 0), body=project)
    return json_reply({"tasks": [start(request, work, [actions.of_project(project)])]})


async def list_regions(request: Request) -> Response:
    """Serve GET /cloud/v1/regions."""
    query = Query(request, ("display_name", "limit", "offset", "order_by", "product", "show_volume_types"))
    query.flag("show_volume_types")
    name = query.text("display_name")
    found = [r for r in catalog.regions() if name is None or r["display_name"].lower() == name.lower()]
    return _page(query, found, "display_name")


async def get_region(request: Request) -> Response:
    """Serve GET /cloud/v1/regions/{region_id}."""
    Query(request, ("show_volume_types",)).flag("show_volume_types")
    return json_reply(catalog.region(path_number(request, "region_id")))


async def client_quotas(request: Request) -> Response:
    """Serve GET /cloud/v2/client_quotas: those of the account and of every region that holds groups."""
    control: Control = request.app.state.control
    Query(request, ())
    known = {region_id for region_id, *_ in catalog.REGIONS}
    known |= {region_id for (region_id,) in control.store.rows("SELECT DISTINCT region_id FROM groups")}
    regional = [_regional(control, region_id) for region_id in sorted(known)]
    return json_reply({"global_quotas": _global(), "regional_quotas": regional})


async def regional_quotas(request: Request) -> Response:
    """Serve GET /cloud/v2/regional_quotas/{client_id}/{region_id}."""
    Query(request, ())
    _check_client(request)
    return json_reply(_regional(request.app.state.control, path_number(request, "region_id")))


async def global_quotas(request: Request) -> Response:
    """Serve GET /cloud/v2/global_quotas/{client_id}."""
    Query(request, ())
    _check_client(request)
    return json_reply(_global())


def _projects(request: Request) -> list[dict[str, Any]]:
    """Return the projects of the catalog and those that were made or changed."""
    store: Store = request.app.state.control.store
    known = {project_id: catalog.project(project_id) for project_id, *_ in catalog.PROJECTS}
    known |= {number: json.loads(text) for number, text in store.rows("SELECT id, document FROM projects")}
    return list(known.values())


def _project(request: Request) -> dict[str, Any]:
    number = path_number(request, "project_id")
    return next((known for known in _projects(request) if known["id"] == number), None) or catalog.project(number)


def _checked(request: Request, body: Mapping[str, Any], own_id: int | None = None) -> dict[str, Any]:
    """Return the fields of a project that a body sets. A name is unique for a client."""
    fields = {}
    if "name" in body:
        fields["name"] = name = name_of(body["name"], "name")
        if any(project["name"] == name and project["id"] != own_id for project in _projects(request)):
            raise ApiError(409, "Conflict", f"A project with the name {name} already exists")
    if body.get("description") is not None:
        fields["description"] = rule_description(body["description"], "description")
    return fields


def _save(request: Request, project: dict[str, Any], action_type: str, body: object) -> None:
    store: Store = request.app.state.control.store
    target, subjects = Target(project["id"], 0), [actions.of_project(project)]
    with store.transaction():
        row = (project["id"], json.dumps(project))
        store.database.execute("INSERT OR REPLACE INTO projects VALUES (?, ?)", row)
        actor = actions.actor_of(request)
        actions.write(store, actor, target, action_type, subjects, api_group=actions.PROJECT, data=body)


def _regional(control: Control, region_id: int) -> dict[str, int]:
    """Return the quota this emulator knows; the many others are of no use here, and all of them are optional."""
    usage = control.store.count_of_region(region_id)
    return {
        "region_id": region_id,
        "firewall_count_limit": control.knobs.firewall_quota,
        "firewall_count_usage": usage,
    }


def _global() -> dict[str, int]:
    return {"project_count_limit": 100, "project_count_usage": len(catalog.PROJECTS)}


def _check_client(request: Request) -> None:
    client_id = path_number(request, "client_id")
    if client_id != catalog.CLIENT_ID:
        raise ApiError(403, "ForbiddenError", f"Client {client_id} is not the one that the API key belongs to")


def _page(query: Query, found: list[dict[str, Any]], name: str) -> Response:
    """Return a page of the catalog, sorted by its name or by the age of its entries."""
    orders = [f"{field}.{direction}" for field in ("created_at", name) for direction in ("asc", "desc")]
    field, _, direction = query.choice("order_by", orders, "created_at.desc").partition(".")
    found = sorted(found, key=itemgetter(field), reverse=direction == "desc")
    limit, offset = query.limit(LIST_LIMIT), query.offset()
    return json_reply({"count": len(found), "results": found[offset : offset + limit]})
