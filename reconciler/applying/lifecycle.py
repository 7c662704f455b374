"""Create a group, once, and delete one: after a lost answer, look before anything is sent again."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.api.parse import parse_group
from reconciler.applying.outcome import Result, Status
from reconciler.applying.session import Answered, ApplyContext, Session, has_ended
from reconciler.model.errors import ApiError, ApiRefused, OutcomeUnknown
from reconciler.model.live import LiveGroup, fingerprint
from reconciler.model.placeholder import fill_in
from reconciler.planning.diff import Difference
from reconciler.planning.encode import Request
from reconciler.planning.plan import Change

MAX_TRIES = 3
"""How often a create is sent, each time only after no trace of the one before was found."""

_LOOKS_UNANSWERED = 6
"""How often a group is looked for where no answer came, in a quarter of a minute: the server may still be at it."""
_LOOKS_ANSWERED = 3
"""The same where an answer came that was not the promised one: the server has ended, and only its reads may lag."""


def create(context: ApplyContext, change: Change, ids: Mapping[str, str]) -> Result:
    """Create the group: the first request of the change. The result carries the new id.

    `ids` are those of the groups created before, by name; a missing one is a `KeyError`.
    """
    session = Session(context, change)
    request = replace(change.requests[0], body=fill_in(change.requests[0].body, ids))
    return session.guard(lambda: _create(session, request))


def _create(session: Session, request: Request) -> Result:
    difference = session.change.difference

    def is_made() -> bool:
        session.settle(request)  # on v2 a task may be at it
        return bool(session.context.reader.list_groups(difference.target, difference.name))

    for _ in range(MAX_TRIES):
        if session.context.stopped():
            return session.ended(Status.LEFT, session.problem or "stopped before it was created")
        answered: LiveGroup | None = None
        try:
            answered = _answered(session, session.send(request, is_made))
        except ApiRefused as refused:
            return _refused_create(session, refused)
        except OutcomeUnknown as unknown:
            session.group_id = _find(session, request, looks=_looks(unknown))
        else:
            if session.group_id is None:
                session.problem = f"{request.method} {request.path}: the answer does not name the new group"
                session.group_id = _find(session, request, looks=_LOOKS_ANSWERED)
                session.touched = session.group_id is not None  # an answer came, and what is read decides
        if session.group_id is not None:
            is_it = answered is not None and answered.id == session.group_id
            return replace(session.ended(Status.APPLIED), answered=answered if is_it else None)
        if session.is_worn_out:
            break
    return session.tried_in_vain(f"not created so far: {session.problem}")


def _answered(session: Session, answer: Answered) -> LiveGroup | None:
    """Read the new group in the answer, where it is the whole one: that of v2 is a task."""
    try:
        return parse_group(answer.body, session.change.difference.target)
    except ApiError:
        return None


def _refused_create(session: Session, refused: ApiRefused) -> Result:
    """End with the refusal; a group of that name that is there all the same may be half of what was refused."""
    difference = session.change.difference
    named = session.read_back(refused, lambda: session.context.reader.list_groups(difference.target, difference.name))
    if not named:
        return session.refused(refused)
    session.touched = any(_may_be_ours(difference, group) for group in named)
    ids = ", ".join(group.id for group in named)
    result = session.refused(refused)
    return replace(result, message=f"{result.message}; but a group named {difference.name!r} is there now: {ids}")


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
        named = session.context.reader.list_groups(difference.target, difference.name)
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
    if not _may_be_ours(difference, named[0]):
        raise ApiError(f"a group named {difference.name!r} has appeared ({ids}), but it is not the one that was sent")
    session.context.recorder.found(session.change, named[0].id)
    return named[0].id


def _may_be_ours(difference: Difference, group: LiveGroup) -> bool:
    """Tell whether a group has the description and the tags with which the new one was sent."""
    tags = {(tag.key, tag.value) for tag in group.tags}
    description = difference.description.new if difference.description else ""
    return group.description == description and tags >= {(tag.key, tag.new) for tag in difference.tags}


MAX_ROUNDS = 6
"""How often a delete is sent and looked after."""

_NOT_FOUND = 404


def delete(context: ApplyContext, change: Change) -> Result:
    """Send the deletion. A group that is gone already is where the plan wants it.

    That the API says that it is done is not enough: then somebody has to look, for many groups at once or with
    `finish_deletion`.
    """
    session = _session(context, change)
    return session.guard(lambda: _begin(session, change.requests[0]))


def finish_deletion(context: ApplyContext, change: Change) -> Result:
    """Look whether a group is gone whose deletion was answered as done, and see to it."""
    session = _session(context, change, touched=True)
    return session.guard(lambda: _look_after(session, change.requests[0]))


def _session(context: ApplyContext, change: Change, *, touched: bool = False) -> Session:
    assert change.difference.live is not None  # noqa: S101 - only live groups are deleted
    return Session(context, change, change.difference.live.id, touched=touched)


def _begin(session: Session, request: Request) -> Result:
    ended = _send_deletion(session, request)
    if ended is None and session.problem:
        return _look_after(session, request)
    return ended or session.ended(Status.APPLIED)


def _look_after(session: Session, request: Request) -> Result:
    """Read until the group is gone, and send its deletion again where it is not."""
    for round_ in range(MAX_ROUNDS):
        if round_ and session.is_worn_out:
            break
        if round_ and (ended := _send_deletion(session, request)):
            return ended
        if _is_gone(session):
            return session.ended(Status.APPLIED)
        session.wait(round_)
        if _is_gone(session):
            return session.ended(Status.APPLIED)
    if not session.problem:
        session.touched = _is_changed(session)  # all was answered as done, and what is read decides
    return session.tried_in_vain(f"still there: {session.problem or 'although the API said it was deleted'}")


def _send_deletion(session: Session, request: Request) -> Result | None:
    """Send the deletion; None where a read has to tell what came of it."""
    if session.context.stopped():
        return session.ended(Status.LEFT, session.problem or "stopped before it was deleted")
    try:
        session.send(request)
    except ApiRefused as refused:
        if session.read_back(refused, lambda: _is_gone(session)):
            return session.ended(Status.APPLIED)
        if refused.status != _NOT_FOUND:
            return session.refused(refused)
    except OutcomeUnknown:
        pass
    return None


def _is_gone(session: Session) -> bool:
    return session.context.reader.get_group(session.change.difference.target, session.group_id or "") is None


def _is_changed(session: Session) -> bool:
    """Tell whether a group that was to be deleted is anything but as it was."""
    group = session.context.reader.get_group(session.change.difference.target, session.group_id or "")
    return group is None or fingerprint(group) != session.change.fingerprint
