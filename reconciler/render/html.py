"""A view as one self-contained HTML page: no request leaves it, and its own policy forbids any.

Summary, findings, a filter, and each group with its live and its desired side next to each other. Works without
JavaScript, which only adds the filter; dark or light as the reader's system is.
"""

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from reconciler.model.text import printable
from reconciler.render.condense import describe_groups
from reconciler.render.view import GroupView, Line, Remark, TrafficLine, View

_TITLES = {"plan": "Plan", "drift": "Drift", "apply": "Apply"}
_KINDS = {"+": "create", "~": "update", "-": "delete", "!": "lost"}
_FEW = 5
"""Groups that are shown unfolded; with more of them a reader wants the overview first."""


def render_html(view: View) -> str:
    """Write the page."""
    folder = files("reconciler.render")
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return "\n".join(_page(view, style, script)) + "\n"


def _page(view: View, style: str, script: str) -> Iterator[str]:
    title = f"sgctl {view.kind}"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>"
    yield f"<header><h1>{_TITLES[view.kind]}</h1><p>{_text(view.summary)}</p></header>"
    yield "<main>"
    yield from _remarks("stop", "Stopped", view.stops)
    yield from _openings(view)
    yield from _remarks("warning", "Warning", view.warnings)
    yield from (f'<p class="remark note">{_text(note)}</p>' for note in view.notes)
    if len(view.groups) > 1:
        yield from _filter(view)
    for group in view.groups:
        yield from _group(group, is_open=len(view.groups) <= _FEW)
    yield f"</main>\n<script>\n{script}</script>\n</body>\n</html>"


def _remarks(kind: str, word: str, remarks: tuple[Remark, ...]) -> Iterator[str]:
    for remark in remarks:
        place = f" <code>{_text(str(remark.place))}</code>" if remark.place else ""
        yield f'<p class="remark {kind}"><strong>{word}:</strong> {_text(remark.message)}{place}</p>'


def _openings(view: View) -> Iterator[str]:
    for each in view.exposed:
        line = each.line
        yield (
            f'<p class="remark stop"><strong>{line.alarm.capitalize()}:</strong> <code>{_text(line.text)}</code> '
            f"({_text(line.size)}) in {_text(describe_groups(each.groups))}</p>"
        )


def _filter(view: View) -> Iterator[str]:
    yield '<form class="filter" hidden>'
    yield '<label>Filter <input type="search" name="text" placeholder="group, rule, tag"></label>'
    for symbol in dict.fromkeys(group.symbol for group in view.groups):
        kind = _KINDS[symbol]
        number = sum(group.symbol == symbol for group in view.groups)
        yield f'<label><input type="checkbox" name="kind" value="{kind}" checked> {kind} ({number})</label>'
    yield "<output></output></form>"


def _group(group: GroupView, *, is_open: bool) -> Iterator[str]:
    kind = _KINDS[group.symbol]
    state = " open" if is_open else ""
    yield f'<details class="group {kind} {group.tone}" data-kind="{kind}"{state}>'
    alarms = dict.fromkeys(line.alarm for line in group.traffic or () if line.alarm)
    loud = " ".join(f'<span class="loud">{alarm}</span>' for alarm in alarms)
    yield f'<summary><span class="symbol">{group.symbol}</span> {_text(group.title)} {loud}</summary>'
    where = " · ".join(filter(None, (str(group.place or ""), group.live_id)))
    if where:
        yield f'<p class="place"><code>{_text(where)}</code></p>'
    yield from _sides(group.lines)
    yield from _traffic(group.traffic)
    if group.unchanged:
        yield f'<p class="fold">{group.unchanged} rule{"s" if group.unchanged > 1 else ""} unchanged</p>'
    yield from (f'<p class="fold">{_text(note)}</p>' for note in group.notes)
    yield "</details>"


def _sides(lines: tuple[Line, ...]) -> Iterator[str]:
    if not lines:
        return
    yield '<table class="sides"><thead><tr><th></th><th>live</th><th>desired</th></tr></thead><tbody>'
    for line in lines:
        remark = f'<div class="field">{_text(line.change)}</div>' if line.change else ""
        yield (
            f'<tr class="{_KINDS[line.symbol]}"><td class="symbol">{line.symbol}</td>'
            f'<td class="live">{_text(line.live)}</td><td class="desired">{_text(line.desired)}{remark}</td></tr>'
        )
    yield "</tbody></table>"


def _traffic(lines: tuple[TrafficLine, ...] | None) -> Iterator[str]:
    if lines is None:
        return
    if not lines:
        yield '<p class="fold">same traffic</p>'
        return
    yield '<table class="traffic"><tbody>'
    for line in lines:
        mark = f'<span class="loud">{line.alarm}</span>' if line.alarm else ""
        yield (
            f'<tr class="{line.verb}"><th scope="row">{line.verb}</th><td>{_text(line.text)} {mark}</td>'
            f"<td>{_text(line.size)}</td></tr>"
        )
    yield "</tbody></table>"


def _text(text: str) -> str:
    return escape(printable(text))
