"""A resource that another task has locked is waited for as long as --lock-timeout says, and the wait is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.api import retry
from reconciler.api.error_answer import Refusal
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer
from reconciler.model.clock import StoppableClock, parse_duration

from .conftest import CHANGED, KEY, SAME, WEB, Sgctl, writes

VERSIONS = pytest.mark.parametrize("version", ["v1", "v2"])


@pytest.fixture(autouse=True)
def _waits_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting moves the clock on."""
    slept = [0.0]
    monkeypatch.setattr(StoppableClock, "sleep", lambda _, seconds: slept.append(seconds))
    monkeypatch.setattr(StoppableClock, "monotonic", lambda _: sum(slept))


def lock(emulator: EmulatorServer, times: int) -> None:
    """Refuse so many PATCHes (0: all that follow) as the cloud does while another task is at work."""
    emulator.control.plan(FaultPlan.of(Fault("locked", method="PATCH", count=times)))


@VERSIONS
def test_a_lock_is_waited_out_and_told_once(sgctl: Sgctl, emulator: EmulatorServer, version: str) -> None:
    sgctl.write(CHANGED)
    lock(emulator, 3)
    ran = sgctl("apply", "--auto-approve", "--no-journal", "--api-version", version)
    assert ran.code == 0
    assert "updated web" in ran.out
    assert ran.err == "waiting for a lock on web, 300 s at most\n"
    assert [each.status for each in emulator.requests if each.method == "PATCH"][:4] == [409, 409, 409, 200]
    assert sgctl("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("locks", [True, False], ids=["locks", "no-locks"])
def test_the_task_of_another_client_is_waited_for(
    sgctl: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch, *, locks: bool
) -> None:
    """A task of v2 that somebody else started and follows: while it is at work, the group is locked."""
    emulator.control.knobs = replace(emulator.control.knobs, locks=locks, task_polls=6)
    sgctl.write(CHANGED)
    sgctl("plan", "--out", "plan.json")
    with httpx.Client(base_url=emulator.url, headers={"Authorization": f"apikey {KEY}"}) as other:
        started = other.patch(f"/cloud/v2/security_groups/1/7/{WEB}", json={"description": "theirs"})
        (task,) = started.json()["tasks"]
        slept = [0.0]

        def sleep(_: StoppableClock, seconds: float) -> None:
            slept.append(seconds)
            other.get(f"/cloud/v1/tasks/{task}")

        monkeypatch.setattr(StoppableClock, "sleep", sleep)
        monkeypatch.setattr(StoppableClock, "monotonic", lambda _: sum(slept))
        ran = sgctl("apply", "plan.json", "--no-journal")
    assert ran.code == 0
    assert ran.err.splitlines()[2:] == (["waiting for a lock on web, 300 s at most"] if locks else [])
    sent = [each.status for each in emulator.requests if each.method == "PATCH" and "/v1/" in each.path]
    assert sent == [*([409] * 3 if locks else []), 200]


@VERSIONS
def test_a_collector_is_told_every_wait(sgctl: Sgctl, emulator: EmulatorServer, version: str) -> None:
    sgctl.write(CHANGED)
    lock(emulator, 2)
    ran = sgctl("apply", "--auto-approve", "--api-version", version, "--lock-timeout", "90s", "--log-format", "json")
    assert ran.code == 0
    events: list[dict[str, Any]] = [json.loads(line) for line in ran.err.splitlines()]
    first, second = [event for event in events if event["event"] == "waiting"]
    assert (first["name"], first["waited"], first["limit"]) == ("web", 0, 90)
    assert first["message"] == "waiting for a lock on web, 0 s"
    assert second["waited"] >= first["next_try"] > 0
    refused = [event for event in events if event.get("status") == 409]
    assert [event["path"] for event in refused] == [first["path"], second["path"]]


@VERSIONS
@pytest.mark.parametrize("source", ["option", "file"])
def test_a_lock_that_does_not_end_is_given_up_in_the_time_that_is_set(
    sgctl: Sgctl, emulator: EmulatorServer, version: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is applied (1), and the message says what to do."""
    limits: list[float] = []
    made = retry.Locks.__init__

    def spy(self: retry.Locks, clock: Any, limit: float, on_wait: Any) -> None:
        limits.append(limit)
        made(self, clock, limit, on_wait)

    monkeypatch.setattr(retry.Locks, "__init__", spy)
    sgctl.write(CHANGED)
    if source == "file":
        Path("sgctl.toml").write_text('lock_timeout = "30s"\n')
    lock(emulator, 0)
    ran = sgctl(
        "apply", "--auto-approve", "--api-version", version, *(["--lock-timeout", "30s"] * (source == "option"))
    )
    assert limits == [30]
    assert ran.code == 1
    said = " ".join(ran.out.split())
    assert "is already locked by another task" in said
    assert str(Refusal.LOCKED.value) in said
    assert "--lock-timeout" in said


@VERSIONS
def test_no_wait_is_allowed_with_zero(sgctl: Sgctl, emulator: EmulatorServer, version: str) -> None:
    sgctl.write(CHANGED)
    lock(emulator, 0)
    ran = sgctl("apply", "--auto-approve", "--api-version", version, "--lock-timeout", "0s")
    assert ran.code == 1
    assert "waiting" not in ran.err
    assert 1 <= len(writes(emulator)) <= 2


def test_the_time_is_a_duration(sgctl: Sgctl) -> None:
    sgctl.write(SAME)
    ran = sgctl("plan", "--lock-timeout", "soon")
    assert ran.code == 1
    assert "'soon' is not a duration" in ran.err
    assert parse_duration("5m") == timedelta(seconds=300)
