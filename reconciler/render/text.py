"""A view on the terminal: one line a rule, readable without colour and in 80 columns."""

import re
from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from typing import Any

import click

from reconciler.model.policies import Finding
from reconciler.model.text import printable, without_commands
from reconciler.render.condense import describe_groups
from reconciler.render.findings import describe_finding
from reconciler.render.view import GroupView, Line, Perspective, Reach, View

_COLOURS = {"+": "green", "~": "yellow", "-": "red", "!": "red"}
_DRIFT_COLOURS = {"+": "cyan", "~": "yellow", "-": "magenta", "!": "red"}
_TONES = {"good": "green", "bad": "red", "uncounted": "reset"}
_LEAST_REMARK = 12
"""Columns that are kept for remarks beside the lines of a group; with less, a remark goes to the next line."""


def render_text(view: View, width: int = 80) -> str:
    """Write a view; colours are ANSI codes, which click takes out where the stream is no terminal.

    What matters most comes last, where the eye is: what is open to the world, what is refused, guardrails, failures,
    and the summary in one line.
    """
    colours = _DRIFT_COLOURS if view.kind == "drift" else _COLOURS
    groups = "".join(
        f"{line}\n" for group in view.groups for line in (*_group_lines(group, view.perspective, colours, width), "")
    )
    return without_commands(groups + "".join(f"{line}\n" for line in _end(view, width)))


def _end(view: View, width: int) -> Iterator[str]:
    if view.groups and view.perspective.legend:
        yield click.style(fold(view.perspective.legend, width, 0), dim=True)
    for note in view.notes:
        yield _labelled("note:", {}, printable(note), width)
    for reach in view.exposed:
        yield _reach(reach, reach.line.alarm.upper(), {"fg": "red", "bold": True}, width)
    for reach in view.refused:
        yield _reach(reach, view.perspective.refused, {"fg": "yellow"}, width)
    for warning in view.warnings:
        yield _labelled("warning:", {"fg": "yellow", "bold": True}, _finding(warning), width)
    for stop in view.stops:
        yield _labelled(f"{view.perspective.stop}:", {"fg": "red", "bold": True}, _finding(stop), width)
    for failure in view.failures:
        said = (
            f"{describe_groups(failure.groups)}: {failure.reason}"
            if failure.reason
            else describe_groups(failure.groups)
        )
        yield _labelled(f"{failure.status}:", {"fg": "red", "bold": True}, printable(said), width)
    yield click.style(printable(view.summary), bold=True)


def _labelled(label: str, style: Mapping[str, Any], text: str, width: int) -> str:
    return click.style(label, **style) + fold(f"{label} {text}", width).removeprefix(label)


def _reach(reach: Reach, label: str, style: Mapping[str, Any], width: int) -> str:
    number = "" if len(reach.groups) == 1 else f"{len(reach.groups)} groups: "
    return _labelled(
        f"{label}:", style, printable(f"{reach.line.text} at {number}{describe_groups(reach.groups)}"), width
    )


def _finding(finding: Finding) -> str:
    return printable(f"{finding.place}: " if finding.place else "") + printable(describe_finding(finding))


def _group_lines(group: GroupView, perspective: Perspective, colours: Mapping[str, str], width: int) -> Iterator[str]:
    colour = _TONES.get(group.tone) or colours[group.symbol]
    sign = f"{group.symbol} " if perspective.is_signed else ""
    yield click.style(f"{sign}{printable(group.title)}", fg=colour, bold=True)
    if group.members:
        yield click.style(fold(f"    {printable(describe_groups(group.members))}", width, 4), dim=True)
        if group.live_id:
            yield click.style(fold(f"    id {printable(group.live_id)}", width, 7), dim=True)
    elif group.place or group.live_id:
        yield click.style(_identity(group, width), dim=True)
    widest = max((len(perspective.marks[line.symbol]) for line in group.lines), default=0)
    texts = [f"  {perspective.marks[line.symbol]:<{widest}} {printable(line.text)}" for line in group.lines]
    column = _column([text for text, line in zip(texts, group.lines, strict=True) if line.remark], width)
    for text, line in zip(texts, group.lines, strict=True):
        yield _line(text, line, colours[line.symbol], column, width)
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


def _column(texts: Iterable[str], width: int) -> int:
    """Return where what stands beside texts begins: after the longest that leaves room for it."""
    return max((len(text) for text in texts if len(text) + 2 + _LEAST_REMARK <= width), default=0) + 2


def _traffic_lines(group: GroupView, width: int) -> Iterator[str]:
    if group.traffic == ():
        yield click.style("    same traffic", dim=True)
    lines = group.traffic or ()
    texts = [f"    {line.verb:<6} {printable(line.text)}" for line in lines]
    sizes = [printable(", ".join(filter(None, (line.size, line.alarm.upper())))) for line in lines]
    fits = [len(text) + 2 + len(size) <= width for text, size in zip(texts, sizes, strict=True)]
    column = max((len(text) for text, is_short in zip(texts, fits, strict=True) if is_short), default=0) + 2
    for line, text, size in zip(lines, texts, sizes, strict=True):
        style: Mapping[str, Any] = {"fg": "red", "bold": True} if line.alarm else {}
        if not size:
            yield click.style(fold(text, width, 11), **style)
        elif len(text) < column and column + len(size) <= width:
            yield click.style(f"{text:<{column}}", **style) + click.style(size, **style or {"dim": True})
        else:
            yield (
                click.style(fold(text, width, 11), **style)
                + "\n           "
                + click.style(size, **style or {"dim": True})
            )


def _line(text: str, line: Line, colour: str, column: int, width: int) -> str:
    remark = printable(line.remark)
    if not remark:
        return click.style(fold(text, width, 6), fg=colour)
    start, room = f"{text:<{column}}", width - column
    is_short = len(start) == column and (len(remark) <= room or line.symbol != "~")
    if is_short:
        return click.style(start, fg=colour) + click.style(shorten_line(remark, room), dim=True)
    below = fold(f"      {remark}", width, 6) if line.symbol == "~" else shorten_line(f"      {remark}", width)
    return click.style(fold(text, width, 6), fg=colour) + "\n" + click.style(below, dim=True)


_TARGET = re.compile(r"\(project [^,]{1,60}, regions? (?:[^()]{1,60} )?\(?[0-9]+\)?\)")
_FENCE = re.compile(r" +(?=(?:`{3,}|~{3,})(?: |$))")
"""What would end a block of code by which a bot quotes the text (CommonMark 4.5), if a line held nothing else."""
_TIE = "\xa0"


def fold(text: str, width: int, indent: int = 2) -> str:
    """Break a text between words into lines of a width; the first keeps its indent. Places and targets stay whole.

    Foreign text never makes a line that ends a block of code, by which a bot may quote all of it.
    """
    if len(text) <= width and text.isprintable() and not text.endswith(" "):
        return text
    for whole in (_TARGET, _FENCE):
        text = whole.sub(lambda found: found[0].replace(" ", _TIE), text)
    lines = wrap(text, max(width, 40), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(_TIE, " ")


def shorten_line(text: str, width: int) -> str:
    """Cut a text to a width, with an ellipsis where something is missing."""
    return text if len(text) <= width else text[: width - 1] + "…"
