"""The writes of one change: what they are sent with, and what is remembered of them until the result is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

from reconciler.api.backend import Backend
from reconciler.api.error_answer import Refusal, is_locked, refusal_of
from reconciler.api.live import Reader
from reconciler.applying.outcome import NoJournal, Recorder, Result, Status, Write
from reconciler.applying.unfinished import what_is_done
from reconciler.model.clock import Clock
from reconciler.model.desired import Target
from reconciler.model.egress import SMTP_PORT, smtp_protocols
from reconciler.model.errors import (
    NO_DETAILS,
    ApiError,
    ApiRefused,
    ApiUnreachable,
    OutcomeUnknown,
    OutOfDate,
    SgctlError,
    Stopped,
    TaskFailed,
)
from reconciler.model.json_reading import UUID
from reconciler.model.live import LiveGroup
from reconciler.model.rule import describe_rule
from reconciler.planning.diff import Difference
from reconciler.planning.encode import Request
from reconciler.planning.plan import Change

T = TypeVar("T")

_FIRST_WAIT = 0.5
_MOST_LOST = 30.0
"""Seconds in writes without a good answer and in waits after them, after which no further write is sent."""
_MOST_UNANSWERED = 15.0
"""Seconds in such writes alone from which on the API counts as silent."""
_TOO_MANY = 429
_MOST_RULES = 10
"""Rules at fault that a message names; more are counted."""


class Answered(Protocol):
    """What a write was answered."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> Mapping[str, object] | None:
        """The JSON object, if there is one; for a create it holds the new group's `id`."""

    @property
    def request_id(self) -> str | None:
        """What the API calls the request."""


class Writer(Protocol):
    """What applying needs beside reading."""

    def send(self, request: Request, is_made: Callable[[], bool]) -> Answered:
        """Send one write and wait until it is carried out; `is_made` is as in `Http.write`."""

    def hint_when_gone(self, request: Request) -> str | None:
        """Say what to do when the API no longer offers such a request."""

    def settle(self, request: Request, target: Target, since: datetime) -> bool:
        """Wait until no write that may have been this one is under way; tell whether that is so."""


@dataclass(frozen=True, slots=True)
class ApplyContext:
    """What an apply works with; `stopped` tells whether to begin no further write, `names` are of groups by id."""

    reader: Reader
    writer: Writer
    clock: Clock
    backend: Backend
    recorder: Recorder = field(default_factory=NoJournal)
    stopped: Callable[[], bool] = lambda: False
    names: Mapping[str, str] = field(default_factory=dict)


class Session:
    """Sends the writes of one change.

    `request` was sent last. `problem` is what went wrong last, empty where nothing did, and `details` what the API says
    of it; `is_broken` tells that the API failed at it or gave no answer. `twins` are other groups that have the new
    group's name, and `seen` is the change, with all ids, beside the group as it was read since the last write.
    """

    def __init__(
        self, context: ApplyContext, change: Change, group_id: str | None = None, *, touched: bool = False
    ) -> None:
        self.context = context
        self.change = change
        self.group_id = group_id
        self.touched = touched
        self.problem = ""
        self.details = NO_DETAILS
        self.is_broken = False
        self.request: Request | None = None
        self.twins: tuple[str, ...] = ()
        self.seen: tuple[Difference, LiveGroup] | None = None
        self._waited = 0.0
        self._unanswered = 0.0
        self._since = context.clock.now()
        self._begun = touched
        self._is_settled = True

    def send(self, request: Request, is_made: Callable[[], bool] = lambda: False) -> Answered:
        """Send one write, and keep it in the journal whatever becomes of it; `is_made` is as in `Http.write`.

        Raises `ApiRefused` when nothing was done, `OutcomeUnknown` when nobody knows.
        """
        if not self._begun:
            self.context.recorder.begin(self.change)
            self._begun = True
        self.request, self.problem, self.details, self.is_broken = request, "", NO_DETAILS, False
        self.seen = None
        began = self.context.clock.monotonic()
        try:
            answer = self.context.writer.send(request, is_made)
        except ApiRefused as refused:
            self.problem, self.details = self._explained(refused), refused.details
            self.is_broken = refused.status == _TOO_MANY
            self._record(request, refused.status, refused.request_id)
            raise
        except OutcomeUnknown as unknown:
            self.problem, self.details = self._explained(unknown), unknown.details
            self.is_broken = not isinstance(unknown, OutOfDate)
            self.touched |= self.is_broken
            if self.is_broken and not has_ended(unknown):
                self._unanswered += self.context.clock.monotonic() - began
            self._record(request, unknown.status, unknown.request_id)
            raise
        self.touched = True
        name = self.change.difference.name
        if self.group_id is None and answer.body and isinstance(new := answer.body.get("id"), str):
            # It becomes part of paths. What is no id, or that of a group of another name (the answer of v1 is the whole
            # group), is as good as none: the group is looked for by its name.
            is_ours = UUID.fullmatch(new.lower()) and answer.body.get("name", name) == name
            self.group_id = new.lower() if is_ours else None
        self._record(request, answer.status, answer.request_id)
        return answer

    def settle(self, request: Request) -> bool:
        """After an unknown outcome: wait for the tasks of v2 that the request may have started.

        False means that they are still under way, or that nobody may look at them. Where they were not over at the
        deadline, they are not waited for once more.
        """
        if self._is_settled:
            try:
                self._is_settled = self.context.writer.settle(request, self.change.difference.target, self._since)
            except ApiRefused:
                return False
        return self._is_settled

    def wait(self, round_: int) -> None:
        """Give the API time: half a second, twice that in each further round."""
        seconds = _FIRST_WAIT * 2**round_
        self._waited += seconds
        self.context.clock.sleep(seconds)

    @property
    def is_worn_out(self) -> bool:
        """Tell whether so much time is lost that nothing further is sent.

        It would be over a minute with one more; and what takes the API that long may be done in the end: another
        creation would make two groups.
        """
        return self._unanswered + self._waited > _MOST_LOST

    def ended(self, status: Status, message: str = "", hint: str | None = None) -> Result:
        """Say how the change ended."""
        result = Result(self.change, status, message, hint, self.touched, self.group_id)
        if status is Status.APPLIED:
            return result
        done = what_is_done(*self.seen) if self.touched and self.seen else None
        return replace(result, details=self.details, is_broken=self.is_broken, done=done)

    def tried_in_vain(self, message: str) -> Result:
        """Say that all tries are used up, whatever the API answered to them."""
        is_silent = self._unanswered > _MOST_UNANSWERED
        return replace(self.ended(Status.FAILED, message), is_broken=True, is_silent=is_silent)

    def refused(self, refused: ApiRefused) -> Result:
        """Say that the API does not take the change."""
        ended = self.ended(Status.FAILED, self._explained(refused), refused.hint)
        return replace(ended, is_refused=not self.is_broken)

    def _explained(self, error: ApiError) -> str:
        """Return the message of a write that failed; where the cloud keeps port 25 closed, with the rules at fault."""
        if refusal_of(error.status, error.details) is not Refusal.PORT_25:
            return error.message
        rules = [rule for rule in self.change.difference.created_rules if smtp_protocols(rule.rule)]
        named = [f"{' '.join(describe_rule(rule.rule).split())} ({rule.place})" for rule in rules[:_MOST_RULES]]
        more = f" and {len(rules) - len(named)} more" if len(rules) > len(named) else ""
        return f"{error.message}; what covers port {SMTP_PORT}: {', '.join(named)}{more}" if named else error.message

    def read_back(self, refused: ApiRefused, read: Callable[[], T]) -> T:
        """Look at what a refused write has made: it may have been carried out in part.

        Raises what `read` raises; then nobody knows, and the change counts as touched.
        """
        try:
            if self.request is not None and not is_locked(refused):
                self.settle(self.request)  # on v2 a task may be at what was refused; where it is locked, another's is
            return read()
        except Stopped:
            self.touched = True
            raise
        except SgctlError as error:
            self.touched = True
            self.problem = ""
            raise ApiError(
                f"{refused.message}; whether it was carried out in part is not known, for reading it back failed: "
                f"{error.message}",
                refused.hint or error.hint,
                details=refused.details,
            ) from None

    def guard(self, act: Callable[[], Result]) -> Result:
        """Turn a read or a journal that failed into a result, which remembers whether anything was sent before."""
        try:
            return act()
        except Stopped as stopped:
            return self.ended(Status.LEFT, f"{self.problem}; {stopped.message}" if self.problem else stopped.message)
        except SgctlError as error:
            message = f"{self.problem}; then {error.message}" if self.problem else error.message
            is_silent = isinstance(error, ApiUnreachable) and self.is_broken
            if isinstance(error, ApiError):
                self.is_broken |= not isinstance(error, ApiRefused)
                self.details = error.details if error.details.to_json() else self.details
            elif self.problem:
                self.touched = True  # the journal failed behind a refusal, and nobody looks what that has made
            return replace(self.ended(Status.FAILED, message, error.hint), is_silent=is_silent)

    def _record(self, request: Request, status: int | None, request_id: str | None) -> None:
        at = self.context.clock.now()
        problem = self.problem or None
        self.context.recorder.wrote(
            Write(at, self.change, request, self.group_id, status, request_id, problem, self.details)
        )


def has_ended(unknown: OutcomeUnknown) -> bool:
    """Tell whether nothing more will come of a write, however it failed."""
    return isinstance(unknown, TaskFailed)
