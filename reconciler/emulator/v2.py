"""The v2 operations. Each checks what can be checked at once and leaves the rest to a task."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from . import actions, fields, validation
from .changes import no_such_rule, patched_tags, towards
from .faults import Control, Fault
from .messages import body_of, json_reply, target_of
from .neutron import stored
from .policy import check_egress, check_quota
from .records import Group
from .tasks import start, unlocked_group_of
from .work import CREATE_GROUP, CREATE_RULE, DELETE_RULE, UPDATE_GROUP, Work


async def create_group(request: Request) -> Response:
    """Serve POST /cloud/v2/security_groups/{project_id}/{region_id}."""
    control: Control = request.app.state.control
    body = await body_of(request)
    rules = validation.creation_v2(body).rules or ()
    for spec in rules:
        stored(spec)
    check_egress(control.knobs, rules)
    check_quota(control.knobs, control.store.count_of_region(target_of(request).region_id))
    return _started(request, CREATE_GROUP, body=body)


async def patch_group(request: Request) -> Response:
    """Serve PATCH /cloud/v2/security_groups/{project_id}/{region_id}/{group_id}."""
    control: Control = request.app.state.control
    body = await body_of(request)
    asked = validation.change_v2(body)
    for spec in asked.rules or ():
        stored(spec)
    group = unlocked_group_of(request)
    entries = [] if asked.rules is None else towards(group, asked.rules, control.knobs.order)
    if not entries and not _attributes_differ(group, asked):
        return json_reply({"tasks": []})
    check_egress(control.knobs, entries)
    return _started(request, UPDATE_GROUP, group, body=body)


async def create_rule(request: Request) -> Response:
    """Serve POST /cloud/v2/security_groups/{project_id}/{region_id}/{group_id}/rules."""
    body = await body_of(request)
    rule = validation.rule_v2(body)
    stored(rule)
    check_egress(request.app.state.control.knobs, [rule])
    return _started(request, CREATE_RULE, unlocked_group_of(request), body=body)


async def delete_rule(request: Request) -> Response:
    """Serve DELETE /cloud/v2/security_groups/{project_id}/{region_id}/{group_id}/rules/{rule_id}."""
    rule_id = fields.uuid(request.path_params["rule_id"], "path.rule_id")
    group = unlocked_group_of(request)
    if all(rule.id != rule_id for rule in group.rules):
        raise no_such_rule(rule_id)
    return _started(request, DELETE_RULE, group, rule_id=rule_id)


def _attributes_differ(group: Group, asked: validation.ChangeV2) -> bool:
    return (
        asked.name not in {None, group.name}
        or asked.description not in {None, group.description}
        or patched_tags(group.tags, asked.tags, wipe=asked.wipe_tags) != group.tags
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
    subjects = [actions.of_rule(rule_id)] if rule_id else []
    if group is not None:
        subjects.append(actions.of_group(group))
    return json_reply({"tasks": [start(request, work, subjects, slow.polls if slow else None)]})
