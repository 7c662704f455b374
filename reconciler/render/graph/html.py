"""Graphs as a page that stands alone: a picture to zoom, each group by itself on a click, and the same as tables."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from reconciler.graph import Edge, Graph, Node, NodeKind, PartStatus
from reconciler.render.graph.mermaid import title_of
from reconciler.render.graph.overview import FEW, overview
from reconciler.render.graph.svg import inline_svg
from reconciler.render.page import anchor, document, figure, filter_form, made, text, unique
from reconciler.render.view import Made

_WORDS = {PartStatus.SAME: "", PartStatus.ADDED: "opened", PartStatus.REMOVED: "closed"}
_KINDS = {PartStatus.SAME: "same", PartStatus.ADDED: "create", PartStatus.REMOVED: "delete"}
_LABEL = "Groups and who may reach them"
_MOST_DRAWN = 1500
"""Groups of a map; with more of them each is drawn by itself only."""
_MOST_PICTURES = 8_000_000
"""Characters of pictures of single groups; those that do not fit are left to the tables and to `--group`."""
_MOST_LISTED = 40
"""Prefixes of a set that are written out in a table."""


def render_graph_page(graphs: Sequence[Graph], heading: str, content: Made | None = None) -> str:
    """Write a page without anything from outside. Without JavaScript it has no zoom and no picture of single groups."""
    groups = sum(node.kind is NodeKind.GROUP for graph in graphs for node in graph.nodes)
    edges = sum(len(graph.edges) for graph in graphs)
    intro = [f"<p>{groups} groups, {edges} ways in. Edges point where traffic goes.</p>", *made(content)]
    return document(heading, heading, intro, _main(graphs, groups), with_pictures=True)


def _main(graphs: Sequence[Graph], groups: int) -> Iterator[str]:
    anchors = [_anchors(graph) for graph in graphs]
    with_change = any(edge.status is not PartStatus.SAME for graph in graphs for edge in graph.edges)
    yield from filter_form("group, address, port", {})
    if with_change:  # a rule of the style does it, also without JavaScript
        yield '<p class="filter"><label><input type="checkbox" class="changes" checked> Changes only</label></p>'
    if groups <= FEW:
        yield from figure(inline_svg(graphs, _LABEL, anchors), "Picture")
    elif groups <= _MOST_DRAWN:
        maps = [overview(graph) for graph in graphs]
        yield from figure(inline_svg(maps, _LABEL, anchors), "Map")
    else:
        yield f"<p>{groups} groups are too many for one picture: find one below, and draw it with --group.</p>"
    if groups > 1:
        yield from _single_pictures(graphs, anchors)
    for graph, links in zip(graphs, anchors, strict=True):
        yield f'<section class="target"><h2>{text(title_of(graph))}</h2>'
        yield from _groups(graph, links, is_open=groups <= FEW // 2, with_change=with_change)
        yield "</section>"


def _anchors(graph: Graph) -> Mapping[str, str]:
    groups = [node for node in graph.nodes if node.kind is NodeKind.GROUP]
    found = unique([anchor(graph.targets[0], node.title) for node in groups])
    return {node.key: name for node, name in zip(groups, found, strict=True)}


def _single_pictures(graphs: Sequence[Graph], anchors: Sequence[Mapping[str, str]]) -> Iterator[str]:
    room = _MOST_PICTURES
    for graph, links in zip(graphs, anchors, strict=True):
        for node, around in graph.neighbourhoods(links):
            name = f"{node.title} and its neighbours"
            drawn = inline_svg([around], name, [links])
            room -= len(drawn)
            if room < 0:
                return
            yield f'<template data-for="{links[node.key]}" data-name="{text(node.title)}">{drawn}</template>'


def _groups(graph: Graph, links: Mapping[str, str], *, is_open: bool, with_change: bool) -> Iterator[str]:
    nodes = {node.key: node for node in graph.nodes}
    own: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        own[edge.owner].append(edge)
    for key, link in links.items():
        yield from _group(nodes[key], own[key], nodes, link, is_open=is_open, with_change=with_change)


def _group(
    node: Node,
    edges: Sequence[Edge],
    nodes: Mapping[str, Node],
    link: str,
    *,
    is_open: bool,
    with_change: bool,
) -> Iterator[str]:
    yield f'<details class="group {_KINDS[node.status]}" id="{link}"{" open" if is_open else ""}>'
    loud = ' <span class="loud">open to the world</span>' if node.exposed else ""
    number = len(edges)
    ways = f"{number} way{'' if number == 1 else 's'}"
    yield f'<summary>{text(node.title)} <span class="count">{text(node.detail)}, {ways}</span>{loud}</summary>'
    yield f'<p><button type="button" data-show="{link}" hidden>Show with its neighbours</button></p>'
    if edges or node.notes:
        change = '<th scope="col">Change</th>' if with_change else ""
        yield '<table class="ways"><thead><tr><th scope="col">From</th><th scope="col">To</th>'
        yield f'<th scope="col">Services</th><th scope="col">By</th>{change}</tr></thead><tbody>'
        for edge in edges:
            cells = (_end(nodes[edge.tail]), _end(nodes[edge.head]), text(edge.label), f"{edge.direction} rule")
            yield _row(cells, edge.status, with_change=with_change)
        for note in node.notes:
            yield _row((text(node.title), "", text(note.text), ""), note.status, with_change=with_change)
        yield "</tbody></table>"
    yield "</details>"


def _row(cells: Sequence[str], status: PartStatus, *, with_change: bool) -> str:
    tail, head, services, by = cells
    change = f"<td>{_WORDS[status]}</td>" if with_change else ""
    return f'<tr class="{_KINDS[status]}"><td>{tail}</td><td>{head}</td><td>{services}</td><td>{by}</td>{change}</tr>'


def _end(node: Node) -> str:
    if node.kind in {NodeKind.GROUP, NodeKind.UNKNOWN} or not node.detail:
        return text(node.title)
    listed = node.detail.split(", ")
    more = f", and {len(listed) - _MOST_LISTED} more" if len(listed) > _MOST_LISTED else ""
    return f'{text(node.title)} <span class="count">{text(", ".join(listed[:_MOST_LISTED]) + more)}</span>'
