"""Entries of the API's log of user actions, as text and as JSON. What is in them was written by anybody."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from reconciler.drift.history import Entry, History
from reconciler.drift.who import Changes
from reconciler.model.action import UserAction, describe_moment, describe_what, describe_who
from reconciler.model.clock import format_time
from reconciler.model.json_form import target_to_json
from reconciler.model.text import count, printable, without_commands
from reconciler.render.view import Deed

FORMAT_VERSION = 1


def render_history(history: History) -> str:
    """Write entries, the newest first: when and what on one line, who and from where below it."""
    lines: list[str] = []
    for entry in history.entries:
        action = entry.action
        about = click.style(printable(f"{', '.join(entry.groups) or 'a group'}{_where(entry)}"), bold=True)
        lines += [
            f"{describe_moment(action)}  {about}  {printable(describe_what(action))}",
            click.style(f"    {printable(describe_who(action))}", dim=True),
        ]
    return without_commands("".join(f"{line}\n" for line in lines))


def history_to_json(history: History, since: datetime | None) -> dict[str, Any]:
    """Write entries as JSON data."""
    return {
        "format_version": FORMAT_VERSION,
        "since": format_time(since) if since else None,
        "notes": list(history.notes),
        "actions": [
            {
                **action_to_json(each.action),
                **(target_to_json(each.target) if each.target is not None else {}),
                "groups": list(each.groups),
            }
            for each in history.entries
        ],
    }


def action_to_json(action: UserAction) -> dict[str, Any]:
    """Write one entry; what the log does not say is null."""
    return {
        "id": action.id or None,
        "at": format_time(action.at) if action.at else None,
        "action": action.action or None,
        "api_group": action.api_group or None,
        "email": action.email or None,
        "user_id": action.user_id,
        "token_id": action.token_id,
        "address": action.address or None,
        "user_agent": action.user_agent or None,
        "project_id": action.project_id,
        "region_id": action.region_id,
        "what": list(action.what),
    }


def view_changes(changes: Changes) -> tuple[Deed, ...]:
    """Say who made a group differ, what somebody did again once. Foreign text is still to be escaped by a format."""
    times: dict[str, list[str]] = {}
    for action in changes.actions:
        times.setdefault(f"{describe_what(action)}, by {describe_who(action)}", []).append(describe_moment(action))
    deeds = [Deed("who", text, tuple(dict.fromkeys((min(each), max(each))))) for text, each in times.items()]
    if changes.written is not None:
        deeds.append(
            Deed("last change by sgctl", f"by {describe_who(changes.written)}", (describe_moment(changes.written),))
        )
    return tuple(deeds)


def describe_gaps(changes: Changes) -> Iterator[str]:
    """Say what the log does not tell, or not here."""
    if changes.more:
        yield f"{count(changes.more, 'change')} before that, since the last one by sgctl: see `sgctl history`"
    if not changes.actions and changes.written is None:
        yield "the log of user actions has nothing about it"


def _where(entry: Entry) -> str:
    if entry.target is not None:
        return f" ({entry.target})"
    numbers = (("project", entry.action.project_id), ("region", entry.action.region_id))
    parts = [f"{name} {number}" for name, number in numbers if number]
    return f" ({', '.join(parts)})" if parts else ""
