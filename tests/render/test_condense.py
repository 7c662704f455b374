"""What several groups have in common is told once, nothing is lost by that, and the end says what matters."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import click
import pytest
from build import OTHER_TARGET, TARGET, desired_group, live_group, live_of, plan_of, rule, state_of, tcp, uuid, wanted
from effort import examples
from forty_groups import forty_groups, plan_of_fleet
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.applying.apply import Report
from reconciler.applying.outcome import Result, Status
from reconciler.drift.compare import Severity, find_drift
from reconciler.model.policies import Finding
from reconciler.model.rule import Rule
from reconciler.planning.plan import Plan
from reconciler.render.condense import condense, describe_groups, merge_findings, shorten_end
from reconciler.render.drift import drift_to_json, view_drift
from reconciler.render.formats import render
from reconciler.render.outcome import report_to_json, view_report
from reconciler.render.plan import view_plan
from reconciler.render.view import GroupRef, GroupView, View

FLEET = plan_of_fleet(forty_groups(22), forty_groups(2222))


def shown(view: View, width: int = 80, *, expand: bool = False) -> list[str]:
    return click.unstyle(render(view, "text", width, expand=expand)).splitlines()


def test_a_port_that_changes_in_forty_groups_is_some_twenty_lines() -> None:
    """Of 1,500 in full: one line for 360 rules, the groups once, and the end with all that matters."""
    assert (len(FLEET.changes), FLEET.summary.rules_to_create) == (38, 360)
    lines = shown(replace(view_plan(FLEET), stops=()))
    assert len(lines) <= 27, "beside what the guardrail says of it"
    assert "  ~ ingress IPv4 tcp port 22 -> 2222 from 45 remotes (360 rules)  SSH" in lines
    assert "    cache, queue, web-01 … web-17 (project 1337, regions 7 and 8)" in lines
    assert len(shown(view_plan(FLEET), expand=True)) > 1_000


@pytest.mark.parametrize("format_", ["text", "markdown"])
@pytest.mark.parametrize("public", ["6.6.6.6/32", "2600::/32", "172.32.0.0/16", "11.0.0.0/24"])
def test_many_private_remotes_do_not_hide_that_a_group_opens_to_the_internet(public: str, format_: str) -> None:
    """They are counted; one on the internet, which a stranger may have put among them, is written out."""
    groups = [
        desired_group(f"web-{number}", [tcp(22, f"10.{number}.0.0/24"), *([tcp(22, public)] if number == 17 else [])])
        for number in range(30)
    ]
    written = click.unstyle(render(view_plan(plan_of(groups, [])), format_, 1000))
    assert f"ingress tcp 22 from {public}" in written
    assert "10.17.0.0" not in written


@pytest.mark.parametrize("format_", ["text", "markdown"])
def test_what_matters_is_told_of_a_fleet_too(format_: str) -> None:
    """Open to the world with its groups and regions, what is lost by whom, and the counts."""
    written = click.unstyle(render(view_plan(FLEET), format_, 1000)).lower()
    assert re.search(
        r"open to the world:.*tcp 2222 from 0\.0\.0\.0/0.* at 4 groups: web-01, web-02 \(project 1337", written
    )
    assert re.search(r"tcp 22 from 0\.0\.0\.0/0.* at 4 groups: web-01, web-02", written)
    assert "update 38, delete 0; create 360 rules, delete 360." in written


def test_the_end_comes_in_the_order_of_what_matters() -> None:
    """Open to the world, no longer admitted, guardrails, failures, summary: the last line, however narrow it is."""
    plan = plan_of(
        [desired_group("web", [tcp(22)], id=uuid(1)), desired_group("app", [], id=uuid(2))],
        [live_group("web", [tcp(80)]), live_group("app", [tcp(80)], number=2)],
    )
    lines = [line for line in shown(view_plan(plan), 40) if not line.startswith(" ")]
    labels = [line.partition(":")[0] for line in lines[lines.index("") :] if line]
    assert labels[-5:] == ["OPEN TO THE WORLD", "no longer admitted", "warning", "stopped", "Plan"]
    assert lines[-1] == "Plan: create 0 groups, update 2, delete 0; create 1 rule, delete 2."


RULES = st.lists(
    st.sampled_from([tcp(22), tcp(80), tcp(22, "10.0.0.0/8"), tcp(22, "10.1.0.0/16"), rule(protocol="udp", ports=53)]),
    unique=True,
    max_size=4,
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans for up to eight groups of two targets, many of which change alike."""
    desired, live = [], []
    few = [(draw(RULES), draw(RULES), draw(st.sampled_from(["", "x"]))) for _ in range(2)]
    for number in range(1, draw(st.integers(1, 8)) + 1):
        old, new, text = draw(st.sampled_from(few))
        target = TARGET if number % 2 else OTHER_TARGET
        name = f"web-{number // 2}"
        given_rules = [wanted(each, text) for each in [*new, *draw(st.sampled_from([[], [tcp(443)]]))]]
        desired.append(desired_group(name, given_rules, target=target, id=uuid(number)))
        live.append(live_group(name, old, number=number, target=target))
    return plan_of(desired, live)


@settings(max_examples=examples(300))
@given(plans(), st.booleans())
def test_nothing_is_lost_by_saying_it_once(plan: Plan, is_long: bool) -> None:
    """Each line of each group is in just one view that stands for it: by itself, or with others.

    In a long plan remotes are counted where they differ; then what is done to them is there for each group.
    """
    view = view_plan(plan)
    with pytest.MonkeyPatch.context() as patch:
        if is_long:
            patch.setattr("reconciler.render.condense.LONG", 0)
        condensed = condense(view)
    told: Counter[tuple[GroupRef, str]] = Counter()
    for group in condensed.groups:
        for ref in group.members or (group.ref,):
            told.update((ref, text) for text in _texts(group))
    expected = Counter((group.ref, text) for group in view.groups for text in _texts(group))
    if is_long:
        assert {(ref, _head(text)) for ref, text in told} == {(ref, _head(text)) for ref, text in expected}
    else:
        assert told == expected
    unchanged = sum(group.unchanged for group in view.groups)
    assert sum(group.unchanged for group in condensed.groups) == unchanged
    assert (condensed.exposed, condensed.refused) == (view.exposed, view.refused)
    refs = {group.ref for group in view.groups}
    assert {ref for group in condensed.groups for ref in (group.members or (group.ref,))} == refs


def _texts(group: GroupView) -> list[str]:
    traffic = ["same"] if group.traffic == () else [f"{line.verb} {line.text}" for line in group.traffic or ()]
    return [f"{line.symbol} {line.text} {line.remark}" for line in group.lines] + traffic


def _head(text: str) -> str:
    return text.partition(" from ")[0]


@settings(max_examples=examples(200))
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=20, unique=True), st.sampled_from(["web-{}", "web-{:02}", "{}"])
)
def test_names_in_a_row_stand_for_just_these(numbers: list[int], form: str) -> None:
    """`web-01 … web-17` is every name from the first to the last, and no other."""
    names = [form.format(number) for number in numbers]
    text = describe_groups([GroupRef(name, TARGET) for name in names], most=100).removesuffix(f" ({TARGET})")
    told = []
    for part in text.split(", "):
        first, _, last = part.partition(" … ")
        if last:
            low, high = (int(re.findall(r"\d+$", name)[0]) for name in (first, last))
            told += [form.format(number) for number in range(low, high + 1)]
        else:
            told.append(first)
    assert Counter(told) == Counter(names)


def test_more_names_than_anybody_reads_are_counted() -> None:
    refs = [GroupRef(f"group-{letter}", TARGET) for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert describe_groups(refs, most=3) == "group-a, group-b, group-c (project 1337, region 7) and 23 more"


def test_two_regions_of_one_file_are_told_once_in_full() -> None:
    """A file for two targets is the common case: every rule is still there with its own prefix."""
    rules = [tcp(22, f"10.{number}.0.0/16") for number in range(10)]
    desired = [
        desired_group("web", [wanted(each) for each in rules], target=target) for target in (TARGET, OTHER_TARGET)
    ]
    live = [live_group("web", number=number, target=each.target) for number, each in enumerate(desired, 1)]
    lines = shown(view_plan(plan_of(desired, live)))
    assert "~ update 2 groups" in lines
    assert sum(line.startswith("  + ingress IPv4 tcp 22 from 10.") for line in lines) == 10


def test_an_outcome_ends_with_who_failed_and_why() -> None:
    """The reasons of forty groups are not at line 79 of 126, and those in common are told once."""
    results = [Result(change, Status.APPLIED) for change in FLEET.changes[:30]]
    refused = "PATCH /cloud/v1/securitygroups/1337/8/{0}: 400: the API refuses it (request {0})"
    results += [
        Result(change, Status.FAILED, refused.format(number), "do this")
        for number, change in enumerate(FLEET.changes[30:37])
    ]
    results.append(Result(FLEET.changes[37], Status.LEFT, "stopped before it"))
    view = view_report(Report(tuple(results)))
    lines = shown(view, 200)
    assert lines[-3].startswith("failed: ")
    assert lines[-3].endswith(": 400: the API refuses it")
    assert lines[-2].startswith("left: ")
    assert lines[-1] == "Applied 30 of 38 groups: 30 updated, 7 failed, 1 left."
    assert len(lines) < 25
    said = report_to_json(Report(tuple(results)))
    applied = {each.change.difference.name for each in results if each.status is Status.APPLIED}
    (world,) = [each for each in said["exposed_traffic"] if each["alarm"] == "open to the world"]
    assert {group["name"] for group in world["groups"]} <= applied


def test_drift_has_words_of_its_own() -> None:
    """Neither plus nor minus: what is live only is not green, and what a value was comes before what it is."""
    desired = desired_group("web", [tcp(80), tcp(22, "10.0.0.0/8")], tags={"env": "prod"})
    live = live_group("web", [tcp(80), tcp(2222, "10.0.0.0/8"), rule(protocol="udp", ports=53)], {"env": "test"})
    missing = desired_group("app", [tcp(443)])
    drift = find_drift(state_of(desired, missing), live_of(live), Severity.COSMETIC)
    view = view_drift(drift)
    lines = shown(view, 100)
    assert "  changed live ingress IPv4 tcp port 22 -> 2222 from 10.0.0.0/8" in lines
    assert "  changed live tag env=prod -> test" in lines
    assert "  added live   ingress IPv4 udp 53 from 0.0.0.0/0" in lines
    assert "  missing live ingress IPv4 tcp 443 from 0.0.0.0/0" in lines
    assert not any(re.match(r" *[-+~] ", line) for line in lines)
    for format_ in ("text", "markdown", "html", "github"):
        assert "added live: no file has it" in " ".join(render(view, format_, 100).split())
    assert drift_to_json(drift, "https://api", "2026-01-02T03:04:05Z")["refused_traffic"]


def test_remote_groups_go_by_name_wherever_it_is_known() -> None:
    """Also in traffic that is left over by a rule that stays, and in rules that a deletion takes along."""
    stays, open_to_all = tcp(80, uuid(2)), tcp(22)
    plan = plan_of(
        [desired_group("web", [wanted(stays), wanted(tcp(80, "10.0.0.0/8")), wanted(open_to_all)])],
        [
            live_group("web", [stays, tcp(80), tcp(22, uuid(4))]),
            live_group("app", number=2),
            live_group("gone", number=3, tags={"sgctl-owner": "us"}),
            live_group("foreign", [tcp(9, uuid(3)), tcp(22, uuid(4))], number=4),
        ],
        owners=["us"],
        prune=True,
    )
    assert [change.difference.action for change in plan.changes] == ["update", "delete"]
    assert plan.changes[1].difference.lost_rules
    for format_ in ("text", "markdown", "html", "github"):
        written = render(view_plan(plan), format_, 200)
        assert not [number for number in (2, 3, 4) if f"group {uuid(number)}" in written]
        assert {"app", "gone", "foreign"} <= set(re.findall(r"group (\w+)", written))


def test_a_finding_names_the_groups_of_rules_that_stay() -> None:
    """What a group admits in the end is judged beside rules that no change touches."""
    live = [live_group("web", [tcp(22, uuid(2))]), live_group("app", number=2)]
    plan = plan_of([desired_group("web", [wanted(tcp(22, uuid(2))), wanted(tcp(80, "10.0.0.0/8"))])], live)
    assert plan.group_names == {uuid(2): "app"}


def test_the_end_stays_short_whatever_changes() -> None:
    """A thousand prefixes in one group are one line of the end; what is open to the world is never among them."""
    live = live_group("web", [tcp(22, f"10.0.{number}.0/25") for number in range(200)])
    view = view_plan(plan_of([desired_group("web", [tcp(22)])], [live]))
    assert len(shown(view)) < 220, "a line for each rule"
    assert len(shown(replace(view, groups=()))) <= 10
    view = shorten_end(view_plan(plan_of([desired_group("web", [tcp(1)])], [live])))
    assert [reach.line.text for reach in view.exposed] == ["ingress tcp 1 from 0.0.0.0/0"]
    (refused,) = view.refused
    assert refused.line.text.endswith("and 198 more")


def test_findings_that_differ_in_exceptions_are_one_and_those_that_say_something_else_are_not() -> None:
    says = "'{}' opens tcp {} from 0.0.0.0/0 except 10.{}.0.0/16; narrow it"
    rows = [("a", 22, 1), ("b", 22, 2), ("c", 23, 3)]
    found = [Finding("p", "warning", says.format(*row), group=row[0]) for row in rows]
    first, other = merge_findings(found)
    assert first.message == "'a' opens tcp 22 from 0.0.0.0/0, with exceptions; narrow it; the same of b"
    assert other == found[2]


def test_what_two_of_three_groups_have_in_common_stays_with_each() -> None:
    """Only of three is a part of a group told elsewhere; of two, where that is all of both."""

    def lines(*rules: list[Rule]) -> list[str]:
        desired = [desired_group(f"g{number}", [wanted(each) for each in some]) for number, some in enumerate(rules)]
        return [line for line in shown(view_plan(plan_of(desired, []))) if line.startswith("+ ")]

    assert lines([tcp(1)], [tcp(1)], [tcp(2)]) == ["+ create 2 groups", f"+ create g2 ({TARGET})"]
    alone = [f"+ create g{number} ({TARGET})" for number in range(3)]
    assert lines([tcp(1)], [tcp(1), tcp(3)], [tcp(2)]) == alone
    assert lines([tcp(1)], [tcp(1), tcp(3)], [tcp(1), tcp(2)])[0] == "+ create 3 groups"
