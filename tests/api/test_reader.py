"""Reading live state: every page, every target, whole or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from steady import HastyClock

from reconciler.api.http import Http
from reconciler.api.live import LEAST_SILENT, read_live
from reconciler.api.reader import GcoreReader
from reconciler.emulator.server import EmulatorServer
from reconciler.model.clock import SystemClock
from reconciler.model.desired import Target
from reconciler.model.errors import ApiError
from reconciler.model.live import UnreadTarget

TARGET = Target(1, 7)
LIST = "/cloud/v1/securitygroups/1/7"


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def group(number: int, **fields: Any) -> dict[str, Any]:
    """A group as the API lists it."""
    known = {"id": uuid(number), "name": f"group-{number}", "tags_v2": [], "security_group_rules": []}
    return known | fields


class Pages:
    """An API whose list may change between two pages."""

    def __init__(
        self, groups: list[dict[str, Any]], between: Callable[[list[dict[str, Any]]], None] | None = None
    ) -> None:
        self.groups = groups
        self.between = between
        self.requests: list[httpx.URL] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.url)
        path, query = request.url.path, request.url.params
        if path != LIST:
            return httpx.Response(200, json=next(each for each in self.groups if path.endswith(each["id"])))
        offset, limit = int(query["offset"]), int(query["limit"])
        answer = {"count": len(self.groups), "results": self.groups[offset : offset + limit]}
        response = httpx.Response(200, content=json.dumps(answer))
        if self.between is not None:
            change, self.between = self.between, None
            change(self.groups)
        return response


def read(handler: Callable[[httpx.Request], httpx.Response]) -> list[str]:
    """The ids of the groups that were read, in order."""
    with Http("https://api.gcore.com", "k", HastyClock(), transport=httpx.MockTransport(handler)) as http:
        return [each.id for each in GcoreReader(http).list_groups(TARGET)]


@pytest.mark.parametrize(
    ("number", "requests"),
    [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (2000, 3), (2500, 3)],
)
def test_all_pages_are_read(number: int, requests: int) -> None:
    """A thousand groups a page, the first of which is the last of the page before."""
    pages = Pages([group(each) for each in range(number)])
    assert read(pages) == [uuid(each) for each in range(number)]
    assert len(pages.requests) == requests
    assert all(url.params["limit"] == "1000" for url in pages.requests)


def test_progress_is_told_from_the_first_page_on() -> None:
    """Before the second page is asked for, it is known how many groups have come of how many; the end is told once."""
    pages = Pages([group(each) for each in range(2500)])
    told: list[tuple[int, int, int]] = []
    with Http("https://api.gcore.com", "k", SystemClock(), transport=httpx.MockTransport(pages)) as http:
        read_live(
            GcoreReader(http), [TARGET], progress=lambda _, have, of: told.append((len(pages.requests), have, of))
        )
    assert told == [(1, 1000, 2500), (2, 1999, 2500), (3, 2500, 2500)]


def _remove(groups: list[dict[str, Any]]) -> None:
    del groups[5]


def _insert(groups: list[dict[str, Any]]) -> None:
    groups.insert(5, group(9000))


def _append(groups: list[dict[str, Any]]) -> None:
    groups.append(group(9000))


def _replace(groups: list[dict[str, Any]]) -> None:
    del groups[5]
    groups.append(group(9000))


@pytest.mark.parametrize("change", [_remove, _insert, _append, _replace])
@pytest.mark.parametrize("number", [1001, 1500, 2000])
def test_a_list_that_changes_between_two_pages_is_read_anew(
    number: int, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    """A group that slips from one page to the other must not be missing, nor one that is gone be there."""
    pages = Pages([group(each) for each in range(number)], change)
    assert sorted(read(pages)) == sorted(each["id"] for each in pages.groups)


def test_a_list_that_never_stands_still_is_an_error() -> None:
    class Restless(Pages):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            answer = super().__call__(request)
            self.groups.insert(0, group(10_000 + len(self.requests)))
            return answer

    with pytest.raises(ApiError, match="does not add up"):
        read(Restless([group(each) for each in range(1500)]))


def test_a_list_without_rules_is_no_list_of_empty_groups() -> None:
    """Each group is read by itself then."""
    rule = {"id": uuid(5), "direction": "ingress", "protocol": None}
    pages = Pages([group(1, security_group_rules=[rule]), group(2)])

    def without(request: httpx.Request) -> httpx.Response:
        response = pages(request)
        if request.url.path != LIST:
            return response
        content = response.json()
        for each in content["results"]:
            del each["security_group_rules"]
        return httpx.Response(200, json=content)

    with Http("https://api.gcore.com", "k", SystemClock(), transport=httpx.MockTransport(without)) as http:
        first, second = GcoreReader(http).list_groups(TARGET)
    assert (len(first.rules), len(second.rules)) == (1, 0)


def answering(body: Any) -> Callable[[httpx.Request], httpx.Response]:
    """An API that always answers this: as text where it is text."""
    content = body if isinstance(body, str) else json.dumps(body)
    return lambda _: httpx.Response(200, content=content)


RULE = {"id": uuid(5), "direction": "ingress"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="nothing"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="a-list"),
        pytest.param("{}", id="an-object"),
        pytest.param('{"count": 1, "results": [{"id": "0', id="half"),
        pytest.param("<html></html>", id="html"),
        pytest.param("[" * 100_000, id="absurdly-deep"),
        pytest.param({"count": 0}, id="no-results"),
        pytest.param({"results": []}, id="no-count"),
        pytest.param({"count": None, "results": []}, id="a-null-count"),
        pytest.param({"count": 0, "results": None}, id="null-results"),
        pytest.param({"count": 0, "results": {}}, id="results-of-another-kind"),
        pytest.param({"count": 2, "results": [group(1)]}, id="fewer-than-announced"),
        pytest.param({"count": 1, "results": []}, id="one-announced-and-none-there"),
        pytest.param({"count": 0, "results": [group(1)]}, id="more-than-announced"),
        pytest.param({"count": 2, "results": [group(1), group(1)]}, id="one-twice"),
        pytest.param({"count": 1, "results": [None]}, id="a-null-group"),
        pytest.param({"count": 1, "results": [{"name": "web"}]}, id="a-group-without-an-id"),
        pytest.param({"count": 1, "results": [group(1, name=None)]}, id="a-group-without-a-name"),
        pytest.param({"count": 1, "results": [group(1, tags_v2=None)]}, id="null-tags"),
        pytest.param({"count": 1, "results": [group(1, security_group_rules=[None])]}, id="a-null-rule"),
        pytest.param({"count": 1, "results": [group(1, security_group_rules=[{}])]}, id="an-empty-rule"),
        pytest.param(
            {"count": 1, "results": [group(1, security_group_rules=[RULE | {"direction": "both"}])]},
            id="an-unknown-direction",
        ),
    ],
)
def test_garbage_is_an_error_and_never_an_empty_state(body: Any) -> None:
    with pytest.raises(ApiError):
        read(answering(body))


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"protocol": "l2tp"}, id="an-unknown-protocol"),
        pytest.param({"protocol": "255"}, id="a-number"),
        pytest.param({"protocol": None, "ethertype": None, "description": None}, id="nulls"),
        pytest.param({"remote_ip_prefix": "10.1.2.3/8"}, id="host-bits"),
        pytest.param({"brand_new": {"a": [1]}}, id="an-unknown-field"),
    ],
)
def test_what_is_new_or_strange_does_not_break_reading(rule: dict[str, Any]) -> None:
    body = {"count": 1, "results": [group(1, security_group_rules=[RULE | rule], more="fields")], "next": None}
    assert read(answering(body)) == [uuid(1)]


def test_over_a_thousand_groups_come_over_a_real_socket() -> None:
    seed = {"groups": [{"project_id": 1, "region_id": 7, "name": f"group-{number}"} for number in range(1003)]}
    with EmulatorServer(seed=seed) as emulator, Http(emulator.url, emulator.api_key, SystemClock()) as http:
        groups = GcoreReader(http).list_groups(TARGET)
        assert {each.name for each in groups} == {f"group-{number}" for number in range(1003)} | {"default"}
        assert len(emulator.requests) == 2


def test_targets_are_read_at_the_same_time() -> None:
    """All requests are there before the first is answered; the result is in the order asked for."""
    together = threading.Barrier(4)

    def handler(request: httpx.Request) -> httpx.Response:
        together.wait(60)
        return httpx.Response(200, json={"count": 1, "results": [group(int(request.url.path.rsplit("/", 1)[1]))]})

    targets = [Target(1, region) for region in (9, 3, 7, 5)]
    with Http("https://api.gcore.com", "k", SystemClock(), transport=httpx.MockTransport(handler)) as http:
        live = read_live(GcoreReader(http), [*targets, targets[0]])
    assert list(live) == targets
    assert [live[target][0].id for target in targets] == [uuid(9), uuid(3), uuid(7), uuid(5)]


def test_nobody_who_interrupts_waits_for_what_is_still_being_read() -> None:
    is_over = threading.Event()
    ended: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/9"):
            raise KeyboardInterrupt
        is_over.wait(10)
        ended.append(request.url.path)
        return httpx.Response(200, json={"count": 0, "results": []})

    with Http("https://api.gcore.com", "k", SystemClock(), transport=httpx.MockTransport(handler)) as http:
        with pytest.raises(KeyboardInterrupt):
            read_live(GcoreReader(http), [Target(1, region) for region in (9, 3, 7, 5)], parallelism=2)
        assert ended == []
        is_over.set()


@pytest.mark.parametrize("parallelism", [1, 16])
@pytest.mark.parametrize("unread", [None, []], ids=["whole", "partial"])
def test_an_api_that_falls_silent_is_not_waited_for_target_by_target(
    parallelism: int, unread: list[UnreadTarget] | None
) -> None:
    """Each target that gets no answer takes a minute; single ones among others are left out, as long as there are."""
    asked: list[int] = []
    read: list[Target] = []
    last = 100
    answered = last if unread is None else last - 2
    is_silent = threading.Event()

    def progress(target: Target, *_: int) -> None:
        """Begin the silence once all good answers are noted: a late one would give the API another chance."""
        read.append(target)
        if len(read) == answered:
            is_silent.set()

    def handler(request: httpx.Request) -> httpx.Response:
        region = int(request.url.path.split("/")[-1])
        asked.append(region)
        if region > last:
            assert is_silent.wait(60)
        if region > last or (unread is not None and region % 50 == 0):
            raise httpx.ReadTimeout("")
        return httpx.Response(200, json={"count": 0, "results": []})

    targets = [Target(1, region) for region in range(1, 301)]
    with Http("https://api.gcore.com", "k", HastyClock(), transport=httpx.MockTransport(handler)) as http:
        if unread is None:
            with pytest.raises(ApiError, match="gave up"):
                read_live(GcoreReader(http), targets, parallelism=parallelism, progress=progress)
        else:
            live = read_live(GcoreReader(http), targets, parallelism=parallelism, progress=progress, unread=unread)
            assert len(live) == answered
            assert unread[1].reason.endswith("gave up after 5 tries")
            assert unread[-1].reason.startswith("not tried: the API gave no answer about ")
    most = parallelism if unread is None else 2 * (max(parallelism, LEAST_SILENT) + parallelism)  # of 200; some overlap
    assert 1 <= len({region for region in asked if region > last}) <= most


@pytest.mark.parametrize(("number", "requests"), [(0, 1), (3, 1), (1000, 1), (2500, 3)])
def test_projects_are_listed_page_by_page(number: int, requests: int) -> None:
    """Each once, however many there are; regions are read in the same way."""
    pages = Pages([{"id": 1 + each, "name": f"p{each}"} for each in range(number)])

    def answer(request: httpx.Request) -> httpx.Response:
        return pages(httpx.Request("GET", request.url.copy_with(path=LIST)))

    with Http("https://api.gcore.com", "k", HastyClock(), transport=httpx.MockTransport(answer)) as http:
        assert GcoreReader(http).list_projects() == {1 + each: f"p{each}" for each in range(number)}
    assert len(pages.requests) == requests


@pytest.mark.parametrize(
    "answer", [{"count": 9**9, "results": [{"id": 1}]}, {"results": []}, {"count": 1, "results": [3]}]
)
def test_a_list_of_projects_that_has_no_end_or_is_none_ends(answer: dict[str, Any]) -> None:
    """A server that repeats its page gives the ids it has; anything but a list is an error."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with Http("https://api.gcore.com", "k", HastyClock(), transport=transport) as http:
        if "count" in answer and answer["results"] == [{"id": 1}]:
            assert GcoreReader(http).list_projects() == {1: ""}
        else:
            with pytest.raises(ApiError, match="is not a list of projects"):
                GcoreReader(http).list_projects()
