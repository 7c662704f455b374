"""The log of who changed what: written with every change, listed by GET /cloud/v1/user_actions.

A change made by a task is written when the task is started, and completed with what it created when it has ended.
"""

# ruff: noqa: S608 - statements are put together from fixed pieces of this file; every value is bound

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .catalog import CLIENT_ID, USER_ID
from .messages import Query, conditions, documents, json_reply
from .records import Group, Target
from .store import Store

GROUP = "securitygroup"
RULE = "securitygrouprule"
INSTANCE = "instance"
PROJECT = "project"
LIST_LIMIT = 100
FILTERS = (
    "action_type",
    "api_group",
    "from_timestamp",
    "limit",
    "offset",
    "order_by",
    "project_id",
    "region_id",
    "resource_id",
    "search_field",
    "sorting",
    "source_user_ips",
    "to_timestamp",
    "user_agents",
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, from where, with which program and which token."""

    user_id: int
    email: str
    address: str | None = None
    user_agent: str | None = None
    token_id: int | None = None


SOMEBODY_ELSE = Actor(USER_ID + 1, "somebody.else@example.com", "203.0.113.7", "Mozilla/5.0 (another console)")


def actor_of(request: Request) -> Actor:
    """Return who sends a request. A permanent token begins with its number: `251$d3361...`."""
    number = request.headers.get("authorization", "").partition(" ")[2].partition("$")[0]
    return Actor(
        USER_ID,
        "emulator@example.com",
        request.client.host if request.client else None,
        request.headers.get("user-agent"),
        int(number) if number.isdecimal() else 1,
    )


def of_group(group: Group) -> dict[str, Any]:
    """Return how an action names a group."""
    return _resource(group.id, GROUP, group.name)


def of_rule(rule_id: str) -> dict[str, Any]:
    """Return how an action names a rule."""
    return _resource(rule_id, RULE, None)


def of_instance(instance_id: str) -> dict[str, Any]:
    """Return how an action names an instance."""
    return _resource(instance_id, INSTANCE, None)


def of_project(project: Mapping[str, Any]) -> dict[str, Any]:
    """Return how an action names a project."""
    return _resource(str(project["id"]), PROJECT, project["name"])


def write(
    store: Store,
    actor: Actor,
    target: Target,
    action_type: str,
    resources: Iterable[dict[str, Any]],
    *,
    api_group: str = GROUP,
    data: object = None,
    task_id: str | None = None,
) -> None:
    """Add an action to the log. Region 0 stands for none, as for a project.

    `data` is the body of the request, or the part of it that tells what changed.
    """
    now = store.clock()
    document = {
        "id": store.new_id(),
        "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.%f+0000"),
        "action_type": action_type,
        "api_group": api_group,
        "client_id": CLIENT_ID,
        "project_id": target.project_id,
        "region_id": target.region_id or None,
        "user_id": actor.user_id,
        "issued_by_user_id": actor.user_id if actor.token_id is not None else None,
        "email": actor.email,
        "source_user_ip": actor.address,
        "user_agent": actor.user_agent,
        "token_id": actor.token_id,
        "task_id": task_id,
        "resources": list(resources),
        "action_data": data if isinstance(data, dict) else None,
        "acknowledged": True,
        "is_complete": task_id is None,
        "total_price": None,
    }
    with store.transaction():
        store.database.execute(
            "INSERT INTO actions (task_id, moment, document) VALUES (?, ?, ?)",
            (task_id, now.timestamp(), json.dumps(document)),
        )


def complete(store: Store, task_id: str, resources: Iterable[dict[str, Any]]) -> None:
    """Add what a task has created to the action that started it."""
    for sequence, text in store.rows("SELECT sequence, document FROM actions WHERE task_id = ?", (task_id,)):
        document = json.loads(text)
        known = {resource["resource_id"] for resource in document["resources"]}
        document["resources"] += [resource for resource in resources if resource["resource_id"] not in known]
        document["is_complete"] = True
        with store.transaction():
            store.database.execute(
                "UPDATE actions SET document = ? WHERE sequence = ?", (json.dumps(document), sequence)
            )


async def list_actions(request: Request) -> Response:
    """Serve GET /cloud/v1/user_actions."""
    store: Store = request.app.state.control.store
    query = Query(request, FILTERS)
    where, values = conditions(
        query,
        {
            "json_extract(document, '$.action_type')": query.texts("action_type"),
            "json_extract(document, '$.api_group')": query.texts("api_group"),
            "json_extract(document, '$.project_id')": query.integers("project_id"),
            "json_extract(document, '$.region_id')": query.integers("region_id"),
            "json_extract(document, '$.source_user_ip')": query.texts("source_user_ips"),
            "json_extract(document, '$.user_agent')": query.texts("user_agents"),
        },
        moment="moment",
    )
    for name in ("resource_id", "search_field"):
        wanted = query.texts(name)
        if wanted:
            marks = ", ".join("?" * len(wanted))
            one_of_them = f"json_extract(value, '$.{name}') IN ({marks})"
            where += f" AND EXISTS (SELECT 1 FROM json_each(document, '$.resources') WHERE {one_of_them})"
            values += wanted
    return json_reply(documents(store, "actions", where, values, query.page(LIST_LIMIT)))


def _resource(resource_id: str, resource_type: str, name: str | None) -> dict[str, Any]:
    return {"resource_id": resource_id, "resource_type": resource_type, "resource_body": None, "search_field": name}
