"""Differences -> what they open and close, as graphs; of groups that change alike, one node stands for all."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from reconciler.graph.build import ANYWHERE, service_words
from reconciler.graph.model import Edge, Graph, Node, NodeKind, NodeNote, PartStatus, merged
from reconciler.model.desired import Target
from reconciler.model.placeholder import placeholder
from reconciler.planning.diff import Action, Difference
from reconciler.traffic import Traffic, exposures, world_open
from reconciler.traffic.describe import describe_flow_remote
from reconciler.traffic.flow import Flow

ADDED, REMOVED = PartStatus.ADDED, PartStatus.REMOVED


def change_graphs(
    differences: Iterable[Difference], names: Mapping[str, str], *, of_drift: bool = False
) -> tuple[Graph, ...]:
    """Draw what differences open and close, a graph for each target; targets that come out alike share one.

    `names` are those of groups by id. Drift goes the other way: what putting it right would close was added live.
    """
    by_target: defaultdict[Target, list[Difference]] = defaultdict(list)
    for difference in differences:
        if difference.traffic.opens or difference.traffic.closes:
            by_target[difference.target].append(difference)
    graphs: defaultdict[tuple[tuple[Node, ...], tuple[Edge, ...]], list[Target]] = defaultdict(list)
    for target, here in by_target.items():
        known = {**names, **{_key(each): each.name for each in here}}
        drawn = merged(*_drawn(here, known, of_drift=of_drift))
        graphs[drawn].append(target)
    return tuple(Graph(tuple(targets), *drawn) for drawn, targets in graphs.items())


def _key(difference: Difference) -> str:
    """Name a group within a target, where no two have one name unless by their ids."""
    return placeholder(difference.name)


def _drawn(
    differences: Iterable[Difference], names: Mapping[str, str], *, of_drift: bool
) -> tuple[Collection[Node], Collection[Edge]]:
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    comes, goes = (REMOVED, ADDED) if of_drift else (ADDED, REMOVED)
    for difference in differences:
        key = _key(difference)
        notes: list[NodeNote] = []
        for status, flows in ((comes, difference.traffic.opens), (goes, difference.traffic.closes)):
            for node, mine in _by_remote(flows, names):
                direction, is_world = mine[0].direction, node.kind is NodeKind.WORLD
                services = service_words(
                    Traffic.of_flows(mine),
                    with_family=node.kind is not NodeKind.PREFIXES,
                    with_preset=is_world and direction == "egress" and not any(each.protocol is None for each in mine),
                )
                if direction == "egress" and node.kind in {NodeKind.WORLD, NodeKind.PREFIXES}:
                    end = "" if is_world else f" to {node.title}"
                    notes.append(NodeNote(f"out: {'; '.join(services)}{end}", status))
                    continue
                nodes.setdefault(node.key, node)
                ends = (node.key, key) if direction == "ingress" else (key, node.key)
                edges.append(Edge(*ends, services, direction, status))
        exposed = bool(exposures(difference.traffic.closes if of_drift else difference.traffic.opens))
        status = {Action.CREATE: comes, Action.DELETE: goes}.get(difference.action, PartStatus.SAME)
        nodes[key] = Node(key, NodeKind.GROUP, difference.name, "", status, tuple(notes), exposed)
    return nodes.values(), edges


def _by_remote(flows: Iterable[Flow], names: Mapping[str, str]) -> Iterator[tuple[Node, list[Flow]]]:
    found: defaultdict[tuple[str, Node], list[Flow]] = defaultdict(list)
    for flow in flows:
        found[flow.direction, _remote(flow, names)].append(flow)
    for (_, node), mine in found.items():
        yield node, mine


def _remote(flow: Flow, names: Mapping[str, str]) -> Node:
    group = flow.remote.group if flow.remote else None
    if group is not None:
        name = names.get(group, group)
        return Node(placeholder(name), NodeKind.UNKNOWN, name, "not changed")
    if (flow.remote is None and not flow.except_remotes) or world_open(flow):
        return Node(ANYWHERE, NodeKind.WORLD, ANYWHERE)
    title = describe_flow_remote(flow, names)
    return Node(f"prefixes-{title}", NodeKind.PREFIXES, title)
