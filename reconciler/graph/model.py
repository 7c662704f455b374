"""A graph as data: nodes, and edges in the direction of the traffic."""

from dataclasses import dataclass
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
    """A node. `detail` is a second line: how many rules, or which prefixes."""

    key: str
    kind: NodeKind
    title: str
    detail: str = ""
    status: PartStatus = PartStatus.SAME
    notes: tuple[NodeNote, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Graph:
    """The graph of one or several targets that are alike."""

    targets: tuple[Target, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
