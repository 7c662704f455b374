"""Every format of every result: complete, safe with hostile text, and made for where it is read."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from build import desired_group, plan_of, tcp
from jsonschema import Draft202012Validator

from reconciler.applying.apply import Report
from reconciler.applying.converge import Result, Status
from reconciler.drift.compare import Drift, DriftedGroup, Severity
from reconciler.graph import Graph, Node, NodeKind
from reconciler.model.canonical import canonical_rule
from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.live import LiveGroup, LiveRule, Tag
from reconciler.model.place import FilePlace
from reconciler.model.policies import Finding
from reconciler.model.published import read_schema
from reconciler.planning.diff import Difference, LostRule, diff, diff_deletion
from reconciler.planning.encode import Request
from reconciler.planning.plan import Change, Plan, Scope
from reconciler.planning.resolve import Match
from reconciler.render import FORMATS
from reconciler.render.drift import view_drift
from reconciler.render.formats import render
from reconciler.render.markdown import MAX_LENGTH
from reconciler.render.outcome import render_report, view_report
from reconciler.render.plan import traffic_only, view_plan
from reconciler.render.view import Made, View

TARGET = Target(1, 7)
HOSTILE = "x</code></pre><script>alert(1)</script> ```\n@everyone ::error::\x1b[31m %0A | [a](b)"
HUMAN_FORMATS = tuple(name for name in FORMATS if name != "json")


def rule(port: int, prefix: str | None = None) -> tuple[object, ...]:
    return canonical_rule("ingress", "IPv4", "tcp", port, port, prefix, None)


def live_group(name: str = "web", text: str = "old") -> LiveGroup:
    rules = tuple(LiveRule(f"id-{port}", rule(port, "10.0.0.0/8"), text) for port in (22, 80, 443))
    return LiveGroup(TARGET, f"id-{name}", name, text, (Tag("env", "prod"),), rules, 3)


def difference(name: str = "web", text: str = "new") -> Difference:
    place = FilePlace("groups/web.yaml", 3, 5)
    rules = tuple(DesiredRule(rule(port, prefix), text, place) for port, prefix in ((22, None), (443, "10.0.0.0/8")))
    desired = DesiredGroup(TARGET, name, place, description=text, tags={"env": "test"}, rules=rules)
    return diff(Match(desired, live_group(name, "old")))


def plan(*differences: Difference) -> Plan:
    changes = tuple(Change(each, "absent", (Request("PATCH", "/cloud/v1/x", {}),)) for each in differences)
    stop = Finding("mass-delete", "error", "would delete 41 of 60 rules (68 %)", "--allow-mass-delete")
    warning = Finding("world-open", "warning", "tcp 22 from everywhere", None, FilePlace("groups/web.yaml", 9, 7))
    return Plan("2026-11-23T00:00:00Z", "https://x", "v1", changes, Scope(1, 3), findings=(stop, warning))


def views() -> dict[str, View]:
    each = difference()
    drifted = (
        DriftedGroup(each, Severity.WIDENING, counted=True),
        DriftedGroup(each, Severity.COSMETIC, counted=False),
    )
    drift = Drift(drifted, 2, 3, Severity.WIDENING, {}, (live_group("other"),))
    results = (Result(plan(each).changes[0], Status.APPLIED), Result(plan(each).changes[0], Status.FAILED, "refused"))
    return {
        "plan": view_plan(plan(each, diff_deletion(live_group("gone")))),
        "drift": view_drift(drift, with_unmanaged=True),
        "apply": view_report(Report(results)),
    }


@pytest.mark.parametrize("format_", HUMAN_FORMATS)
@pytest.mark.parametrize("kind", ["plan", "drift", "apply"])
def test_every_format_names_every_group_and_the_summary(kind: str, format_: str) -> None:
    view = views()[kind]
    written = render(view, format_)
    for group in view.groups:
        assert group.name in written
    assert view.summary.split(";")[0].split("(")[0] in written.replace("\\", "")


@pytest.mark.parametrize("format_", HUMAN_FORMATS)
def test_findings_world_openings_and_what_stops_are_in_every_format(format_: str) -> None:
    written = render(views()["plan"], format_).replace("\\", "")
    assert "would delete 41 of 60 rules" in written
    assert "tcp 22 from everywhere" in written
    assert "open to the world" in written.lower()


@pytest.mark.parametrize("format_", HUMAN_FORMATS)
def test_a_host_that_became_a_network_jumps_out_of_every_format(format_: str) -> None:
    """From 203.0.113.9/32 to 203.0.0.0/8: marked as wide; in Markdown above the groups, which are folded."""
    place = FilePlace("groups/web.yaml", 3, 5)
    live = replace(live_group(), rules=(LiveRule("id-22", rule(22, "203.0.113.9/32"), "office"),))
    rules = (DesiredRule(rule(22, "203.0.0.0/8"), "office", place),)
    desired = DesiredGroup(TARGET, "web", place, description="old", tags={"env": "prod"}, rules=rules)
    written = render(view_plan(Plan("", "", "v1", (Change(diff(Match(desired, live)), "", ()),), Scope(1, 1))), format_)
    said = written.partition("<details>")[0] if format_ == "markdown" else written
    assert re.search(r"\bwide\b", said.lower())
    assert "16,777,215 addresses" in said


def test_markdown_shows_quotes_as_they_are() -> None:
    """A quote that is escaped for HTML first and for Markdown then would be read as `&#x27;`."""
    view = replace(views()["plan"], warnings=(Finding("rename", "warning", "'bastion' opens \"22\""),))
    assert "'bastion' opens \"22\"" in render(view, "markdown")


def test_markdown_with_endless_remarks_is_cut_too() -> None:
    view = replace(
        views()["plan"],
        warnings=tuple(Finding("rename", "warning", f"{number} " + "10.0.0.0/32, " * 300) for number in range(50)),
    )
    written = render(view, "markdown")
    assert len(written) <= MAX_LENGTH
    assert "Cut here: more remarks" in written
    assert all(f"</code> {group.title}" in written for group in view.groups), "the groups still have their room"


def test_markdown_counts_the_remarks_that_it_leaves_out() -> None:
    notes = tuple(f"note {number}" for number in range(60))
    written = render(replace(views()["plan"], notes=notes), "markdown")
    assert (written.count("\n- note "), "… and 10 more" in written) == (50, True)


def test_markdown_has_room_for_the_note_that_it_was_cut() -> None:
    first, other = view_plan(plan(difference("web"), difference("app"))).groups

    def written(remark: str) -> str:
        return render(View("plan", (replace(first, remarks=(remark,)), other), "Plan"), "markdown", expand=True)

    without_other = written("x" * 10).partition("<details><summary><code>~</code> update app")[0]
    almost_full = written("x" * (MAX_LENGTH - len(without_other)))
    assert len(almost_full) <= MAX_LENGTH
    assert "Cut here: 2 more groups" in almost_full


def test_what_does_not_count_is_marked() -> None:
    for format_ in HUMAN_FORMATS:
        assert "not counted" in render(views()["drift"], format_)


class _Page(HTMLParser):
    """Collects what a page would execute or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [
            f"{tag} {name}"
            for name, value in attrs
            if not str(value).startswith("#") and name in {"src", "href", "srcset", "data", "action"}
        ]


def test_the_page_is_self_contained_and_runs_nothing_foreign() -> None:
    written = render(view_plan(plan(difference("web", HOSTILE))), "html")
    page = _Page()
    page.feed(written)
    assert page.tags.count("script") == 1
    assert page.fetched == []
    assert "url(" not in written
    assert "@import" not in written
    assert "default-src 'none'" in written


def test_the_two_sides_stand_beside_each_other() -> None:
    written = render(view_plan(plan(difference())), "html")
    row = re.search(
        r'<tr class="update"><td class="symbol">~</td><td class="live">(.*?)</td><td class="desired">', written
    )
    assert row is not None
    assert "old" in row[1]


def test_a_comment_is_never_too_long_and_says_what_is_missing() -> None:
    """GitHub refuses comments over 65,536 characters."""
    many = view_plan(plan(*(difference(f"group-{number}", f"{number:200}") for number in range(300))))
    written = render(many, "markdown", expand=True)
    assert len(written) <= MAX_LENGTH
    cut = re.search(r"Cut here: (\d+) more groups", written)
    assert cut is not None
    assert written.count("<details>") + int(cut[1]) == 300


def test_a_group_that_opens_to_the_internet_is_not_cut_away_by_others() -> None:
    groups = [
        desired_group(f"web-{number}", [tcp(1000 + number, "6.6.6.6/32" if number == 299 else "10.0.0.0/24")])
        for number in range(300)
    ]
    groups[:-1] = [replace(each, description="x" * 200) for each in groups[:-1]]
    view = view_plan(plan_of(groups, []))
    written = render(view, "markdown", expand=True)
    assert "Cut here" in written
    assert "ingress tcp 1299 from 6.6.6.6/32" in written
    shown = re.findall(r"create (web-[0-9]+) ", written)  # "of it above" is said of what is above
    assert shown == [group.ref.name for group in view.groups if group.ref.name in shown]


@pytest.mark.parametrize("size", [10, 255, 3_000])
def test_a_comment_says_by_what_a_plan_was_judged_whatever_else_is_said(size: int) -> None:
    """A stranger's own policies make warnings without end, and its files notes."""
    soft = "judged by sgctl.toml, softer than the defaults: world_open_management is off (warning)"
    found = tuple(Finding("rule_description", "warning", f"{number} {'x' * size}") for number in range(100))
    stops = tuple(Finding("must_deny", "error", f"{number} {'x' * size}") for number in range(100))
    notes = (soft, *(f"{number} {'y' * size}" for number in range(100)))
    view = view_plan(plan(*(difference(f"group-{number}", f"{number:200}") for number in range(300))))
    written = render(replace(view, warnings=found, stops=stops, notes=notes), "markdown")
    assert soft.replace("_", "\\_") in written
    assert len(written) <= MAX_LENGTH


def test_annotations_stand_on_the_lines_of_the_files() -> None:
    written = render(views()["plan"], "github")
    assert "::warning file=groups/web.yaml,line=3,col=5," in written
    assert "::warning file=groups/web.yaml,line=9,col=7," in written
    assert "::error title=sgctl plan%3A stopped::" in written


def test_annotations_of_many_groups_hide_nothing_that_is_said_of_all() -> None:
    """GitHub shows the first ten of a step of each level."""
    many = view_plan(plan(*(difference(f"group-{number}") for number in range(30))))
    said = replace(many, notes=("judged by sgctl.toml, softer than the defaults",)), replace(many, notes=())
    written, without = (render(view, "github").splitlines() for view in said)
    notices = [line for line in written if line.startswith("::notice ")]
    assert "softer than the defaults" in notices[0]
    assert sorted({*written} - {*without}) == [notices[0]]
    warnings = [line for line in written if line.startswith("::warning ")]
    assert "open to the world" in warnings[0]


def test_traffic_only_leaves_out_rules_and_keeps_flows() -> None:
    written = render(traffic_only(view_plan(plan(difference()))), "text")
    assert "opens  ingress tcp 22 from 0.0.0.0/0" in written
    assert "+ ingress" not in written


def test_outcome_json_keeps_its_schema() -> None:
    results = tuple(Result(plan(difference()).changes[0], status, "said", "do") for status in Status)
    report = json.loads(render_report(Report(results), "json"))
    Draft202012Validator(read_schema("outcome")).validate(report)
    assert report["exit_code"] == 4
    assert [each["status"] for each in report["results"]] == list(Status)


def test_an_outcome_says_when_it_was_made_and_links_to_its_page() -> None:
    """The Markdown of an apply links to the page of the same, which says when, and from which commit."""
    report = Report((Result(plan(difference()).changes[0], Status.APPLIED, "", None),))
    made = Made("2026-01-02T03:04:05Z", "https://api", "1.2.3", "0" * 40)
    assert "Made <time" in render_report(report, "html", made=made)
    assert "https://ci/a.html#" in render_report(report, "markdown", page_url="https://ci/a.html")


def test_a_change_that_is_too_much_for_a_picture_says_so() -> None:
    nodes = tuple(Node(str(number), NodeKind.GROUP, f"g{number}", "") for number in range(151))
    page = render(View("plan", (), "Plan", graphs=(Graph((TARGET,), nodes, ()),)), "html")
    assert "151 groups and networks are over the limit of 150" in page


def test_refactored_rules_are_the_same_traffic() -> None:
    halves = tuple(DesiredRule(rule(80, half), "", FilePlace("a", 1, 1)) for half in ("10.0.0.0/9", "10.128.0.0/9"))
    whole = replace(live_group(), rules=(LiveRule("id", rule(80, "10.0.0.0/8"), ""),))
    same = diff(Match(DesiredGroup(TARGET, "web", FilePlace("a", 1, 1), rules=halves), whole))
    for format_ in HUMAN_FORMATS:
        assert "same traffic" in render(view_plan(plan(same)), format_)


@pytest.mark.parametrize("format_", HUMAN_FORMATS)
def test_a_drift_counts_what_would_stop_a_plan(format_: str) -> None:
    """Nothing is stopped by a report; all formats say the same."""
    stop = Finding("expires", "error", "expired on 2026-01-01")
    for view, word in ((views()["plan"], "stopped"), (views()["drift"], "counts")):
        written = re.sub(r"\x1b\[[0-9;]*m|<[^>]*>|\*", "", render(replace(view, stops=(stop,)), format_)).lower()
        (line,) = [line for line in written.splitlines() if "expired on" in line]
        assert word in line
        assert ("stopped" in line) is (word == "stopped")


@pytest.mark.parametrize("format_", HUMAN_FORMATS)
def test_every_format_says_which_live_group_it_is(format_: str) -> None:
    """Two live groups may have one name."""
    page = render(view_plan(plan(difference("web"), diff_deletion(live_group("old")))), format_, expand=True)
    assert "id-web" in page
    assert "id-old" in page


@pytest.mark.parametrize("format_", HUMAN_FORMATS)
def test_every_format_tells_of_a_lost_rule_what_it_was_for(format_: str) -> None:
    lost = LostRule("id-app", "app", LiveRule("id-9", rule(9), "the backup comes this way"))
    page = render(view_plan(plan(diff_deletion(live_group(), (lost,)))), format_, width=200, expand=True)
    assert "lost in app (id-app): ingress IPv4 tcp 9" in page
    assert "the backup comes this way" in page
