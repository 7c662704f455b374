"""A page has one name for each group's place, which Markdown links to; it grows no further than a bound."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.desired import Target
from reconciler.render.formats import render
from reconciler.render.page import anchor
from reconciler.render.view import GroupRef, GroupView, Line, Made, Reach, TrafficLine, View

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
