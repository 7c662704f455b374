"""A view as Markdown, made for a comment on a pull request: summary first, groups folded, never longer than allowed."""

import re
from collections.abc import Iterator
from html import escape

from reconciler.model.text import printable
from reconciler.render.view import GroupView, Remark, View

MAX_LENGTH = 60_000
"""Characters. GitHub takes 65,536 in a comment; the rest is for what others put around it."""

_TITLES = {"plan": "sgctl plan", "drift": "sgctl drift", "apply": "sgctl apply"}


def render_markdown(view: View) -> str:
    """Write a view. Groups that do not fit any more are counted in a note at the end."""
    head = "\n".join(_within(_head(view), MAX_LENGTH // 2)) + "\n"
    parts, length = [head], len(head)
    for index, group in enumerate(view.groups):
        part = "\n".join(_group(group)) + "\n"
        if length + len(part) > MAX_LENGTH - 200:
            left = len(view.groups) - index
            parts.append(
                f"\n_Cut here: {left} more group{'s' if left > 1 else ''}. The whole is in the job's output._\n"
            )
            break
        parts.append(part)
        length += len(part)
    return "".join(parts)


def _within(lines: Iterator[str], room: int) -> Iterator[str]:
    """Pass lines on as long as there is room: one remark may name a thousand prefixes."""
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            yield "\n_Cut here: more remarks. The whole is in the job's output._"
            return
        yield line


def _head(view: View) -> Iterator[str]:
    yield f"### {_TITLES[view.kind]}"
    yield ""
    yield f"**{_inline(view.summary)}**"
    for stop in _cut(view.stops):
        yield f"\n> [!CAUTION]\n> **Stopped:** {stop}"
    for line in _loud(view):
        yield f"\n> [!WARNING]\n> {line}"
    for warning in _cut(view.warnings):
        yield f"\n> [!WARNING]\n> {warning}"
    for note in view.notes[:_MOST]:
        yield f"\n- {_inline(note)}"
    if len(view.notes) > _MOST:
        yield f"\n- … and {len(view.notes) - _MOST} more"


_MOST = 50
"""Remarks that are written out; more are counted."""


def _cut(remarks: tuple[Remark, ...]) -> Iterator[str]:
    for remark in remarks[:_MOST]:
        place = f" (<code>{_html(str(remark.place))}</code>)" if remark.place else ""
        yield f"{_inline(remark.message)}{place}"
    if len(remarks) > _MOST:
        yield f"… and {len(remarks) - _MOST} more"


def _loud(view: View) -> Iterator[str]:
    """Say before everything else what is open to the world or wide, for the groups are folded."""
    for each in view.openings[:_MOST]:
        yield (
            f"**{each.alarm.capitalize()}:** <code>{_html(each.text)}</code> ({_html(each.size)}) "
            f"in <code>{_html(each.where)}</code>"
        )
    if len(view.openings) > _MOST:
        yield f"… and {len(view.openings) - _MOST} more such openings"


def _group(group: GroupView) -> Iterator[str]:
    yield ""
    yield f"<details><summary><code>{group.symbol}</code> {_html(group.title)}</summary>"
    yield ""
    body = [*_body(group)]
    fence = "`" * max(3, 1 + max((len(run) for line in body for run in re.findall("`+", line)), default=0))
    if body:
        yield f"{fence}diff"
        yield from body
        yield fence
    if group.place:
        yield f"\n<code>{_html(str(group.place))}</code>"
    yield "\n</details>"


def _body(group: GroupView) -> Iterator[str]:
    """The lines of a diff block, whose first character colours them: `!` is what changed."""
    for line in group.lines:
        remark = f"  # {line.remark}" if line.remark else ""
        yield printable(f"{'!' if line.symbol == '~' else line.symbol} {line.text}{remark}")
    for traffic in group.traffic or ():
        loud = f"  {traffic.alarm.upper()}" if traffic.alarm else ""
        sign = "+" if traffic.verb in {"opens", "lacks"} else "-"
        yield printable(f"{sign} {traffic.verb} {traffic.text}  ({traffic.size}){loud}")
    if group.traffic == ():
        yield "  same traffic"
    if group.unchanged:
        yield f"  {group.unchanged} rule{'s' if group.unchanged > 1 else ''} unchanged"
    for note in group.notes:
        yield printable(f"  note: {note}")


_ENTITIES = {ord(sign): f"&#{ord(sign)};" for sign in "@`*_[]\\|~#"}


_ENTITIES = {ord(sign): f"&#{ord(sign)};" for sign in "@`*_[]\\|~#"}


def _html(text: str) -> str:
    """Escape a text within a tag: also what would call somebody, and what Markdown would read as markup there."""
    return escape(printable(text)).translate(_ENTITIES)


def _inline(text: str) -> str:
    """Escape what Markdown or HTML would read as markup in running text, and what would call somebody."""
    return re.sub(r"([\\`*_\[\]~|#@])", r"\\\1", escape(printable(text), quote=False)).replace("\\@", "@<!-- -->")
