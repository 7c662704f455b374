"""A drift report, as text and as JSON."""

from typing import Any

import click

from reconciler.drift import Drift
from reconciler.model.difference import Action
from reconciler.planfile import difference_to_json
from reconciler.render.text import render_groups
from reconciler.render.view import count, view_difference

FORMAT_VERSION = 1


def render_drift(drift: Drift, width: int = 80) -> str:
    """Write what differs, one line a rule: `+` is missing live, `-` is live and should not be."""
    size = f"{count(drift.groups, 'group')}, {count(drift.rules, 'live rule')} compared"
    if not drift.differences:
        return click.style(f"No drift: {size}.", bold=True) + "\n"
    missing = sum(difference.action is Action.CREATE for difference in drift.differences)
    summary = f"Drift: {count(len(drift.differences), 'group')} differ, {missing} of them missing; {size}."
    groups = [view_difference(difference, drift.group_names) for difference in drift.differences]
    return render_groups(groups, width) + click.style(summary, bold=True) + "\n"


def drift_to_json(drift: Drift, base_url: str, checked_at: str) -> dict[str, Any]:
    """Write a drift report as JSON data."""
    return {
        "format_version": FORMAT_VERSION,
        "checked_at": checked_at,
        "base_url": base_url,
        "drifted": bool(drift.differences),
        "groups_compared": drift.groups,
        "rules_compared": drift.rules,
        "group_names": dict(drift.group_names),
        "differences": [difference_to_json(difference, drift.group_names) for difference in drift.differences],
    }
