"""Writes to the API: one request of a plan, and in v2 the tasks that carry it out."""

from datetime import datetime

from reconciler.api.http import Answer, Http
from reconciler.api.tasks import Tasks
from reconciler.clock import Clock
from reconciler.errors import ApiError, OutcomeUnknown
from reconciler.model.desired import Target
from reconciler.model.plan import Request


class GcoreWriter:
    """Everything that changes something."""

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._tasks = Tasks(http, clock)

    def send(self, request: Request) -> Answer:
        """Send one write as it stands, and wait for its tasks where it has some.

        Raises `ApiRefused` when nothing was done, `OutcomeUnknown` when the answer did not come or was not the
        promised one, `TaskFailed` when a task ended in ERROR.
        """
        answer = self._http.write(request.method, request.path, request.body)
        if not request.path.startswith("/cloud/v2/"):
            return answer
        tasks = (answer.body or {}).get("tasks")
        if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks):
            raise OutcomeUnknown(
                f"{request.method} {request.path}: the answer names no tasks",
                status=answer.status,
                request_id=answer.request_id,
            )
        try:
            created = self._tasks.wait(tasks)
        except OutcomeUnknown as unknown:
            unknown.status, unknown.request_id = answer.status, answer.request_id
            raise
        except ApiError as error:
            raise OutcomeUnknown(
                f"{request.method} {request.path}: its tasks cannot be read: {error.message}",
                status=answer.status,
                request_id=answer.request_id,
            ) from None
        return Answer(answer.status, {"id": created[0]} if created else None, answer.request_id)

    def settle(self, target: Target, since: datetime) -> bool:
        """Wait until no write of v2 that may have been ours is under way in a target; tell whether that is so."""
        return self._tasks.settle(target, since)
