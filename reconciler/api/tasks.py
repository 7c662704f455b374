"""Tasks of v2: a write answers with ids, and is done when all of its tasks are."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.api.error_answer import refusal_of
from reconciler.api.parse import Task, parse_task, parse_task_types
from reconciler.model.clock import Clock
from reconciler.model.desired import Target
from reconciler.model.errors import ErrorDetails, OutcomeUnknown, TaskFailed

if TYPE_CHECKING:  # httpx costs 0.1 s, which whoever only encodes need not pay
    from reconciler.api.http import Http

DEADLINE = 300.0
"""Seconds after which a task that has not ended counts as an unknown outcome."""

_FIRST_POLL = 0.25
_SLOWEST_POLL = 5.0
_PAGE = 1000
_OURS = "security_group"
"""What the types of all tasks have in common that the operations used here start."""
_SLACK = timedelta(hours=1)
"""How far this machine's clock and the API's may be apart."""


class Tasks:
    """Waiting for tasks, with a deadline."""

    def __init__(self, http: "Http", clock: Clock, deadline: float = DEADLINE) -> None:
        self._http = http
        self._clock = clock
        self._deadline = deadline

    def wait(self, task_ids: Iterable[str]) -> tuple[str, ...]:
        """Wait for every task and return the ids of the security groups that they created.

        Raises `TaskFailed` with the task's own message, once all tasks have ended; `OutcomeUnknown` at the deadline,
        which is one for all of them.
        """
        until = self._clock.monotonic() + self._deadline
        ended = [self._wait_for_one(task_id, until) for task_id in task_ids]
        for task in ended:
            if task.state == "ERROR":
                details = ErrorDetails(message=self._http.clean.text(task.error))
                hint = refusal_of(None, details).value
                raise TaskFailed(
                    f"task {task.id} failed: {details.message or 'no reason given'}", hint, details=details
                )
        return tuple(group_id for task in ended for group_id in task.security_groups)

    def settle(self, target: Target, since: datetime) -> bool:
        """Wait until no task on security groups started since then is under way, known by id or not.

        After an answer that was lost this is how to learn that a write has ended. False means that one has not, at the
        deadline.
        """
        params: dict[str, str | int | list[str]] = {
            "project_id": [str(target.project_id)],
            "region_id": [str(target.region_id)],
            "state": ["NEW", "RUNNING"],
            "from_timestamp": (since - _SLACK).isoformat(timespec="seconds"),
            "limit": _PAGE,
        }
        for wait in self._polls(self._clock.monotonic() + self._deadline):
            if not any(_OURS in each for each in parse_task_types(self._http.read("/cloud/v1/tasks", params))):
                return True
            self._clock.sleep(wait)
        return False

    def _wait_for_one(self, task_id: str, until: float) -> Task:
        for wait in self._polls(until):
            task = parse_task(self._http.read(f"/cloud/v1/tasks/{task_id}"), task_id)
            if task.state in {"FINISHED", "ERROR"}:
                return task
            self._clock.sleep(wait)
        raise OutcomeUnknown(f"task {task_id} has not ended after {self._deadline:.0f} s")

    def _polls(self, until: float) -> Iterable[float]:
        wait = _FIRST_POLL
        while self._clock.monotonic() < until:
            yield wait
            wait = min(wait * 1.5, _SLOWEST_POLL)
