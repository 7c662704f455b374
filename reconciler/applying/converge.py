"""Bring a group that exists to where its change wants it: send, read back, go on from what is true.

Whatever happens to a request, the next thing is a read, and what is still missing is computed from the approved change
and that read (`what_is_left`). So nothing is repeated blindly, and nothing outside of the plan is ever sent. Rounds and
waits are bounded: six rounds, at most half a minute of waiting beside what single requests may take.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.applying.outcome import Result, Status
from reconciler.applying.session import ApplyContext, Session, has_ended
from reconciler.applying.stale import moved_since
from reconciler.applying.unfinished import is_begun, surprises, unexpected, what_is_left, with_ids
from reconciler.model.errors import ApiError, ApiRefused, OutcomeUnknown
from reconciler.model.live import LiveGroup
from reconciler.model.placeholder import fill_in
from reconciler.planning.diff import Action, Difference
from reconciler.planning.encode import Request, encode_update
from reconciler.planning.order import order_of
from reconciler.planning.plan import Change

MAX_ROUNDS = 6
"""How often one group is read and what is missing sent again."""

_LOOKS = 4
_NOT_FOUND = 404
_WITHDRAWN = frozenset({405, 410, 501})
_HOPELESS = frozenset({401, 403, 429})


def complete(
    context: ApplyContext, change: Change, ids: Mapping[str, str], answered: LiveGroup | None = None
) -> Result:
    """Carry out the requests of a change to a group that exists (an update, or what follows a create), and verify.

    `ids` are those of the groups created meanwhile, by name; a missing one is a `KeyError`. `answered` is a new group
    as the answer to its creation has it.
    """
    difference = with_ids(change.difference, ids)
    requests = [Request(each.method, fill_in(each.path, ids), fill_in(each.body, ids)) for each in following(change)]
    if difference.live is not None:
        session = Session(context, change, difference.live.id)
        return session.guard(lambda: _update(session, difference, requests))
    session = Session(context, change, ids[difference.name], touched=True)
    first = requests or _what_the_cloud_added(context, difference, answered)
    return session.guard(lambda: _go_on(session, difference, first, is_known=not requests))


def following(change: Change) -> Sequence[Request]:
    """Return the requests of a change to a group that exists: all, or for a new one those after its creation."""
    return change.requests[1:] if change.difference.action is Action.CREATE else change.requests


def _what_the_cloud_added(
    context: ApplyContext, difference: Difference, answered: LiveGroup | None
) -> Sequence[Request]:
    """Remove what the answer to a creation shows that the plan does not know; the read that follows verifies it."""
    if answered is None:
        return ()
    left = what_is_left(difference, answered)
    if left.creates or left.redescribes or left.is_empty:
        return ()
    return encode_update(context.backend, left, two_phase=True)[0]


def _go_on(session: Session, difference: Difference, requests: Sequence[Request], *, is_known: bool) -> Result:
    """Go on with a new group. Before anything but its own rules is written, look whether the id is that of its name.

    Rules that the cloud added have ids of their own, which no other group has.
    """
    if not is_known:
        _read_group(session, difference)
    return _converge(session, difference, requests)


def _update(session: Session, difference: Difference, requests: Sequence[Request]) -> Result:
    if session.context.stopped():
        return session.ended(Status.LEFT, "stopped before its first request")
    if session.context.backend.replaces_whole_lists and (moved := _moved_since(session)):
        return session.ended(Status.STALE, "; ".join(moved))
    return _converge(session, difference, requests)


def _moved_since(session: Session) -> tuple[str, ...]:
    """Compare with the fingerprint once more: a whole list would silently undo what came in between."""
    old = session.change.difference.live
    assert old is not None  # noqa: S101 - an update has a live side
    now = session.context.reader.get_group(old.target, old.id)
    if now is None:
        return ("the group does not exist any more",)
    return moved_since(session.change, now, session.context.names)


def _converge(session: Session, difference: Difference, requests: Sequence[Request]) -> Result:
    for round_ in range(MAX_ROUNDS):
        refused = _send_all(session, difference, requests)
        live = _read_after(session, difference, refused, round_)
        if live is None:
            return session.ended(Status.FAILED, "the group does not exist any more")
        left = what_is_left(difference, live)
        if left.is_empty:
            return _verified(session, difference, live)
        if refused is not None and refused.status in _HOPELESS:
            return session.refused(refused)
        again = _regroup(session, difference, left)
        if isinstance(again, Result):
            return again
        if refused is not None and (refused.status in _WITHDRAWN or list(again) == list(requests)):
            return _refused_for_good(session, refused)
        requests = again
    if live is not None and difference.live is not None and not session.problem:
        session.touched = is_begun(difference, live)  # all was answered as done, and what is read decides
    reason = session.problem or "what was sent does not show in what is read"
    return session.tried_in_vain(f"not complete after {MAX_ROUNDS} rounds: {reason}")


def _read_after(session: Session, difference: Difference, refused: ApiRefused | None, round_: int) -> LiveGroup | None:
    """Read the group after a write, and take note if a part of what was not carried out is live all the same."""
    if refused is not None:
        live = session.read_back(refused, lambda: _read_group(session, difference))
    else:
        if session.problem:
            # Nobody knows whether the server is still at it. A read that comes too early would miss what it does.
            session.wait(round_)
        live = _look(session, difference, round_)
    if live is not None and difference.live is not None and not session.touched:
        session.touched = is_begun(difference, live)
    return live


def _regroup(session: Session, difference: Difference, left: Difference) -> Sequence[Request] | Result:
    """Put what is left into requests that rely on no order, or end where nothing more is to be sent."""
    if session.context.stopped():
        return session.ended(Status.LEFT, "stopped before it was complete")
    if session.is_worn_out and session.problem:
        return session.tried_in_vain(f"not complete so far: {session.problem}")
    requests, order = encode_update(session.context.backend, left, two_phase=True)
    # In a new group there is no traffic yet that could be refused.
    if order.gaps and difference.live is not None and not order_of(difference).gaps:
        message = "the group has no room any more for what is left without refusing traffic meanwhile"
        return session.ended(Status.FAILED, f"{session.problem}; {message}" if session.problem else message)
    return requests


def _send_all(session: Session, difference: Difference, requests: Sequence[Request]) -> ApiRefused | None:
    """Send requests in order until one is refused (which is returned), or the group is not as it should be by then."""
    for number, request in enumerate(requests):
        if session.context.stopped() or (
            number and session.context.backend.replaces_rules(request) and _is_surprised(session, difference)
        ):
            return None
        try:
            session.send(request)
        except ApiRefused as refused:
            return refused
        except OutcomeUnknown as unknown:
            if not has_ended(unknown):
                session.settle(request)
            return None
    return None


def _is_surprised(session: Session, difference: Difference) -> bool:
    """Between two whole lists: look whether others changed the rules. If so, the rest has to be computed anew."""
    if difference.action is not Action.UPDATE:
        return False
    live = session.context.reader.get_group(difference.target, session.group_id or "")
    found = () if live is None else surprises(difference, live)
    session.problem = "; ".join(found)
    return live is None or bool(found)


def _look(session: Session, difference: Difference, round_: int) -> LiveGroup | None:
    """Read the group; once more after a wait where everything was answered as done and the read does not show it."""
    live = _read_group(session, difference)
    if live is None and difference.action is Action.CREATE:
        live = _await(session, difference)
    if live is None or session.problem or session.context.stopped():
        return live
    left = what_is_left(difference, live)
    if difference.action is Action.CREATE:
        # What the cloud adds to a new group by itself is found here for the first time: no reason to doubt the read.
        if not (left.creates or left.redescribes):
            return live
    elif left.is_empty:
        return live
    session.wait(round_)
    return _read_group(session, difference)


def _await(session: Session, difference: Difference) -> LiveGroup | None:
    """Look again for a group that was just created: it may appear later than its id."""
    for look in range(_LOOKS):
        session.wait(look)
        if (live := _read_group(session, difference)) is not None:
            return live
    return None


def _read_group(session: Session, difference: Difference) -> LiveGroup | None:
    """Read the group, and keep it as what the change has come to."""
    live = _find_group(session, difference)
    session.seen = (difference, live) if live else None
    return live


def _find_group(session: Session, difference: Difference) -> LiveGroup | None:
    """Find the group; a new one by its name, which also tells whether somebody made another one meanwhile.

    Raises `ApiError` where the id that the API gave for a new group is that of another one.
    """
    group_id = session.group_id or ""
    if difference.action is Action.CREATE:
        named = session.context.reader.list_groups(difference.target, difference.name)
        session.twins = tuple(group.id for group in named if group.id != group_id)
        for group in named:
            if group.id == group_id:
                return group
    found = session.context.reader.get_group(difference.target, group_id)
    if found is not None and difference.action is Action.CREATE and found.name != difference.name:
        raise ApiError(
            f"the API said that it created {difference.name!r} as {group_id}, which is {found.name!r}",
            hint="That group is left alone. Plan again: what was created has another id.",
        )
    return found


def _verified(session: Session, difference: Difference, live: LiveGroup) -> Result:
    if session.twins:
        return session.ended(
            Status.FAILED,
            f"created as {live.id}, but somebody created a group of the same name meanwhile: "
            + ", ".join(session.twins),
            "Say with `id:` which one the file means, and delete the other.",
        )
    if problems := unexpected(difference, live):
        return session.ended(Status.FAILED, "done, but meanwhile others changed the group: " + "; ".join(problems))
    return session.ended(Status.APPLIED)


def _refused_for_good(session: Session, refused: ApiRefused) -> Result:
    hint = session.request and session.context.writer.hint_when_gone(session.request)
    if hint and (refused.status == _NOT_FOUND or refused.status in _WITHDRAWN):
        return replace(session.refused(refused), hint=hint)
    return session.refused(refused)
