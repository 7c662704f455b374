"""The work behind v2's tasks. It is kept as JSON, so a task survives a restart, and done when the task comes to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from . import validation
from .changes import Entry, towards
from .knobs import Knobs
from .neutron import ALLOW_ALL
from .operations import change, create
from .records import ApiError, Group, Target
from .store import Store

CREATE_GROUP = "create_security_group"
UPDATE_GROUP = "update_security_group"
CREATE_RULE = "create_security_group_rule"
DELETE_RULE = "delete_security_group_rule"
DELETE_PROJECT = "delete_project"


@dataclass(frozen=True, slots=True)
class Work:
    """What a task is going to do. `body` is the request's; with an `error` the task fails, before or after acting."""

    task_type: str
    target: Target
    group_id: str | None = None
    rule_id: str | None = None
    body: Any = None
    error: str | None = None
    error_when: str = "before"


def perform(store: Store, knobs: Knobs, work: Work) -> dict[str, list[str]]:
    """Do the work and return the ids of what it created. Raises ApiError, whose message becomes the task's."""
    if work.error is not None and work.error_when == "before":
        raise ApiError(500, "TaskError", work.error)
    created = _act(store, knobs, work)
    if work.error is not None:
        raise ApiError(500, "TaskError", work.error)
    return created


def _act(store: Store, knobs: Knobs, work: Work) -> dict[str, list[str]]:
    if work.task_type == CREATE_GROUP:
        asked = validation.creation_v2(work.body)
        made = create(store, knobs, work.target, asked, ALLOW_ALL if asked.rules is None else ())
        return {"security_groups": [made.id], "security_group_rules": [rule.id for rule in made.rules]}
    if work.task_type == DELETE_PROJECT:
        _delete_project(store, work.body)
        return {}
    before = store.existing(work.target, work.group_id)
    if work.task_type == UPDATE_GROUP:
        after = _update(store, knobs, before, validation.change_v2(work.body))
    else:
        entry: Entry = (
            validation.rule_v2(work.body) if work.task_type == CREATE_RULE else validation.Deletion(work.rule_id or "")
        )
        after = change(store, knobs, before, [entry])
    old = {rule.id for rule in before.rules}
    return {"security_group_rules": [rule.id for rule in after.rules if rule.id not in old]}


def _delete_project(store: Store, project: dict[str, Any]) -> None:
    gone = project | {"state": "DELETED", "deleted_at": store.clock().strftime("%Y-%m-%dT%H:%M:%S")}
    with store.transaction():
        store.database.execute("DELETE FROM groups WHERE project_id = ?", (project["id"],))
        row = (project["id"], json.dumps(gone))
        store.database.execute("INSERT OR REPLACE INTO projects VALUES (?, ?)", row)


def _update(store: Store, knobs: Knobs, group: Group, asked: validation.ChangeV2) -> Group:
    return change(
        store,
        knobs,
        group,
        towards(group, asked.rules, knobs.order) if asked.rules is not None else [],
        name=asked.name if asked.name != group.name else None,
        description=asked.description,
        tags=asked.tags,
        wipe_tags=asked.wipe_tags,
    )
