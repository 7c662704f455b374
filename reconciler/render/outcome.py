"""How an apply ended, as a view and as JSON. "Applied" is said only of what was read back."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from reconciler.applying.apply import Report
from reconciler.applying.outcome import Result, Status
from reconciler.model.json_form import json_text
from reconciler.planning.diff import Action
from reconciler.render.formats import render
from reconciler.render.view import GroupView, View

FORMAT_VERSION = 1

_SYMBOLS: Mapping[Action, Any] = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}
_DONE = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted"}


def render_report(report: Report, format_: str = "text", width: int = 80) -> str:
    """Write an outcome in one of the formats."""
    if format_ == "json":
        return json_text(report_to_json(report)) + "\n"
    return render(view_report(report), format_, width)


def view_report(report: Report) -> View:
    """Describe what was applied, what failed and what was left."""
    return View("apply", groups=tuple(_view(result) for result in report.results), summary=summarize_outcome(report))


def summarize_outcome(report: Report) -> str:
    """Count how the groups ended, in one line."""
    counts = Counter(_word(result) for result in report.results)
    return "Applied: " + (", ".join(f"{number} {word}" for word, number in counts.items()) or "nothing") + "."


def report_to_json(report: Report) -> dict[str, Any]:
    """Write an outcome as JSON data, as `schemas/outcome.schema.json` describes it."""
    return {
        "format_version": FORMAT_VERSION,
        "exit_code": report.error.exit_code if report.error else 0,
        "results": [
            {
                "action": str(result.change.difference.action),
                "project_id": result.change.difference.target.project_id,
                "region_id": result.change.difference.target.region_id,
                "id": result.group_id,
                "name": result.change.difference.name,
                "status": str(result.status),
                "message": result.message,
                "hint": result.hint,
                "error": result.details.to_json() or None,
            }
            for result in report.results
        ],
    }


def _view(result: Result) -> GroupView:
    difference = result.change.difference
    is_applied = result.status is Status.APPLIED
    return GroupView(
        symbol=_SYMBOLS[difference.action],
        name=difference.name,
        title=f"{_word(result)} {difference.name} ({difference.target})",
        place=difference.place,
        live_id=result.group_id or "",
        lines=(),
        traffic=None,
        unchanged=0,
        notes=tuple(filter(None, (result.message, result.hint))),
        tone="good" if is_applied else "bad",
    )


def _word(result: Result) -> str:
    if result.status is Status.APPLIED:
        return _DONE[result.change.difference.action]
    return str(result.status)
