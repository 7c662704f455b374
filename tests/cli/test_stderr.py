"""What goes to stderr: requests with -v, JSON lines for collectors, progress on a terminal, and nothing elsewhere."""

import io
import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from config_support import GROUPS

from reconciler.api.retry import LockWait
from reconciler.cli import run
from reconciler.cli.log import Log
from reconciler.cli.progress import Progress
from reconciler.emulator.server import EmulatorServer


@pytest.fixture
def files(repository: Path) -> Path:
    (repository / "web.yaml").write_text("project_id: 1\nregion_id: 7\n" + GROUPS)
    return repository


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("files", "empty_emulator")
@pytest.mark.parametrize("command", [["plan"], ["apply", "--auto-approve"], ["drift"]], ids=" ".join)
@pytest.mark.parametrize("flags", [[], ["-q"]], ids=["plain", "quiet"])
def test_without_a_terminal_stderr_only_names_the_journal(
    command: list[str], flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run([*command, *flags])
    captured = capsys.readouterr()
    names_it = command[0] == "apply" and not flags
    assert [line.split()[0] for line in captured.err.splitlines()] == (["journal:"] if names_it else [])
    assert captured.out
    assert "\x1b" not in captured.out


@pytest.mark.usefixtures("files")
def test_verbose_shows_each_request_with_status_time_and_id(
    empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["apply", "--auto-approve", "--no-journal", "-v"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(empty_emulator.requests)
    for line, record in zip(lines, empty_emulator.requests, strict=True):
        method, path, status, milliseconds, unit, request_id = line.split(" ")
        assert (method, path, int(status)) == (record.method, record.path, record.status)
        assert milliseconds.isdigit()
        assert (unit, request_id) == ("ms", record.request_id)


@pytest.mark.usefixtures("files", "empty_emulator")
def test_a_collector_reads_requests_progress_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apply", "--auto-approve", "--log-format", "json"]) == 0
    events = json_lines(capsys.readouterr().err)
    assert {event["event"] for event in events} == {"request", "progress", "journal"}
    assert all({"time", "level"} <= event.keys() for event in events)
    (applied,) = [event for event in events if event["event"] == "progress" and event["stage"] == "applying"]
    assert (applied["done"], applied["total"], applied["name"]) == (1, 1, "web")
    created = next(event for event in events if event.get("method") == "POST")
    assert (created["path"], created["status"]) == ("/cloud/v1/securitygroups/1/7", 200)


@pytest.mark.usefixtures("files", "empty_emulator")
def test_quiet_leaves_only_errors_to_a_collector(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "--log-format", "json", "-q"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("GCORE_API_KEY", "wrong")
    assert run(["plan", "--log-format", "json", "-q"]) == 1
    (event,) = json_lines(capsys.readouterr().err)
    assert (event["event"], event["level"], event["exit_code"]) == ("error", "error", 1)
    assert "401" in event["message"]
    assert "GCORE_API_KEY" in event["hint"]


def test_every_issue_is_an_event_with_its_place(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "web.yaml").write_text(GROUPS.replace("tcp", "tpc").replace("rules", "rulez"))
    assert run(["drift", "--log-format", "json"]) == 1
    *issues, error = json_lines(capsys.readouterr().err)
    assert issues
    assert all(issue["event"] == "issue" and issue["path"] == "web.yaml" and issue["line"] for issue in issues)
    assert error["event"] == "error"


@pytest.mark.usefixtures("files")
def test_wrong_usage_is_an_event_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--log-format", "json", "--parallelism", "many"]) == 1
    (event,) = json_lines(capsys.readouterr().err)
    assert "--parallelism" in event["message"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal, of no known width."""

    def isatty(self) -> bool:
        return True


def progress(stream: Terminal, times: Iterator[float], log: Log | None = None, **rest: Any) -> Progress:
    return Progress("reading", stream=stream, monotonic=lambda: next(times), log=log or Log({}), **rest)


def test_half_a_second_needs_no_progress() -> None:
    stream = Terminal()
    with progress(stream, iter([0.0, 0.1, 0.49]), environment={}) as shown:
        shown.step("a")
        shown.step("b")
    assert stream.getvalue() == "\r\x1b[K", "only the clearing of a line that is not there"


def test_progress_is_one_line_that_is_overwritten_and_leaves_no_trace() -> None:
    stream = Terminal()
    with progress(stream, iter([0.0, 0.6, 3.0]), total=2, environment={}) as shown:
        shown.step("project 1, region 7")
        shown.draw()
    assert stream.getvalue() == (
        "\r\x1b[Kreading 1/2, 1 s: project 1, region 7\r\x1b[Kreading 1/2, 3 s: project 1, region 7\r\x1b[K"
    )


def test_a_long_list_is_shown_as_it_grows(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not whole yet is named and not counted; a collector gets the numbers."""
    stream = Terminal()
    with progress(stream, iter([0.0, 0.6, 3.0]), total=1, environment={}) as shown:
        shown.read("project 1, region 7", 1000, 2500)
        shown.read("project 1, region 7", 2500, 2500)
    assert stream.getvalue() == (
        "\r\x1b[Kreading 0/1, 1 s: project 1, region 7, 1,000 of 2,500 groups"
        "\r\x1b[Kreading 1/1, 3 s: project 1, region 7\r\x1b[K"
    )
    with progress(stream, itertools.count(10.0), loud(is_json=True), environment={}) as shown:
        shown.read("project 1, region 7", 1000, 2500)
    event = json.loads(capsys.readouterr().err)
    assert (event["event"], event["name"], event["groups"], event["of"]) == (
        "progress",
        "project 1, region 7",
        1000,
        2500,
    )


def test_a_wait_for_a_lock_is_on_the_line_until_the_next_try() -> None:
    stream = Terminal()
    with progress(stream, iter([0.0, 0.5, 0.6, 12.5, 12.5, 12.6, 18.0]), total=2, environment={}) as shown:
        shown.locked("web", LockWait("/groups/1", 0.0, 300.0, 15.0))
        shown.draw()
        shown.locked("app\x1b[2J", LockWait("/groups/2", 2.0, 300.0, 4.0))
        shown.draw()
    assert stream.getvalue().split("\r\x1b[K")[1:] == [
        "reading 0/2, 1 s: waiting for a lock on web, 0 s",
        "reading 0/2, 12 s: waiting for a lock on web, 12 s",
        "reading 0/2, 13 s: waiting for a lock on web and 1 more, 12 s",
        "reading 0/2, 18 s",
        "",
    ]


def test_progress_fits_the_terminal_and_obeys_no_name() -> None:
    """A line that wraps could not be overwritten; a name could move the cursor."""
    stream = Terminal()
    with progress(stream, iter([0.0, 1.0]), environment={}) as shown:
        shown.step("\x1b[2J" + "x" * 200)
    line = stream.getvalue().split("\r\x1b[K")[1]
    assert len(line) == 79
    assert line.startswith("reading 1, 1 s: ?[2Jxxx")


def loud(*, is_json: bool = False, verbose: bool = False, quiet: bool = False) -> Log:
    log = Log({})
    log.is_json, log.verbose, log.quiet = is_json, verbose, quiet
    return log


@pytest.mark.parametrize(
    ("log", "environment"),
    [(loud(verbose=True), {}), (loud(quiet=True), {}), (loud(), {"TERM": "dumb"})],
    ids=["verbose", "quiet", "dumb terminal"],
)
def test_no_progress_line_is_drawn_where_it_would_disturb(log: Log, environment: dict[str, str]) -> None:
    stream = Terminal()
    with progress(stream, iter([0.0, 1.0, 2.0]), log, environment=environment) as shown:
        shown.step("a")
    assert stream.getvalue() == ""


class Watched(Terminal):
    """A terminal that tells when a line was drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = threading.Event()

    def write(self, text: str) -> int:
        if text.startswith("\r\x1b[Kreading"):
            self.drawn.set()
        return super().write(text)


def test_a_slow_answer_shows_progress_before_it_has_come() -> None:
    stream = Watched()
    with progress(stream, itertools.count(10.0), environment={}, interval=0.001):
        assert stream.drawn.wait(30), "nothing was done yet, and the line is there"
    assert "reading 0, " in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")
