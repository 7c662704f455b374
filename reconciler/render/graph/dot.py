"""Graphs as DOT, for Graphviz."""

from collections.abc import Iterator, Sequence
from html import escape

from reconciler.graph import Edge, Graph, Node, NodeKind, PartStatus
from reconciler.model.text import printable
from reconciler.render.graph.mermaid import title_of

_MARKS = {PartStatus.SAME: "", PartStatus.ADDED: "+ ", PartStatus.REMOVED: "- "}
_COLOURS = {PartStatus.SAME: "#57606a", PartStatus.ADDED: "#1a7f37", PartStatus.REMOVED: "#cf222e"}
_NODES = {
    NodeKind.GROUP: 'shape=box, style="rounded,filled", fillcolor="#ddf4ff"',
    NodeKind.UNKNOWN: 'shape=box, style="rounded,dashed"',
    NodeKind.WORLD: 'shape=ellipse, style=filled, fillcolor="#fff1e5", color="#bc4c00"',
    NodeKind.PREFIXES: 'shape=box, style=filled, fillcolor="#f6f8fa", color="#8c959f"',
}


def render_dot(graphs: Sequence[Graph]) -> str:
    """Write a directed graph, with a cluster for each graph where there are several."""
    return "\n".join(_lines(graphs)) + "\n"


def _lines(graphs: Sequence[Graph]) -> Iterator[str]:
    yield "digraph security_groups {"
    yield '  graph [rankdir=LR, fontname="Helvetica", nodesep=0.3, ranksep=0.9]'
    yield '  node [fontname="Helvetica", fontsize=11]'
    yield '  edge [fontname="Helvetica", fontsize=9]'
    for index, graph in enumerate(graphs):
        ids = {node.key: f"t{index}n{position}" for position, node in enumerate(graph.nodes)}
        if len(graphs) > 1:
            yield f"  subgraph cluster_{index} {{"
            yield f"  label={_quoted([title_of(graph)])}"
        for node in graph.nodes:
            yield f"  {ids[node.key]} [{_node(node)}]"
        for edge in graph.edges:
            yield f"  {ids[edge.tail]} -> {ids[edge.head]} [{_edge(edge)}]"
        if len(graphs) > 1:
            yield "  }"
    yield "}"


def _node(node: Node) -> str:
    lines = [node.title, node.detail, *(_MARKS[note.status] + note.text for note in node.notes)]
    added = f', color="{_COLOURS[PartStatus.ADDED]}", penwidth=2' if node.status is PartStatus.ADDED else ""
    return f"label={_quoted([line for line in lines if line])}, {_NODES[node.kind]}{added}"


def _edge(edge: Edge) -> str:
    colour = _COLOURS[edge.status]
    style = "" if edge.direction == "ingress" else ", style=dashed"
    width = "" if edge.status is PartStatus.SAME else ", penwidth=2"
    label = _quoted([_MARKS[edge.status] + edge.label])
    return f'label={label}, color="{colour}", fontcolor="{colour}"{style}{width}'


def _quoted(lines: Sequence[str]) -> str:
    """Write lines as one label. A backslash begins an escape in DOT, and an ampersand an entity of HTML."""
    escaped = (escape(printable(line), quote=False).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
