"""A drift report, as text and as JSON."""

from collections.abc import Iterator
from typing import Any

import click

from reconciler.drift import Drift, DriftedGroup
from reconciler.planfile import difference_to_json
from reconciler.render.text import printable, render_groups
from reconciler.render.view import DRIFT, count, view_difference

FORMAT_VERSION = 1


def render_drift(drift: Drift, width: int = 80, *, with_unmanaged: bool = False) -> str:
    """Write what differs, one line a rule: `+` is missing live, `-` is live and should not be."""
    groups = [view_difference(each.difference, drift.group_names, DRIFT, _judgement(each)) for each in drift.drifted]
    unmanaged = "".join(f"{line}\n" for line in _unmanaged_lines(drift)) if with_unmanaged else ""
    return render_groups(groups, width) + unmanaged + click.style(summarize(drift), bold=True) + "\n"


def summarize(drift: Drift) -> str:
    """Count what differs, in one line."""
    size = f"{count(drift.groups, 'group')}, {count(drift.rules, 'live rule')} compared"
    if not drift.drifted:
        return f"No drift: {size}."
    severities = ", ".join(f"{number} {severity}" for severity, number in drift.by_severity.items() if number)
    counted = "" if drift.counted else f"; none counts, for --fail-on is {drift.fail_on}"
    return f"Drift: {count(len(drift.drifted), 'group')} ({severities}); {size}{counted}."


def drift_to_json(drift: Drift, base_url: str, checked_at: str, *, with_unmanaged: bool = False) -> dict[str, Any]:
    """Write a drift report as JSON data, as `schemas/drift.schema.json` describes it."""
    return {
        "format_version": FORMAT_VERSION,
        "checked_at": checked_at,
        "base_url": base_url,
        "drifted": drift.counted,
        "fail_on": str(drift.fail_on),
        "summary": {
            "groups_compared": drift.groups,
            "rules_compared": drift.rules,
            "by_severity": {str(severity): number for severity, number in drift.by_severity.items()},
            "rules_missing": drift.rules_missing,
            "rules_extra": drift.rules_extra,
        },
        "group_names": dict(drift.group_names),
        "differences": [
            {
                **difference_to_json(each.difference, drift.group_names),
                "severity": str(each.severity),
                "counted": each.counted,
            }
            for each in drift.drifted
        ],
        "unmanaged": [
            {
                "project_id": group.target.project_id,
                "region_id": group.target.region_id,
                "id": group.id,
                "name": group.name,
                "rules": len(group.rules),
            }
            for group in (drift.unmanaged if with_unmanaged else ())
        ],
    }


def _judgement(each: DriftedGroup) -> str:
    return str(each.severity) if each.counted else f"{each.severity}, not counted"


def _unmanaged_lines(drift: Drift) -> Iterator[str]:
    for group in drift.unmanaged:
        rules = count(len(group.rules), "rule")
        yield f"? unmanaged {printable(group.name)} ({group.target}, {group.id}): {rules}; not counted"
    if drift.unmanaged:
        yield ""
