"""Who made live groups differ: for each drifted group, the newest entries of the API's log. Pure.

A group was as written when this program last changed it, as far as the log tells: an apply ends with reading it back.
So the entries after the last one of ours are shown, and that one. Where there is none, the newest entries are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.model.action import MAX_IDS, ActionLog, ActionQuery, UserAction, newest_first
from reconciler.model.desired import Target
from reconciler.planning.diff import Difference
from reconciler.planning.orphans import UnmanagedGroup

MOST = 5
"""Entries that are shown of a group."""
ADDED_IDS = 100
"""Rules that were added live, and by whose ids the log is asked as well, in all."""

Changed = Difference | UnmanagedGroup
"""What somebody may have changed: a group that differs, or an orphan."""

Key = tuple[Target, str, str]
"""A group: its target, its name and its live id, "" where it is not live."""


def _live_id(group: Changed) -> str:
    if isinstance(group, UnmanagedGroup):
        return group.id
    return group.live.id if group.live is not None else ""


def _key(group: Changed) -> Key:
    return group.target, group.name, _live_id(group)


def _added(group: Changed) -> tuple[str, ...]:
    """Name the rules that were added live."""
    return () if isinstance(group, UnmanagedGroup) else tuple(rule.id for rule in group.deletes)


class Changes(NamedTuple):
    """The changes of one group since it was as written, the newest first; `more` counts those that are not shown.

    `written` is the last entry of this program, None where the log has none.
    """

    actions: tuple[UserAction, ...] = ()
    more: int = 0
    written: UserAction | None = None


@dataclass(frozen=True, slots=True)
class Who:
    """What the log says of each drifted group and each orphan, and what kept it from being read whole."""

    changes: Mapping[Key, Changes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, group: Changed) -> Changes:
        """Return what is known of one group."""
        return self.changes.get(_key(group), Changes())


class Asked(NamedTuple):
    """A query, and the groups that it is about."""

    query: ActionQuery
    groups: tuple[Changed, ...]

    def is_enough(self, actions: Sequence[UserAction]) -> bool:
        """Tell whether older entries would change nothing of what is shown."""
        changes = attribute(self.groups, [ActionLog(tuple(actions))]).changes.values()
        return all(each.written is not None or len(each.actions) == MOST for each in changes)


def what_to_ask(groups: Sequence[Changed]) -> tuple[Asked, ...]:
    """Say what to ask the log: once for up to 50 live groups, once for the deletion of all that are not live."""
    asked: list[Asked] = []
    most = max(ADDED_IDS // len(groups), 1) if 0 < len(groups) <= ADDED_IDS else 0  # fewer where many groups differ
    for each in groups:
        if live_id := _live_id(each):
            # A change of a rule may be known by its id alone.
            ids = (live_id, *_added(each)[: min(most, MAX_IDS - 1)])
            last = asked[-1] if asked else Asked(ActionQuery(), ())
            joined = (*last.query.resource_ids, *ids)
            if asked and len(joined) <= MAX_IDS:
                asked[-1] = Asked(ActionQuery(resource_ids=joined), (*last.groups, each))
            else:
                asked.append(Asked(ActionQuery(resource_ids=ids), (each,)))
    if gone := tuple(each for each in groups if not _live_id(each)):
        targets = tuple(dict.fromkeys(each.target for each in gone))
        asked.append(Asked(ActionQuery(targets=targets, actions=("delete",)), gone))
    return tuple(asked)


def attribute(groups: Iterable[Changed], logs: Sequence[ActionLog]) -> Who:
    """Say of each group what the log has about it."""
    actions = newest_first(action for log in logs for action in log.actions)
    by_resource: dict[str, list[UserAction]] = {}
    for action in actions:
        for resource_id in {each.id for each in action.resources}:
            by_resource.setdefault(resource_id, []).append(action)
    changes = {}
    for each in groups:
        if not (live_id := _live_id(each)):
            own = [action for action in actions if _deleted(action, each)]
        else:
            ids = (live_id, *_added(each))
            own = list(newest_first(dict.fromkeys(action for key in ids for action in by_resource.get(key, ()))))
        changes[_key(each)] = _since_written(own)
    return Who(changes, tuple(dict.fromkeys(note for log in logs for note in log.notes)))


def _since_written(actions: Sequence[UserAction]) -> Changes:
    at = next((number for number, each in enumerate(actions) if each.is_own), len(actions))
    written = actions[at] if at < len(actions) else None
    return Changes(tuple(actions[:at][:MOST]), max(at - MOST, 0), written)


def _deleted(action: UserAction, group: Changed) -> bool:
    """Tell whether an entry is the deletion of a group of this name."""
    return (
        action.action == "delete"
        and action.api_group == "securitygroup"
        and action.is_in((group.target,))
        and any(each.name == group.name for each in action.resources)
    )
