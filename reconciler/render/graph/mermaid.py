"""Graphs as Mermaid, which code forges draw in Markdown."""

from collections.abc import Iterator, Sequence

from reconciler.graph import Edge, Graph, Node, NodeKind, PartStatus
from reconciler.model.desired import named
from reconciler.model.text import printable

_SHAPES = {
    NodeKind.GROUP: ("[", "]"),
    NodeKind.UNKNOWN: ("[", "]"),
    NodeKind.WORLD: ("((", "))"),
    NodeKind.PREFIXES: ("([", "])"),
}
_MARKS = {PartStatus.SAME: "", PartStatus.ADDED: "+ ", PartStatus.REMOVED: "- "}
_STYLES = {PartStatus.ADDED: "stroke:#1a7f37,stroke-width:2px", PartStatus.REMOVED: "stroke:#cf222e,stroke-width:2px"}
_PLAIN = frozenset(" .,:()/_-+[]")
_MOST_NOTES = 4


def render_mermaid(graphs: Sequence[Graph]) -> str:
    """Write a flowchart, with a frame for each graph where there are several."""
    return "\n".join(_lines(graphs)) + "\n"


def _lines(graphs: Sequence[Graph]) -> Iterator[str]:
    yield "flowchart LR"
    styles: list[str] = []
    number = 0
    for index, graph in enumerate(graphs):
        ids = {node.key: f"t{index}n{position}" for position, node in enumerate(graph.nodes)}
        if len(graphs) > 1:
            yield f'  subgraph t{index}["{_text(title_of(graph))}"]'
        for node in graph.nodes:
            yield f"  {_node(ids[node.key], node)}"
        for edge in graph.edges:
            yield f"  {_edge(ids, edge)}"
            if edge.status in _STYLES:
                styles.append(f"  linkStyle {number} {_STYLES[edge.status]}")
            number += 1
        if len(graphs) > 1:
            yield "  end"
    yield from styles
    yield "  classDef world fill:#fff1e5,stroke:#bc4c00,color:#7a2e00"
    yield "  classDef prefixes fill:#f6f8fa,stroke:#8c959f,color:#424a53"
    yield "  classDef unknown stroke-dasharray:4"
    yield "  classDef added stroke:#1a7f37,stroke-width:2px"


def title_of(graph: Graph) -> str:
    """Name the targets of a graph, regions of one project together."""
    regions: dict[str, list[str]] = {}
    for target in graph.targets:
        project = named(target.project, target.project_id)
        regions.setdefault(project, []).append(named(target.region, target.region_id))
    parts = (
        f"project {project}, region{'s' if len(found) > 1 else ''} {', '.join(found)}"
        for project, found in regions.items()
    )
    return "; ".join(parts)


def _node(node_id: str, node: Node) -> str:
    start, end = _SHAPES[node.kind]
    lines = [node.title, node.detail, *(_MARKS[note.status] + note.text for note in node.notes[:_MOST_NOTES])]
    text = "<br>".join(_text(line) for line in lines if line)
    kind = "added" if node.status is PartStatus.ADDED else str(node.kind)
    return f'{node_id}{start}"{text}"{end}' + (f":::{kind}" if kind != "group" else "")


def _edge(ids: dict[str, str], edge: Edge) -> str:
    arrow = "-->" if edge.direction == "ingress" else "-.->"
    return f'{ids[edge.tail]} {arrow}|"{_text(_MARKS[edge.status] + edge.label)}"| {ids[edge.head]}'


def _text(text: str) -> str:
    """Write a text so that nothing of it is syntax: all but letters, digits and a few signs by their numbers."""
    return "".join(char if char in _PLAIN or char.isalnum() else f"#{ord(char)};" for char in printable(text))
