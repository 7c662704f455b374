"""A view as a page to review: what is dangerous first and open, each group with its two sides beside each other.

Banners link to groups, and so may a pull request: `page.anchor` names a group's place in every page. What a change
opens and closes is drawn as well. Bounded: what is left out is counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from reconciler.model.policies import Finding
from reconciler.model.text import count
from reconciler.render.condense import condense, merge_findings, shorten_end
from reconciler.render.findings import describe_finding
from reconciler.render.graph.svg import inline_svg
from reconciler.render.page import anchor, document, figure, filter_form, made, text, unique
from reconciler.render.view import Failure, GroupRef, GroupView, Line, Perspective, Reach, Symbol, TrafficLine, View

_TITLES = {"plan": "Plan", "drift": "Drift", "apply": "Apply"}
_KINDS: Mapping[Symbol, str] = {"+": "create", "~": "update", "-": "delete", "!": "lost"}
_WORDS: Mapping[Symbol, str] = {"+": "added", "~": "changed", "-": "removed", "!": "lost"}
_FEW = 5
"""Groups that are all shown unfolded; with more of them a reader wants the overview first."""
_MOST_OPEN = 500
"""Lines that are unfolded at first."""
_MOST_LINES = 25_000
_MOST_GROUPS = 5_000
_MOST_NAMED, _MOST_TARGETS = 12, 4
"""Names of groups in a banner, and targets of each."""
_MOST_REMARKS = 200
_MOST_DRAWN = 150
"""Groups of a picture within the page."""

_Anchors = Mapping[GroupRef, str]


def render_html(view: View) -> str:
    """Write the page."""
    intro = [f"<p>{text(view.summary)}</p>", *made(view.made)]
    is_drawn = bool(view.graphs) and sum(len(graph.nodes) for graph in view.graphs) <= _MOST_DRAWN
    title = f"sgctl {view.kind}"
    return document(
        title, _TITLES[view.kind], intro, _main(view, is_drawn=is_drawn), with_pictures=is_drawn, kind=view.kind
    )


def _main(view: View, *, is_drawn: bool) -> Iterator[str]:
    groups = sorted(view.groups, key=_urgency)
    names = unique(anchor(group.ref.target, group.name) for group in groups)
    anchors = {group.ref: name for group, name in zip(groups, names, strict=True)}
    end = shorten_end(view)
    yield from _remarks("stop", view.perspective.stop, map(_finding, merge_findings(view.stops)))
    for alarm in dict.fromkeys(reach.line.alarm for reach in end.exposed):
        here = (_reach(reach, anchors) for reach in end.exposed if reach.line.alarm == alarm)
        yield from _remarks("stop", alarm, here)
    for status in dict.fromkeys(failure.status for failure in view.failures):
        failed = (_failure(failure, anchors) for failure in view.failures if failure.status == status)
        yield from _remarks("stop", status, failed)
    yield from _remarks("warning", "warning", map(_finding, merge_findings(view.warnings)))
    yield from _remarks("refused", view.perspective.refused, (_reach(reach, anchors) for reach in end.refused))
    yield from _remarks("note", "", map(text, view.notes))
    if view.perspective.legend and view.groups:
        yield f'<p class="fold">{text(view.perspective.legend)}</p>'
    yield from _picture(view, anchors, is_drawn=is_drawn)
    if view.groups:
        yield "<h2>Groups</h2>"
    if len(groups) > _FEW:
        yield from _alike(view, anchors)
    if len(groups) > 1:
        yield from filter_form("group, rule, address, tag", Counter(group.word for group in groups))
    yield from _groups(view, groups, names)


def _picture(view: View, anchors: _Anchors, *, is_drawn: bool) -> Iterator[str]:
    """Draw the change; say where it is too much for a picture."""
    if not view.graphs:
        return
    words = ("opened", "closed") if view.perspective.is_signed else ("added live", "missing live")
    said = "changes" if view.perspective.is_signed else "differs"
    yield f"<section><h2>What {said}, as a picture</h2>"
    if is_drawn:
        drawn = inline_svg(view.graphs, "What changes", _linked(view, anchors), words)
        yield from figure(drawn, "Picture of the change")
    else:
        number = sum(len(graph.nodes) for graph in view.graphs)
        yield f'<p class="remark note">{number:,} groups and networks are over the limit of {_MOST_DRAWN} for it</p>'
    yield "</section>"


def _urgency(group: GroupView) -> tuple[bool, bool, bool, bool]:
    """Put first what is open to the world, then what is wide, what went wrong, and what is deleted."""
    lines = group.traffic or ()
    return (
        not any(line.alarm and line.is_world for line in lines),
        not any(line.alarm for line in lines),
        group.tone != "bad",
        group.symbol != "-",
    )


def _remarks(kind: str, word: str, remarks: Iterable[str]) -> Iterator[str]:
    """Write remarks, which are HTML, below each other; more than a reader can use are counted."""
    remarks = list(remarks)
    left = len(remarks) - _MOST_REMARKS
    label = f"<strong>{text(word.capitalize())}:</strong> " if word else ""
    for each in [*remarks[:_MOST_REMARKS], *([f"and {left:,} more"] if left > 0 else [])]:
        yield f'<p class="remark {kind}">{label}{each}</p>'


def _finding(finding: Finding) -> str:
    place = f" <code>{text(str(finding.place))}</code>" if finding.place else ""
    return f"{text(describe_finding(finding))}{place}"


def _failure(failure: Failure, anchors: _Anchors) -> str:
    said = " ".join(f"{each.rstrip('.')}." for each in (failure.reason, failure.hint) if each)
    return f"{text(said)} In {_links(failure.groups, anchors)}"


def _reach(reach: Reach, anchors: _Anchors) -> str:
    size = f" ({text(reach.line.size)})" if reach.line.size else ""
    return f"<code>{text(reach.line.text)}</code>{size} in {_links(reach.groups, anchors)}"


def _links(groups: Sequence[GroupRef], anchors: _Anchors) -> str:
    """Name groups as links; a name that is in several targets has a link for each, `web (1337/7, 1337/12)`."""
    by_name: defaultdict[str, list[GroupRef]] = defaultdict(list)
    for ref in dict.fromkeys(groups):
        by_name[ref.name].append(ref)
    links = []
    for name, (first, *others) in islice(by_name.items(), _MOST_NAMED):
        if not others:
            links.append(_link(first, name, anchors))
            continue
        targets = [_link(ref, ref.target.short, anchors) for ref in (first, *others)]
        more = f", and {len(targets) - _MOST_TARGETS} more" if len(targets) > _MOST_TARGETS else ""
        links.append(f"{text(name)} ({', '.join(targets[:_MOST_TARGETS])}{more})")
    more = f" and {len(by_name) - _MOST_NAMED} more" if len(by_name) > _MOST_NAMED else ""
    return ", ".join(links) + more


def _link(ref: GroupRef, words: str, anchors: _Anchors) -> str:
    return f'<a href="#{anchors[ref]}">{text(words)}</a>' if ref in anchors else text(words)


def _linked(view: View, anchors: _Anchors) -> list[dict[str, str]]:
    """Give the cards of each picture their groups in the page."""
    places = {(ref.target, ref.name): name for ref, name in anchors.items()}
    return [
        {
            node.key: places[graph.targets[0], node.title]
            for node in graph.nodes
            if node.kind == "group" and (graph.targets[0], node.title) in places
        }
        for graph in view.graphs
    ]


def _alike(view: View, anchors: _Anchors) -> Iterator[str]:
    """Say once what several groups have in common."""
    blocks = [block for block in condense(view).groups if block.members]
    opened, room = 0, _MOST_LINES
    for block in blocks:
        opened += _size(block)
        state = " open" if opened < _MOST_OPEN // 10 else ""
        yield f'<details class="alike"{state}><summary>{_head(block, view.perspective)}</summary>'
        yield f"<p>{_links(block.members, anchors)}</p>"
        yield from _body(block, room, view.perspective)
        yield "</details>"
        room = max(0, room - _size(block))


def _size(group: GroupView) -> int:
    return len(group.lines) + len(group.traffic or ())


def _groups(view: View, groups: Sequence[GroupView], names: Sequence[str]) -> Iterator[str]:
    opened, room = 0, _MOST_LINES
    is_large = sum(len(group.lines) for group in groups) > _MOST_LINES // 5
    yield f"<div{' class=many' if is_large else ''}>"
    for group, name in zip(groups[:_MOST_GROUPS], names, strict=False):
        is_urgent = _urgency(group)[:3] != (True, True, True)
        is_open = (is_urgent or len(groups) <= _FEW) and opened + _size(group) <= _MOST_OPEN
        opened += _size(group) if is_open else 0
        yield from _group(group, name, view.perspective, room, is_open=is_open)
        room = max(0, room - _size(group))
    yield "</div>"
    if len(groups) > _MOST_GROUPS:
        yield f'<p class="remark note">{len(groups) - _MOST_GROUPS} more groups are not shown; the JSON has all.</p>'


def _group(group: GroupView, name: str, perspective: Perspective, room: int, *, is_open: bool) -> Iterator[str]:
    kind = _KINDS[group.symbol]
    state = " open" if is_open else ""
    yield f'<details class="group {kind} {group.tone}" id="{name}" data-kind="{text(group.word)}"{state}>'
    yield f"<summary>{_head(group, perspective)}</summary>"
    where = " · ".join(filter(None, (str(group.place or ""), group.live_id)))
    link = f'<a class="here" href="#{name}" aria-label="Link to {text(group.name)}">#</a>'
    yield f'<p class="place">{link} <code>{text(where)}</code></p>'
    yield from _body(group, room, perspective)
    yield "</details>"


def _head(group: GroupView, perspective: Perspective) -> str:
    words = _WORDS if perspective.is_signed else perspective.marks
    counts = Counter(line.symbol for line in group.lines)
    said = ", ".join(
        f'<span class="{_KINDS[sign]}">{counts[sign]} {words[sign]}</span>' for sign in words if counts[sign]
    )
    alarms = dict.fromkeys(line.alarm for line in group.traffic or () if line.alarm)
    loud = " ".join(f'<span class="loud">{alarm}</span>' for alarm in alarms)
    symbol = f'<span class="symbol">{group.symbol}</span> ' if perspective.is_signed else ""
    return f'{symbol}{text(group.title)} <span class="count">{said}</span> {loud}'


def _body(group: GroupView, room: int, perspective: Perspective) -> Iterator[str]:
    """Write what differs and what that means for traffic: as many lines of both as there is room for."""
    lines = group.lines[:room]
    yield from _sides(lines, perspective)
    if len(lines) < len(group.lines):
        yield f'<p class="fold">{count(len(group.lines) - len(lines), "more line")} not shown; the JSON has all.</p>'
    yield from _traffic(group.traffic, min(_MOST_OPEN, room - len(lines)))
    if group.unchanged:
        yield f'<p class="fold">{count(group.unchanged, "rule")} unchanged</p>'
    yield from (f'<p class="fold">{text(note)}</p>' for note in group.notes)


def _sides(lines: Sequence[Line], perspective: Perspective) -> Iterator[str]:
    if not lines:
        return
    worded = "" if perspective.is_signed else " worded"
    yield f'<table class="sides{worded}"><thead><tr><th scope="col"><span class="unseen">what</span></th>'
    yield '<th scope="col">live</th>'
    yield '<th scope="col">desired</th></tr></thead><tbody>'
    for line in lines:
        remark = f'<div class="field">{text(line.change)}</div>' if line.change else ""
        live, desired = (line.live, line.desired) if line.live or line.desired else ("", line.text)
        yield (
            f'<tr class="{_KINDS[line.symbol]}"><td class="symbol">{perspective.marks[line.symbol]}</td>'
            f'<td class="live">{text(live)}</td><td class="desired">{text(desired)}{remark}</td></tr>'
        )
    yield "</tbody></table>"


def _traffic(lines: Sequence[TrafficLine] | None, room: int) -> Iterator[str]:
    if lines is None:
        return
    if not lines:
        yield '<p class="fold">same traffic</p>'
        return
    yield '<table class="traffic"><tbody>'
    for line in lines[:room]:
        mark = f' <span class="loud">{line.alarm}</span>' if line.alarm else ""
        yield (
            f'<tr class="{line.verb}"><th scope="row">{line.verb}</th><td>{text(line.text)}{mark}</td>'
            f"<td>{text(line.size)}</td></tr>"
        )
    yield "</tbody></table>"
    if len(lines) > room:
        yield f'<p class="fold">{count(len(lines) - room, "more flow")} not shown; the JSON has all.</p>'
