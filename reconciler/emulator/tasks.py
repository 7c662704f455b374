"""Tasks: started by v2, brought forward by looking, listed and answered in v1.

Time is counted in looks, so that no test has to wait: a task is found unfinished by a number of reads, and the read
after that finds its work done. A look is a read of the task, of the task list, or of the groups of its project and
region (a client that lost the task's id has nothing else to look at).
"""

# ruff: noqa: S608 - statements are put together from fixed pieces of this file; every value is bound

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .catalog import CLIENT_ID, USER_ID
from .faults import Control
from .messages import Query, group_id_of, group_of, json_reply
from .policy import locked
from .records import ApiError, Group, Target
from .work import Work, perform

STATES = ("NEW", "RUNNING", "FINISHED", "ERROR")
UNFINISHED = "state IN ('NEW', 'RUNNING')"
LIST_LIMIT = 10


def start(control: Control, work: Work, request_id: str, polls: int | None = None) -> str:
    """Start a task and return its id. Where no read is to find it unfinished, the work is done at once."""
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
        "region_id": work.target.region_id,
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
        "request_id": request_id,
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
    with store.transaction():
        store.database.execute(f"INSERT INTO tasks ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    if reads_left == 0:
        look(control, "id = ?", task["id"])
    return str(task["id"])


def look(control: Control, condition: str, *values: object) -> None:
    """Brings every unfinished task forward that the condition selects, oldest first."""
    statement = f"SELECT id, reads_left, document, work FROM tasks WHERE {UNFINISHED} AND {condition} ORDER BY sequence"
    for task_id, reads_left, document, work in control.store.rows(statement, values):
        task = json.loads(document)
        if reads_left == 0:
            task |= _finish(control, json.loads(work))
        elif reads_left == 1:
            task["state"] = "RUNNING"
        task["updated_on"] = _stamp(control.store.clock())
        with control.store.transaction():
            control.store.database.execute(
                "UPDATE tasks SET state = ?, reads_left = max(0, reads_left - 1), document = ? WHERE id = ?",
                (task["state"], json.dumps(task), task_id),
            )


def look_at_target(control: Control, target: Target) -> None:
    """Return a read of the groups of a project and region."""
    look(control, "project_id = ? AND region_id = ?", target.project_id, target.region_id)


def unlocked_group_of(request: Request) -> Group:
    """Return the group in the path, to be changed. Raises ApiError (409) while a task is at work on it.

    The refusal counts as a look, so that repeating the request is enough.
    """
    control: Control = request.app.state.control
    group_id = group_id_of(request)
    at_work = "json_extract(work, '$.group_id') = ?"
    if control.knobs.locks:
        look(control, at_work, group_id)
        if control.store.rows(f"SELECT 1 FROM tasks WHERE {UNFINISHED} AND {at_work}", (group_id,)):
            raise locked(group_id)
    return group_of(request)


async def get_task(request: Request) -> Response:
    """Serve GET /cloud/v1/tasks/{task_id}."""
    control: Control = request.app.state.control
    task_id = request.path_params["task_id"]
    Query(request, ())
    look(control, "id = ?", task_id)
    rows = control.store.rows("SELECT document FROM tasks WHERE id = ?", (task_id,))
    if not rows:
        raise ApiError(404, "TaskNotFound", f"Task {task_id} does not exist")
    return json_reply(json.loads(rows[0][0]))


async def list_tasks(request: Request) -> Response:
    """Serve GET /cloud/v1/tasks."""
    control: Control = request.app.state.control
    query = Query(request, _FILTERS)
    where, values = _conditions(query)
    direction = query.choice("order_by", ("asc", "desc"), query.choice("sorting", ("asc", "desc"), "desc"))
    limit, offset = query.limit(LIST_LIMIT), query.offset()
    look(control, "1")
    ((count,),) = control.store.rows(f"SELECT count(*) FROM tasks WHERE {where}", values)
    statement = f"SELECT document FROM tasks WHERE {where} ORDER BY sequence {direction} LIMIT ? OFFSET ?"
    rows = control.store.rows(statement, (*values, limit, offset))
    return json_reply({"count": count, "results": [json.loads(document) for (document,) in rows]})


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


def _conditions(query: Query) -> tuple[str, list[Any]]:
    where, values = ["1"], list[Any]()
    several: dict[str, list[Any]] = {
        "state": query.choices("state", STATES),
        "project_id": query.integers("project_id"),
        "region_id": query.integers("region_id"),
        "task_type": query.texts("task_type"),
    }
    for column, wanted in several.items():
        if wanted:
            where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    for name, comparison in (("from_timestamp", ">="), ("to_timestamp", "<=")):
        moment = query.moment(name)
        if moment is not None:
            where.append(f"created {comparison} ?")
            values.append(moment)
    if query.flag("is_acknowledged"):
        where.append("0")  # nothing here acknowledges a task
    return " AND ".join(where), values


def _finish(control: Control, work: dict[str, Any]) -> dict[str, Any]:
    task = Work(**(work | {"target": Target(**work["target"])}))
    finished = {"finished_on": _stamp(control.store.clock())}
    try:
        return finished | {"state": "FINISHED", "created_resources": perform(control.store, control.knobs, task)}
    except ApiError as refusal:
        return finished | {"state": "ERROR", "error": refusal.message}


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
