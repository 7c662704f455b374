"""Every format is well-formed whatever the names, and the picture is one that can be read: nothing covers a label."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import combinations
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from effort import examples
from graph_views import HOSTILE, rule, view_of, views
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.graph import Graph, build_graphs
from reconciler.planning.group_view import StateView
from reconciler.render.graph.dot import render_dot
from reconciler.render.graph.html import render_graph_page
from reconciler.render.graph.layout import spread
from reconciler.render.graph.mermaid import render_mermaid
from reconciler.render.graph.svg import render_svg

SVG = "{http://www.w3.org/2000/svg}"


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right - 0.2
            and other.left < self.right - 0.2
            and self.top < other.bottom - 0.2
            and other.top < self.bottom - 0.2
        )


def boxes(svg: str) -> tuple[list[Box], Box]:
    """All cards, pills and labels, and the picture's own frame."""
    root = ET.fromstring(svg)
    found: list[Box] = []

    def collect(element: ET.Element, x: float, y: float) -> None:
        moved = re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\)", element.get("transform", ""))
        x, y = (x + float(moved[1]), y + float(moved[2])) if moved else (x, y)
        if element.tag == f"{SVG}rect" and element.get("class") in {"body", "pill", "back"}:
            left, top = x + float(element.get("x", 0)), y + float(element.get("y", 0))
            found.append(Box(left, top, left + float(element.get("width", 0)), top + float(element.get("height", 0))))
        for child in element:
            collect(child, x, y)

    collect(root, 0, 0)
    return found, Box(0, 0, float(root.get("width", 0)), float(root.get("height", 0)))


@given(views(), views(5))
@settings(max_examples=examples(120))
def test_no_card_pill_or_label_covers_another_one(side: StateView, before: StateView) -> None:
    for graphs in (build_graphs(side), build_graphs(side, before)):
        found, frame = boxes(render_svg(graphs))
        for one, other in combinations(found, 2):
            assert not one.overlaps(other)
        for box in found:
            assert box.left >= frame.left
            assert box.top >= frame.top
            assert box.right <= frame.right
            assert box.bottom <= frame.bottom


@given(views())
@settings(max_examples=examples(60))
def test_the_same_graph_is_the_same_picture(side: StateView) -> None:
    assert render_svg(build_graphs(side)) == render_svg(build_graphs(side))


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=8), st.lists(st.floats(0, 50), min_size=8, max_size=8))
def test_positions_keep_their_gaps_and_stay_where_they_are_wanted_if_they_can(
    wanted: list[float], steps: list[float]
) -> None:
    gaps = [sum(steps[:index]) for index in range(len(wanted))]
    found = spread(wanted, gaps)
    for index in range(1, len(found)):
        assert found[index] - found[index - 1] >= gaps[index] - gaps[index - 1] - 1e-6
    assert abs(sum(found) - sum(wanted)) < 1e-6 * max(1, len(wanted)) * 1000, "on the whole nothing is pushed aside"
    assert spread(found, gaps) == pytest.approx(found)


def hostile() -> tuple[Graph, ...]:
    rules = [rule(port=80), rule(port=22, remote="10.0.0.0/8"), rule(remote=HOSTILE.lower()), rule(remote="b" * 300)]
    return build_graphs(view_of({HOSTILE: rules, "plain": [rule(remote=HOSTILE.lower())]}))


ALL = {
    "mermaid": render_mermaid,
    "dot": render_dot,
    "svg": render_svg,
    "html": lambda graphs: render_graph_page(graphs, HOSTILE),
}


@pytest.mark.parametrize("render", ALL.values(), ids=ALL.keys())
def test_a_name_is_never_syntax(render: object) -> None:
    text = render(hostile())  # type: ignore[operator]  # one of the four above
    assert text.count("<script") == (1 if "<body" in text else 0), "none but our own in a page"
    assert "\x1b" not in text
    assert "\u202e" not in text, "nothing turns the text around"
    assert "%%{" not in text or render is not render_mermaid, "a directive"


_MERMAID_LINE = re.compile(
    r"flowchart LR"
    r'|  t\d+n\d+(?:\[|\(\(|\(\[)"[^"]*"(?:\]|\)\)|\]\))(?:\])?(?::::\w+)?'
    r'|  t\d+n\d+ (?:-->|-\.->)\|"[^"]*"\| t\d+n\d+'
    r'|  subgraph t\d+\["[^"]*"\]|  end|  linkStyle \d+ [\w#:,-]+|  classDef \w+ [\w#:,-]+'
)


@given(views(6), views(6))
@settings(max_examples=examples(50))
def test_mermaid_has_one_statement_a_line(side: StateView, before: StateView) -> None:
    for graphs in (build_graphs(side), build_graphs(side, before), hostile()):
        lines = render_mermaid(graphs).splitlines()
        assert all(_MERMAID_LINE.fullmatch(line) for line in lines)
        edges = sum(len(graph.edges) for graph in graphs)
        assert sum("->|" in line for line in lines) == edges
        styled = [int(line.split()[1]) for line in lines if line.startswith("  linkStyle")]
        assert all(number < edges for number in styled)


_DOT_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


@given(views(8))
@settings(max_examples=examples(50))
def test_dot_is_balanced_once_its_strings_are_taken_out(side: StateView) -> None:
    for graphs in (build_graphs(side), hostile()):
        bare = _DOT_STRING.sub("S", render_dot(graphs))
        assert '"' not in bare
        assert bare.count("{") == bare.count("}")
        assert bare.count("[") == bare.count("]")
        assert bare.count("->") == sum(len(graph.edges) for graph in graphs)


DOT = shutil.which("dot")


@pytest.mark.skipif(DOT is None, reason="Graphviz is not installed")
def test_graphviz_reads_the_dot() -> None:
    picture = render_dot(hostile()).encode()
    done = subprocess.run([str(DOT), "-Tsvg"], input=picture, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b'class="edge"') == sum(len(graph.edges) for graph in hostile())


class _Page(HTMLParser):
    """Keeps what is open, and what a page asks for."""

    VOID = frozenset({"meta", "br", "link", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [f"{name}={value}" for name, value in attrs if name in {"src", "href", "xlink:href"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_balanced_and_stands_alone() -> None:
    """It links to nothing but its own groups, each of which is there once."""
    page = _Page()
    text = render_graph_page(hostile(), HOSTILE)
    page.feed(text)
    assert page.open == []
    assert {"link", "img", "iframe"}.isdisjoint(page.tags)
    assert len(page.links) >= 2
    assert {link.removeprefix("href=#") for link in page.links} <= {*page.ids}
    assert len(page.ids) == len({*page.ids})
    assert "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" in text


def test_a_hub_and_far_groups_are_named_by_pills() -> None:
    """A line that crosses the whole picture is followed by nobody."""
    groups = {f"g{number}": [rule(port=22, remote="hub")] for number in range(8)}
    text = render_svg(build_graphs(view_of({"hub": [], **groups})))
    assert text.count(">hub</text>") == 9, "its card, and a pill at each group"
    small = render_svg(build_graphs(view_of({"hub": [], "g0": groups["g0"]})))
    assert small.count(">hub</text>") == 1
