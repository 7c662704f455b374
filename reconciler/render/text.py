"""A view on the terminal: one line a rule, readable without colour and in 80 columns."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

import click

from reconciler.model.errors import Issue, SgctlError
from reconciler.model.text import printable, without_commands
from reconciler.render.view import GroupView, Line, Remark, View

_COLOURS = {"+": "green", "~": "yellow", "-": "red", "!": "red"}
_TONES = {"good": "green", "bad": "red", "uncounted": "white"}
_FIELD = 46
"""Columns of a rule before its remark."""
_LEAST_REMARK = 12
"""With less room beside the rule, its remark goes to the next line."""


def render_text(view: View, width: int = 80) -> str:
    """Write a view; colours are ANSI codes, which click takes out where the stream is no terminal."""
    groups = "".join(f"{line}\n" for group in view.groups for line in (*_group_lines(group, width), ""))
    return without_commands(groups + "".join(f"{line}\n" for line in _end(view, width)))


def render_error(error: SgctlError) -> str:
    """Write an error: every issue with its place, its line and a caret; then what to do."""
    lines = [f"{click.style('error:', fg='red', bold=True)} {printable(error.message, keep_lines=True)}"]
    if error.hint:
        lines.append(f"{click.style('hint:', fg='cyan')} {printable(error.hint)}")
    return without_commands("\n".join(lines)) + "\n"


def render_issue(issue: Issue, width: int = 80) -> str:
    """Write one issue of a file."""
    message = printable(f"{issue.message} [{issue.name}]")
    lines = [f"{printable(str(issue.place))}: {click.style('error:', fg='red', bold=True)} {message}"]
    if issue.line is not None:
        shown, caret = _crop(issue.line, issue.caret, width - 4)
        lines += [f"  | {shown}", "    " + " " * caret + click.style("^", fg="green", bold=True)]
    if issue.fix:
        lines.append(f"    {click.style('fix:', fg='cyan')} {printable(issue.fix)}")
    lines += [f"    {printable(f'{place}: {what}')}" for what, place in issue.related]
    return without_commands("\n".join(lines)) + "\n"


def _end(view: View, width: int) -> Iterator[str]:
    for each in view.openings:
        label = f"{each.alarm}:"
        text = printable(f"{each.text} ({each.size}) in {each.where}")
        yield _labelled(label, {"fg": "red", "bold": True}, text, width)
    for note in view.notes:
        yield _labelled("note:", {}, printable(note), width)
    for warning in view.warnings:
        yield _labelled("warning:", {"fg": "yellow", "bold": True}, _remark(warning), width)
    yield click.style(fold(printable(view.summary), width), bold=True)
    for stop in view.stops:
        label = "stopped:" if view.kind == "plan" else "counts:"
        yield _labelled(label, {"fg": "red", "bold": True}, _remark(stop), width)


def _labelled(label: str, style: Mapping[str, Any], text: str, width: int) -> str:
    return click.style(label, **style) + fold(f"{label} {text}", width).removeprefix(label)


def _remark(remark: Remark) -> str:
    return printable(f"{remark.place}: {remark.message}" if remark.place else remark.message)


def _group_lines(group: GroupView, width: int) -> Iterator[str]:
    colour = _TONES.get(group.tone) or _COLOURS[group.symbol]
    yield click.style(f"{group.symbol} {printable(group.title)}", fg=colour, bold=True)
    if group.place or group.live_id:
        yield click.style(_identity(group, width), dim=True)
    for line in group.lines:
        yield _line(line, width)
    yield from _traffic_lines(group, width)
    if group.unchanged:
        yield click.style(f"    {group.unchanged} rule{'s' if group.unchanged > 1 else ''} unchanged", dim=True)
    for note in group.notes:
        yield fold(f"    note: {printable(note)}", width, 6)


def _identity(group: GroupView, width: int) -> str:
    """Write where a group is asked for and which one it is: on one line, where that is wide enough."""
    parts = [
        f"  {printable(part)}" for part in (str(group.place or ""), group.live_id and f"id {group.live_id}") if part
    ]
    return ("" if sum(map(len, parts)) <= width else "\n").join(parts)


def _traffic_lines(group: GroupView, width: int) -> Iterator[str]:
    if group.traffic == ():
        yield click.style("    same traffic", dim=True)
    for line in group.traffic or ():
        text = fold(f"    {line.verb:<6} {printable(line.text)}", width, 11)
        size = printable(f"{line.size}, {line.alarm.upper()}" if line.alarm else line.size)
        loud = bool(line.alarm)
        gap = "  " if len(text.rpartition("\n")[2]) + 2 + len(size) <= width else "\n           "
        yield (
            click.style(text, bold=loud, fg="red" if loud else None) + gap + click.style(size, bold=loud, dim=not loud)
        )


def _line(line: Line, width: int) -> str:
    colour, text, remark = _COLOURS[line.symbol], f"  {line.symbol} {printable(line.text)}", printable(line.remark)
    if not remark:
        return click.style(fold(text, width, 6), fg=colour)
    start = f"{text:<{_FIELD}}"
    room = width - len(start) - 2
    if line.symbol != "~" and room >= _LEAST_REMARK:
        remark = shorten_line(remark, room)
    if len(remark) <= room:
        return click.style(start, fg=colour) + "  " + click.style(remark, dim=line.symbol != "~")
    below = fold(f"      {remark}", width, 6) if line.symbol == "~" else shorten_line(f"      {remark}", width)
    return click.style(text, fg=colour) + "\n" + click.style(below, dim=line.symbol != "~")


def fold(text: str, width: int, indent: int = 2) -> str:
    """Break a text between words into lines of a width; the first keeps its own indent. Places stay whole."""
    if len(text) <= width and text.isprintable() and not text.endswith(" "):
        return text
    lines = wrap(text, max(width, 40), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def shorten_line(text: str, width: int) -> str:
    """Cut a text to a width, with an ellipsis where something is missing."""
    return text if len(text) <= width else text[: width - 1] + "…"


def _crop(line: str, column: int, width: int) -> tuple[str, int]:
    """Cut a long line around a column; return it with the caret's offset."""
    start = max(0, column - 1 - width // 2) if len(line) > width else 0
    return printable(line[start : start + width].replace("\t", " "), keep_length=True), column - 1 - start
