"""The v2 operations. Each checks what can be checked at once and leaves the rest to a task."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from . import fields, validation
from .changes import patched_tags, towards
from .faults import Control, Fault
from .messages import body_of, group_of, json_reply, target_of
from .neutron import stored
from .records import ApiError, Group
from .tasks import start
from .work import CREATE_GROUP, CREATE_RULE, DELETE_RULE, UPDATE_GROUP, Work


async def create_group(request: Request) -> Response:
    """Serve POST /cloud/v2/security_groups/{project_id}/{region_id}."""
    body = await body_of(request)
    for spec in validation.creation_v2(body).rules or ():
        stored(spec)
    return _started(request, CREATE_GROUP, body=body)


async def patch_group(request: Request) -> Response:
    """Serve PATCH /cloud/v2/security_groups/{project_id}/{region_id}/{group_id}."""
    body = await body_of(request)
    asked = validation.change_v2(body)
    for spec in asked.rules or ():
        stored(spec)
    group = group_of(request)
    if not _differs(group, asked, request.app.state.control):
        return json_reply({"tasks": []})
    return _started(request, UPDATE_GROUP, group, body=body)


async def create_rule(request: Request) -> Response:
    """Serve POST /cloud/v2/security_groups/{project_id}/{region_id}/{group_id}/rules."""
    body = await body_of(request)
    stored(validation.rule_v2(body))
    return _started(request, CREATE_RULE, group_of(request), body=body)


async def delete_rule(request: Request) -> Response:
    """Serve DELETE /cloud/v2/security_groups/{project_id}/{region_id}/{group_id}/rules/{rule_id}."""
    rule_id = fields.uuid(request.path_params["rule_id"], "path.rule_id")
    group = group_of(request)
    if all(rule.id != rule_id for rule in group.rules):
        raise ApiError(404, "SecurityGroupRuleNotFound", f"Security group rule {rule_id} does not exist")
    return _started(request, DELETE_RULE, group, rule_id=rule_id)


def _differs(group: Group, asked: validation.ChangeV2, control: Control) -> bool:
    return (
        asked.name not in {None, group.name}
        or asked.description not in {None, group.description}
        or patched_tags(group.tags, asked.tags, wipe=asked.wipe_tags) != group.tags
        or (asked.rules is not None and bool(towards(group, asked.rules, control.knobs.order)))
    )


def _started(
    request: Request, task_type: str, group: Group | None = None, *, body: object = None, rule_id: str | None = None
) -> Response:
    faults: list[Fault] = request.scope.get("emulator.faults", [])
    error = next((fault for fault in faults if fault.fault == "task_error"), None)
    slow = next((fault for fault in faults if fault.fault == "slow_task"), None)
    work = Work(
        task_type,
        target_of(request),
        group.id if group else None,
        rule_id,
        body,
        error.message if error else None,
        error.when if error else "before",
    )
    request_id: str = request.scope.get("emulator.request_id", "")
    task = start(request.app.state.control, work, request_id, slow.polls if slow else None)
    return json_reply({"tasks": [task]})
