"""A map of many groups: small cards and plain lines. What comes from addresses and hubs is counted, not drawn."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from reconciler.graph import Graph, Node, NodeKind, NodeNote, PartStatus
from reconciler.model.text import count
from reconciler.render.graph.columns import near_links

FEW = 12
"""Groups that are drawn in full; more of them are first shown as a map."""


def overview(graph: Graph) -> Graph:
    """Keep groups, lines between those that are near each other, and what is open to the world.

    Of a change it keeps the groups that change, with how many ways are opened and closed.
    """
    groups = {node.key: node for node in graph.nodes if node.kind in {NodeKind.GROUP, NodeKind.UNKNOWN}}
    changed: Counter[tuple[str, PartStatus]] = Counter(
        (edge.owner, edge.status) for edge in graph.edges if edge.status is not PartStatus.SAME
    )
    owners = {owner for owner, _ in changed}
    changing = {key: node for key, node in groups.items() if key in owners or _changes(node)}
    groups = changing or groups
    worlds = {node.key: node.title for node in graph.nodes if node.kind is NodeKind.WORLD}
    ways = Counter(edge.head for edge in graph.edges)
    between = near_links(list(groups), [edge for edge in graph.edges if {edge.tail, edge.head} <= groups.keys()])
    open_: dict[str, list[NodeNote]] = {}
    for edge in graph.edges:
        if edge.tail in worlds and not edge.is_icmp:
            open_.setdefault(edge.head, []).append(NodeNote(f"{worlds[edge.tail]}: {edge.label}", edge.status))
    nodes = [
        replace(node, detail=_detail(node.detail, ways[key]), notes=(*open_.get(key, ()), *_counts(changed, key)))
        for key, node in groups.items()
    ]
    edges = dict.fromkeys(replace(edge, services=()) for edge in between)
    return Graph(graph.targets, tuple(nodes), tuple(edges))


def _changes(node: Node) -> bool:
    return {node.status, *(note.status for note in node.notes)} != {PartStatus.SAME}


def _counts(changed: Counter[tuple[str, PartStatus]], key: str) -> Iterator[NodeNote]:
    for status, word in ((PartStatus.ADDED, "opened"), (PartStatus.REMOVED, "closed")):
        if number := changed[key, status]:
            yield NodeNote(f"{count(number, 'way')} {word}", status)


def _detail(detail: str, ways: int) -> str:
    return f"{detail}, {ways} way{'' if ways == 1 else 's'} in" if ways else detail
