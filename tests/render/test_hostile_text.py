"""Foreign text of any kind, in every field of every view, changes the words of an output and never its structure."""

import re
import xml.etree.ElementTree as ET
from dataclasses import fields, is_dataclass, replace
from datetime import date
from enum import Enum
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
import yaml
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import assert_harmless

from reconciler.graph import Edge, Graph, Node, NodeKind, NodeNote
from reconciler.kubernetes.export import write_yaml
from reconciler.model.desired import Target
from reconciler.model.errors import Issue, SgctlError
from reconciler.model.json_form import json_text
from reconciler.model.place import FilePlace, PlainPlace
from reconciler.model.policies import Finding, PolicyException
from reconciler.model.problems import ProblemName
from reconciler.model.text import printable, shown
from reconciler.planning.orphans import UnmanagedGroup
from reconciler.policy.openings import Opening
from reconciler.render.errors import render_error, render_issue
from reconciler.render.findings import render_findings
from reconciler.render.formats import render
from reconciler.render.graph.dot import render_dot
from reconciler.render.graph.html import render_graph_page
from reconciler.render.graph.mermaid import render_mermaid
from reconciler.render.graph.svg import render_svg
from reconciler.render.junit import junit
from reconciler.render.sarif import sarif
from reconciler.render.view import (
    DRIFT,
    Deed,
    Failure,
    GroupRef,
    GroupView,
    Line,
    Made,
    Reach,
    TrafficLine,
    View,
)
from reconciler.traffic import Flow

HOSTILE = (
    "\n::error::forged",
    "::set-output name=x::y",
    "  ::warning file=a.py::forged",
    "##[error]forged",
    "##vso[task.complete result=Succeeded;]",
    "\x1b[2J\x1b[31mred",
    "\x00nul",
    "\u202edleif",
    "\u2028line\u2029paragraph",
    "\r\n### No changes\n\n> [!NOTE]\n> all is well",
    "@everyone and @somebody/team",
    "</code></pre></details><script>alert(1)</script><img src=x onerror=alert(1)>",
    "```\n# out of the fence\n```",
    "[link](https://example.com) ![image](https://example.com/x.png)",
    '"] --> b["x',
    "%0A::error::x",
    r"$\color{green}{\text{No changes}}$ $$x$$ $`x`$",
    "\ud800 surrogate",
    "\ufffe\uffff no characters",
    "\x85\x9b31m",
)
WIDE = 100_000
_WORDS = "perspective symbol tone kind alarm level status direction verb guardrail key tail head"
OURS = frozenset(_WORDS.split())
"""Fields whose values are one of a few words of our own."""
FENCED = re.compile(r"^(`{3,})(?:diff|text)\n.*?^\1$", re.MULTILINE | re.DOTALL)
FORMATS = ("text", "markdown", "html", "github")


def with_text(value: Any, text: str) -> Any:
    """Put a text into every field that holds any, however deep; a place gets it as the name of its file."""
    if isinstance(value, FilePlace):
        return FilePlace(text, 3, 5)
    if isinstance(value, str) and not isinstance(value, Enum):
        return text
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(with_text(item, text) for item in value))
    if isinstance(value, tuple):
        return tuple(with_text(item, text) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            each.name: with_text(getattr(value, each.name), text) for each in fields(value) if each.name not in OURS
        }
        return replace(value, **changed)
    return value


PLACE = FilePlace("groups/web.yaml", 3, 5)
SSH = Flow("ingress", "IPv4", "tcp", ports=(22, 22))
REF = GroupRef("web", Target(1, 7), PLACE)
LINE = Line("~", "text", "remark", "live", "desired", "change", "remote")
TRAFFIC = TrafficLine("opens", "ingress", "1 address", "open to the world", is_world=True, remote="remote")
GROUP = GroupView(
    symbol="~",
    word="update",
    ref=REF,
    live_id="id",
    remark="remark",
    lines=(LINE, replace(LINE, symbol="+", live="")),
    traffic=(TRAFFIC,),
    unchanged=2,
    instances=3,
    instance_names=("web-1",),
    changed_at=("2026-01-01T00:00:00Z",),
    deeds=(Deed("who", "update, by a@example.com", ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")),),
    remarks=("note",),
    members=(REF,),
    is_again=True,
    openings=(Opening("open to the world", "tcp 22", "1 port", "tcp", "2 ports", ((Target(1, 7), "web"),), (SSH,)),),
)
EXCEPTION = PolicyException("expires", "reason", date(2027, 1, 1))
GRAPH = Graph(
    (Target(1, 7),),
    (Node("a", NodeKind.GROUP, "web", "2 rules", notes=(NodeNote("note"),)), Node("b", NodeKind.UNKNOWN, "app")),
    (Edge("a", "b", ("tcp 22",)),),
)
VIEW = View(
    "plan",
    groups=(GROUP, replace(GROUP, symbol="-", tone="bad", members=())),
    summary="Plan: nothing",
    stops=(
        Finding("gap", "error", "stopped", None, PLACE, "web", EXCEPTION),
        Finding("gap", "error", "stopped"),
    ),
    warnings=(Finding("rename", "warning", "warning", place=PLACE, group="web"),),
    notes=("note",),
    exposed=(Reach(TRAFFIC, (REF,)),),
    refused=(Reach(TRAFFIC, (REF,)),),
    failures=(Failure("failed", "reason", "hint", (REF,)),),
    orphans=(UnmanagedGroup(Target(1, 7), "id", "old", 3, "us"),),
    orphans_count=True,
    perspective=replace(DRIFT, redescribed="redescribed"),
    made=Made("2026-11-27T03:00:00Z", "https://api", "1.2.3", "commit"),
    graphs=(GRAPH,),
    page_url="https://pages.example/plan.html",
)
FINDINGS = (
    Finding("mass-delete", "error", "message", "--flag", PLACE, "web"),
    Finding("gap", "warning", "message", None, None, None),
    Finding("expires", "error", "message", None, PLACE, "web", EXCEPTION),
)
GRAPH_FORMATS = {
    "mermaid": render_mermaid,
    "dot": render_dot,
    "svg": render_svg,
    "html": lambda graphs: render_graph_page(graphs, "Security groups"),
}
hostile = pytest.mark.parametrize("text", HOSTILE, ids=ascii)


def plain_like(text: str) -> str:
    """A harmless text that takes as much room."""
    return "x" * len(printable(text))


def tags_of(page: str) -> list[str]:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append(f"{tag} {sorted(name for name, _ in attrs)}")

        def handle_endtag(self, tag: str) -> None:
            found.append(f"/{tag}")

    Reader().feed(page)
    return found


def test_the_views_here_fill_every_field_of_their_classes() -> None:
    """A field that is added to a view model has to be filled here, else nothing proves it."""
    for value in (VIEW, GROUP, *GROUP.lines[:1], *(GROUP.traffic or ()), *GROUP.openings, VIEW.stops[0], FINDINGS[2]):
        for each in fields(value):
            assert getattr(value, each.name) not in (None, ()) or each.name == "flag", (type(value), each.name)
    assert set(get_args(View.__dataclass_fields__["kind"].type)) <= {"plan", "drift", "apply"}


@hostile
@pytest.mark.parametrize("format_", FORMATS)
def test_a_view_keeps_its_structure(format_: str, text: str) -> None:
    plain, output = (render(with_text(VIEW, each), format_, WIDE) for each in (plain_like(text), text))
    assert output.count("\n") == plain.count("\n")
    if format_ == "github":
        assert len(re.findall(r"^::\w+ ", output, re.MULTILINE)) == len(re.findall(r"^::\w+ ", plain, re.MULTILINE))
        assert all(character.isprintable() or character == "\n" for character in output)
        assert not re.search(r"##\w*\[", output)
        return
    assert_harmless(output)
    if format_ == "html":
        assert tags_of(output) == tags_of(plain)
    if format_ == "markdown":
        outside, plain = (FENCED.sub("", each) for each in (output, plain))
        assert tags_of(outside) == tags_of(plain)
        assert not re.search(r"@\w", outside)
        assert "$" not in outside, "where it begins a formula, which may look like anything"
        assert not re.search(r"(?<!\\)\]\(", outside)
        assert len(re.findall(r"^#", outside, re.MULTILINE)) == 1


@hostile
def test_findings_and_errors_keep_their_structure(text: str) -> None:
    plain, output = (render_findings(with_text(FINDINGS, each)) for each in (plain_like(text), text))
    assert output.count("\n") == plain.count("\n") == len(FINDINGS)
    assert_harmless(output)
    assert_harmless(render_error(SgctlError(text, text)))
    related = ((text, FilePlace(text, 1, 1)), (text, PlainPlace(text, text)))
    issue = Issue(FilePlace(text, 3, 5), ProblemName.WRONG_VALUE, text, text.splitlines()[-1], text, related)
    assert_harmless(render_issue(issue, WIDE))
    assert_harmless(shown(text))


@hostile
def test_reports_for_a_ci_stay_well_formed(text: str) -> None:
    findings = with_text(FINDINGS, text)
    root = ET.fromstring(junit(findings, "plan"))
    assert len(root.findall(".//testcase")) == len(ET.fromstring(junit(FINDINGS, "plan")).findall(".//testcase"))
    assert_harmless(junit(findings, "plan"))
    assert_harmless(json_text(sarif(findings, "plan", "/folder")))


@hostile
@pytest.mark.parametrize("format_", GRAPH_FORMATS)
def test_a_graph_keeps_its_structure(format_: str, text: str) -> None:
    plain, output = (GRAPH_FORMATS[format_]([with_text(GRAPH, each)]) for each in (plain_like(text), text))
    assert output.count("\n") == plain.count("\n")
    assert_harmless(output)
    if format_ in {"svg", "html"}:
        assert tags_of(output) == tags_of(plain)


@given(st.text(max_size=40))
@settings(max_examples=examples(500))
def test_printable_text_is_on_one_line_and_obeyed_by_nothing(text: str) -> None:
    assert_harmless(printable(text))
    assert "\n" not in printable(text)
    assert len(printable(text, keep_length=True)) == len(text)
    assert printable(printable(text)) == printable(text)


@given(st.text(max_size=40), st.sampled_from(HOSTILE))
@settings(max_examples=examples(200))
def test_resources_are_read_as_they_were_and_obeyed_by_nothing(text: str, hostile_text: str) -> None:
    """Each value is on one line, however long; a surrogate is no character of YAML."""
    text = "".join(each for each in f"{text} {'a ' * 80}{hostile_text}" if not "\ud800" <= each <= "\udfff")
    text = text.replace("\ufffe", "").replace("\uffff", "")
    resource = {"name": text, "list": [text, {"deep": text}]}
    written = write_yaml([resource])
    assert_harmless(written)
    assert yaml.safe_load(written) == resource
