"""A page has one name for each group's place, which Markdown links to; it grows no further than a bound."""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.desired import Target
from reconciler.model.policies import Finding
from reconciler.render import html
from reconciler.render.formats import render
from reconciler.render.page import anchor
from reconciler.render.view import Failure, GroupRef, GroupView, Line, Made, Reach, TrafficLine, View

TARGET = Target(1337, 7)
LINE = Line("+", "ingress IPv4 tcp 22 from 10.0.0.0/8", "", "", "ingress IPv4 tcp 22 from 10.0.0.0/8")


def group(name: str, lines: int = 1) -> GroupView:
    return GroupView("~", "update", GroupRef(name, TARGET), lines=(LINE,) * lines)


@given(st.text(), st.text())
def test_an_anchor_is_a_plain_word_and_different_for_different_names(one: str, other: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+", anchor(TARGET, one))
    assert (anchor(TARGET, one) == anchor(TARGET, other)) == (one == other)


def test_markdown_links_to_places_that_the_page_has() -> None:
    names = ["web", "a b", "größe", "web-2"]
    reach = Reach(TrafficLine("opens", "ingress tcp 22 from 0.0.0.0/0", "", "open to the world", True), ())
    groups = tuple(replace(group(name), lines=(replace(LINE, text=name),)) for name in names)
    exposed = (replace(reach, groups=tuple(each.ref for each in groups)),)
    view = View("plan", groups, "Plan", exposed=exposed, page_url="https://ci.example/plan.html?a=1&b=2")
    page = render(view, "html")
    links = re.findall(r'href="https://ci\.example/plan\.html\?a=1&amp;b=2#([^"]*)"', render(view, "markdown"))
    assert len(set(links)) == 4
    assert set(links) <= set(re.findall(r'<details[^>]* id="([^"]*)"', page))
    assert set(re.findall(r'href="#([^"]*)"', page)) == set(links)
    assert "href" not in render(replace(view, page_url=""), "markdown")


def test_two_groups_of_one_name_have_two_places() -> None:
    page = render(View("plan", (group("web"), replace(group("web"), live_id="other")), "Plan"), "html")
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids)) == 2


def test_what_does_not_fit_is_counted() -> None:
    page = render(View("plan", tuple(group(f"g{number}", 250) for number in range(200)), "Plan"), "html")
    assert len(page) < 12_000_000
    assert page.count('<tr class="create"') == 25_001, "and the one that all groups have in common"
    assert "250 more lines not shown; the JSON has all." in page


def test_a_page_says_when_by_what_and_from_what_it_was_made() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    view = View("plan", (), "Plan", made=Made("2026-11-27T03:00:00Z", "https://api.example", "1.2.3", commit))
    said = re.sub(r"<[^>]*>", "", render(view, "html"))
    assert "Made 2026-11-27 03:00:00 UTC, for https://api.example, by sgctl 1.2.3, from commit 0123456789ab" in said


def traffic(number: int) -> TrafficLine:
    return TrafficLine("closes", f"ingress tcp {number} from 10.0.0.0/8", "1 port", "wide", remote="10.0.0.0/8")


REMARKS: dict[str, Callable[[int], View]] = {
    "stops": lambda number: View("plan", (), "", stops=(Finding("gap", "error", f"{number}"),)),
    "warnings": lambda number: View("plan", (), "", warnings=(Finding("gap", "warning", f"{number}"),)),
    "notes": lambda number: View("plan", (), "", notes=(f"{number}",)),
    "exposed": lambda number: View("plan", (), "", exposed=(Reach(traffic(number), ()),)),
    "refused": lambda number: View("plan", (), "", refused=(Reach(traffic(number), ()),)),
    "failures": lambda number: View("apply", (), "", failures=(Failure("failed", f"{number}", "", ()),)),
}


@pytest.mark.parametrize("kind", REMARKS)
def test_no_remark_is_left_out_without_a_word(kind: str) -> None:
    """Traffic that somebody loses, too: with more than are shown, the page says how many more there are."""
    parts = [getattr(REMARKS[kind](number), kind)[0] for number in range(300)]
    page = render(replace(REMARKS[kind](0), **{kind: tuple(parts)}), "html")
    assert page.count('<p class="remark') == 201
    assert "and 100 more</p>" in page


def test_traffic_and_what_groups_have_in_common_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs of groups that change alike, each by twenty rules and twenty flows: ten groups and ten pairs have room."""
    monkeypatch.setattr(html, "_MOST_LINES", 400)
    groups = tuple(
        replace(
            group(f"g{number}"),
            lines=tuple(replace(LINE, text=f"{number // 2} {each}") for each in range(20)),
            traffic=tuple(replace(traffic(each), text=f"{number // 2} {each}") for each in range(20)),
        )
        for number in range(24)
    )
    page = render(View("plan", groups, "Plan"), "html")
    assert page.count("<tr class=") == 2 * 400
    for what in ("lines", "flows"):
        assert page.count(f"20 more {what} not shown; the JSON has all.") == 14 + 2


def test_the_policy_of_a_page_lets_its_own_script_run_and_no_other() -> None:
    page = render(View("plan", (), "Plan"), "html")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}'\"" in page


def test_what_is_worst_comes_first() -> None:
    """Open to the world, then wide, then what went wrong, then what is deleted; else the order of the plan."""
    wide = TrafficLine("opens", "ingress tcp 22 from 10.0.0.0/8", "", "wide")
    world = TrafficLine("opens", "ingress tcp 22 from 0.0.0.0/0", "", "open to the world", is_world=True)
    groups = (
        group("plain"),
        replace(group("deleted"), symbol="-"),
        replace(group("failed"), tone="bad"),
        replace(group("wide"), traffic=(wide,)),
        replace(group("world"), traffic=(world,)),
        group("plain-too"),
    )
    page = render(View("apply", groups, ""), "html")
    names = re.findall(r'<details class="group [^>]* id="([^"]*)-1337-7"', page)
    assert names == ["world", "wide", "failed", "deleted", "plain", "plain-too"]
