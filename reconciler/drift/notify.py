"""What a drift run tells a webhook, and whether there is anything new to tell. Pure."""

import hashlib
import json
from collections.abc import Iterable
from itertools import chain
from typing import Any

from reconciler.drift.compare import Drift, summarize_drift
from reconciler.drift.who import Changed, Changes
from reconciler.model.action import describe_action
from reconciler.model.desired import DesiredRule, Target
from reconciler.model.errors import SgctlError
from reconciler.model.live import LiveRule
from reconciler.model.text import printable
from reconciler.planning.diff import Difference
from reconciler.policy.openings import merge_openings, openings_of

_LISTED = 20
"""Groups named in a message; the rest is counted."""


def _ids(target: Target) -> tuple[int, int]:
    return target.project_id, target.region_id


def report_digest(drift: Drift) -> str:
    """Digest what counts in a report: two reports with the same digest are the same news."""
    return _digest(
        [
            [*_ids(each.difference.target), each.difference.name, str(each.severity), _content(each.difference)]
            for each in drift.drifted
            if each.counted
        ]
        + [[*_ids(each.target), each.id, each.name] for each in drift.orphans if drift.counts_orphans]
        + [[each.guardrail, each.message] for each in drift.findings if each.stops]
    )


def slack_payload(drift: Drift, base_url: str) -> dict[str, Any]:
    """Write a message for a Slack-compatible webhook: one text, with the marks of `mrkdwn`."""
    counted = [each for each in drift.drifted if each.counted]
    lines = [f"*{_escape(summarize_drift(drift))}* ({_escape(base_url)})"]
    told = [
        f"{_code(each.difference.name)} ({_code(each.difference.target)}): "
        f"{each.severity}{_last(drift, each.difference)}"
        for each in counted
    ]
    told += [
        f"{_code(each.name)} ({_code(each.target)}): orphan{_last(drift, each)}"
        for each in drift.orphans
        if drift.counts_orphans
    ]
    lines += [f"• {each}" for each in told[:_LISTED]]
    if len(told) > _LISTED:
        lines.append(f"… and {len(told) - _LISTED} more")
    found = (openings_of(each.difference, each.difference.traffic.closes, drift.group_names) for each in counted)
    openings = merge_openings(chain.from_iterable(found))
    lines += [f"*{each.alarm.capitalize()}:* {_code(each.text)} in {_code(each.where)}" for each in openings[:_LISTED]]
    if len(openings) > _LISTED:
        lines.append(f"… and {len(openings) - _LISTED} more such openings")
    return {"text": "\n".join(lines)}


def _last(drift: Drift, group: Changed) -> str:
    """Say who changed a group last, where the log was asked and knows."""
    changes = drift.who.of(group) if drift.who is not None else Changes()
    last = next(iter(changes.actions), changes.written)
    return f", {_code(describe_action(last))}" if last is not None else ""


def read_state(text: str, name: str) -> str:
    """Read from a state file what was reported last. Raises `SgctlError` when the file is something else."""
    try:
        content = json.loads(text)
        return str(content["reported"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise SgctlError(f"{name} is no state file of `sgctl drift`", hint="Name another file, or remove it.") from None


def write_state(reported: str, checked_at: str) -> str:
    """Write a state file's text."""
    return json.dumps({"reported": reported, "checked_at": checked_at}) + "\n"


def _content(difference: Difference) -> list[str]:
    rules: list[DesiredRule | LiveRule] = [*difference.creates, *difference.deletes]
    rules += [each.desired for each in difference.redescribes]
    attributes = str((difference.previous_name, difference.description, difference.tags))
    return [attributes, *sorted(str((tuple(rule.rule), rule.description)) for rule in rules)]


def _digest(news: Iterable[list[object]]) -> str:
    return "sha256:" + hashlib.sha256(json.dumps(sorted(news, key=str)).encode()).hexdigest()


NOTHING = _digest(())
"""The digest of a report in which nothing counts."""


def _escape(text: str) -> str:
    """Escape what Slack reads as markup."""
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


def _code(foreign: object) -> str:
    """Write foreign text as code: nothing of it is emphasis, a link or a mention, whichever chat shows it."""
    return f"`{_escape(str(foreign))}`"
