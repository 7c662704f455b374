"""A drift report as a view, and as JSON."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reconciler.drift.compare import Drift, DriftedGroup, Severity, summarize_drift
from reconciler.drift.who import Changed, Who
from reconciler.model.clock import format_time
from reconciler.model.json_form import finding_to_json, target_to_json, unread_to_json
from reconciler.model.json_reading import Json
from reconciler.model.text import count
from reconciler.planning.diff import Difference
from reconciler.planning.ignored import describe_left, ignored_to_json
from reconciler.planning.orphans import MOST_NAMED, describe_refused
from reconciler.planning.planfile import difference_to_json, unmanaged_to_json
from reconciler.render.history import action_to_json, describe_gaps, view_changes
from reconciler.render.plan import exposed, refused, unread_findings, view_difference
from reconciler.render.view import DRIFT, GroupView, Tone, View, end_to_json

FORMAT_VERSION = 1


def view_drift(drift: Drift, *, with_unmanaged: bool = False) -> View:
    """Describe what differs, in the words of `DRIFT`."""
    groups = tuple(_view(each, drift) for each in drift.drifted)
    return View(
        "drift",
        groups=groups,
        summary=summarize_drift(drift),
        notes=(
            *(drift.who.notes if drift.who else ()),
            *_who_left_orphans(drift),
            *describe_refused(drift.refused),
            *map(describe_left, drift.ignored),
            *(_unmanaged(drift) if with_unmanaged else ()),
        ),
        stops=tuple(each for each in drift.findings if each.stops),
        warnings=(
            *unread_findings(drift.unread),
            *(each for each in drift.findings if not each.stops),
        ),
        orphans=drift.orphans,
        orphans_count=drift.counts_orphans,
        exposed=exposed(groups, DRIFT),
        refused=refused(groups, DRIFT),
        perspective=DRIFT,
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
            "rules_ignored": drift.rules_ignored,
        },
        "group_names": dict(drift.group_names),
        "findings": [finding_to_json(each) for each in drift.findings],
        "orphans": [
            {
                **unmanaged_to_json(group),
                "severity": str(Severity.ORPHAN),
                "counted": drift.counts_orphans,
                **_who_to_json(group, drift.who),
            }
            for group in drift.orphans
        ],
        "refused_targets": [{**target_to_json(target), "status": status} for target, status in drift.refused],
        **({"ignored": [ignored_to_json(each) for each in drift.ignored]} if drift.ignored else {}),
        **({"unread_targets": [unread_to_json(each) for each in drift.unread]} if drift.unread else {}),
        "differences": [
            {
                **difference_to_json(each.difference, drift.group_names),
                "severity": str(each.severity),
                "counted": each.counted,
                **_history_to_json(each.difference, drift.who),
            }
            for each in drift.drifted
        ],
        **({"who_notes": list(drift.who.notes)} if drift.who is not None else {}),
        "unmanaged": [unmanaged_to_json(group) for group in (drift.unmanaged if with_unmanaged else ())],
        **end_to_json(view_drift(drift)),
    }


def _view(each: DriftedGroup, drift: Drift) -> GroupView:
    remark = str(each.severity) if each.counted else f"{each.severity}, not counted"
    tone: Tone = "change" if each.counted else "uncounted"
    view = view_difference(each.difference, drift.group_names, DRIFT, remark, tone)
    live, who = each.difference.live, drift.who
    changed_at = (format_time(live.updated_at),) if live is not None and live.updated_at is not None else ()
    if who is None:
        return replace(view, changed_at=changed_at)
    changes = who.of(each.difference)
    gaps = describe_gaps(changes) if not who.notes else ()
    return replace(view, changed_at=changed_at, deeds=view_changes(changes), remarks=(*view.remarks, *gaps))


def _history_to_json(difference: Difference, who: Who | None) -> Json:
    at = difference.live.updated_at if difference.live is not None else None
    return {"updated_at": format_time(at) if at is not None else None, **_who_to_json(difference, who)}


def _who_to_json(group: Changed, who: Who | None) -> Json:
    if who is None:
        return {}
    changes = who.of(group)
    return {
        "who": {
            "changes": [action_to_json(each) for each in changes.actions],
            "more": changes.more,
            "written": action_to_json(changes.written) if changes.written is not None else None,
        }
    }


def _who_left_orphans(drift: Drift) -> Iterator[str]:
    """Say of orphans who changed them last; of some of many."""
    if drift.who is None or drift.who.notes:
        return
    for each in drift.orphans[:MOST_NAMED]:
        changes = drift.who.of(each)
        said = next(map(str, view_changes(changes)), next(describe_gaps(changes), ""))
        yield f"orphan {each.name} ({each.target}): {said}"


def _unmanaged(drift: Drift) -> Iterator[str]:
    for group in drift.unmanaged:
        rules = count(group.rules, "rule")
        yield f"unmanaged: {group.name} ({group.target}, {group.id}), {rules}, not counted"
