"""Delete a group, and see that it is gone."""

from reconciler.applying.outcome import Result, Status
from reconciler.applying.session import Means, Session
from reconciler.errors import ApiRefused, OutcomeUnknown
from reconciler.model.plan import Change, Request

MAX_ROUNDS = 6
"""How often a delete is sent and looked after."""

_NOT_FOUND = 404


def delete(means: Means, change: Change) -> Result:
    """Carry out the deletion. A group that is gone already is where the plan wants it."""
    assert change.difference.live is not None  # noqa: S101 - only live groups are deleted
    session = Session(means, change, change.difference.live.id)
    return session.guard(lambda: _delete(session, change.requests[0]))


def _delete(session: Session, request: Request) -> Result:
    for round_ in range(MAX_ROUNDS):
        if session.means.stopped():
            return session.ended(Status.LEFT, session.problem or "stopped before it was deleted")
        try:
            session.send(request)
        except ApiRefused as refused:
            if refused.status != _NOT_FOUND:
                return session.refused(refused)
        except OutcomeUnknown:
            pass
        if _is_gone(session):
            return session.ended(Status.APPLIED)
        session.wait(round_)
        if _is_gone(session):
            return session.ended(Status.APPLIED)
    return session.ended(Status.FAILED, f"still there: {session.problem or 'although the API said it was deleted'}")


def _is_gone(session: Session) -> bool:
    return session.means.reader.get_group(session.change.difference.target, session.group_id or "") is None
