"""Bring one group to where its change wants it: send, read back, go on from what is true. The only sender of writes.

Whatever happens to a request, the next thing is a read, and what is still missing is computed from the approved change
and that read (`remaining`). So nothing is repeated blindly, and nothing outside of the plan is ever sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from reconciler.clock import Clock
from reconciler.encode import encode_update
from reconciler.errors import ApiError, ApiRefused, OutcomeUnknown
from reconciler.live import Reader
from reconciler.model.desired import Target
from reconciler.model.difference import Difference
from reconciler.model.fingerprint import fingerprint
from reconciler.model.live import LiveGroup
from reconciler.model.plan import ApiVersion, Change, Request
from reconciler.placeholder import fill_in
from reconciler.remaining import remaining, unexpected, with_ids
from reconciler.stale import what_moved

MAX_ROUNDS = 6
"""How often one group is read and what is missing sent again."""

_FIRST_WAIT = 0.5
_NOT_FOUND = 404
_WITHDRAWN = frozenset({405, 410})
_HOPELESS = frozenset({401, 403})


class Status(StrEnum):
    """How a change ended."""

    APPLIED = "applied"
    FAILED = "failed"
    LEFT = "left"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Result:
    """How one change ended. `touched` tells whether anything may have been changed; `group_id` is set once known."""

    change: Change
    status: Status
    message: str = ""
    hint: str | None = None
    touched: bool = False
    group_id: str | None = None


class Answered(Protocol):
    """What a write was answered."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> Mapping[str, object] | None:
        """The JSON object, if there is one."""

    @property
    def request_id(self) -> str | None:
        """What the API calls the request."""


class Writer(Protocol):
    """What applying needs beside reading."""

    def send(self, request: Request) -> Answered:
        """Send one write and wait until it is carried out."""

    def settle(self, target: Target, since: datetime) -> None:
        """Wait until no write that may have been ours is under way."""


@dataclass(frozen=True, slots=True)
class Write:
    """A write as it went, for the journal; `live` is the group as read before its first write."""

    change: Change
    request: Request
    group_id: str | None
    live: LiveGroup | None
    status: int | None
    request_id: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Means:
    """What converging works with; `record` is told every write, `stopped` whether to begin no further one."""

    reader: Reader
    writer: Writer
    clock: Clock
    api_version: ApiVersion
    record: Callable[[Write], None] = lambda _: None
    stopped: Callable[[], bool] = lambda: False


def create(means: Means, change: Change, ids: Mapping[str, str]) -> Result:
    """Create the group: the first request of the change. The result carries the new id."""
    session = _Session(means, change)
    request = replace(change.requests[0], body=fill_in(change.requests[0].body, ids))
    return session.guard(lambda: _create(session, request))


def complete(means: Means, change: Change, ids: Mapping[str, str]) -> Result:
    """Carry out the requests of a change to a group that exists (an update, or what follows a create), and verify."""
    difference = with_ids(change.difference, ids)
    requests = [Request(each.method, fill_in(each.path, ids), fill_in(each.body, ids)) for each in change.requests]
    if difference.live is not None:
        session = _Session(means, change, difference.live.id)
        return session.guard(lambda: _update(session, difference, requests))
    session = _Session(means, change, ids[difference.name])
    session.touched = True
    return session.guard(lambda: _converge(session, difference, requests[1:]))


def delete(means: Means, change: Change) -> Result:
    """Delete the group, and see that it is gone."""
    assert change.difference.live is not None  # noqa: S101 - only live groups are deleted
    session = _Session(means, change, change.difference.live.id)
    return session.guard(lambda: _delete(session, change.requests[0]))


class _Session:
    """The writes of one change: keeps what happened, so that the result can tell."""

    def __init__(self, means: Means, change: Change, group_id: str | None = None) -> None:
        self.means = means
        self.change = change
        self.group_id = group_id
        self.since = means.clock.now()
        self.touched = False
        self.problem = ""

    def send(self, request: Request) -> Answered:
        try:
            answer = self.means.writer.send(request)
        except ApiRefused as refused:
            self._record(request, refused.status, refused.request_id, refused.message)
            raise
        except OutcomeUnknown as unknown:
            self.touched = True
            self._record(request, None, None, unknown.message)
            raise
        self.touched = True
        self._record(request, answer.status, answer.request_id, None)
        return answer

    def wait(self, round_: int) -> None:
        self.means.clock.sleep(_FIRST_WAIT * 2**round_)

    def ended(self, status: Status, message: str = "", hint: str | None = None) -> Result:
        return Result(self.change, status, message, hint, self.touched, self.group_id)

    def refused(self, refused: ApiRefused) -> Result:
        return self.ended(Status.FAILED, refused.message, refused.hint)

    def guard(self, act: Callable[[], Result]) -> Result:
        """Turn a read that failed into a result, which remembers whether anything was sent before."""
        try:
            return act()
        except ApiError as error:
            message = f"{self.problem}; then {error.message}" if self.problem else error.message
            return self.ended(Status.FAILED, message, error.hint)

    def _record(self, request: Request, status: int | None, request_id: str | None, problem: str | None) -> None:
        live = self.change.difference.live
        self.means.record(Write(self.change, request, self.group_id, live, status, request_id, problem))


def _create(session: _Session, request: Request) -> Result:
    for _ in range(MAX_ROUNDS):
        if session.means.stopped():
            return session.ended(Status.LEFT, "stopped before it was created")
        group_id = None
        try:
            answer = session.send(request)
        except ApiRefused as refused:
            return session.refused(refused)
        except OutcomeUnknown as unknown:
            session.problem = unknown.message
        else:
            group_id = str(answer.body["id"]).lower() if answer.body and "id" in answer.body else None
        session.group_id = group_id or _find_created(session, request)
        if session.group_id is not None:
            return session.ended(Status.APPLIED)
    return session.ended(Status.FAILED, f"not created: {session.problem}")


def _update(session: _Session, difference: Difference, requests: Sequence[Request]) -> Result:
    if session.means.stopped():
        return session.ended(Status.LEFT, "stopped before its first request")
    if session.means.api_version == "v2" and (moved := _moved_since(session)):
        return session.ended(Status.STALE, "; ".join(moved))
    return _converge(session, difference, requests)


def _delete(session: _Session, request: Request) -> Result:
    target, group_id = session.change.difference.target, session.group_id or ""
    for round_ in range(MAX_ROUNDS):
        if session.means.stopped():
            return session.ended(Status.LEFT, "stopped before it was deleted")
        try:
            session.send(request)
        except ApiRefused as refused:
            if refused.status != _NOT_FOUND:
                return session.refused(refused)
        except OutcomeUnknown as unknown:
            session.problem = unknown.message
        if session.means.reader.get_group(target, group_id) is None:
            return session.ended(Status.APPLIED)
        session.wait(round_)
    return session.ended(Status.FAILED, f"still there: {session.problem or 'although the API said it was deleted'}")


def _converge(session: _Session, difference: Difference, requests: Sequence[Request]) -> Result:
    means = session.means
    for round_ in range(MAX_ROUNDS):
        refused = _send_all(session, requests)
        if refused is not None and refused.status in _HOPELESS:
            return session.refused(refused)
        live = means.reader.get_group(difference.target, session.group_id or "")
        if live is None:
            return session.ended(Status.FAILED, "the group does not exist any more")
        left = remaining(difference, live)
        if left.is_empty:
            return _verified(session, difference, live)
        if means.stopped():
            return session.ended(Status.LEFT, "stopped before it was complete")
        again, _ = encode_update(means.api_version, left, two_phase=True)
        if refused is not None and (refused.status in _WITHDRAWN or list(again) == list(requests)):
            return _refused_for_good(session, refused)
        if session.problem:
            session.wait(round_)
        requests = again
    reason = session.problem or "what was sent does not show in what is read"
    return session.ended(Status.FAILED, f"not complete after {MAX_ROUNDS} rounds: {reason}")


def _refused_for_good(session: _Session, refused: ApiRefused) -> Result:
    if refused.status == _NOT_FOUND or refused.status in _WITHDRAWN:
        hint = "The group exists. If the API has withdrawn this operation of v1, use --api-version v2."
        return session.ended(Status.FAILED, refused.message, hint)
    return session.refused(refused)


def _send_all(session: _Session, requests: Sequence[Request]) -> ApiRefused | None:
    """Send requests in order until one is refused (which is returned) or has an unknown outcome."""
    session.problem = ""
    for request in requests:
        if session.means.stopped():
            return None
        try:
            session.send(request)
        except ApiRefused as refused:
            session.problem = refused.message
            return refused
        except OutcomeUnknown as unknown:
            session.problem = unknown.message
            if request.path.startswith("/cloud/v2/"):
                session.means.writer.settle(session.change.difference.target, session.since)
            return None
    return None


def _verified(session: _Session, difference: Difference, live: LiveGroup) -> Result:
    problems = unexpected(difference, live)
    if problems:
        return session.ended(Status.FAILED, "done, but meanwhile others changed the group: " + "; ".join(problems))
    return session.ended(Status.APPLIED)


def _moved_since(session: _Session) -> tuple[str, ...]:
    """Compare with the fingerprint once more: a whole list would silently undo what came in between."""
    old = session.change.difference.live
    assert old is not None  # noqa: S101 - an update has a live side
    now = session.means.reader.get_group(old.target, old.id)
    if now is None:
        return ("the group does not exist any more",)
    return () if fingerprint(now) == session.change.fingerprint else what_moved(old, now)


def _find_created(session: _Session, request: Request) -> str | None:
    """Look for the group that a create may have made although its answer was lost; it may appear late."""
    means, difference = session.means, session.change.difference
    for round_ in range(MAX_ROUNDS - 1):
        if request.path.startswith("/cloud/v2/"):
            means.writer.settle(difference.target, session.since)
        named = means.reader.list_groups(difference.target, difference.name)
        if len(named) == 1:
            return named[0].id
        if named:
            ids = ", ".join(group.id for group in named)
            raise ApiError(f"{len(named)} groups are named {difference.name!r} now: {ids}")
        session.wait(round_)
    return None
