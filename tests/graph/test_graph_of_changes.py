"""What a change opens and closes as a graph, alike groups once; a map of many groups; and one group by itself."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from counted import Counted
from effort import examples
from graph_views import rule, view_of, views
from hypothesis import given, settings

from reconciler.graph import NodeKind, PartStatus, build_graphs, change_graphs
from reconciler.model.desired import DesiredRule, Target
from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.place import FilePlace
from reconciler.model.rule import Rule
from reconciler.planning.diff import Action, Difference
from reconciler.planning.group_view import StateView
from reconciler.render.graph.html import render_graph_page
from reconciler.render.graph.overview import overview
from reconciler.render.graph.svg import picture
from reconciler.traffic import region, traffic_difference
from reconciler.traffic.extent import Span, rectangle

TARGET = Target(1337, 7)
PLACE = FilePlace("a.yaml", 1, 1)


def change(name: str, old: Sequence[Rule], new: Sequence[Rule], target: Target = TARGET) -> Difference:
    creates = tuple(DesiredRule(each, "", PLACE) for each in new)
    return Difference(
        Action.UPDATE, target, name, None, creates=creates, traffic=traffic_difference(old, new), place=PLACE
    )


def test_groups_that_change_alike_are_drawn_once_and_those_others_refer_to_by_themselves() -> None:
    alike = [change(f"g{number}", [rule(port=22, remote="b")], [rule(port=2222, remote="b")]) for number in range(38)]
    other = change("db", [], [rule(port=5432), rule(port=5433, remote="g1")])
    (graph,) = change_graphs([*alike, other], {"b": "bastion", "g1": "g1"})
    titles = {node.title for node in graph.nodes}
    assert titles == {"37 groups", "g1", "db", "bastion", "anywhere"}
    assert {(edge.label, edge.status) for edge in graph.edges if edge.remote.endswith("bastion}")} == {
        ("tcp 2222", PartStatus.ADDED),
        ("tcp 22", PartStatus.REMOVED),
    }
    assert {node.title for node in graph.nodes if node.exposed} == {"db"}


def test_what_changes_no_traffic_is_not_drawn_and_targets_that_are_alike_share_a_graph() -> None:
    same = change("same", [rule(port=22)], [rule(port=22)])
    both = [change("web", [], [rule(port=443)], target) for target in (TARGET, Target(1337, 12))]
    (graph,) = change_graphs([same, *both], {})
    assert graph.targets == (TARGET, Target(1337, 12))
    assert {node.title for node in graph.nodes} == {"web", "anywhere"}
    assert change_graphs([same], {}) == ()


def test_a_change_of_many_remotes_looks_at_each_rule_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the others admit is added up once, not for each remote again."""
    looked_at: list[Rule] = []

    def counting(rule: Rule) -> tuple[Span, Span]:
        looked_at.append(rule)
        return rectangle(rule)

    monkeypatch.setattr(region, "rectangle", counting)
    old, new = ({"web": [rule(port=port, remote=f"10.0.{each}.0/24") for each in range(100)]} for port in (22, 443))
    (graph,) = build_graphs(view_of(new), view_of(old))
    assert {edge.status for edge in graph.edges} == {PartStatus.ADDED, PartStatus.REMOVED}
    assert len(looked_at) < 10 * 200


def test_drift_goes_the_other_way() -> None:
    """The plan would close what was added live."""
    ((edge,),) = (graph.edges for graph in change_graphs([change("web", [rule(port=22)], [])], {}, of_drift=True))
    assert edge.status is PartStatus.ADDED


def test_single_addresses_are_counted_and_address_groups_named() -> None:
    office = ["203.0.113.1/32", "203.0.113.2/32"]
    single = [f"10.0.0.{number}/32" for number in range(8)]
    side = view_of({"web": [rule(port=22, remote=prefix) for prefix in (*office, *single, "192.0.2.0/24")]})
    (graph,) = build_graphs(side, sources={frozenset(office): "office", frozenset(["10.9.9.9/32"]): "elsewhere"})
    (source,) = (node for node in graph.nodes if node.kind is NodeKind.PREFIXES)
    assert source.title == "office, 192.0.2.0/24, 8 addresses"


def test_the_largest_address_groups_that_are_all_there_are_named() -> None:
    """Not one of which a part is there, nor one whose prefixes another has named."""
    one, two, three = (f"203.0.113.{number}/32" for number in (1, 2, 3))
    sources = {
        frozenset([one]): "a",
        frozenset([one, two]): "b",
        frozenset([one, "10.9.9.9/32"]): "c",
        frozenset(): "d",
    }
    side = view_of({"web": [rule(port=22, remote=prefix) for prefix in (one, two, three)]})
    (graph,) = build_graphs(side, sources=sources)
    assert [node.title for node in graph.nodes if node.kind is NodeKind.PREFIXES] == [f"b, {three}"]


def test_half_of_the_world_is_the_world_and_icmp_is_not_counted() -> None:
    side = view_of({"half": [rule(port=22, remote="0.0.0.0/1")], "ping": [rule(port=None, protocol="icmp")]})
    (graph,) = build_graphs(side)
    assert {node.title for node in graph.nodes if node.exposed} == {"half"}


@given(views(14))
@settings(max_examples=examples(50))
def test_a_map_has_every_group_and_one_group_by_itself_has_its_neighbours(side: StateView) -> None:
    for graph in build_graphs(side):
        groups = {node.key for node in graph.nodes if node.kind in {NodeKind.GROUP, NodeKind.UNKNOWN}}
        assert {node.key for node in overview(graph).nodes} == groups
        for node, around in graph.neighbourhoods(groups):
            ends = {edge.remote if edge.owner == node.key else edge.owner for edge in around.edges}
            assert node.key in {each.key for each in around.nodes}
            assert ends <= {each.key for each in around.nodes}


def test_a_map_of_a_change_has_the_groups_that_change_and_counts_the_ways() -> None:
    before = {f"g{number}": [rule(port=22)] for number in range(14)}
    after = {**before, "g3": [rule(port=22), rule(port=23, remote="10.0.0.0/8")]}
    (graph,) = build_graphs(view_of(after), view_of(before))
    (node,) = overview(graph).nodes
    assert node.key == "g3"
    assert [(note.text, note.status) for note in node.notes][1:] == [("1 way opened", PartStatus.ADDED)]


def test_a_page_is_bounded() -> None:
    """Groups that all refer to one hub: pictures of single groups grow with the edges, no faster."""
    sizes = []
    for size in (100, 400):
        groups = {f"g{number}": [rule(port=22, remote="g0")] for number in range(size)}
        sizes.append(len(render_graph_page(build_graphs(view_of(groups)), "Groups")))
    assert sizes[1] < 5 * sizes[0]


def test_a_picture_goes_through_the_edges_as_often_however_many_groups_there_are() -> None:
    """Pairs of groups, each a part of its own: ten thousands of them are drawn in seconds."""
    walks = []
    for size in (4, 40):
        groups = {f"g{number}": [rule(port=22, remote=f"g{number ^ 1}")] for number in range(size)}
        (graph,) = build_graphs(view_of(groups))
        edges = Counted(graph.edges)
        picture([replace(graph, edges=edges)])
        list(replace(graph, edges=edges).neighbourhoods(groups))
        walks.append(edges.walks)
    assert walks[0] == walks[1] > 0


def test_the_default_egress_set_has_one_name_in_a_change_too() -> None:
    (graph,) = change_graphs([change("new", [], list(DEFAULT_EGRESS_RULES))], {})
    assert [note.text for node in graph.nodes for note in node.notes] == ["out: default egress"]
