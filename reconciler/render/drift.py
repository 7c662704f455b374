"""A drift report as a view, and as JSON."""

from collections.abc import Iterator
from typing import Any

from reconciler.drift.compare import Drift, DriftedGroup, summarize_drift
from reconciler.model.json_form import finding_to_json
from reconciler.model.text import count
from reconciler.planning.planfile import difference_to_json
from reconciler.render.findings import describe_finding
from reconciler.render.view import DRIFT, GroupView, Remark, View, view_difference

FORMAT_VERSION = 1


def view_drift(drift: Drift, *, with_unmanaged: bool = False) -> View:
    """Describe what differs: `+` is missing live, `-` is live and should not be."""
    return View(
        "drift",
        groups=tuple(_view(each, drift) for each in drift.drifted),
        summary=summarize_drift(drift),
        notes=tuple(_unmanaged(drift)) if with_unmanaged else (),
        stops=tuple(Remark(describe_finding(each), each.place) for each in drift.findings if each.stops),
        warnings=tuple(Remark(describe_finding(each), each.place) for each in drift.findings if not each.stops),
    )


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
        "findings": [finding_to_json(each) for each in drift.findings],
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
                "rules": group.rules,
            }
            for group in (drift.unmanaged if with_unmanaged else ())
        ],
    }


def _view(each: DriftedGroup, drift: Drift) -> GroupView:
    if each.counted:
        return view_difference(each.difference, drift.group_names, DRIFT, str(each.severity))
    return view_difference(each.difference, drift.group_names, DRIFT, f"{each.severity}, not counted", "uncounted")


def _unmanaged(drift: Drift) -> Iterator[str]:
    for group in drift.unmanaged:
        rules = count(group.rules, "rule")
        yield f"unmanaged: {group.name} ({group.target}, {group.id}), {rules}, not counted"
