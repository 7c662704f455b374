"""How an apply ended, as a view and as JSON. "Applied" is said only of what was read back."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.applying.apply import Report
from reconciler.applying.outcome import Result, Status
from reconciler.model.json_form import json_text, target_to_json
from reconciler.model.rule import NO_NAMES
from reconciler.model.text import count
from reconciler.planning.diff import Action, Difference
from reconciler.render.condense import reason_of
from reconciler.render.formats import render
from reconciler.render.plan import SYMBOLS, exposed, refused, view_difference, view_end
from reconciler.render.view import PLAN, Failure, GroupRef, GroupView, Made, View, end_to_json
from reconciler.traffic import flow_json

FORMAT_VERSION = 1

_DONE = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted"}


def render_report(
    report: Report,
    format_: str = "text",
    width: int = 80,
    *,
    names: Mapping[str, str] = NO_NAMES,
    expand: bool = False,
    made: Made | None = None,
    page_url: str = "",
) -> str:
    """Write an outcome in one of the formats; `names` maps ids of remote groups to their names.

    `made` and `page_url` are as in `View`.
    """
    if format_ == "json":
        return json_text(report_to_json(report, names)) + "\n"
    shown = replace(view_report(report, names), made=made, page_url=page_url)
    return render(shown, format_, width, expand=expand)


def view_report(report: Report, names: Mapping[str, str] = NO_NAMES) -> View:
    """Describe what was applied and what that means for traffic, what failed and what was left."""
    names = {**names, **{each.group_id: each.change.difference.name for each in report.results if each.group_id}}
    done = tuple(view_end(each, names) for each in map(_done, report.results) if each)
    return View(
        "apply",
        groups=tuple(_view(result, names) for result in report.results),
        summary=summarize_outcome(report),
        exposed=exposed(done, PLAN),
        refused=refused(done, PLAN),
        failures=_failures(report),
    )


def _done(result: Result) -> Difference | None:
    """Return what is live of a change: all of it, a part, or nothing that anybody knows of."""
    return result.change.difference if result.status is Status.APPLIED else result.done


def _failures(report: Report) -> tuple[Failure, ...]:
    """Collect the groups that are not as planned, by the reason that they have in common."""
    groups: defaultdict[tuple[str, str, str], list[GroupRef]] = defaultdict(list)
    for result in report.results:
        if result.status is not Status.APPLIED:
            difference = result.change.difference
            reason = (str(result.status), reason_of(result.message), result.hint or "")
            groups[reason].append(GroupRef(difference.name, difference.target, difference.place))
    return tuple(Failure(*reason, tuple(refs)) for reason, refs in groups.items())


def summarize_outcome(report: Report) -> str:
    """Count how the groups ended, in one line."""
    counts = Counter(_word(result) for result in report.results)
    counted = ", ".join(f"{number} {word}" for word, number in counts.items()) or "nothing"
    applied = sum(result.status is Status.APPLIED for result in report.results)
    if applied == len(report.results):
        return f"Applied: {counted}."
    return f"Applied {applied} of {count(len(report.results), 'group')}: {counted}."


def report_to_json(report: Report, names: Mapping[str, str] = NO_NAMES) -> dict[str, Any]:
    """Write an outcome as JSON data, as `schemas/outcome.schema.json` describes it."""
    return {
        "format_version": FORMAT_VERSION,
        "exit_code": report.error.exit_code if report.error else 0,
        "results": [
            {
                "action": str(result.change.difference.action),
                **target_to_json(result.change.difference.target),
                "id": result.group_id or (live.id if (live := result.change.difference.live) else None),
                "name": result.change.difference.name,
                "status": str(result.status),
                "message": result.message,
                "hint": result.hint,
                "error": result.details.to_json() or None,
                "touched": result.touched,
                "done": None if result.done is None else _done_to_json(result.done, names),
            }
            for result in report.results
        ],
        **end_to_json(view_report(report, names)),
    }


def _done_to_json(done: Difference, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "rules_created": len(done.creates),
        "rules_deleted": len(done.deletes),
        "rules_redescribed": len(done.redescribes),
        "opens": flow_json.to_json(done.traffic.opens, names),
        "closes": flow_json.to_json(done.traffic.closes, names),
    }


def _view(result: Result, names: Mapping[str, str]) -> GroupView:
    difference = result.change.difference
    is_applied = result.status is Status.APPLIED
    view = GroupView(SYMBOLS[difference.action], "", GroupRef(difference.name, difference.target, difference.place))
    if result.done is not None:
        view = view_difference(result.done, names)
    return replace(
        view,
        word=_word(result),
        remark=_remark(result),
        live_id=result.group_id or "",
        remarks=tuple(filter(None, (result.message, result.hint))),
        tone="good" if is_applied else "bad",
    )


def _remark(result: Result) -> str:
    """Say how much of a change that did not end well is live; a group that was to be deleted is there, or is not."""
    if not result.touched or result.status is Status.APPLIED or result.change.difference.action is Action.DELETE:
        return ""
    if result.done is None:
        return "what of it is live is not known"
    return "nothing of it is live" if result.done.is_empty else "this part of it is live"


def _word(result: Result) -> str:
    if result.status is Status.APPLIED:
        return _DONE[result.change.difference.action]
    return str(result.status)
