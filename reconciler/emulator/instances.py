"""Which instances use a group. Instances are not kept: any id is one, and it has the groups it was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import actions, catalog
from .fields import UUID, list_of, name_of, object_of, refusal, shown
from .messages import Query, body_of, group_id_of, json_reply, target_of
from .records import ApiError, Group, Target
from .store import Store, no_such_group


async def group_instances(request: Request) -> Response:
    """Serve GET /cloud/v1/securitygroups/{project_id}/{region_id}/{group_id}/instances."""
    store: Store = request.app.state.control.store
    Query(request, ())
    target, group_id = target_of(request), group_id_of(request)
    if not store.exists(target, group_id):
        raise no_such_group(group_id)
    results = [
        catalog.instance(instance_id, name, target.project_id, target.region_id, _names(store, target, instance_id))
        for instance_id, name in store.instances(group_id)
    ]
    return json_reply({"count": len(results), "results": results})


async def instance_groups(request: Request) -> Response:
    """Serve GET /cloud/v1/instances/{project_id}/{region_id}/{instance_id}/securitygroups."""
    store: Store = request.app.state.control.store
    Query(request, ())
    groups = store.instance_groups(target_of(request), _instance_id(request))
    return json_reply({"count": len(groups), "results": [{"id": group_id, "name": name} for group_id, name in groups]})


async def add_group(request: Request) -> Response:
    """Serve POST /cloud/v1/instances/{project_id}/{region_id}/{instance_id}/addsecuritygroup."""
    store: Store = request.app.state.control.store
    instance_id, groups = _instance_id(request), _groups_named(request, await body_of(request))
    for group in groups:
        store.attach(group.id, [(instance_id, f"instance-{instance_id[:8]}")])
    return _changed(request, "attach", instance_id, groups)


async def remove_group(request: Request) -> Response:
    """Serve POST /cloud/v1/instances/{project_id}/{region_id}/{instance_id}/delsecuritygroup."""
    store: Store = request.app.state.control.store
    instance_id, groups = _instance_id(request), _groups_named(request, await body_of(request))
    with store.transaction():
        for group in groups:
            if not store.detach(group.id, instance_id):
                problem = f"Security group {group.name} is not associated with the instance {instance_id}"
                raise ApiError(404, "NotFound", problem)
    return _changed(request, "detach", instance_id, groups)


def _changed(request: Request, action_type: str, instance_id: str, groups: Sequence[Group]) -> Response:
    subjects = [actions.of_instance(instance_id), *map(actions.of_group, groups)]
    store: Store = request.app.state.control.store
    actions.write(
        store, actions.actor_of(request), target_of(request), action_type, subjects, api_group=actions.INSTANCE
    )
    return Response(status_code=204)


def _groups_named(request: Request, body: object) -> list[Group]:
    """Return the groups that a body names, for the whole instance or for ports: both are the same here."""
    top = object_of(body, "body", {"name", "ports_security_group_names"})
    names = [name_of(top["name"], "name")] if "name" in top else []
    for number, item in enumerate(
        list_of(top.get("ports_security_group_names", []), "ports_security_group_names", None)
    ):
        place = f"ports_security_group_names[{number}]"
        known = {"port_id", "security_group_names"}
        port: dict[str, Any] = object_of(item, place, known, required=known)
        written = list_of(port["security_group_names"], f"{place}.security_group_names", None)
        names += [name_of(name, f"{place}.security_group_names[{index}]") for index, name in enumerate(written)]
    if not names:
        raise refusal("body", "neither name nor ports_security_group_names names a group")
    return [_only_group(request, name) for name in dict.fromkeys(names)]


def _only_group(request: Request, name: str) -> Group:
    store: Store = request.app.state.control.store
    found = store.groups(target_of(request), name)
    if not found:
        raise ApiError(404, "SecurityGroupNotFound", f"Security group {name} not found")
    if len(found) > 1:
        raise ApiError(409, "Conflict", f"Multiple security groups match the name {name}")
    return found[0]


def _instance_id(request: Request) -> str:
    instance_id: str = request.path_params["instance_id"]
    if not UUID.fullmatch(instance_id):
        raise refusal("path.instance_id", f"{shown(instance_id)} is not a UUID")
    return instance_id.lower()


def _names(store: Store, target: Target, instance_id: str) -> list[str]:
    return [name for _, name in store.instance_groups(target, instance_id)]
