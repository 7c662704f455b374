"""A view as workflow commands: annotations on the YAML lines of a pull request, and the summary."""

from collections.abc import Iterable, Iterator

from reconciler.model.place import Place, position_of
from reconciler.model.text import printable
from reconciler.render.condense import describe_groups
from reconciler.render.findings import describe_finding
from reconciler.render.view import GroupView, Perspective, View

_LEVELS = {"change": "notice", "good": "notice", "bad": "error", "uncounted": "notice"}


def render_github(view: View) -> str:
    """Write an annotation for every group and every finding (GitHub Actions, "Workflow commands").

    A page shows the first ten of a step of each level, so what is said of the whole plan comes before its groups.
    """
    return "\n".join(_lines(view)) + "\n"


def _lines(view: View) -> Iterator[str]:
    for each in view.exposed:
        where = describe_groups(each.groups)
        text = f"{each.line.text} ({each.line.size})"
        yield _command("warning", f"sgctl {view.kind}: {each.line.alarm}", [text, where], None)
    for warning in view.warnings:
        yield _command("warning", f"sgctl {view.kind}", [describe_finding(warning)], warning.place)
    for stop in view.stops:
        yield _command("error", f"sgctl {view.kind}: {view.perspective.stop}", [describe_finding(stop)], stop.place)
    for note in view.notes:
        yield _command("notice", f"sgctl {view.kind}", [note], None)
    for group in sorted(view.groups, key=lambda group: not _alarms(group)):
        yield _command(_level(view, group), group.title, _details(group, view.perspective), group.place)
    if view.groups and view.perspective.legend:
        yield _command("notice", f"sgctl {view.kind}: words", [view.perspective.legend], None)
    yield printable(view.summary)


def _level(view: View, group: GroupView) -> str:
    return "warning" if _alarms(group) or (view.kind == "drift" and group.tone == "change") else _LEVELS[group.tone]


def _alarms(group: GroupView) -> bool:
    return any(line.alarm for line in group.traffic or ())


def _details(group: GroupView, perspective: Perspective) -> Iterator[str]:
    if group.live_id:
        yield f"id {group.live_id}"
    for line in group.lines:
        yield f"{perspective.marks[line.symbol]} {line.text}" + (f"  {line.remark}" if line.remark else "")
    for traffic in group.traffic or ():
        yield f"{traffic.verb} {traffic.text} ({traffic.size})" + (f" {traffic.alarm.upper()}" if traffic.alarm else "")
    if group.traffic == ():
        yield "same traffic"
    yield from group.notes


def _command(level: str, title: str, lines: Iterable[str], place: Place | None) -> str:
    message = "%0A".join(_data(line) for line in lines) or _data(title)
    where = ""
    position = position_of(place)
    if position is not None:
        where = f"file={_property(position.path)},line={position.line},col={position.column},"
    if place != position:  # plain data has no line to annotate, and a rule of a rule set two
        message = f"{_data(str(place))}: {message}"
    return f"::{level} {where}title={_property(title)}::{message}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
