"""A graph as data: nodes, and edges in the direction of the traffic."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.model.desired import Target
from reconciler.model.rule import Direction


class PartStatus(StrEnum):
    """What a change does to a part of the graph; without a change, everything stays the same."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


class NodeKind(StrEnum):
    """What a node is: a group, a group that is only referred to, everywhere, or a set of prefixes."""

    GROUP = "group"
    UNKNOWN = "unknown"
    WORLD = "world"
    PREFIXES = "prefixes"


@dataclass(frozen=True, slots=True)
class NodeNote:
    """Traffic that is better said than drawn: among the members of a group, or from a group to addresses."""

    text: str
    status: PartStatus = PartStatus.SAME


@dataclass(frozen=True, slots=True)
class Node:
    """A node. `detail` is a second line: how many rules, or which prefixes.

    An exposed group admits everybody to something.
    """

    key: str
    kind: NodeKind
    title: str
    detail: str = ""
    status: PartStatus = PartStatus.SAME
    notes: tuple[NodeNote, ...] = ()
    exposed: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """Traffic that a rule at one end admits: an ingress rule of the head, or an egress rule of the tail."""

    tail: str
    head: str
    services: tuple[str, ...]
    direction: Direction = "ingress"
    status: PartStatus = PartStatus.SAME

    @property
    def label(self) -> str:
        """All services on one line."""
        return "; ".join(self.services)

    @property
    def is_icmp(self) -> bool:
        """Whether nothing but ICMP goes over it, which nobody counts as open."""
        return all(service.startswith(("icmp", "ipv6-icmp")) for service in self.services)

    @property
    def owner(self) -> str:
        """The end whose rule it is."""
        return self.head if self.direction == "ingress" else self.tail

    @property
    def remote(self) -> str:
        """The other end."""
        return self.tail if self.direction == "ingress" else self.head


_MANY = 12
"""Nodes that are all looked at by themselves."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The graph of one or several targets that are alike."""

    targets: tuple[Target, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def neighbourhoods(self, keys: Collection[str]) -> Iterator[tuple[Node, "Graph"]]:
        """Yield nodes, each with a graph of itself and its neighbours; of many, only what they have to do with it."""
        places = {node.key: place for place, node in enumerate(self.nodes)}
        touching: defaultdict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            for end in {edge.tail, edge.head}:
                touching[end].append(edge)
        for node in self.nodes:
            if node.key in keys:
                edges = touching[node.key]
                near = sorted({places[end] for edge in edges for end in (edge.tail, edge.head)} | {places[node.key]})
                yield node, self._around(node.key, [self.nodes[place] for place in near], edges)

    def _around(self, key: str, nodes: Collection[Node], edges: Collection[Edge]) -> "Graph":
        if len(nodes) > _MANY:
            nodes = tuple(node if node.key == key else replace(node, notes=()) for node in nodes)
            nodes, edges = merged(nodes, edges)
        return Graph(self.targets, tuple(nodes), tuple(edges))


def focused(
    nodes: Iterable[Node], edges: Iterable[Edge], focus: Collection[str]
) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Keep some nodes and what they have to do with."""
    kept = tuple(edge for edge in edges if edge.tail in focus or edge.head in focus)
    touched = {*focus, *(end for edge in kept for end in (edge.tail, edge.head))}
    return tuple(node for node in nodes if node.key in touched), kept


def merged(nodes: Collection[Node], edges: Collection[Edge]) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """Let one group stand for those that are alike in all but their names, and to which no rule of others refers."""
    own: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        own[edge.owner].append(edge)
    remotes = {edge.remote for edge in edges}
    alike: defaultdict[object, list[Node]] = defaultdict(list)
    for node in nodes:
        if node.kind is NodeKind.GROUP and node.key not in remotes and own[node.key]:
            ways = frozenset((edge.remote, edge.services, edge.direction, edge.status) for edge in own[node.key])
            alike[ways, node.notes, node.status, node.exposed].append(node)
    stand_ins: dict[str, Node] = {}
    gone: set[str] = set()
    for same in alike.values():
        if len(same) > 1:
            names = ", ".join(node.title for node in same)
            stand_ins[same[0].key] = replace(same[0], title=f"{len(same)} groups", detail=names)
            gone.update(node.key for node in same[1:])
    return (
        tuple(stand_ins.get(node.key, node) for node in nodes if node.key not in gone),
        tuple(edge for edge in edges if edge.owner not in gone),
    )
