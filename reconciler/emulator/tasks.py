"""Tasks: started by v2, brought forward by looking, listed and answered in v1.

Time is counted in looks, so that no test has to wait: a task is found unfinished by a number of reads, and the read
after that finds its work done. A look is a read of the task, of the task list, or of the groups of its project and
region (a client that lost the task's id has nothing else to look at).
"""

# ruff: noqa: S608 - statements are put together from fixed pieces of this file; every value is bound

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from . import actions
from .catalog import CLIENT_ID, USER_ID
from .faults import Control
from .fields import list_of, object_of, text_of
from .messages import Query, body_of, conditions, documents, group_id_of, group_of, json_reply, target_of
from .policy import locked
from .records import ApiError, Group, Target
from .work import CREATE_GROUP, CREATE_RULE, DELETE_PROJECT, DELETE_RULE, UPDATE_GROUP, Work, perform

STATES = ("NEW", "RUNNING", "FINISHED", "ERROR")
UNFINISHED = "state IN ('NEW', 'RUNNING')"
OF_TARGET = "project_id = ? AND region_id = ?"
OF_PLACE = ("project_id", "region_id")
LIST_LIMIT = 10
ACTIONS = {
    CREATE_GROUP: ("create", actions.GROUP),
    UPDATE_GROUP: ("update", actions.GROUP),
    CREATE_RULE: ("create", actions.RULE),
    DELETE_RULE: ("delete", actions.RULE),
    DELETE_PROJECT: ("delete", actions.PROJECT),
}


def start(request: Request, work: Work, subjects: Sequence[dict[str, Any]] = (), polls: int | None = None) -> str:
    """Start a task and return its id. Where no read is to find it unfinished, the work is done at once.

    `subjects` are what the log of actions says is changed.
    """
    control: Control = request.app.state.control
    store = control.store
    reads_left = control.knobs.task_polls if polls is None else polls
    now = store.clock()
    task = {
        "id": store.new_id(),
        "user_id": USER_ID,
        "client_id": CLIENT_ID,
        "user_client_id": CLIENT_ID,
        "task_type": work.task_type,
        "state": "NEW",
        "project_id": work.target.project_id,
        "region_id": work.target.region_id or None,
        "created_on": _stamp(now),
        "updated_on": _stamp(now),
        "finished_on": None,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "created_resources": None,
        "data": work.body,
        "detailed_state": None,
        "error": None,
        "job_id": None,
        "lifecycle_policy_id": None,
        "request_id": request.scope["emulator.request_id"],
        "schedule_id": None,
    }
    row = (
        task["id"],
        work.target.project_id,
        work.target.region_id,
        "NEW",
        work.task_type,
        now.timestamp(),
        reads_left,
        json.dumps(task),
        json.dumps(asdict(work)),
    )
    columns = "id, project_id, region_id, state, task_type, created, reads_left, document, work"
    action_type, api_group = ACTIONS[work.task_type]
    with store.transaction():
        actions.write(
            store,
            actions.actor_of(request),
            work.target,
            action_type,
            subjects,
            api_group=api_group,
            data=work.body,
            task_id=str(task["id"]),
        )
        store.database.execute(f"INSERT INTO tasks ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    if reads_left == 0:
        look(control, "id = ?", task["id"])
    return str(task["id"])


def look(control: Control, condition: str, *values: object) -> None:
    """Bring every unfinished task forward that the condition selects, oldest first."""
    statement = f"SELECT id, reads_left, document, work FROM tasks WHERE {UNFINISHED} AND {condition} ORDER BY sequence"
    for task_id, reads_left, document, work in control.store.rows(statement, values):
        task = json.loads(document)
        if reads_left == 0:
            task |= _finish(control, task_id, json.loads(work))
        elif reads_left == 1:
            task["state"] = "RUNNING"
        task["updated_on"] = _stamp(control.store.clock())
        with control.store.transaction():
            control.store.database.execute(
                "UPDATE tasks SET state = ?, reads_left = max(0, reads_left - 1), document = ? WHERE id = ?",
                (task["state"], json.dumps(task), task_id),
            )


def look_at_target(control: Control, target: Target) -> None:
    """Bring the tasks of a project and region forward, for a read of its groups."""
    look(control, OF_TARGET, target.project_id, target.region_id)


def unlocked_group_of(request: Request) -> Group:
    """Return the group in the path, to be changed. Raises ApiError (404), and 409 while a task is at work on it."""
    check_unlocked(request.app.state.control, group_id_of(request))
    return group_of(request)


def check_unlocked(control: Control, group_id: str) -> None:
    """Raise ApiError (409) while a task is at work on a group.

    The refusal counts as a look, so that repeating the request is enough.
    """
    at_work = "json_extract(work, '$.group_id') = ?"
    if control.knobs.locks:
        look(control, at_work, group_id)
        if control.store.rows(f"SELECT 1 FROM tasks WHERE {UNFINISHED} AND {at_work}", (group_id,)):
            raise locked(group_id)


async def get_task(request: Request) -> Response:
    """Serve GET /cloud/v1/tasks/{task_id}."""
    control: Control = request.app.state.control
    task_id = request.path_params["task_id"]
    Query(request, ())
    look(control, "id = ?", task_id)
    return json_reply(_task(control, task_id))


async def list_tasks(request: Request) -> Response:
    """Serve GET /cloud/v1/tasks."""
    control: Control = request.app.state.control
    query = Query(request, _FILTERS)
    several: dict[str, list[Any]] = {
        "state": query.choices("state", STATES),
        "project_id": query.integers("project_id"),
        "region_id": query.integers("region_id"),
        "task_type": query.texts("task_type"),
    }
    where, values = conditions(query, several, moment="created")
    acknowledged, page = query.flag("is_acknowledged"), query.page(LIST_LIMIT)
    if acknowledged is not None:
        where += f" AND json_extract(document, '$.acknowledged_at') IS {'NOT ' if acknowledged else ''}NULL"
    look(control, "1")
    return json_reply(documents(control.store, "tasks", where, values, page))


async def list_active_tasks(request: Request) -> Response:
    """Serve GET /cloud/v1/tasks/{project_id}/{region_id}/active."""
    control: Control = request.app.state.control
    query = Query(request, ("limit", "offset", "task_type"))
    page, target = query.page(LIST_LIMIT), target_of(request)
    where, values = conditions(query, {"task_type": query.texts("task_type")}, moment="created")
    where += f" AND {UNFINISHED} AND {OF_TARGET}"
    look_at_target(control, target)
    values += [target.project_id, target.region_id]
    return json_reply(documents(control.store, "tasks", where, values, page))


async def acknowledge_task(request: Request) -> Response:
    """Serve POST /cloud/v1/tasks/{task_id}/acknowledge."""
    control: Control = request.app.state.control
    Query(request, ())
    task_id = request.path_params["task_id"]
    _acknowledge(control, "id = ?", task_id)
    return json_reply(_task(control, task_id))


async def acknowledge_all(request: Request) -> Response:
    """Serve POST /cloud/v1/tasks/acknowledge_all."""
    return _acknowledge_some(request, None)


async def acknowledge_tasks(request: Request) -> Response:
    """Serve POST /cloud/v1/tasks/acknowledge: the tasks that the body names, or all."""
    body = object_of(await body_of(request, OF_PLACE), "body", {"task_ids"})
    names = body.get("task_ids")
    if names is not None:
        names = [text_of(name, f"task_ids[{number}]") for number, name in enumerate(list_of(names, "task_ids", None))]
    return _acknowledge_some(request, names)


def _acknowledge_some(request: Request, task_ids: list[str] | None) -> Response:
    query = Query(request, OF_PLACE)
    columns: dict[str, list[Any]] = {name: query.integers(name)[:1] for name in OF_PLACE}
    where, values = conditions(query, columns | {"id": task_ids or []}, moment="created")
    if task_ids != []:
        _acknowledge(request.app.state.control, where, *values)
    return Response(status_code=204)


def _acknowledge(control: Control, condition: str, *values: object) -> None:
    """Note that the user has seen the tasks that the condition selects; how it did so first stays noted."""
    unseen = "json_extract(document, '$.acknowledged_at') IS NULL"
    seen = "json_set(document, '$.acknowledged_at', ?, '$.acknowledged_by', ?)"
    with control.store.transaction():
        control.store.database.execute(
            f"UPDATE tasks SET document = {seen} WHERE {condition} AND {unseen}",
            (_stamp(control.store.clock()), USER_ID, *values),
        )


def _task(control: Control, task_id: str) -> dict[str, Any]:
    rows = control.store.rows("SELECT document FROM tasks WHERE id = ?", (task_id,))
    if not rows:
        raise ApiError(404, "TaskNotFound", f"Task {task_id} does not exist")
    document: dict[str, Any] = json.loads(rows[0][0])
    return document


_FILTERS = (
    "from_timestamp",
    "is_acknowledged",
    "limit",
    "offset",
    "order_by",
    "project_id",
    "region_id",
    "sorting",
    "state",
    "task_type",
    "to_timestamp",
)


def _finish(control: Control, task_id: str, work: dict[str, Any]) -> dict[str, Any]:
    task = Work(**(work | {"target": Target(**work["target"])}))
    store = control.store
    finished = {"finished_on": _stamp(store.clock())}
    try:
        created = perform(store, control.knobs, task)
    except ApiError as refusal:
        actions.complete(store, task_id, ())
        return finished | {"state": "ERROR", "error": refusal.message}
    groups = [store.existing(task.target, group_id) for group_id in created.get("security_groups", ())]
    rules = created.get("security_group_rules", ())
    actions.complete(store, task_id, [*map(actions.of_group, groups), *map(actions.of_rule, rules)])
    return finished | {"state": "FINISHED", "created_resources": created}


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
