"""Version 2 of the API: the whole list of rules as it is to be, answered by tasks.

Order is expressed by sending several lists. Make before break means that every batch of the safe order is a list of its
own: the union of old and new first, the final list last. Rules that no list could spell as the API does are kept by
changing single rules instead, and so are those that `ignore_rules` leaves to others, who may change them at any moment.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.api.error_answer import is_locked
from reconciler.api.parse import parse_task_ids
from reconciler.api.reader import GcoreReader, v1_path
from reconciler.api.tasks import Tasks
from reconciler.model.clock import Clock
from reconciler.model.cloud import MAX_RULES
from reconciler.model.desired import DesiredRule, Target
from reconciler.model.errors import ApiError, ApiRefused, ErrorDetails, OutcomeUnknown, OutOfDate, Stopped, TaskFailed
from reconciler.model.live import LiveGroup, LiveRule
from reconciler.model.rule import Rule
from reconciler.planning.diff import Difference
from reconciler.planning.encode import ApiVersion, Request, attributes, described, new_group
from reconciler.planning.order import Batch, Order

if TYPE_CHECKING:  # httpx costs 0.1 s, which whoever only encodes need not pay
    from reconciler.api.http import Answer, Http

_LOOK_BACK = timedelta(hours=1)

RuleBodies = dict[Rule, dict[str, Any]]


class V2:
    """Replaces whole lists of rules, and waits for the tasks that carry a request out."""

    version: ApiVersion = "v2"
    max_rules_at_create = MAX_RULES
    """The cloud adds no rules of its own when `rules` is given."""
    replaces_whole_lists = True
    hint_when_gone: str | None = (
        "The group exists, so the API seems not to offer this operation of v2 here (`sgctl doctor` tells whether v2 "
        "answers): all but a group's description can also go with --api-version v1."
    )

    def create(self, difference: Difference, rules: Sequence[DesiredRule]) -> Request:
        """Create a group with these of its rules."""
        group = new_group(difference) | {"rules": [described(rule) for rule in rules]}
        return Request("POST", v2_path(difference.target), group)

    def change_rules(
        self, difference: Difference, group_id: str, present: Sequence[DesiredRule], order: Order
    ) -> Iterator[Request]:
        """Change the rules of a group and nothing else."""
        path = v2_path(difference.target, group_id)
        if difference.ignored:
            yield from (request for batch in order.batches for request in _single(path, batch))
            return
        for rules in _lists({rule.rule: described(rule) for rule in present}, order.batches, two_phase=False):
            yield Request("PATCH", path, {"rules": rules})

    def update(self, difference: Difference, group_id: str, order: Order, *, two_phase: bool) -> Iterator[Request]:
        """Change name, description, tags and rules."""
        assert difference.live is not None  # noqa: S101 - an update has a live side
        path = v2_path(difference.target, group_id)
        body = attributes(difference, with_description=True)
        if _can_be_listed(difference.live.rules, difference):
            present = {rule.rule: described(rule) for rule in difference.live.rules}
            for rules in _lists(present, order.batches, two_phase=two_phase):
                yield Request("PATCH", path, body | {"rules": rules})
                body = {}
        else:
            yield from (request for batch in order.batches for request in _single(path, batch))
        if body:
            yield Request("PATCH", path, body)

    def delete(self, target: Target, group_id: str) -> Request:
        """Delete a group: through v1, which answers when it is done."""
        return Request("DELETE", v1_path(target, group_id))

    def notes(self, difference: Difference) -> tuple[str, ...]:
        """Say why rules are changed one by one: a whole list would undo what others do between a read and the write."""
        if not (difference.ignored and difference.changes_rules):
            return ()
        return ("the rules are changed one by one, and not as a list, because of `ignore_rules`",)

    def replaces_rules(self, request: Request) -> bool:
        """Tell whether a request holds a whole list."""
        return request.body is not None and "rules" in request.body

    def send(self, http: "Http", clock: Clock, request: Request, is_made: Callable[[], bool]) -> "Answer":
        """Send one write, and wait for its tasks. The answer's body holds the `id` of a group that was created.

        Raises `ApiRefused` when nothing was done, `OutcomeUnknown` when the answer did not come or was not the promised
        one, `OutOfDate` when what was sent is so after the wait for a lock, `TaskFailed` when a task ended in ERROR.
        """
        replaces = request.method == "PATCH" and self.replaces_rules(request)
        waited = False
        try:
            method, path, body = request.method, request.path, request.body
            answer = http.write(method, path, body, again_after_lock=not replaces, is_made=is_made)
            created = self._await_tasks(http, clock, request, answer)
        except (ApiRefused, TaskFailed) as failed:
            # The task that has locked the group may be changing its rules: a list from before would undo that. And a
            # task of ours that met a lock may have acted in part. In both cases the caller reads, after the wait.
            if is_locked(failed) and (replaces or isinstance(failed, TaskFailed)):
                with suppress(Stopped):  # what became of the write is to be told first
                    waited = http.locks.wait(request.path, reads_between=True)
            if waited and isinstance(failed, ApiRefused):
                raise OutOfDate(failed.message, failed.hint, status=failed.status, details=failed.details) from None
            raise
        finally:
            if not waited:
                http.locks.forget(request.path)
        return replace(answer, body={"id": created[0]} if created else None)

    def _await_tasks(self, http: "Http", clock: Clock, request: Request, answer: "Answer") -> tuple[str, ...]:
        """Wait for the tasks that an answer names; return the ids of the groups that they created."""
        asked, details = f"{request.method} {request.path}", ErrorDetails(request_id=answer.request_id)
        tasks = parse_task_ids(answer.body)
        if tasks is None:
            raise OutcomeUnknown(f"{asked}: the answer names no tasks", status=answer.status, details=details)
        try:
            return Tasks(http, clock).wait(tasks)
        except OutcomeUnknown as unknown:
            unknown.status = answer.status
            unknown.details = replace(unknown.details, request_id=answer.request_id)
            raise
        except ApiError as error:
            message = f"{asked}: its tasks cannot be read: {error.message}"
            raise OutcomeUnknown(message, error.hint, status=answer.status, details=details) from None

    def settle(self, http: "Http", clock: Clock, target: Target, since: datetime) -> bool:
        """Wait until no task on security groups started since then is under way; tell whether that is so."""
        return Tasks(http, clock).settle(target, since)

    def reader(self, http: "Http", clock: Clock) -> GcoreReader:
        """Return what an apply reads with: tasks of one that was killed may still be under way."""
        return SettledReader(http, clock)


def describe_group(target: Target, group_id: str, description: str) -> Request:
    """Change a group's description, which only v2 can."""
    return Request("PATCH", v2_path(target, group_id), {"description": description})


def v2_path(target: Target, group_id: str | None = None) -> str:
    """Path of the v2 collection of security groups, or of one group in it."""
    path = f"/cloud/v2/security_groups/{target.project_id}/{target.region_id}"
    return path if group_id is None else f"{path}/{group_id}"


class SettledReader(GcoreReader):
    """Waits, before it reads a whole target, until the tasks on security groups there have ended.

    A group whose creation is still under way is in no list, and creating it again would make two of one name. Tasks
    that do not end within the deadline are waited for no longer, and a key that may not see tasks waits for none.
    """

    def __init__(self, http: "Http", clock: Clock) -> None:
        super().__init__(http)
        self._clock = clock
        self._tasks = Tasks(http, clock)

    def list_groups(
        self, target: Target, name: str | None = None, on_page: Callable[[int, int], None] = lambda *_: None
    ) -> tuple[LiveGroup, ...]:
        """Read all groups of a target, or all of one name, as `GcoreReader` does."""
        if name is None:
            with suppress(ApiRefused):
                self._tasks.settle(target, self._clock.now() - _LOOK_BACK)
        return super().list_groups(target, name, on_page)


def _lists(present: RuleBodies, batches: Sequence[Batch], *, two_phase: bool) -> Iterator[list[dict[str, Any]]]:
    """Yield the whole list after each batch. A new description travels with the batch before or after it.

    With `two_phase` it gets two lists of its own: one without the rule, one with it described anew.
    """
    rules = dict(present)
    pending = False
    for batch in batches:
        for redescribed in batch.redescribes:
            del rules[redescribed.desired.rule]
        if batch.redescribes and two_phase:
            yield list(rules.values())
        rules |= {redescribed.desired.rule: described(redescribed.desired) for redescribed in batch.redescribes}
        rules |= {rule.rule: described(rule) for rule in batch.creates}
        for rule in batch.deletes:
            del rules[rule.rule]
        pending = bool(batch.redescribes) and not two_phase and batch is not batches[-1]
        if not pending:
            yield list(rules.values())


def _can_be_listed(live: Sequence[LiveRule], difference: Difference) -> bool:
    going = {rule.id for rule in difference.deletes}
    going |= {rule.id for redescribed in difference.redescribes for rule in redescribed.live}
    kept = [rule for rule in live if rule.id not in going]
    return (
        not difference.ignored
        and len({rule.rule for rule in live}) == len(live)
        and not any(rule.irregular for rule in kept)
    )


def _single(path: str, batch: Batch) -> Iterator[Request]:
    """Change rules one by one."""
    for rule in batch.creates:
        yield Request("POST", f"{path}/rules", described(rule))
    for redescribed in batch.redescribes:
        yield from (Request("DELETE", f"{path}/rules/{live.id}") for live in redescribed.live)
        yield Request("POST", f"{path}/rules", described(redescribed.desired))
    for live in batch.deletes:
        yield Request("DELETE", f"{path}/rules/{live.id}")
