"""Create a group, once: after a lost answer, look for what may have been made before making another."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.applying.outcome import Result, Status
from reconciler.applying.session import Means, Session, has_ended
from reconciler.errors import ApiError, ApiRefused, OutcomeUnknown
from reconciler.model.difference import Difference
from reconciler.model.live import LiveGroup
from reconciler.model.plan import Change, Request
from reconciler.placeholder import fill_in

MAX_TRIES = 3
"""How often a create is sent, each time only after no trace of the one before was found."""

_LOOKS_UNANSWERED = 6
"""How often a group is looked for where no answer came, in a quarter of a minute: the server may still be at it."""
_LOOKS_ANSWERED = 3
"""The same where an answer came that was not the promised one: the server has ended, and only its reads may lag."""


def create(means: Means, change: Change, ids: Mapping[str, str]) -> Result:
    """Create the group: the first request of the change. The result carries the new id.

    `ids` are those of the groups created before, by name; a missing one is a `KeyError`.
    """
    session = Session(means, change)
    request = replace(change.requests[0], body=fill_in(change.requests[0].body, ids))
    return session.guard(lambda: _create(session, request))


def _create(session: Session, request: Request) -> Result:
    for _ in range(MAX_TRIES):
        if session.means.stopped():
            return session.ended(Status.LEFT, session.problem or "stopped before it was created")
        try:
            session.send(request)
        except ApiRefused as refused:
            return session.refused(refused)
        except OutcomeUnknown as unknown:
            session.group_id = _find(session, request, looks=_looks(unknown))
        else:
            if session.group_id is None:
                session.problem = f"{request.method} {request.path}: the answer does not name the new group"
                session.group_id = _find(session, request, looks=_LOOKS_ANSWERED)
        if session.group_id is not None:
            return session.ended(Status.APPLIED)
    return session.ended(Status.FAILED, f"not created: {session.problem}")


def _looks(unknown: OutcomeUnknown) -> int:
    if has_ended(unknown):
        return 1
    return _LOOKS_UNANSWERED if unknown.status is None else _LOOKS_ANSWERED


def _find(session: Session, request: Request, *, looks: int) -> str | None:
    """Look for the group that a create may have made although its answer was lost; it may appear late.

    Raises `ApiError` where it cannot be told whether the group was made.
    """
    difference = session.change.difference
    settled = True
    for look in range(looks):
        if look:
            session.wait(look - 1)
        settled = session.settle(request)
        named = session.means.reader.list_groups(difference.target, difference.name)
        if named:
            return _ours(session, difference, named)
    if not settled:
        raise ApiError(
            f"a task that may create {difference.name!r} may still be under way; it was not sent again",
            hint="Plan again when the task has ended.",
        )
    return None


def _ours(session: Session, difference: Difference, named: tuple[LiveGroup, ...]) -> str:
    ids = ", ".join(group.id for group in named)
    if len(named) > 1:
        raise ApiError(f"{len(named)} groups are named {difference.name!r} now: {ids}")
    tags = {(tag.key, tag.value) for tag in named[0].tags}
    description = difference.description.new if difference.description else ""
    if named[0].description != description or not tags >= {(tag.key, tag.new) for tag in difference.tags}:
        raise ApiError(f"a group named {difference.name!r} has appeared ({ids}), but it is not the one that was sent")
    session.means.recorder.found(session.change, named[0].id)
    return named[0].id
