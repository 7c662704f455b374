"""The page of a graph with forty groups and with four hundred: a map, found, zoomed, one group by itself, folded."""

from collections.abc import Callable
from typing import Any

import pytest
from accessibility import assert_accessible
from graph_views import rule, view_of

from reconciler.graph import Graph, build_graphs
from reconciler.render.graph.html import render_graph_page
from reconciler.render.view import Made

expect = pytest.importorskip("playwright.sync_api", reason="run `make test-browser`").expect
Show = Callable[..., Any]
MADE = Made("2026-11-27T03:00:00Z", version="1.2.3", commit="0123456789abcdef0123456789abcdef01234567")


def fleet(size: int) -> tuple[Graph, ...]:
    """Tiers of three groups each, reached from one hub; the edges of each tier are open to the world."""
    groups: dict[str, Any] = {"bastion": [rule(port=22, remote="203.0.113.0/24")]}
    for number in range((size - 1) // 3):
        names = [f"{tier}-{number}" for tier in ("edge", "app", "db")]
        groups[names[0]] = [rule(port=443), rule(port=22, remote="bastion")]
        groups[names[1]] = [rule(port=8080, remote=names[0]), rule(port=22, remote="bastion")]
        groups[names[2]] = [
            rule(port=5432, remote=names[1]),
            *(rule(port=5432, remote=f"10.0.{number}.{host}/32") for host in range(8)),
        ]
    before = view_of({name: rules[:1] for name, rules in groups.items()})
    return build_graphs(view_of(groups), before if size == 4 else None)


def cards(page: Any) -> list[str]:
    return page.locator(".picture svg .card .name").all_text_contents()


@pytest.mark.parametrize("size", [40, 400])
def test_it_is_a_map_that_fits_into_a_few_screens_and_unfolds_into_tables(show: Show, size: int) -> None:
    page = show(render_graph_page(fleet(size), "Security groups", MADE))
    assert len(cards(page)) == size
    assert page.locator(".room").bounding_box()["height"] <= 0.76 * page.viewport_size["height"]
    assert page.locator("details.group[open]").count() == 0
    assert page.locator("table").first.is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "0123456789ab" in page.locator(".made").inner_text()


def test_a_click_shows_a_group_with_its_neighbours_and_escape_shows_all_again(show: Show) -> None:
    page = show(render_graph_page(fleet(40), "Security groups"))
    page.click('.picture svg a[href="#app-3-1337-7"] .body')
    assert set(cards(page)) == {"app-3", "edge-3", "bastion", "db-3"}
    assert page.locator("figcaption output").inner_text() == "app-3 and its neighbours"
    page.click('.picture svg a[href="#db-3-1337-7"] .body')
    assert set(cards(page)) == {"app-3", "db-3"}
    assert "8 addresses" in page.locator(".picture svg").text_content()
    page.keyboard.press("Escape")
    assert len(cards(page)) == 40


def test_a_group_without_a_picture_of_its_own_offers_none(show: Show) -> None:
    """One group alone is the whole picture; a button that does nothing is worse than none."""
    for groups, number in ((build_graphs(view_of({"web": [rule(port=443)]})), 0), (fleet(4), 4)):
        page = show(render_graph_page(groups, "Security groups"))
        assert page.locator("button[data-show]").count() >= 1
        assert page.locator("button[data-show]:not([hidden])").count() == number


def test_a_hub_is_shown_with_what_is_alike_among_its_neighbours_once(show: Show) -> None:
    page = show(render_graph_page(fleet(400), "Security groups"))
    page.click('.picture svg a[href="#bastion-1337-7"] .body')
    assert set(cards(page)) == {"bastion", "133 groups"}


def test_the_keyboard_alone_finds_a_group_and_shows_it(show: Show) -> None:
    page = show(render_graph_page(fleet(40), "Security groups"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.type("db-7")
    page.keyboard.press("Enter")
    expect(page.locator("figcaption output")).to_have_text("db-7 and its neighbours")
    assert set(cards(page)) == {"app-7", "db-7"}
    assert page.evaluate("document.activeElement.name") == "all"
    page.keyboard.press("Enter")
    expect(page.locator("figcaption output")).to_have_text("")
    assert len(cards(page)) == 40
    assert page.locator(".picture svg a:not(.dim)").count() == 1, "what was searched for stays marked"


def test_an_address_finds_the_groups_that_admit_it_and_opens_them(show: Show) -> None:
    page = show(render_graph_page(fleet(40), "Security groups"))
    page.fill("[name=text]", "10.0.5.3/32 5432")
    expect(page.locator("form output")).to_have_text("1 of 40 groups")
    assert page.locator("details.group:visible summary").text_content().startswith("db-5 ")
    assert page.locator("details.group[open] table").is_visible()
    assert set(page.evaluate("[...CSS.highlights.get('found')].map(String)")) == {"5432", "10.0.5.3/32"}
    page.fill("[name=text]", "")
    expect(page.locator("form output")).to_have_text("40 of 40 groups")
    assert page.locator("details.group[open]").count() == 0


def test_it_zooms_by_buttons_keys_and_wheel(show: Show) -> None:
    page = show(render_graph_page(fleet(40), "Security groups"))
    width = "document.querySelector('.picture svg').getBoundingClientRect().width"
    first = page.evaluate(width)
    page.click("[name=in]")
    assert page.evaluate(width) == pytest.approx(first * 1.25, rel=0.01)
    page.locator(".room").focus()
    page.keyboard.press("-")
    assert page.evaluate(width) == pytest.approx(first, rel=0.01)
    page.locator(".room").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    assert page.evaluate(width) > first * 1.1
    page.click("[name=fit]")
    assert page.evaluate(
        "document.querySelector('.room').scrollHeight <= document.querySelector('.room').clientHeight + 2"
    )


def test_a_column_for_changes_is_there_where_a_change_is_drawn(show: Show) -> None:
    page = show(render_graph_page(fleet(40), "Security groups"))
    assert page.locator("th", has_text="Change").count() == 0
    page = show(render_graph_page(fleet(4), "What would change"))
    assert page.locator("th", has_text="Change").count() > 0
    assert "opened" in page.locator("body").inner_text()


def test_what_does_not_change_is_shown_on_demand(show: Show) -> None:
    """A page of a change begins with what changes; the legend stays."""
    page = show(render_graph_page(fleet(4), "What would change"))
    same = page.locator(".picture svg .edge.same:has(title)")
    assert same.count() > 0
    expect(same.first).to_be_hidden()
    expect(page.locator(".picture svg .edge.added").first).to_be_visible()
    page.uncheck(".changes")
    expect(same.first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [4, 40])
def test_axe_finds_nothing(show: Show, scheme: str, size: int) -> None:
    page = show(render_graph_page(fleet(size), "Security groups", MADE), color_scheme=scheme)
    page.click("[name=expand]")
    assert_accessible(page)
    page.click('.picture svg a[href="#app-0-1337-7"] .body')
    assert_accessible(page)
