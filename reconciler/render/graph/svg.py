"""Graphs as one picture in SVG: no script, no font and nothing else from outside; light and dark as the viewer is.

A group is a card. At its left comes in, one below the other, what it admits: from everywhere and from prefixes by pills
of their own at each card, from other groups by edges, or by pills with their names where an edge would cross the whole
picture. What goes on among its members, and what it sends to addresses,
stands in the card.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from reconciler.graph import Edge, Graph, Node, NodeKind, PartStatus
from reconciler.model.text import printable
from reconciler.render.graph.columns import Card, Link, components, near_links
from reconciler.render.graph.layout import HEADER, PagePoint, Placed, layout
from reconciler.render.graph.mermaid import title_of
from reconciler.render.graph.style import CSS, MARKERS

MAX_GROUPS = 5_000
"""Groups of one picture: some four megabytes, about what viewers still open."""
_LETTER = 6.65
"""Width of a letter of a label: the font has a fixed width of 0.602 em, at 11 pixels."""
_BOLD = 8.2
_NOTE = 14.0
_MARGIN = 28.0
_SHELF = 1180.0
_WIDEST = 4000.0
_SHAPE = 2.2
"""Parts are wrapped into rows so that the whole is about so many times as wide as it is high, between two widths."""
_MARKS = {PartStatus.SAME: "", PartStatus.ADDED: "+ ", PartStatus.REMOVED: "- "}
_MOST_NOTES = 5
_LABEL = 36
_TITLE = 30
_DETAIL = 44
_Words = tuple[str, str]
_OPENED_CLOSED: _Words = ("opened", "closed")


@dataclass(frozen=True, slots=True)
class _Part:
    """A connected part of a graph, placed."""

    placed: Placed
    nodes: dict[str, Node]
    links: tuple[Edge, ...]
    stubs: dict[str, tuple[Edge, ...]]
    links_to: Mapping[str, str]


def render_svg(graphs: Sequence[Graph]) -> str:
    """Write a picture that stands alone."""
    body, width, height = picture(graphs)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img" aria-label="Security groups and who may reach them">\n'
        f"<style>{CSS}</style>\n{MARKERS}\n"
        f'<rect class="paper" width="100%" height="100%"/>\n{body}\n</svg>\n'
    )


def inline_svg(
    graphs: Sequence[Graph], label: str, anchors: Sequence[Mapping[str, str]] = (), words: _Words = _OPENED_CLOSED
) -> str:
    """Write a picture within a page that has `CSS` and `MARKERS`.

    `anchors` are the fragments that the cards of each graph link to, by the keys of their nodes; `words` say what
    happened to what is added and to what is removed.
    """
    body, width, height = picture(graphs, anchors, words)
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="group" '
        f'aria-label="{_xml(label)}">\n{body}\n</svg>'
    )


def picture(
    graphs: Sequence[Graph], anchors: Sequence[Mapping[str, str]] = (), words: _Words = _OPENED_CLOSED
) -> tuple[str, float, float]:
    """Return what is inside of the picture, with its width and height."""
    lines: list[str] = []
    y, width = _MARGIN, 420.0
    for number, graph in enumerate(graphs):
        lines.append(f'<text class="target" x="{_MARGIN:.0f}" y="{y + 12:.0f}">{_xml(title_of(graph))}</text>')
        drawn, right, bottom = _graph(graph, y + 34, anchors[number] if anchors else {})
        lines += drawn
        y, width = bottom + _MARGIN, max(width, right + _MARGIN)
    has_change = any(_changes(graph) for graph in graphs)
    lines += _legend(y, words, has_change=has_change, has_pills=any("from-group" in line for line in lines))
    return "\n".join(lines), max(width, 960.0), y + 40


def _changes(graph: Graph) -> bool:
    statuses = {
        *(edge.status for edge in graph.edges),
        *(node.status for node in graph.nodes),
        *(note.status for node in graph.nodes for note in node.notes),
    }
    return bool(statuses - {PartStatus.SAME})


def _graph(graph: Graph, top: float, links_to: Mapping[str, str]) -> tuple[list[str], float, float]:
    """Draw the parts of a graph in rows, the largest first; return the lines with the right and the lower end."""
    lines: list[str] = []
    x, y, row, right = _MARGIN, top, 0.0, _MARGIN
    parts = sorted(_parts(graph, links_to), key=lambda part: (-len(part.placed.corners), -part.placed.height))
    area = sum((part.placed.width + 48) * (part.placed.height + 34) for part in parts)
    shelf = max([_SHELF, min(_WIDEST, (area * _SHAPE) ** 0.5), *(part.placed.width for part in parts)])
    for part in parts:
        if x > _MARGIN and x + part.placed.width > _MARGIN + shelf:
            x, y, row = _MARGIN, y + row + 34, 0.0
        lines.append(f'<g transform="translate({x:.1f} {y:.1f})">')
        lines += _part(part)
        lines.append("</g>")
        x += part.placed.width + 48
        row, right = max(row, part.placed.height), max(right, x - 48)
    if not parts:
        lines.append(f'<text class="detail" x="{_MARGIN:.0f}" y="{y + 12:.0f}">nothing to draw</text>')
        row = 20.0
    return lines, right, y + row


def _parts(graph: Graph, links_to: Mapping[str, str]) -> Iterator[_Part]:
    nodes = {node.key: node for node in graph.nodes}
    groups = {key: node for key, node in nodes.items() if node.kind in {NodeKind.GROUP, NodeKind.UNKNOWN}}
    links = near_links(list(groups), [edge for edge in graph.edges if {edge.tail, edge.head} <= groups.keys()])
    drawn = set(links)
    stubs = _stubs(graph.edges, drawn, nodes)
    parts = components(list(groups), [(edge.tail, edge.head) for edge in links])
    part_of = {key: number for number, keys in enumerate(parts) for key in keys}
    inside: defaultdict[int, list[Edge]] = defaultdict(list)
    for edge in links:
        inside[part_of[edge.head]].append(edge)
    for number, keys in enumerate(parts):
        mine = tuple(inside[number])
        own = {key: tuple(stubs[key]) for key in keys}
        cards = [_card(groups[key], [_stub_width(nodes[edge.tail], edge) for edge in own[key]]) for key in keys]
        placed = layout(cards, [Link(edge.tail, edge.head, _label_width(edge)) for edge in mine])
        yield _Part(placed, nodes, mine, own, links_to)


def _stubs(edges: Sequence[Edge], drawn: Collection[Edge], nodes: Mapping[str, Node]) -> defaultdict[str, list[Edge]]:
    """List what comes in to each card by a pill: from the world first, then from prefixes, then from other groups."""
    order = [NodeKind.WORLD, NodeKind.PREFIXES, NodeKind.GROUP, NodeKind.UNKNOWN]
    found: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in sorted(edges, key=lambda edge: order.index(nodes[edge.tail].kind)):
        if edge not in drawn:
            found[edge.head].append(edge)
    return found


def _card(node: Node, stubs: Sequence[float]) -> Card:
    notes = node.notes[:_MOST_NOTES]
    widths = [
        len(_short(node.title, _TITLE)) * _BOLD,
        len(_short(node.detail, _DETAIL)) * _LETTER,
        *(len(_short(_MARKS[note.status] + note.text)) * _LETTER for note in notes),
    ]
    more = 1 if len(node.notes) > _MOST_NOTES else 0
    lines = len(notes) + more
    return Card(node.key, max(120.0, *widths) + 28, HEADER + (lines * _NOTE + 10 if lines else 0), tuple(stubs))


def _label(edge: Edge) -> str:
    return _short(_MARKS[edge.status] + edge.label)


def _label_width(edge: Edge) -> float:
    return len(_label(edge)) * _LETTER + (34 if edge.services else 18)


def _stub_width(source: Node, edge: Edge) -> float:
    return _label_width(edge) + _pill_width(source)


def _pill_width(source: Node) -> float:
    return len(_short(source.title)) * _LETTER + 18


def _part(part: _Part) -> Iterator[str]:
    """Draw edges first, so that cards lie upon them."""
    for edge, route in zip(part.links, part.placed.routes, strict=True):
        yield from _edge(edge, route.points, part, is_back=route.is_back)
    for key, edges in part.stubs.items():
        for edge, (x, y) in zip(edges, part.placed.stubs[key], strict=True):
            yield from _stub(part.nodes[edge.tail], edge, x, y)
    for key, corner in part.placed.corners.items():
        exposed = part.nodes[key].exposed
        width = _card(part.nodes[key], ()).width
        box = _box(part.nodes[key], corner, width, part.placed.heights[key], exposed=exposed)
        yield from box if key not in part.links_to else (f'<a href="#{part.links_to[key]}">', *box, "</a>")


def _edge(edge: Edge, points: Sequence[PagePoint], part: _Part, *, is_back: bool) -> Iterator[str]:
    points = _trimmed(points, edge, part, is_back=is_back)
    (x, y) = points[-1]
    path = _path(points)
    kind = f"edge {edge.status} {edge.direction}"
    title = f"{part.nodes[edge.tail].title} → {part.nodes[edge.head].title}: {edge.label} ({edge.direction} rule)"
    yield f'<g class="{kind}"><title>{_xml(title)}</title><path d="{path}" marker-end="url(#{edge.status})"/>'
    at = x + 12 if is_back else x - 12
    yield _label_text(edge, at, y, anchor="start" if is_back else "end")
    yield "</g>"


def _trimmed(points: Sequence[PagePoint], edge: Edge, part: _Part, *, is_back: bool) -> list[PagePoint]:
    """Begin and end at the cards themselves: a column is as wide as its widest card."""
    points = list(points)
    if is_back:
        points[-1] = (part.placed.corners[edge.head][0] + _card(part.nodes[edge.head], ()).width, points[-1][1])
    else:
        points[0] = (part.placed.corners[edge.tail][0] + _card(part.nodes[edge.tail], ()).width, points[0][1])
    return points


def _path(points: Sequence[PagePoint]) -> str:
    """Go straight where the height stays, and in a curve with level ends where it changes."""
    parts = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        if abs(y - to_y) < 0.5:
            parts.append(f"L{to_x:.1f} {to_y:.1f}")
        else:
            middle = (x + to_x) / 2
            parts.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
    return "".join(parts)


def _stub(source: Node, edge: Edge, x: float, y: float) -> Iterator[str]:
    """Draw a pill for where traffic comes from, and its edge."""
    start = x - _stub_width(source, edge)
    width = _pill_width(source)
    title = f"{source.title}{f' ({source.detail})' if source.detail else ''}: {edge.label}"
    kind = NodeKind.PREFIXES if source.kind is NodeKind.WORLD and edge.is_icmp else source.kind
    yield f'<g class="edge {edge.status} {edge.direction} from-{kind}"><title>{_xml(title)}</title>'
    yield f'<rect class="pill" x="{start:.1f}" y="{y - 8:.1f}" width="{width:.1f}" height="16" rx="8"/>'
    yield f'<text class="source" x="{start + width / 2:.1f}" y="{y + 4:.1f}">{_xml(_short(source.title))}</text>'
    yield f'<path d="M{start + width:.1f} {y:.1f}L{x:.1f} {y:.1f}" marker-end="url(#{edge.status})"/>'
    yield _label_text(edge, x - 12, y, anchor="end")
    yield "</g>"


def _label_text(edge: Edge, x: float, y: float, *, anchor: str) -> str:
    if not _label(edge):
        return ""
    width = len(_label(edge)) * _LETTER + 8
    left = x - 4 if anchor == "start" else x + 4 - width
    # What is behind the text hides the line, so that no dash of it reads as a sign.
    back = f'<rect class="back" x="{left:.1f}" y="{y - 8:.1f}" width="{width:.1f}" height="16"/>'
    return f'{back}<text class="label" x="{x:.1f}" y="{y + 3.5:.1f}" text-anchor="{anchor}">{_xml(_label(edge))}</text>'


def _box(node: Node, corner: PagePoint, width: float, height: float, *, exposed: bool) -> Iterator[str]:
    x, y = corner
    kind = f"card {node.kind} {node.status}{' exposed' if exposed else ''}"
    yield f'<g class="{kind}"><title>{_xml(f"{node.title}: {node.detail}")}</title>'
    yield f'<rect class="body" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="8"/>'
    yield f'<rect class="stripe" x="{x + 0.75:.1f}" y="{y + 9:.1f}" width="3.5" height="24" rx="1.75"/>'
    title = _MARKS[node.status] + _short(node.title, _TITLE)
    yield f'<text class="name" x="{x + 13:.1f}" y="{y + 19:.1f}">{_xml(title)}</text>'
    yield f'<text class="detail" x="{x + 13:.1f}" y="{y + 33:.1f}">{_xml(_short(node.detail, _DETAIL))}</text>'
    shown = [(_MARKS[note.status] + note.text, note.status) for note in node.notes[:_MOST_NOTES]]
    if len(node.notes) > _MOST_NOTES:
        shown.append((f"and {len(node.notes) - _MOST_NOTES} more", PartStatus.SAME))
    for number, (text, status) in enumerate(shown):
        at = y + HEADER + 9 + number * _NOTE
        words = f"{_xml(_short(text))}<title>{_xml(text)}</title>"
        yield f'<text class="note {status}" x="{x + 13:.1f}" y="{at:.1f}">{words}</text>'
    yield "</g>"


def _legend(y: float, words: _Words, *, has_change: bool, has_pills: bool) -> Iterator[str]:
    entries = [("edge same ingress", "admitted by an ingress rule"), ("edge same egress", "by an egress rule")]
    if has_change:
        entries += [("edge added ingress", f"+ {words[0]}"), ("edge removed ingress", f"- {words[1]}")]
    x = _MARGIN
    for kind, said in entries:
        status = kind.split()[1]
        yield f'<g class="{kind}"><path d="M{x:.0f} {y + 10:.0f}h30" marker-end="url(#{status})"/></g>'
        yield f'<text class="detail" x="{x + 38:.0f}" y="{y + 14:.0f}">{said}</text>'
        x += 38 + len(said) * _LETTER + 28
    yield f'<rect class="stripe world-key" x="{x:.0f}" y="{y + 2:.0f}" width="3.5" height="16" rx="1.75"/>'
    yield f'<text class="detail" x="{x + 11:.0f}" y="{y + 14:.0f}">open to the world</text>'
    if not has_pills:
        return
    x += 11 + 17 * _LETTER + 28
    yield f'<g class="from-group"><rect class="pill" x="{x:.0f}" y="{y + 3:.0f}" width="30" height="14" rx="7"/></g>'
    yield f'<text class="detail" x="{x + 38:.0f}" y="{y + 14:.0f}">a group that is elsewhere in the picture</text>'


def _short(text: str, most: int = _LABEL) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _xml(text: str) -> str:
    """Escape a text; what is not printable, and so perhaps no XML, becomes the replacement character."""
    return escape(printable(text))
