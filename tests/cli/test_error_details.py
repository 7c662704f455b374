"""What the API says of a request that failed is in the outcome, the journal and the logs, and never the API key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from raw_server import Peer, serving

from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer
from reconciler.model.published import read_schema

from .conftest import CHANGED, KEY, WEB, Ran, Sgctl

NEW = CHANGED.replace("web", "new")
ASKED = ["apply", "--auto-approve", "--journal", "apply.journal"]
QUOTA = {"firewall_count.limit": "3", "firewall_count.usage": "3", "firewall_count.requested": "1"}


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def writes_of(sgctl: Sgctl) -> list[dict[str, Any]]:
    return [line for line in lines(sgctl.read("apply.journal")) if line["kind"] == "write"]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_quota_is_told_with_class_message_request_and_numbers(
    sgctl: Sgctl, emulator: EmulatorServer, version: str
) -> None:
    """The same object in the outcome, in the journal and in the log; it can be asked about by its request id."""
    emulator.control.knobs = replace(emulator.control.knobs, firewall_quota=3)
    sgctl.write(NEW)
    ran = sgctl(*ASKED, "--format", "json", "--log-format", "json", "--api-version", version)
    assert ran.code == 1
    (result,) = ran.json["results"]
    error = result["error"]
    assert error["exception_class"] == "QuotaLimitExceed"
    assert error["message"].startswith("Quota limit exceeded")
    assert error["info"] == QUOTA
    assert error["request_id"] in {each.request_id for each in emulator.requests if each.method == "POST"}
    assert "invalid_fields" not in error
    (write,) = writes_of(sgctl)
    assert write["error"] == error
    (refused,) = [event for event in lines(ran.err) if event.get("status") == 400]
    assert refused["error"] == error


def test_what_was_applied_has_no_error(sgctl: Sgctl) -> None:
    sgctl.write(CHANGED)
    ran = sgctl(*ASKED, "--format", "json", "--log-format", "json")
    assert ran.code == 0
    assert [result["error"] for result in ran.json["results"]] == [None]
    assert [write["error"] for write in writes_of(sgctl)] == [None]
    assert not [event for event in lines(ran.err) if "error" in event]


def test_an_error_that_passed_is_in_the_journal_and_not_in_the_outcome(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    emulator.control.plan(FaultPlan.of(Fault("status", method="PATCH", status=503, message="soon")))
    sgctl.write(CHANGED)
    ran = sgctl(*ASKED, "--format", "json")
    assert (ran.code, ran.json["results"][0]["error"]) == (0, None)
    first, *_, last = writes_of(sgctl)
    assert (first["status"], first["error"]["exception_class"], first["error"]["message"]) == (
        503,
        "InjectedFault",
        "soon",
    )
    assert last["error"] is None


def test_the_journal_of_a_refusal_can_be_rolled_back(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    emulator.control.plan(FaultPlan.of(Fault("status", method="PATCH", status=409, message="no", count=0)))
    sgctl.write(CHANGED)
    assert sgctl(*ASKED).code == 1
    emulator.control.plan(FaultPlan())
    assert sgctl("rollback", "apply.journal").code == 0


def test_verbose_says_why_a_request_was_refused(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    emulator.control.plan(FaultPlan.of(Fault("status", status=403, message="not\nyours")))
    sgctl.write(CHANGED)
    ran = sgctl("plan", "-v")
    request, *_ = ran.err.splitlines()
    assert request.endswith(f"{emulator.requests[0].request_id} InjectedFault: not yours")


def test_an_error_of_a_read_is_an_event_with_what_the_api_says(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    emulator.control.plan(FaultPlan.of(Fault("status", status=403, message="not yours")))
    sgctl.write(CHANGED)
    *_, event = lines(sgctl("plan", "--log-format", "json").err)
    assert event["event"] == "error"
    assert event["error"] == {
        "exception_class": "InjectedFault",
        "message": "not yours",
        "request_id": emulator.requests[0].request_id,
    }


def test_the_outcome_of_a_refusal_fits_its_schema(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    emulator.control.knobs = replace(emulator.control.knobs, firewall_quota=3)
    sgctl.write(NEW + CHANGED[CHANGED.index("  - name") :])
    ran = sgctl("apply", "--auto-approve", "--format", "json")
    assert ran.code == 4
    Draft202012Validator(read_schema("outcome")).validate(ran.json)
    assert {result["error"] is None for result in ran.json["results"]} == {True, False}


GROUP = {"id": WEB, "name": "web", "tags_v2": [], "security_group_rules": []}


def parrot(peer: Peer) -> None:
    """Refuse every write, and say the whole head of the request in the body and in the headers of the answer."""
    text = peer.request().partition(b"\r\n\r\n")[0].decode()
    first, *headers = text.split("\r\n")
    authorization = next(each for each in headers if each.lower().startswith("authorization"))
    answer: dict[str, Any]
    if first.startswith("GET"):
        status, answer = "200 OK", {"count": 1, "results": [GROUP]} if WEB not in first else GROUP
    else:
        status = f"400 {authorization}"
        answer = {
            "exception_class": authorization,
            "message": f"cannot read {headers}",
            "request_id": authorization,
            "info": {authorization: {authorization: authorization}},
            "invalid_fields": {authorization: [authorization, {"loc": [authorization], "msg": authorization}]},
        }
    body = json.dumps(answer)
    peer.say(
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nX-Request-Id: {authorization}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
    )


@pytest.fixture
def parroted(offline: Sgctl, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sgctl]:
    """`sgctl` with a server that repeats the key wherever it can."""
    monkeypatch.setenv("GCORE_API_KEY", KEY)
    with serving(parrot) as url:
        monkeypatch.setenv("GCORE_BASE_URL", url)
        yield offline


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--format", "json", "--log-format", "json"], id="json"),
        pytest.param(["-v"], id="verbose"),
        pytest.param(["--format", "markdown"], id="markdown"),
        pytest.param(["--format", "html", "-v"], id="html"),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_server_that_repeats_the_key_makes_no_output_hold_it(
    parroted: Sgctl, arguments: list[str], version: str
) -> None:
    parroted.write(CHANGED)
    ran: Ran = parroted(*ASKED, "--api-version", version, *arguments)
    assert ran.code == 1
    journal = parroted.read("apply.journal")
    for text in (ran.out, ran.err, journal):
        assert KEY not in text
        assert KEY[:14] not in text
    (write,) = writes_of(parroted)
    assert "***" in write["error"]["message"]
    assert {"exception_class", "message", "request_id", "info", "invalid_fields"} == write["error"].keys()
    if "json" in arguments:
        assert ran.json["results"][0]["error"] == write["error"]
