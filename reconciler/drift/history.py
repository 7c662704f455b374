"""The API's log about chosen groups, each entry with the names of the groups that it is about. Pure."""

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from reconciler.model.action import MAX_IDS, ActionLog, ActionQuery, UserAction
from reconciler.model.desired import Target
from reconciler.model.errors import UsageError
from reconciler.model.live import LiveGroup, LiveState
from reconciler.model.text import did_you_mean, is_uuid


class Entry(NamedTuple):
    """One entry of the log, and the groups that it is about: by name where one is known, else by id.

    `target` is where that was, if it is one of those that were asked about.
    """

    action: UserAction
    groups: tuple[str, ...]
    target: Target | None = None


class History(NamedTuple):
    """Entries, the newest first, and what kept others from being read."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...]


def history_query(live: LiveState, wanted: Sequence[str], since: datetime | None) -> ActionQuery:
    """Say what to ask the log: by the groups' ids where all of them are known and few, else by project and region."""
    targets = tuple(live)
    groups = [group for groups in live.values() for group in groups]
    found = {text: [group.id for group in groups if _is(group, text)] or _as_id(text) for text in wanted}
    ids = tuple(dict.fromkeys(group_id for each in found.values() for group_id in each))
    if wanted and all(found.values()) and len(ids) <= MAX_IDS:
        return ActionQuery(resource_ids=ids, since=since)
    return ActionQuery(targets=targets, since=since)


def choose_entries(log: ActionLog, live: LiveState, wanted: Sequence[str]) -> History:
    """Keep the entries about the groups wanted, all where none are named.

    A group that is gone is found by the name that the log has of it. Raises `UsageError` for names of which neither the
    log nor live state knows anything.
    """
    groups = {group.id: group for groups in live.values() for group in groups}
    targets = {(each.project_id, each.region_id): each for each in live}
    entries = []
    seen: set[str] = set()
    for action in log.actions:
        names = {each.id: each.name for each in action.resources if each.kind != "securitygrouprule"}
        names = {key: groups[key].name if key in groups else name for key, name in names.items()}
        fitting = {
            text for text in wanted if any(text.lower() == key or _fits(name, text) for key, name in names.items())
        }
        seen |= fitting
        if fitting or not wanted:
            about = tuple(dict.fromkeys(name or key for key, name in names.items()))
            entries.append(Entry(action, about, targets.get((action.project_id or 0, action.region_id or 0))))
    known = {text for text in wanted if any(_is(group, text) for group in groups.values())}
    if not log.notes and (strange := [text for text in wanted if text not in seen | known]):
        hint = did_you_mean(strange[0], dict.fromkeys(group.name for group in groups.values()))
        raise UsageError(
            f"neither live state nor the log knows a group {', '.join(map(repr, strange))}",
            hint=hint or "The log is read from --since on, in the projects and regions of the files or options.",
        )
    return History(tuple(entries), log.notes)


def _is(group: LiveGroup, text: str) -> bool:
    return group.id == text.lower() or _fits(group.name, text)


def _fits(name: str, pattern: str) -> bool:
    return bool(name) and fnmatchcase(name, pattern)


def _as_id(text: str) -> list[str]:
    return [text.lower()] if is_uuid(text) else []
