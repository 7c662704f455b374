"""A plan as people read it: one line a rule, what changed beside it, the rest folded, in 80 columns."""

from __future__ import annotations

import re
from typing import Any

import click
import pytest
from build import desired_group, live_group, plan_of, rule, tcp, there, uuid, wanted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import live_rules, rules, rules_to_create

from reconciler.model.desired import DesiredRule
from reconciler.model.errors import Issue
from reconciler.model.live import OWNER_TAG, LiveRule
from reconciler.model.place import FilePlace
from reconciler.model.problems import ProblemName
from reconciler.model.rule import Rule
from reconciler.planning.plan import Plan
from reconciler.render.errors import render_issue
from reconciler.render.formats import render
from reconciler.render.pairs import changed_aspects, pair
from reconciler.render.plan import view_plan
from reconciler.render.text import fold, render_text

OURS = {OWNER_TAG: "us"}
WORDS = st.sampled_from(["", "web", "HTTP(S) from everywhere", "ssh from the office, see the wiki", "x" * 255])
NAMES = st.sampled_from(["web", "web-frontend-prod", "payments.eu-west 1", "a-name-of-thirty-characters-xx"])
REMOTES = ["0.0.0.0/0", "203.0.113.128/25", "2001:db8:1234:5678::/64", uuid(2), None]


def shown(plan: Plan, width: int = 80) -> list[str]:
    """The lines of a plan without colours."""
    return click.unstyle(render_text(view_plan(plan), width)).splitlines()


@st.composite
def sane_rules(draw: st.DrawFn) -> dict[Rule, str]:
    """Rules as people have them, with descriptions of any length."""
    found = draw(
        st.lists(
            st.builds(
                rule,
                st.sampled_from(["ingress", "egress"]),
                st.sampled_from(["tcp", "udp", "sctp"]),
                st.sampled_from([None, 22, (8000, 8099), (10_000, 65_000)]),
                st.sampled_from(REMOTES),
            ),
            unique=True,
            max_size=8,
        )
    )
    return {each: draw(WORDS) for each in found}


@settings(max_examples=examples(150))
@given(sane_rules(), sane_rules(), WORDS, WORDS, NAMES, st.sampled_from([80, 100, 132]))
def test_no_line_is_wider_than_the_terminal(
    live: dict[Rule, str], desired: dict[Rule, str], old: str, new: str, name: str, width: int
) -> None:
    """But for words that are wider themselves, and the summary: nothing is broken in the middle."""
    rules_now = [there(100 + index, each, text) for index, (each, text) in enumerate(live.items())]
    asked = [wanted(each, text) for each, text in desired.items()]
    plan = plan_of(
        [
            desired_group(name, asked, id=uuid(1), tags={"env": "test"}, description=new),
            desired_group("new group", [wanted(tcp(1), new)], owner="us"),
        ],
        [
            live_group("web", rules_now, {"team": "payments"}, description=old),
            live_group("application", number=2),
            live_group("gone", [tcp(5)], OURS, number=3),
            live_group("foreign", [tcp(9, uuid(3))], number=4),
        ],
        owners=["us"],
        prune=True,
    )
    for line in shown(plan, width)[:-1]:
        longest = max(map(len, line.split()), default=0)
        assert len(line) <= width or longest > width // 2, line


@settings(max_examples=examples(150))
@given(rules_to_create(), live_rules())
def test_every_rule_that_changes_has_one_line(desired: tuple[DesiredRule, ...], live: tuple[LiveRule, ...]) -> None:
    """A pair of a create and a delete has one together; unchanged rules are counted on one line."""
    plan = plan_of([desired_group("web", desired)], [live_group("web", live), live_group("app", number=2)])
    lines = shown(plan)
    if not plan.changes:
        assert lines == [f"No changes. Live state is as desired: 1 group, {_rules(len(live))}."]
        return
    difference = plan.changes[0].difference
    pairs = len(pair(difference.creates, difference.deletes).changed)
    marks = [line[2] for line in lines if re.match(r"  [-+~] ", line)]
    assert marks.count("+") == len(difference.creates) - pairs
    assert marks.count("-") == len(difference.deletes) - pairs
    assert marks.count("~") == len(difference.redescribes) + pairs
    folded = [line for line in lines if line.endswith("unchanged")]
    assert folded == ([f"    {_rules(difference.unchanged)} unchanged"] if difference.unchanged else [])
    assert any(line.startswith("Plan: ") for line in lines[lines.index("") :])


def _rules(number: int) -> str:
    return f"{number} rule{'' if number == 1 else 's'}"


@settings(max_examples=examples(200))
@given(st.lists(rules(), max_size=8, unique=True), st.lists(rules(), max_size=8, unique=True))
def test_pairing_loses_no_rule(one: list[Rule], other: list[Rule]) -> None:
    """Each rule is in one pair at most, and a pair differs in what it says."""
    creates = [wanted(each) for each in one if each not in other]
    deletes = [there(index, each) for index, each in enumerate(other) if each not in one]
    pairing = pair(creates, deletes)
    assert len(pairing.changed) + len(pairing.creates) == len(creates)
    assert len(pairing.changed) + len(pairing.deletes) == len(deletes)
    for changed in pairing.changed:
        assert changed_aspects(changed.live, changed.desired)
        assert changed.live.rule != changed.desired.rule


@pytest.mark.parametrize(
    ("live", "desired", "line"),
    [
        pytest.param(
            there(1, tcp(80)), wanted(tcp(81)), "tcp port 80 -> 81 from 0.0.0.0/0", id="another-port"
        ),
        pytest.param(
            there(1, rule(ports=(80, 90))), wanted(rule(ports=(80, 99))),
            "tcp ports 80-90 -> 80-99 from 0.0.0.0/0", id="a-wider-range"
        ),
        pytest.param(
            there(1, tcp(80, "10.0.0.0/8")), wanted(tcp(80, "10.0.0.0/9")),
            "tcp 80 from 10.0.0.0/8 -> 10.0.0.0/9", id="another-prefix",
        ),
        pytest.param(
            there(1, tcp(80, "10.0.0.0/8")), wanted(tcp(80)), "tcp 80 from 10.0.0.0/8 -> 0.0.0.0/0", id="opened",
        ),
        pytest.param(
            there(1, rule(protocol="tcp")), wanted(rule(protocol="udp")),
            "IPv4 tcp -> udp from 0.0.0.0/0", id="another-protocol"
        ),
        pytest.param(
            there(1, tcp(22, "10.0.0.0/8"), "SSH"), wanted(tcp(2222, "10.0.0.0/9"), "SSH"),
            "tcp port 22 -> 2222 from 10.0.0.0/8 -> 10.0.0.0/9  SSH", id="port-and-prefix",
        ),
        pytest.param(
            there(1, tcp(53, "10.0.0.0/8")), wanted(rule(protocol="udp", ports=54, remote="10.0.0.0/8")),
            "tcp -> udp port 53 -> 54 from 10.0.0.0/8", id="protocol-and-port",
        ),
        pytest.param(
            there(1, tcp(22), "SSH"), wanted(tcp(2222), "SSH, moved"),
            'tcp port 22 -> 2222 from 0.0.0.0/0  description "SSH" -> "SSH, moved"', id="port-and-description",
        ),
        pytest.param(
            there(1, tcp(80), "old"), wanted(tcp(80), "new"), 'description "old" -> "new"', id="another-description"
        ),
    ],
)  # fmt: skip
def test_a_changed_rule_says_which_field_changed(live: LiveRule, desired: DesiredRule, line: str) -> None:
    lines = shown(plan_of([desired_group("web", [desired])], [live_group("web", [live])]), 120)
    (found,) = [each for each in lines if each.startswith("  ~ ")]
    assert found.endswith(line)


@pytest.mark.parametrize("format_", ["text", "markdown", "html", "github"])
def test_a_rule_with_a_new_description_is_said_to_be_missing_for_a_moment(format_: str) -> None:
    """Once a group, and nowhere that it is not so."""
    words = "missing for a moment: the cloud refuses it beside the old one"
    old = [there(1, tcp(80), "old"), there(2, tcp(81), "old")]
    new = [wanted(tcp(80), "new"), wanted(tcp(81), "new")]
    plan = plan_of([desired_group("web", new)], [live_group("web", old)])
    assert render(view_plan(plan), format_, 200).count(words) == 1
    plan = plan_of([desired_group("web", [wanted(tcp(82), "new")])], [live_group("web", old)])
    assert words not in render(view_plan(plan), format_, 200)


def test_a_remote_group_goes_by_its_name() -> None:
    """In plans of people nobody wants to read a UUID where there is a name."""
    desired = desired_group("web", [wanted(tcp(80, uuid(2)))])
    text = "\n".join(shown(plan_of([desired], [live_group("web", [tcp(80)]), live_group("app", number=2)])))
    assert "group app" in text or "-> app" in text
    assert uuid(2) not in text


def test_the_end_is_what_is_refused_what_stops_and_the_summary() -> None:
    plan = plan_of([desired_group("web", [])], [live_group("web", [tcp(80)])])
    lines = shown(plan, 200)
    assert lines[-3] == "no longer admitted: ingress tcp 80 from 0.0.0.0/0 at web (project 1337, region 7)"
    assert lines[-2].startswith("stopped: ")
    assert lines[-1] == "Plan: create 0 groups, update 1, delete 0; create 0 rules, delete 1."


@pytest.mark.parametrize(
    ("line", "column", "start"),
    [
        pytest.param("name: web", 7, "web", id="short"),
        pytest.param("x" * 300 + "HERE" + "y" * 300, 301, "HERE", id="in-the-middle-of-a-long-one"),
        pytest.param("a\tb", 3, "b", id="after-a-tab"),
    ],
)
def test_the_caret_is_under_the_column(line: str, column: int, start: str) -> None:
    shown_lines = click.unstyle(
        render_issue(Issue(FilePlace("a.yaml", 1, column), ProblemName.WRONG_VALUE, "m", line, caret=column))
    ).splitlines()
    text, caret = shown_lines[1:3]
    assert text[caret.index("^") :].startswith(start)
    assert max(map(len, shown_lines)) <= 80


@given(st.text(st.sampled_from("ab c:"), max_size=200), st.integers(40, 90))
def test_folding_keeps_every_word(text: str, width: int) -> None:
    folded = fold(text, width, 4)
    assert folded.split() == text.split()
    assert all(len(each) <= width or " " not in each.strip() for each in folded.splitlines())


@given(st.lists(st.sampled_from(["a", "b" * 30, "```", "````", "~~~", "", "```x"]), max_size=40), st.integers(40, 90))
def test_folding_makes_no_line_that_ends_a_block_of_code(words: list[str], width: int) -> None:
    """Bots such as Atlantis quote the whole text in one; a fence is indented by three blanks at most."""
    folded = fold(f"note: {' '.join(words)}", width)
    assert not re.search(r"^ {0,3}(`{3,}|~{3,}) *$", folded, re.MULTILINE), folded


def test_a_no_change_plan_counts_what_it_looked_at() -> None:
    plan = plan_of([desired_group("web", [tcp(80), tcp(81)])], [live_group("web", [tcp(80), tcp(81)])])
    assert shown(plan) == ["No changes. Live state is as desired: 1 group, 2 rules."]


@pytest.mark.parametrize("ports", [(1,), (1, (1011, 1014)), (1, (1011, 1014), (20_000, 65_000))], ids=len)
def test_no_line_of_traffic_is_cut_whatever_the_width(ports: tuple[Any, ...]) -> None:
    """Neither what is opened nor its size, also where no line has room for its size, and another one is shorter."""
    plan = plan_of([desired_group("web", [rule(ports=each) for each in ports])], [live_group("web", [tcp(7)])])
    lines = view_plan(plan).groups[0].traffic or ()
    assert len(lines) > len(ports)
    for width in range(40, 130):
        text = " ".join(" ".join(shown(plan, width)).split())
        for line in lines:
            assert f"{line.verb} {line.text} {line.size}" in text


def test_every_live_rule_that_gives_way_to_one_is_named() -> None:
    """A rule with a new description takes the place of all that mean the same, and all of them are deleted."""
    live = [there(number, tcp(80), text) for number, text in ((7, "a"), (8, "b"), (9, "c"))]
    text = " ".join(
        " ".join(shown(plan_of([desired_group("web", [wanted(tcp(80), "d")])], [live_group("web", live)]))).split()
    )
    assert f"3 live rules mean the same and become one: {uuid(7)}, {uuid(8)}, {uuid(9)}" in text
