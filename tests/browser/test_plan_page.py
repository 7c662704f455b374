"""The pages of a plan and of drift: what one sees first, follows, finds, unfolds and prints; at a desk, on a phone."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from accessibility import assert_accessible
from graph_views import rule, view_of

from reconciler.graph import build_graphs
from reconciler.model.desired import Target
from reconciler.model.place import FilePlace
from reconciler.model.policies import Finding
from reconciler.render.formats import render
from reconciler.render.view import DRIFT, Failure, GroupRef, GroupView, Line, Made, Reach, TrafficLine, View

expect = pytest.importorskip("playwright.sync_api", reason="run `make test-browser`").expect
Show = Callable[..., Any]
TARGET = Target(1337, 7)
WORLD = TrafficLine(
    "opens", "ingress tcp 22 from 0.0.0.0/0", "4,294,967,296 addresses, 1 port", "open to the world", True
)


def group(number: int) -> GroupView:
    ref = GroupRef(f"group-{number}", TARGET, FilePlace("groups/web.yaml", number + 1, 5))
    new = f"ingress IPv4 tcp {8000 + number} from 10.0.{number}.0/24"
    lines = (
        Line("+", new, "new", "", f'{new}  "new"'),
        Line("~", "ingress IPv4 tcp 22 -> 2222", "", "ingress IPv4 tcp 22", "ingress IPv4 tcp 2222", "port 22 -> 2222"),
        Line("-", "ingress IPv4 udp 53", "", "ingress IPv4 udp 53", ""),
    )
    traffic = (TrafficLine("opens", f"ingress tcp {8000 + number} from 10.0.{number}.0/24", "256 addresses, 1 port"),)
    return GroupView("~", "update", ref, "0c1f8a36", lines=lines, traffic=traffic, unchanged=3, remarks=("a note",))


def plan(size: int = 30, dangerous: int = 17) -> View:
    groups = [group(number) for number in range(size)]
    groups[dangerous] = replace(groups[dangerous], traffic=(WORLD, *(groups[dangerous].traffic or ())))
    groups[3] = replace(groups[3], symbol="-", word="delete")
    graphs = build_graphs(view_of({"group-3": [rule(port=22)], "app": [rule(remote="group-3")]}), view_of({}))
    return View(
        "plan",
        tuple(groups),
        f"Plan: create 0 groups, update {size - 1}, delete 1.",
        stops=(
            Finding("mass-delete", "error", "would delete 41 of 60 rules", place=FilePlace("groups/web.yaml", 3, 5)),
        ),
        warnings=(Finding("rename", "warning", "a warning"),),
        notes=("a note",),
        exposed=(Reach(WORLD, (groups[dangerous].ref,)),),
        refused=(Reach(TrafficLine("closes", "ingress udp 53", "1 port"), tuple(each.ref for each in groups)),),
        failures=(Failure("failed", "the API refused it", "plan again", (groups[4].ref,)),),
        made=Made("2026-11-27T03:00:00Z", "https://api.example", "1.2.3", "0123456789abcdef0123456789abcdef01234567"),
        graphs=graphs,
    )


def drift() -> View:
    return replace(plan(), kind="drift", perspective=DRIFT)


def html(view: View | None = None) -> str:
    return render(view or plan(), "html")


def open_groups(page: Any) -> list[str]:
    return page.locator("details.group[open]").evaluate_all("found => found.map((each) => each.id)")


def test_the_dangerous_group_is_first_and_open_and_the_others_are_folded_with_their_counts(show: Show) -> None:
    page = show(html())
    assert open_groups(page) == ["group-17-1337-7"]
    summaries = page.locator("details.group summary").all_text_contents()
    assert "group-17" in summaries[0]
    assert "open to the world" in summaries[0]
    assert summaries[1].startswith("- delete group-3 ")
    assert all("1 added, 1 changed, 1 removed" in summary for summary in summaries)
    made = page.locator(".made").text_content()
    assert made == "Made 2026-11-27 03:00:00 UTC, for https://api.example, by sgctl 1.2.3, from commit 0123456789ab"


def test_a_banner_and_an_address_with_a_fragment_lead_to_the_group_and_open_it(show: Show) -> None:
    page = show(html())
    page.fill("[name=text]", "group-9")
    expect(page.locator("form output")).to_have_text("1 of 30 groups")
    page.locator(".remark", has_text="failed").get_by_role("link", name="group-4").click()
    expect(page.locator("#group-4-1337-7 table.sides")).to_be_in_viewport()
    assert page.evaluate("document.activeElement.closest('details').id") == "group-4-1337-7"
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator("#group-4-1337-7 table.sides")).to_be_in_viewport()


def test_the_filter_opens_and_marks_what_it_finds_and_leaves_the_page_as_it_was(show: Show) -> None:
    page = show(html())
    page.fill("[name=text]", "10.0.11.0/24")
    expect(page.locator("form output")).to_have_text("1 of 30 groups")
    assert open_groups(page) == ["group-11-1337-7"]
    assert page.evaluate("[...CSS.highlights.get('found')].map(String)") == ["10.0.11.0/24", "10.0.11.0/24"]
    page.fill("[name=text]", "(")
    expect(page.locator("form output")).to_have_text("30 of 30 groups")
    page.fill("[name=text]", "nothing like it")
    expect(page.locator("form output")).to_have_text("0 of 30 groups")
    page.fill("[name=text]", "")
    expect(page.locator("form output")).to_have_text("30 of 30 groups")
    assert open_groups(page) == ["group-17-1337-7"]
    page.uncheck("[name=kind][value=update]")
    expect(page.locator("form output")).to_have_text("1 of 30 groups")


def test_all_is_expanded_and_collapsed(show: Show) -> None:
    page = show(html())
    page.click("[name=expand]")
    assert len(open_groups(page)) == 30
    page.click("[name=collapse]")
    assert open_groups(page) == []


def test_the_keyboard_reaches_and_opens_groups(show: Show) -> None:
    page = show(html())
    page.locator("details.group summary").nth(1).focus()
    page.keyboard.press("Enter")
    assert open_groups(page) == ["group-17-1337-7", "group-3-1337-7"]


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without"])
def test_paper_has_everything_open_and_the_screen_is_as_before(show: Show, script: bool) -> None:
    page = show(html(), java_script_enabled=script)
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert pages >= 6, "thirty groups with a table each do not fit on fewer"
    page.emulate_media(media="print")
    assert page.locator("#group-25-1337-7 table.sides").bounding_box()["height"] > 40
    assert page.locator(".tools").is_hidden()
    if script:
        assert open_groups(page) == ["group-17-1337-7"]


def test_a_phone_shows_one_column(show: Show) -> None:
    page = show(html(), viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    page.click("[name=expand]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    row = page.locator("#group-17-1337-7 tr.update").first
    live, desired = row.locator(".live").bounding_box(), row.locator(".desired").bounding_box()
    assert desired["y"] >= live["y"] + live["height"] - 1
    assert live["width"] > 250
    assert desired["x"] + desired["width"] <= 360


def test_dark_is_dark_and_light_is_light(show: Show) -> None:
    found = {}
    for scheme in ("dark", "light"):
        ground = show(html(), color_scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        found[scheme] = sum(map(int, re.findall(r"\d+", ground)))
    assert found["dark"] < 150
    assert found["light"] > 600


def test_the_change_is_drawn_and_its_cards_lead_to_the_groups(show: Show) -> None:
    page = show(html())
    assert page.locator(".picture svg .card .name").all_text_contents() == ["+ group-3", "+ app"]
    page.click('.picture svg a[href="#group-3-1337-7"] .body')
    expect(page.locator("#group-3-1337-7 table.sides")).to_be_in_viewport()


def test_drift_is_told_in_its_own_words(show: Show) -> None:
    page = show(html(drift()))
    assert "1 missing live, 1 changed live, 1 added live" in page.locator("details.group summary").first.text_content()
    words = page.locator("#group-17-1337-7 td.symbol").all_text_contents()
    assert words == ["missing live", "changed live", "added live"]


def test_without_script_it_can_still_be_read(show: Show) -> None:
    page = show(html(), java_script_enabled=False)
    assert page.locator("form.filter").is_hidden()
    page.locator("details.group summary").nth(1).click()
    assert page.locator("#group-3-1337-7 table.sides").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [plan, drift], ids=["plan", "drift"])
def test_axe_finds_nothing(show: Show, view: Callable[[], View], scheme: str) -> None:
    page = show(html(view()), color_scheme=scheme)
    page.click("[name=expand]")
    assert_accessible(page)
    page.set_viewport_size({"width": 360, "height": 740})
    assert_accessible(page)
