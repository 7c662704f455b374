"""The fault plan: which request is hit, by what, and whether the server had acted."""

from __future__ import annotations

import json
import socket
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.store import utc_now

from .conftest import GROUPS, GROUPS_V2, KEY, Client, create_entry, tcp, until


def plan(client: Client, fault: str, **fields: Any) -> None:
    """Let one thing go wrong."""
    client.emulator.control.plan(FaultPlan.of(Fault(fault, **fields)))


def names(client: Client) -> list[str]:
    """The groups there really are."""
    store = client.emulator.store
    return [name for (name,) in store.rows("SELECT name FROM groups WHERE name <> 'default' ORDER BY sequence")]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("fault", "problem"), [("reset", httpx.ReadError), ("close", httpx.RemoteProtocolError)])
def test_a_connection_breaks_before_or_after_the_server_acted(
    client: Client, fault: str, problem: type[Exception], when: str
) -> None:
    """The client sees the same, and cannot know which it was."""
    plan(client, fault, method="POST", when=when)
    with pytest.raises(problem):
        client.http.post(GROUPS, json={"security_group": {"name": "web"}})
    assert names(client) == (["web"] if when == "after" else [])
    assert [record.status for record in client.emulator.requests] == [None]
    client.create("next")


@pytest.mark.parametrize(
    ("fault", "when"), [("hang", "before"), ("hang", "after"), ("delay", "before"), ("delay", "after")]
)
def test_a_client_gives_up_before_or_after_the_server_acted(client: Client, fault: str, when: str) -> None:
    """It got no byte. What hangs before is never done; what is only late is, though nobody waits for the answer."""
    plan(client, fault, method="POST", when=when, seconds=600)
    host, port = client.emulator.url.removeprefix("http://").split(":")
    body = json.dumps({"security_group": {"name": "web"}})
    head = f"POST {GROUPS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {KEY['Authorization']}\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        until(lambda: names(client) if when == "after" else client.emulator.requests)
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
    if fault == "delay":
        until(lambda: client.emulator.requests[0].status)
    client.create("next")
    assert names(client) == (["next"] if (fault, when) == ("hang", "before") else ["web", "next"])


def test_a_reset_is_one_of_tcp(client: Client) -> None:
    """ECONNRESET, not a polite end."""
    plan(client, "reset")
    with pytest.raises(httpx.ReadError, match=r"(?i)reset"):
        client.http.get(GROUPS)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("status", [401, 403, 404, 409, 422, 429, 500, 502, 503, 504])
def test_any_status_before_or_after_the_server_acted(client: Client, status: int, when: str) -> None:
    """With the message of the plan, in the shape of every error."""
    plan(client, "status", method="POST", status=status, message="out of order", when=when)
    response = client.http.post(GROUPS, json={"security_group": {"name": "web"}})
    assert (response.status_code, response.json()["message"]) == (status, "out of order")
    assert response.json()["request_id"] == response.headers["X-Request-Id"]
    assert names(client) == (["web"] if when == "after" else [])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_page_instead_of_an_answer(client: Client, when: str) -> None:
    """HTML with status 200, as from a proxy in between."""
    plan(client, "html", method="POST", when=when)
    response = client.http.post(GROUPS, json={"security_group": {"name": "web"}})
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert names(client) == (["web"] if when == "after" else [])


def test_half_the_json_as_a_whole_answer(client: Client) -> None:
    """HTTP is content; JSON is not."""
    plan(client, "truncate", method="POST")
    response = client.http.post(GROUPS, json={"security_group": {"name": "web"}})
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert names(client) == ["web"]


def test_an_answer_that_breaks_off(client: Client) -> None:
    """Fewer bytes than the head had promised."""
    plan(client, "cut", method="POST")
    with pytest.raises(httpx.RemoteProtocolError):
        client.http.post(GROUPS, json={"security_group": {"name": "web"}})
    assert names(client) == ["web"]


def test_too_many_requests_says_when_to_come_back(client: Client) -> None:
    """In seconds, or as a date."""
    plan(client, "status", status=429, retry_after=2)
    assert client.http.get(GROUPS).headers["Retry-After"] == "2"
    plan(client, "status", status=503, retry_after_date=60)
    moment = parsedate_to_datetime(client.http.get(GROUPS).headers["Retry-After"])
    assert 58 <= (moment - utc_now()).total_seconds() <= 61


def test_a_short_delay_passes(client: Client) -> None:
    plan(client, "delay", seconds=0.001)
    client.ok(client.http.get(GROUPS))


def test_which_request_is_hit(client: Client) -> None:
    """By method and path, from the nth on, so many times; the log says which."""
    plan(client, "status", status=503, method="GET", path=r"/securitygroups/1/7$", nth=2, count=2)
    client.create()
    statuses = [client.http.get(path).status_code for path in (GROUPS, "/cloud/v1/regions", GROUPS, GROUPS, GROUPS)]
    assert statuses == [200, 200, 503, 503, 200]
    assert [record.faults for record in client.emulator.requests][-3:] == [("status",), ("status",), ()]


def test_a_fault_without_end(client: Client) -> None:
    plan(client, "status", status=500, count=0)
    assert {client.http.get(GROUPS).status_code for _ in range(5)} == {500}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_task_fails_before_or_after_it_did_its_work(client: Client, when: str) -> None:
    """The request is answered as always; the task ends in ERROR with the plan's message."""
    plan(client, "task_error", message="no capacity", when=when)
    task = client.finish(client.http.post(GROUPS_V2, json={"name": "web"}))
    assert (task["state"], task["error"]) == ("ERROR", "no capacity")
    assert names(client) == (["web"] if when == "after" else [])


def test_a_lost_answer_of_a_create_whose_group_appears_only_later(client: Client) -> None:
    """Two faults on one request: the answer with the task's id is lost, and the task takes its time."""
    client.emulator.control.plan(
        FaultPlan.of(
            Fault("slow_task", method="POST", polls=3),
            Fault("reset", method="POST", when="after"),
        )
    )
    with pytest.raises(httpx.ReadError):
        client.http.post(GROUPS_V2, json={"name": "web"})
    counts = [client.ok(client.http.get(GROUPS, params={"name": "web"}))["count"] for _ in range(5)]
    assert counts == [0, 0, 0, 1, 1]


def test_somebody_else_adds_a_rule_just_before(client: Client) -> None:
    """The PATCH succeeds; the group has one rule more and one revision more than its sender expects."""
    group = client.create()
    plan(client, "foreign_change", method="PATCH", rule={"direction": "ingress", "protocol": "tcp"})
    after = client.ok(client.patch(group["id"], create_entry(protocol="udp")))
    assert [rule["protocol"] for rule in after["security_group_rules"]][-2:] == ["tcp", "udp"]
    assert after["revision_number"] == group["revision_number"] + 2
    assert [step.action for step in client.emulator.history] == ["initial", "foreign", "create"]


def test_somebody_else_deletes_a_rule_of_a_group_by_name(client: Client) -> None:
    group = client.create("web", rules=[tcp(22)])
    plan(client, "foreign_change", method="GET", group="web", delete_rule=1)
    (listed,) = client.ok(client.http.get(GROUPS, params={"name": "web"}))["results"]
    assert listed["security_group_rules"] == group["security_group_rules"][1:]


def test_the_pages_about_the_emulator_are_never_hit(client: Client) -> None:
    """And they are not in the log."""
    plan(client, "status", status=500, count=0)
    client.http.get(GROUPS)
    (record,) = client.ok(client.http.get("/emulator/requests"))
    assert (record["method"], record["path"], record["status"]) == ("GET", GROUPS, 500)


def test_the_log_holds_what_was_sent(client: Client) -> None:
    """Query and body as they came."""
    client.http.get(GROUPS, params={"limit": 5})
    client.create("web")
    first, second = client.emulator.requests
    assert (first.query, first.status) == ("limit=5", 200)
    assert json.loads(second.body)["security_group"]["name"] == "web"
    assert KEY["Authorization"] not in json.dumps([first.as_json(), second.as_json()])
