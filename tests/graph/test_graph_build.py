"""A graph has an edge exactly where a rule admits something, and a change is told part by part."""

from __future__ import annotations

from collections.abc import Sequence

from build import live_group
from graph_views import TARGET, rule, view_of, views
from hypothesis import given

from reconciler.graph import Graph, NodeKind, PartStatus, build_graphs
from reconciler.model.desired import Target
from reconciler.model.egress import DEFAULT_EGRESS_RULES
from reconciler.model.rule import Rule
from reconciler.planning.group_view import StateView, planned_view


def graph_of(side: StateView, *before: StateView) -> Graph:
    (graph,) = build_graphs(side, *before)
    return graph


def edges_of(graph: Graph) -> set[tuple[str, str, str, str, str]]:
    names = {node.key: node.title for node in graph.nodes}
    return {(names[each.tail], names[each.head], each.label, each.direction, each.status) for each in graph.edges}


@given(views())
def test_edges_between_groups_are_the_references_in_the_direction_of_traffic(side: StateView) -> None:
    graph = graph_of(side)
    wanted = set()
    for group in side.groups:
        for each in group.rules or ():
            other = each.rule.remote_group_id
            if other is not None and other != group.key:
                ends = (other, group.key) if each.rule.direction == "ingress" else (group.key, other)
                wanted.add((*ends, each.rule.direction))
    keys = {node.key for node in graph.nodes if node.kind in {NodeKind.GROUP, NodeKind.UNKNOWN}}
    drawn = {(each.tail, each.head, each.direction) for each in graph.edges if each.tail in keys}
    assert drawn == wanted
    assert {group.key for group in side.groups} <= keys


@given(views())
def test_a_side_beside_itself_is_no_change(side: StateView) -> None:
    assert all(not graph.nodes for graph in build_graphs(side, side))


@given(views(6), views(6))
def test_only_what_changes_is_coloured(before: StateView, after: StateView) -> None:
    """And what is closed one way is opened the other way."""
    there = [each for graph in build_graphs(after, before) for each in edges_of(graph)]
    back = [each for graph in build_graphs(before, after) for each in edges_of(graph)]
    common = {group.name for group in before.groups} & {group.name for group in after.groups}
    opened = {each[:4] for each in there if each[4] == PartStatus.ADDED and {each[0], each[1]} <= common}
    closed = {each[:4] for each in back if each[4] == PartStatus.REMOVED and {each[0], each[1]} <= common}
    assert opened == closed


def test_sources_are_put_together_by_what_they_may_do() -> None:
    """One node for the two prefixes of an address group, with its name; one for the world."""
    office = ["203.0.113.0/24", "2001:db8::/32"]
    web = [rule(port=22, remote=prefix) for prefix in office] + [rule(port=80), rule(port=443)]
    (graph,) = build_graphs(view_of({"web": web}), sources={frozenset(office): "office"})
    assert edges_of(graph) == {
        ("office", "web", "tcp 22", "ingress", "same"),
        ("anywhere", "web", "tcp 80, 443", "ingress", "same"),
    }


def test_services_are_written_once_for_both_families() -> None:
    v6 = rule(port=443)._replace(ethertype="IPv6")
    both = graph_of(view_of({"web": [rule(port=443), v6]}))
    only = graph_of(view_of({"web": [v6]}))
    assert [edge.label for edge in (*both.edges, *only.edges)] == ["tcp 443", "tcp 443 (IPv6)"]


def test_what_goes_out_to_addresses_and_among_members_is_a_note() -> None:
    rules = [rule("egress", None, None, None), rule("egress", 443, "10.0.0.0/8"), rule("ingress", 7946, "web", "udp")]
    graph = graph_of(view_of({"web": rules}))
    assert not graph.edges
    assert {note.text for note in graph.nodes[0].notes} == {
        "out: everything",
        "out: tcp 443 to 10.0.0.0/8",
        "from each other: udp 7946",
    }


def test_a_change_tells_services_apart_and_leaves_out_what_it_has_nothing_to_do_with() -> None:
    before = view_of({"web": [rule(port=80)], "app": [rule(port=1, remote="web")], "far": [rule(port=5)]})
    after = view_of({"web": [rule(port=443)], "app": [rule(port=1, remote="web")], "far": [rule(port=5)], "new": []})
    graph = graph_of(after, before)
    assert edges_of(graph) == {
        ("anywhere", "web", "tcp 443", "ingress", "added"),
        ("anywhere", "web", "tcp 80", "ingress", "removed"),
        ("web", "app", "tcp 1", "ingress", "same"),
    }
    assert {node.title: node.status for node in graph.nodes if node.kind is NodeKind.GROUP} == {
        "web": "same",
        "app": "same",
        "new": "added",
    }


def test_targets_that_look_alike_share_a_graph() -> None:
    other = Target(1337, 8)
    one, two = view_of({"web": [rule()]}), view_of({"web": [rule()]}, other)
    both = StateView((*one.groups, *two.groups), one.names)
    assert [graph.targets for graph in build_graphs(both)] == [(TARGET, other)]


def test_only_some_groups_with_their_neighbours() -> None:
    side = view_of({"web": [], "app": [rule(remote="web")], "db": [rule(remote="app")]})
    (graph,) = build_graphs(side, only=["web"])
    assert {node.title for node in graph.nodes} == {"web", "app"}


def test_the_default_egress_set_is_one_label() -> None:
    """Beside it only what it does not admit is told; with a rule missing it has no name."""
    mail = Rule("egress", "IPv4", "tcp", 25, 25)

    def out(rules: Sequence[Rule], *before: Sequence[Rule]) -> set[tuple[str, str]]:
        views = [planned_view({TARGET: (live_group(rules=each, target=TARGET),)}, ()) for each in (rules, *before)]
        (node,) = graph_of(*views).nodes
        return {(note.text, note.status) for note in node.notes}

    preset = DEFAULT_EGRESS_RULES
    assert out(preset) == {("out: default egress", "same")}
    assert out([*preset, mail]) == {("out: default egress; tcp 25", "same")}
    assert out([*preset, mail], preset) == {("out: default egress", "same"), ("out: tcp 25", "added")}
    assert out(preset, [mail]) == {("out: default egress", "added"), ("out: tcp 25", "removed")}
    assert out([*preset, Rule("egress", "IPv4"), Rule("egress", "IPv6")]) == {("out: everything", "same")}
    assert "default egress" not in str(out(preset[1:]))


def test_what_another_rule_admitted_before_is_not_opened() -> None:
    """SSH for the world becomes SSH for an office: the office gets nothing that it had not."""
    wide, narrow = view_of({"web": [rule(port=22)]}), view_of({"web": [rule(port=22, remote="203.0.113.0/24")]})
    narrowed, widened = graph_of(narrow, wide), graph_of(wide, narrow)
    assert {(edge[0], edge[4]) for edge in edges_of(narrowed)} == {("anywhere", "removed"), ("203.0.113.0/24", "same")}
    assert {(edge[0], edge[4]) for edge in edges_of(widened)} == {("anywhere", "added")}
