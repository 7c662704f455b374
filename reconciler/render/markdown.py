"""A view as Markdown, made for a comment on a pull request: summary first, groups folded, never longer than allowed."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from html import escape
from typing import TypeVar

from reconciler.model.policies import Finding
from reconciler.model.text import printable
from reconciler.render.condense import describe_groups, opens_to_public
from reconciler.render.findings import describe_finding
from reconciler.render.page import anchor
from reconciler.render.view import Failure, GroupRef, GroupView, Perspective, Reach, View

MAX_LENGTH = 60_000
"""Characters. GitHub takes 65,536 in a comment; the rest is for what others put around it."""

_TITLES = {"plan": "sgctl plan", "drift": "sgctl drift", "apply": "sgctl apply"}


def render_markdown(view: View) -> str:
    """Write a view. Groups that do not fit any more are counted in a note at the end.

    Those that open to the internet are the last to be left out, so that others cannot push them out.
    """
    notes = _within(_notes(view), MAX_LENGTH // 8)  # the first say by what a plan was judged, and are never cut
    head = "\n".join((*_within(_head(view), MAX_LENGTH * 3 // 8), *notes)) + "\n"
    parts: dict[int, str] = {}
    room = MAX_LENGTH - 200 - len(head)
    by_weight = sorted(enumerate(view.groups), key=lambda each: not any(map(opens_to_public, each[1].traffic or ())))
    for index, group in by_weight:
        part = "\n".join(_group(group, view.perspective, view.page_url)) + "\n"
        room -= len(part)
        if room < 0:
            break
        parts[index] = part
    left = sum(len(group.members) or 1 for index, group in enumerate(view.groups) if index not in parts)
    plural = "s" if left > 1 else ""
    cut = f"\n_Cut here: {left} more group{plural}. The whole is in the job's output._\n" if left else ""
    return head + "".join(parts[index] for index in sorted(parts)) + cut


def _within(lines: Iterator[str], room: int) -> Iterator[str]:
    """Pass lines on as long as there is room: one remark may name a thousand prefixes."""
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            yield "\n_Cut here: more remarks. The whole is in the job's output._"
            return
        yield line


def _head(view: View) -> Iterator[str]:
    """Say what matters first: the groups are folded, and a comment is read from its beginning."""
    yield f"### {_TITLES[view.kind]}"
    yield ""
    yield f"**{_inline(view.summary)}**"
    word = view.perspective.stop.capitalize()
    yield from (f"\n> [!CAUTION]\n> **{word}:** {stop}" for stop in _cut(view.stops, _finding))
    yield from (
        f"\n> [!CAUTION]\n> {failure}" for failure in _cut(view.failures, partial(_failure, page=view.page_url))
    )
    yield from (f"\n> [!WARNING]\n> {reach}" for reach in _cut(view.exposed, partial(_reach, page=view.page_url)))
    if view.refused:
        yield f"\n**{view.perspective.refused.capitalize()}:**\n"
        yield from (f"- {reach}" for reach in _cut(view.refused, partial(_reach, page=view.page_url)))
    yield from (f"\n> [!WARNING]\n> {warning}" for warning in _cut(view.warnings, _finding))


def _notes(view: View) -> Iterator[str]:
    yield from (f"\n- {note}" for note in _cut(view.notes, _inline))
    if view.groups and view.perspective.legend:
        yield f"\n_{_inline(view.perspective.legend)}_"


_T = TypeVar("_T")
_MOST = 50
"""Remarks that are written out; more are counted."""


def _cut(items: Sequence[_T], write: Callable[[_T], str]) -> Iterator[str]:
    yield from map(write, items[:_MOST])
    if len(items) > _MOST:
        yield f"… and {len(items) - _MOST} more"


def _finding(finding: Finding) -> str:
    place = f" (<code>{_html(str(finding.place))}</code>)" if finding.place else ""
    return f"{_inline(describe_finding(finding))}{place}"


def _failure(failure: Failure, page: str) -> str:
    reason = f": {_inline(failure.reason)}" if failure.reason else ""
    return f"**{failure.status.capitalize()}:** {_where(failure.groups, page)}{reason}"


def _reach(reach: Reach, page: str) -> str:
    alarm = f"**{reach.line.alarm.capitalize()}:** " if reach.line.alarm else ""
    size = f" ({_html(reach.line.size)})" if reach.line.size else ""
    number = "" if len(reach.groups) == 1 else f"{len(reach.groups)} groups: "
    return f"{alarm}<code>{_html(reach.line.text)}</code>{size} at {number}{_where(reach.groups, page)}"


_MOST_LINKS = 8


def _where(groups: Sequence[GroupRef], page: str) -> str:
    """Name groups; with the address of a page, the first of them link to their places in it."""
    named = _inline(describe_groups(groups))
    if not page:
        return named
    links = ", ".join(_link(ref, f"{ref.name} ({ref.target})", page) for ref in groups[:_MOST_LINKS])
    return links if len(groups) <= _MOST_LINKS else f"{named}; see {links}, …"


def _link(ref: GroupRef, words: str, page: str) -> str:
    return f'<a href="{_html(page)}#{anchor(ref.target, ref.name)}">{_html(words)}</a>'


def _group(group: GroupView, perspective: Perspective, page: str) -> Iterator[str]:
    yield ""
    sign = f"<code>{group.symbol}</code> " if perspective.is_signed else ""
    yield f"<details><summary>{sign}{_html(group.title)}</summary>"
    yield ""
    if group.members:
        yield f"{_where(group.members, page)}\n"
    elif page:
        yield f"{_link(group.ref, 'in the page', page)}\n"
    body = [*_body(group, perspective)]
    fence = "`" * max(3, 1 + max((len(run) for line in body for run in re.findall("`+", line)), default=0))
    if body:
        yield f"{fence}diff" if perspective.is_signed else f"{fence}text"
        yield from body
        yield fence
    if where := [] if group.members else [_html(part) for part in (str(group.place or ""), group.live_id) if part]:
        yield f"\n<code>{'</code> · <code>'.join(where)}</code>"
    yield "\n</details>"


def _body(group: GroupView, perspective: Perspective) -> Iterator[str]:
    """The lines of a diff block, whose first character colours them: `!` is what changed. Drift has words for that."""
    for line in group.lines:
        mark = "!" if perspective.is_signed and line.symbol == "~" else perspective.marks[line.symbol]
        remark = f"  # {line.remark}" if line.remark else ""
        yield printable(f"{mark} {line.text}{remark}")
    for traffic in group.traffic or ():
        loud = f"  {traffic.alarm.upper()}" if traffic.alarm else ""
        sign = "" if not perspective.is_signed else "+ " if traffic.verb == perspective.opened else "- "
        size = f"  ({traffic.size})" if traffic.size else ""
        yield printable(f"{sign}{traffic.verb} {traffic.text}{size}{loud}")
    if group.traffic == ():
        yield "  same traffic"
    if group.unchanged:
        yield f"  {group.unchanged} rule{'s' if group.unchanged > 1 else ''} unchanged"
    for note in group.notes:
        yield printable(f"  note: {note}")


_ENTITIES = {ord(sign): f"&#{ord(sign)};" for sign in "@`*_[]\\|~#$"}


def _html(text: str) -> str:
    """Escape a text within a tag: also what would call somebody, and what Markdown would read as markup there."""
    return escape(printable(text)).translate(_ENTITIES)


def _inline(text: str) -> str:
    """Escape what Markdown or HTML would read as markup or a formula in running text, and what would call somebody."""
    escaped = re.sub(r"([\\`*_\[\]~|#@])", r"\\\1", escape(printable(text), quote=False))
    return escaped.replace("\\@", "@<!-- -->").replace("$", "&#36;")
