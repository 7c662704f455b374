"""`sgctl doctor` against good, wrong and dead APIs: what it says, and that it only reads."""

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from raw_server import Peer, serving

from reconciler.api import probe as probe_module
from reconciler.api.doctor import Check, Health, Setup, check_api, check_environment
from reconciler.api.probe import SLOW, Probe, ProbeResult
from reconciler.cli import run
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer
from reconciler.model.clock import SystemClock
from reconciler.model.desired import Target

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def examined(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, tuple[str, str]]]:
    code = run(["doctor", *arguments])
    lines = capsys.readouterr().out.splitlines()
    found = {line[8:18].strip(): (line[:8].strip(), line[18:]) for line in lines}
    assert len(found) == len(lines), "one line a check"
    return code, found


@pytest.fixture
def target(repository: Path) -> None:
    (repository / "sgctl.toml").write_text("project_id = 1337\nregion_id = 7\n")


@pytest.mark.usefixtures("target")
def test_a_good_api_passes_every_check_and_is_only_read(
    empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = examined(capsys)
    assert code == 0
    assert {name: health for name, (health, _) in found.items()} == {
        "settings": "ok",
        "tls": "note",
        "address": "ok",
        "key": "ok",
        "projects": "ok",
        "regions": "ok",
        "groups": "ok",
        "quota": "ok",
        "v2": "ok",
        "writing": "note",
    }
    assert found["groups"][1] == "v1 answers: 1 security groups in project 1337, region 7"
    assert found["projects"][1].startswith("the key sees 3 projects: default (1), staging (1337), production (4242)")
    assert {record.method for record in empty_emulator.requests} == {"GET"}


@pytest.mark.usefixtures("target")
def test_a_wrong_key_is_named_by_its_source_and_never_shown(
    empty_emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GCORE_API_KEY", "hunter2-hunter2")
    code, found = examined(capsys)
    assert code == 1
    assert found["address"][0] == "ok"
    health, message = found["key"]
    assert health == "failed"
    assert message.startswith("the API does not accept the key from GCORE_API_KEY (401): ")
    assert "it is wrong, expired or was deleted" in message
    assert "groups" not in found, "nothing more is asked"
    assert len(empty_emulator.requests) == 1
    assert not any("hunter2" in message for _, message in found.values())


@pytest.mark.usefixtures("target")
@pytest.mark.parametrize("file", [None, "missing"])
def test_without_a_key_the_address_is_still_checked(
    file: str | None,
    empty_emulator: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("GCORE_API_KEY")
    if file:
        monkeypatch.setenv("GCORE_API_KEY_FILE", file)
    code, found = examined(capsys)
    assert (code, found["address"][0], found["key"][0]) == (1, "ok", "failed")
    assert found["key"][1].startswith("cannot read the API key from the file missing" if file else "no API key is set")


@pytest.mark.usefixtures("target")
def test_a_dead_address_fails_with_advice(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("GCORE_BASE_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
    monkeypatch.setenv("GCORE_API_KEY", "k")
    code, found = examined(capsys)
    assert code == 1
    assert list(found) == ["settings", "tls", "address"]
    assert ": Connection refused. Check GCORE_BASE_URL" in found["address"][1]


FAULTS = {
    "HTML": (Fault("html", count=0), "address", "answers 200, but no JSON: this is a web page"),
    "not well": (Fault("status", status=503, count=0), "address", "answers 503: it is not well; try again later"),
    "half an answer": (Fault("truncate", count=0), "address", "answers 200, but no JSON"),
    "closed connection": (Fault("close", count=0), "address", "does not answer: "),
    "no access to the project": (
        Fault("status", status=403, path="securitygroups", count=0),
        "groups",
        "region 7 cannot be listed (status 403, injected by the fault plan): the key needs a role",
    ),
    "no such region": (
        Fault("status", status=404, path="securitygroups", count=0),
        "groups",
        "region 7 cannot be listed (status 404, injected by the fault plan): there is no such project or region",
    ),
    "HTML for the groups": (
        Fault("html", path="securitygroups", count=0),
        "groups",
        "project 1337, region 7 cannot be listed (status 200, no JSON): try again, with -v to see the requests",
    ),
}


@pytest.mark.usefixtures("target")
@pytest.mark.parametrize(("fault", "name", "message"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_fails_in_a_sentence(
    fault: Fault, name: str, message: str, empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    empty_emulator.control.plan(FaultPlan.of(fault))
    code, found = examined(capsys)
    assert code == 1
    assert found[name][0] == "failed"
    assert message in found[name][1]
    assert [each for each, (health, _) in found.items() if health == "failed"] == [name]


@pytest.mark.usefixtures("target")
@pytest.mark.parametrize(("path", "name"), [("tasks", "v2"), ("projects", "projects"), ("regions", "regions")])
def test_what_v1_does_not_need_is_a_note(
    path: str, name: str, empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    empty_emulator.control.plan(FaultPlan.of(Fault("status", status=403, path=path, count=0)))
    code, found = examined(capsys)
    assert (code, found[name][0]) == (0, "note")
    assert "status 403" in found[name][1]


@pytest.mark.usefixtures("repository")
def test_without_a_project_the_groups_are_not_listed(
    empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = examined(capsys)
    assert (code, found["groups"][0]) == (0, "note")
    assert found["settings"][1] == "there is no sgctl.toml: defaults hold"
    assert not any("securitygroups" in record.path for record in empty_emulator.requests)


def test_every_target_of_the_files_is_listed(
    repository: Path, empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "web.yaml").write_text(
        "targets: [{project_id: 1, region_id: 7}, {project_id: 2, region_id: 7}]\nsecurity_groups: []\n"
    )
    assert run(["doctor", "web.yaml", "--format", "json"]) == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [check["message"] for check in checks if check["name"] == "groups"] == [
        "v1 answers: 1 security groups in project 1, region 7",
        "v1 answers: 1 security groups in project 2, region 7",
    ]


def answers(*, date: str | None = None, problem: str = "") -> list[Check]:
    """Examine an API of which every answer is the same."""

    def look(_path: str, _params: Mapping[str, str | int]) -> ProbeResult:
        body: dict[str, Any] = {"count": 0, "results": []}
        return ProbeResult(None, problem=problem) if problem else ProbeResult(200, body, date, 3)

    return list(check_api(setup(), look, lambda: NOW))


def setup(**environment: str) -> Setup:
    return Setup("https://api.example.com", "GCORE_API_KEY", None, (Target(1, 7),), environment)


class Slow:
    """The clock of an API whose every answer takes its time."""

    def __init__(self, seconds: float) -> None:
        self.at = 0.0
        self.seconds = seconds
        self.asked = 0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def answer(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.at += self.seconds
        if self.seconds >= 25:
            raise httpx.ReadTimeout("no complete answer within 25 s (--timeout)")
        return httpx.Response(200, json={"count": 0, "results": []})


@pytest.mark.parametrize(("seconds", "asked"), [(0.1, 25), (2.9, 25), (10.0, 4), (24.0, 2), (25.0, 2)])
def test_slow_answers_end_within_a_minute(seconds: float, asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nothing more is asked, which is said of each check; quick answers are asked for as many as there are."""
    slow = Slow(seconds)
    opened = httpx.Client(base_url="https://api.example.com", transport=httpx.MockTransport(slow.answer))
    monkeypatch.setattr(probe_module, "open_client", lambda *_, **__: opened)
    with Probe("https://api.example.com", "k", slow) as probe:
        results = [probe.get("/x") for _ in range(25)]
    assert slow.asked == asked
    assert slow.at < 60 or seconds < SLOW
    left = [each.problem for each in results if each.problem.startswith("not asked: the API took")]
    assert len(left) == 25 - asked


def test_a_connection_that_the_server_closed_between_two_checks_is_none_of_their_faults() -> None:
    """One that it closes before the first answer, or a second time, is."""
    closed = iter([False, True, False, True, True, True])

    def talk(peer: Peer) -> None:
        while True:
            peer.request()
            if next(closed):
                return
            peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with serving(talk) as url, Probe(url, "k", SystemClock()) as probe:
        assert [probe.get("/x").status for _ in range(4)] == [200, 200, None, None]


STRANGE_LISTS: dict[str, dict[str, Any]] = {
    "a number without end": {"count": 10**400, "results": []},
    "a number below zero": {"count": -1, "results": []},
    "yes": {"count": True, "results": []},
    "no list": {"count": 1, "results": None},
    "no objects": {"count": 1, "results": [None]},
    "no ids": {"count": 1, "results": [{"id": {"a": 1}, "name": "x", "display_name": "x"}]},
    "long names": {"count": 1, "results": [{"id": 1, "name": "x" * 10**6, "display_name": ["x"]}]},
}


@pytest.mark.parametrize("body", STRANGE_LISTS.values(), ids=STRANGE_LISTS)
def test_a_list_that_is_none_is_no_good_sign(body: dict[str, Any]) -> None:
    """Other commands would not take it, and doctor says why, in a line."""

    def look(path: str, _params: Mapping[str, str | int]) -> ProbeResult:
        return ProbeResult(200, {"count": 0, "results": []} if path.endswith("tasks") else body)

    found = {check.name: check for check in check_api(setup(), look, lambda: NOW)}
    assert {name: found[name].health for name in ("projects", "regions", "groups")} == {
        "projects": Health.NOTE,
        "regions": Health.NOTE,
        "groups": Health.FAILED,
    }
    assert "has to be" in found["groups"].message
    assert all(len(check.message) < 300 for check in found.values())


def test_a_name_of_a_project_is_cut_and_makes_no_lines() -> None:
    def look(_path: str, _params: Mapping[str, str | int]) -> ProbeResult:
        listed = [{"id": 1, "name": "x\x1b[2J\n" + "y" * 4000, "display_name": None}]
        return ProbeResult(200, {"count": 1, "results": listed})

    (projects,) = [check for check in check_api(setup(), look, lambda: NOW) if check.name == "projects"]
    assert projects.message.isprintable()
    assert len(projects.message) < 120


@pytest.mark.parametrize(
    ("date", "health", "message"),
    [
        ("Sun, 01 Mar 2026 12:00:30 GMT", Health.OK, "agrees"),
        ("Sun, 01 Mar 2026 11:00:00 GMT", Health.NOTE, "3600 s ahead of the API's"),
        ("Sun, 01 Mar 2026 12:02:00 -0000", Health.NOTE, "120 s behind the API's"),
    ],
    ids=["close", "ahead", "behind"],
)
def test_clocks_are_compared(date: str, health: Health, message: str) -> None:
    (check,) = [check for check in answers(date=date) if check.name == "clock"]
    assert check.health is health
    assert message in check.message


@pytest.mark.parametrize("date", [None, "", "yesterday", "Sun, 99 Mar 2026 12:00:30 GMT"])
def test_a_date_that_is_none_says_nothing(date: str | None) -> None:
    assert "clock" not in [check.name for check in answers(date=date)]


@pytest.mark.parametrize(
    ("problem", "advice"),
    [
        ("cannot connect to the proxy p.example.com (HTTPS_PROXY): refused", "Check HTTPS_PROXY and NO_PROXY"),
        ("cannot find api.example.com:443: Name or service not known", "The name is not known here"),
        ("no answer in time", "whether a firewall or a missing HTTPS_PROXY is in the way"),
    ],
    ids=["proxy", "name", "silence"],
)
def test_advice_fits_the_problem(problem: str, advice: str) -> None:
    (check,) = answers(problem=problem)
    assert check.health is Health.FAILED
    assert advice in check.message


def test_a_proxy_is_named_without_its_password() -> None:
    def look(_path: str, _params: Mapping[str, str | int]) -> ProbeResult:
        return ProbeResult(None, problem="no answer in time")

    through = setup(HTTPS_PROXY="http://me:hunter2@proxy.example.com:3128")
    (first,) = check_environment(through)
    (last,) = check_api(through, look, lambda: NOW)
    assert first.message == (
        "requests go through the proxy proxy.example.com:3128 (HTTPS_PROXY), unless NO_PROXY names the API's host"
    )
    assert "check that it lets them pass" in last.message


@pytest.mark.usefixtures("target")
@pytest.mark.parametrize(
    ("variable", "value", "name", "message"),
    [
        ("HTTPS_PROXY", "http://[", "proxy", "HTTPS_PROXY is not the address of a proxy"),
        ("SSL_CERT_FILE", "missing.pem", "tls", "SSL_CERT_FILE: cannot read certificates from `missing.pem`"),
        ("GCORE_BASE_URL", "http://api.example.com", "address", "refusing plain http to api.example.com"),
    ],
    ids=["proxy", "certificates", "address"],
)
def test_what_would_stop_every_request_is_found_first(
    variable: str,
    value: str,
    name: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GCORE_BASE_URL", "https://api.example.com")
    monkeypatch.setenv("GCORE_API_KEY", "k")
    monkeypatch.setenv(variable, value)
    code, found = examined(capsys)
    assert code == 1
    assert found[name][0] == "failed"
    assert message in found[name][1]
    assert "projects" not in found, "nothing is asked"


@pytest.mark.usefixtures("target")
def test_a_key_that_a_shell_may_have_spoiled_is_said_to_be_so(
    empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    empty_emulator.control.plan(FaultPlan.of(Fault("status", status=401, message="Bad permanent token", count=0)))
    code, found = examined(capsys)
    assert code == 1
    assert (
        "if it has a `$`, a shell may have expanded it: export it in single quotes; else it is wrong" in found["key"][1]
    )


@pytest.mark.usefixtures("target")
def test_an_api_without_v2_is_told_before_it_is_used(
    empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    empty_emulator.control.plan(FaultPlan.of(Fault("status", status=404, path="v2/security_groups", count=0)))
    code, found = examined(capsys)
    assert (code, found["v2"][0]) == (0, "note")
    assert "but its address for project 1337, region 7 does not answer (status 404" in found["v2"][1]
