"""The API key is in no output of any command, whatever goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.api import http, webhook
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer

from .conftest import BROKEN, CHANGED, KEY, SAME, Sgctl

COMMANDS = [
    pytest.param(["validate"], id="validate"),
    pytest.param(["plan", "-v"], id="plan"),
    pytest.param(["plan", "--format", "json", "-v"], id="plan-json"),
    pytest.param(["plan", "--log-format", "json"], id="plan-log-json"),
    pytest.param(["plan", "--out", "plan.json", "-v"], id="plan-out"),
    pytest.param(["drift", "-v", "--format", "json"], id="drift"),
    pytest.param(["apply", "--auto-approve", "-v", "--journal", "journal.jsonl"], id="apply"),
    pytest.param(["config"], id="config"),
    pytest.param(["doctor", "-v"], id="doctor"),
    pytest.param(["import", "-v"], id="import"),
]


def check(sgctl: Sgctl, *texts: str) -> None:
    """Neither what was written nor any file that a command left holds the key, or half of it."""
    for text in (*texts, *(path.read_text("utf-8", "replace") for path in sgctl.folder.rglob("*") if path.is_file())):
        assert KEY not in text
        assert KEY[:14] not in text


@pytest.mark.parametrize("arguments", COMMANDS)
@pytest.mark.parametrize("text", [SAME, CHANGED, BROKEN], ids=["same", "changed", "broken"])
def test_no_command_says_the_key(sgctl: Sgctl, arguments: list[str], text: str) -> None:
    sgctl.write(text)
    ran = sgctl(*arguments)
    check(sgctl, ran.out, ran.err)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("status", status=401, message=f"no such key: {KEY}", count=0), id="401-that-repeats-it"),
        pytest.param(Fault("status", status=400, message=f"Authorization: apikey {KEY}", count=0), id="400-too"),
        pytest.param(Fault("status", status=500, message=KEY, count=0), id="500-too"),
        pytest.param(Fault("reset", count=0), id="reset"),
        pytest.param(Fault("truncate", count=0), id="truncated"),
    ],
)
def test_no_error_says_the_key(
    sgctl: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """Not even where the server repeats it in its answer."""
    monkeypatch.setenv("SGCTL_TRACEBACK", "1")
    sgctl.write(CHANGED)
    emulator.control.plan(FaultPlan.of(fault))
    for arguments in (["plan", "-v"], ["drift", "-v"], ["apply", "--auto-approve", "-v"], ["doctor"]):
        ran = sgctl(*arguments)
        assert ran.code == 1 or arguments == ["doctor"]
        check(sgctl, ran.out, ran.err)


def test_a_bug_shows_no_traceback_and_the_traceback_no_key(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for the traceback gets it without the key, should some library have quoted it."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"header Authorization: apikey {KEY} is wrong")

    monkeypatch.setattr(http.Http, "read", broken)
    sgctl.write(SAME)
    ran = sgctl("plan")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "bug in sgctl: RuntimeError" in ran.err
    check(sgctl, ran.out, ran.err)
    monkeypatch.setenv("SGCTL_TRACEBACK", "1")
    ran = sgctl("plan")
    assert "Traceback" in ran.err
    assert "apikey ***" in ran.err
    check(sgctl, ran.out, ran.err)


def test_a_key_that_cannot_be_sent_is_not_repeated(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    sgctl.write(SAME)
    for broken in (f"{KEY}\n", f"{KEY} {KEY}", f"\u00fc{KEY}", f"{KEY}\t"):
        monkeypatch.setenv("GCORE_API_KEY", broken)
        ran = sgctl("plan")
        assert ran.code == 1
        check(sgctl, ran.out, ran.err)


def test_the_plan_file_is_for_its_owner_and_holds_no_key(sgctl: Sgctl) -> None:
    sgctl.write(CHANGED)
    sgctl("plan", "--out", "plan.json")
    path = Path("plan.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "uthorization" not in path.read_text(encoding="utf-8")
    assert sorted(entry.name for entry in Path.cwd().iterdir()) == ["groups.yaml", "plan.json"]


@pytest.mark.parametrize("where", ["description", "tags", "rule", "deleted", "lost"])
@pytest.mark.parametrize("asked", [True, False], ids=["--journal", "kept"])
def test_no_journal_holds_a_key_that_is_live_and_the_way_back_says_so(
    offline: Sgctl, monkeypatch: pytest.MonkeyPatch, where: str, asked: bool
) -> None:
    """The group that held it is left as it is; the way back for every other one is whole."""
    monkeypatch.setenv("GCORE_API_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(offline.folder))
    rule = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
    known = {"project_id": 1, "region_id": 7, "tags": {"sgctl-owner": "me"}, "rules": [rule]}
    lost = {"direction": "ingress", "remote_group": "web", "description": KEY}
    web, more = {
        "description": ({"description": f"see {KEY}"}, []),
        "tags": ({"tags": {"sgctl-owner": "me", "a": KEY}}, []),
        "rule": ({"rules": [{**rule, "description": KEY}]}, []),
        "deleted": ({"description": KEY}, []),
        "lost": ({}, [{**known, "name": "others", "tags": {}, "rules": [lost]}]),
    }[where]
    groups = [{**known, "name": "app"}, {**known, "name": "web", **web}, *more]
    head = "project_id: 1\nregion_id: 7\nowner: me\nsecurity_groups:\n  - {name: app, rules: []}\n"
    is_going = where in {"deleted", "lost"}
    offline.write(head if is_going else f"{head}  - {{name: web, rules: []}}\n")
    options = ["--allow-mass-delete", *(["--prune"] if is_going else [])]
    with EmulatorServer(api_key=KEY, seed={"groups": groups}) as running:
        monkeypatch.setenv("GCORE_BASE_URL", running.url)
        ran = offline("apply", "--auto-approve", *options, *(["--journal", "kept.journal"] if asked else []))
        assert ran.code == 0, ran.err
        ran = offline("rollback", *(["kept.journal"] if asked else ["--last"]), "--format", "json")
        assert ran.code == 0, ran.err
    plan = json.loads(ran.out)
    assert [change["name"] for change in plan["changes"]] == ["app"]
    assert any("'web' stays as it is: it held the API key" in note for note in plan["notes"])
    check(offline, ran.out, ran.err)


def test_no_file_and_no_webhook_gets_a_key_that_a_server_put_into_a_group(
    offline: Sgctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is for people is written without it; what has to be exact is not written at all."""
    told: list[str] = []
    monkeypatch.setattr(webhook, "post_json", lambda url, payload, clock: told.append(json.dumps(payload)))
    rule = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "description": KEY}
    group = {"project_id": 1, "region_id": 7, "name": "web", "description": KEY, "tags": {"a": KEY}, "rules": [rule]}
    monkeypatch.setenv("GCORE_API_KEY", KEY)
    offline.write(SAME.replace("rules:", f"description: {KEY[4:]}\n    rules:"))
    offline.write('[policies]\nrule_description = "warning"\n', "sgctl.toml")
    with EmulatorServer(api_key=KEY, seed={"groups": [group]}) as running:
        monkeypatch.setenv("GCORE_BASE_URL", running.url)
        ran = offline("plan", "--sarif", "new.sarif", "--junit", "new.xml")
        assert ran.code == 0, ran.err
        where = ["--project-id", "1", "--region-id", "7"]
        for arguments in (["plan", "--out", "plan.json"], ["import", *where, "--out", "new.yaml"]):
            ran = offline(*arguments)
            assert (ran.code, f"{arguments[-1]} would hold the API key" in ran.err) == (1, True), ran.err
            assert not Path(arguments[-1]).exists()
        for form in ("json", "slack"):
            assert offline("drift", "--notify-url", "http://127.0.0.1:9/x", "--notify-format", form).code == 2
    (offline.folder / "groups.yaml").unlink()
    assert len(told) == 2
    check(offline, *told)
