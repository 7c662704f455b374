"""How the changes of a plan are carried out: in waves, each of which may be done at once, until all have an end.

First groups are created, in waves, for some need the ids of others; then everything else is changed, for no change
needs another; last, groups are deleted, in waves as well, each only if every rule that referred to it is gone. A
failure stops only what depends on it, until too many in a row fail (`patience`).
"""

from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock

from reconciler.applying.converge import complete, following
from reconciler.applying.lifecycle import create, delete, finish_deletion
from reconciler.applying.outcome import Result, Status
from reconciler.applying.patience import Patience
from reconciler.applying.session import ApplyContext
from reconciler.applying.stale import Done, Stale
from reconciler.applying.unfinished import what_is_done, with_ids
from reconciler.model.desired import Target
from reconciler.model.errors import SgctlError
from reconciler.model.live import LiveGroup
from reconciler.model.placeholder import names_in, placeholder
from reconciler.planning.diff import Action
from reconciler.planning.plan import Change, Plan

_FEW = 16
"""Deleted groups of a target that are looked for one by one: a list of all that are left may be the longer answer."""

Key = tuple[Target, str]
Work = Callable[[], None]


def _key(change: Change) -> Key:
    difference = change.difference
    return difference.target, difference.live.id if difference.live else placeholder(difference.name)


def creation_waves(changes: Iterable[Change]) -> list[list[Change]]:
    """Group the creations of a plan: a group's first request needs no id of its own wave or a later one.

    They come in the plan's order, in which a group stands behind those that its first request names.
    """
    depth: dict[Key, int] = {}
    for change in changes:
        target = change.difference.target
        needed = (depth.get((target, placeholder(name)), 0) for name in names_in(change.requests[0].body))
        depth[_key(change)] = 1 + max(needed, default=0)
    return _by_depth(changes, depth)


def deletion_waves(changes: Iterable[Change]) -> list[list[Change]]:
    """Group the deletions of a plan: a group comes after those that refer to it, as far as the plan's order has it."""
    depth: dict[Key, int] = {}
    least: dict[Key, int] = {}
    for change in changes:
        key = _key(change)
        depth[key] = least.get(key, 1)
        for rule in change.difference.deletes:
            if rule.rule.remote_group_id is not None:
                referred = change.difference.target, rule.rule.remote_group_id
                least[referred] = max(least.get(referred, 1), depth[key] + 1)
    return _by_depth(changes, depth)


def _by_depth(changes: Iterable[Change], depth: Mapping[Key, int]) -> list[list[Change]]:
    waves: defaultdict[int, list[Change]] = defaultdict(list)
    for change in changes:
        waves[depth[_key(change)]].append(change)
    return [waves[each] for each in sorted(waves)]


def _left_without(
    missing: Sequence[str], change: Change, ids: dict[str, str], answered: LiveGroup | None = None
) -> Result:
    """Leave a change that needs groups which could not be created; its own group may be there, as far as it goes."""
    group_id = ids.get(change.difference.name)
    done = None
    if answered is not None:
        known = ChainMap({name: placeholder(name) for name in missing}, ids)
        done = what_is_done(with_ids(change.difference, known), answered)
    message = f"{', '.join(sorted(missing))} could not be created"
    return Result(change, Status.LEFT, message, touched=group_id is not None, group_id=group_id, done=done)


class Execution:
    """The state of one apply. Threads share it.

    It knows how each change ended, the ids of the groups created so far, and for each group the changes that did not
    end well and would have removed rules that refer to it. Its `patience` says when to give up.
    """

    def __init__(self, context: ApplyContext, progress: Callable[[Result], None], patience: Patience) -> None:
        self._context = context
        self._progress = progress
        self._patience = patience
        self._lock = Lock()
        self._results: dict[Key, Result] = {}
        self._begun: set[Key] = set()
        self._answered: dict[Key, LiveGroup | None] = {}
        self._deleted: defaultdict[Target, list[Change]] = defaultdict(list)
        self._referring: defaultdict[str, list[Change]] = defaultdict(list)
        self._ids: defaultdict[Target, dict[str, str]] = defaultdict(dict)

    def settle(self, each: Stale | Done) -> None:
        """Take a change for stale, or for done; others may refer to a group that is done."""
        difference = each.change.difference
        if isinstance(each, Stale):
            self._end(Result(each.change, Status.STALE, "; ".join(each.reasons)))
            return
        if each.group_id is not None and difference.action is Action.CREATE:
            self._ids[difference.target][difference.name] = each.group_id
        self._end(Result(each.change, Status.APPLIED, "it was as planned already", group_id=each.group_id))

    def results(self, plan: Plan) -> tuple[Result, ...]:
        """Tell how every change ended."""
        return tuple(self._result(change) for change in plan.changes)

    def _result(self, change: Change) -> Result:
        """Tell how a change ended; it has no end where the apply was abandoned."""
        with self._lock:
            result, is_begun = self._results.get(_key(change)), _key(change) in self._begun
        if result is not None:
            return result
        if not is_begun:
            return Result(change, Status.LEFT, "stopped before its first request")
        return Result(change, Status.LEFT, "abandoned; what became of its last request is not known", touched=True)

    def waves(self, changes: Sequence[Change]) -> Iterator[list[Work]]:
        """Yield what can be done at once, each wave when the one before has ended: creations, changes, deletions."""
        for wave in creation_waves(self._open(changes, Action.CREATE)):
            yield [partial(self._create, change) for change in wave]
        rest = (*self._open(changes, Action.CREATE), *self._open(changes, Action.UPDATE))
        yield [partial(self._complete, change) for change in rest]
        for wave in deletion_waves(self._open(changes, Action.DELETE)):
            yield [partial(self._delete, change) for change in wave]
            yield [partial(self._look_for_deleted, target) for target in self._with_many_deleted()]
            yield [partial(self._finish_deletion, change) for change in self._take_deleted()]

    def _open(self, changes: Iterable[Change], action: Action) -> list[Change]:
        with self._lock:
            return [each for each in changes if each.difference.action is action and _key(each) not in self._results]

    def _end(self, result: Result) -> None:
        with self._lock:
            self._results[_key(result.change)] = result
            if result.status is not Status.APPLIED:
                for rule in result.change.difference.deletes:
                    if rule.rule.remote_group_id is not None:
                        self._referring[rule.rule.remote_group_id].append(result.change)
        self._progress(result)

    def _ids_of(self, target: Target) -> dict[str, str]:
        """Return the ids, by name, of the groups created in a target. More come while it is used: it is no copy."""
        with self._lock:
            return self._ids[target]

    def _act(self, change: Change, act: Callable[[], Result]) -> Result:
        """Work on a change. A bug must not take the report of what was done with it."""
        difference = change.difference
        with self._lock:
            if given_up := self._patience.ended(difference.action, difference.target):
                is_begun = _key(change) in self._begun
                message = f"{'begun, and not looked after' if is_begun else 'not tried'}: {given_up}"
                group_id = self._ids[difference.target].get(difference.name)
                return Result(change, Status.LEFT, message, touched=is_begun, group_id=group_id)
            self._begun.add(_key(change))
        result = self._try(change, act)
        with self._lock:
            self._patience.note(result)
        return result

    @staticmethod
    def _try(change: Change, act: Callable[[], Result]) -> Result:
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - whatever it is, something may have been changed, and that is told
            whose = "this machine failed" if isinstance(error, OSError | MemoryError) else "this is a bug in sgctl"
            message = f"{whose}: {type(error).__name__}: {error}"
            return Result(change, Status.FAILED, message, touched=True)

    def _create(self, change: Change) -> None:
        difference = change.difference
        ids = self._ids_of(difference.target)
        if missing := [name for name in names_in(change.requests[0].body) if name not in ids]:
            self._end(_left_without(missing, change, ids))
            return
        result = self._act(change, partial(create, self._context, change, ids))
        if result.status is Status.APPLIED and result.group_id is not None:
            with self._lock:
                self._ids[difference.target][difference.name] = result.group_id
                self._answered[_key(change)] = result.answered
        else:
            self._end(result)

    def _complete(self, change: Change) -> None:
        ids = self._ids_of(change.difference.target)
        needed = set().union(*(names_in(request.path) | names_in(request.body) for request in following(change)))
        answered = self._answered.get(_key(change))
        if missing := [name for name in needed if name not in ids]:
            self._end(_left_without(missing, change, ids, answered))
        else:
            self._end(self._act(change, partial(complete, self._context, change, ids, answered)))

    def _delete(self, change: Change) -> None:
        referring = self._still_referring(change)
        if referring:
            self._end(Result(change, Status.LEFT, f"{', '.join(referring)} may still refer to it"))
        else:
            result = self._act(change, partial(delete, self._context, change))
            if result.status is Status.APPLIED:
                with self._lock:
                    self._deleted[change.difference.target].append(change)
            else:
                self._end(result)

    def _with_many_deleted(self) -> list[Target]:
        with self._lock:
            return [target for target, changes in self._deleted.items() if len(changes) > _FEW]

    def _look_for_deleted(self, target: Target) -> None:
        """End the deletions whose groups are gone. What cannot be listed is looked for group by group, as the rest."""
        try:
            there = {group.id for group in self._context.reader.list_groups(target)}
        except SgctlError:
            return
        with self._lock:
            gone = [each for each in self._deleted[target] if _key(each)[1] not in there]
            self._deleted[target] = [each for each in self._deleted[target] if _key(each)[1] in there]
        for change in gone:
            self._end(Result(change, Status.APPLIED, touched=True, group_id=_key(change)[1]))

    def _take_deleted(self) -> list[Change]:
        with self._lock:
            taken = [change for changes in self._deleted.values() for change in changes]
            self._deleted.clear()
        return taken

    def _finish_deletion(self, change: Change) -> None:
        self._end(self._act(change, partial(finish_deletion, self._context, change)))

    def _still_referring(self, change: Change) -> list[str]:
        """Names of groups whose change did not end well and would have removed rules that refer to this group."""
        assert change.difference.live is not None  # noqa: S101 - only live groups are deleted
        with self._lock:
            referring = list(self._referring[change.difference.live.id])
        return list(dict.fromkeys(each.difference.name for each in referring if each is not change))
