"""`sgctl watch`: its rounds against the emulator, what it tells and serves, and how it ends."""

import json
import os
import signal
import socket
import struct
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partialmethod
from threading import Event
from typing import Any
from urllib.error import HTTPError

import pytest
from acting import PATIENCE, ActingLog
from threads_left import threads_left
from webhook import webhook

from reconciler import process
from reconciler.cli import health
from reconciler.cli.health import serve
from reconciler.drift.watch import WatchLoop
from reconciler.emulator.server import EmulatorServer

from .conftest import BROKEN, CHANGED, SAME, Sgctl, writes

RUN = WatchLoop.run


@pytest.fixture
def two_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WatchLoop, "run", partialmethod(RUN, rounds=2))


def rounds(err: str) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    return [event for event in events if event["event"] == "round"]


@pytest.mark.usefixtures("two_rounds")
def test_a_round_is_one_line(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    ran = sgctl("watch", sgctl.write(SAME))
    assert (ran.code, ran.out) == (0, "")
    lines = ran.err.splitlines()
    assert [line.split(" ", 1)[1].split(":")[0] for line in lines] == ["round 1", "round 2"]
    assert "No drift: 1 group" in lines[0]
    assert writes(emulator) == []


@pytest.mark.usefixtures("two_rounds")
@pytest.mark.parametrize("enforce", ["none", "narrow", "all"])
def test_only_what_was_asked_for_is_put_right(sgctl: Sgctl, emulator: EmulatorServer, enforce: str) -> None:
    """Port 443 is live and in no file, port 8443 in the file and not live: to put that right opens something."""
    ran = sgctl("watch", sgctl.write(CHANGED), "--enforce", enforce, "--log-format", "json")
    first, second = rounds(ran.err)
    assert (first["mended"], second["counted"]) == ((1, False) if enforce == "all" else (0, True))
    assert len(writes(emulator)) == (enforce == "all")


@pytest.mark.usefixtures("two_rounds")
def test_what_no_file_admits_is_taken_away_by_narrow(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    ran = sgctl("watch", sgctl.write(SAME.replace("[80, 443]", "80")), "--enforce", "narrow")
    assert "1 group put right" in ran.err
    assert writes(emulator) == ["PATCH"]
    assert sgctl("rollback", "--last", "--out", "back.json").code == 0, "it kept a journal"


@pytest.mark.usefixtures("two_rounds")
def test_what_a_guardrail_stops_is_left_and_told(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    sgctl.write('[policies]\nrule_description = "error"\n', "sgctl.toml")
    ran = sgctl("watch", sgctl.write(CHANGED), "--enforce", "all")
    assert ran.err.count("a guardrail stops what would put it right") == 2
    assert writes(emulator) == []


@pytest.mark.usefixtures("two_rounds")
def test_files_are_read_anew_and_a_bad_one_ends_nothing(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    name = sgctl.write("project_id: [")
    one = WatchLoop._run_one

    def run_and_mend(loop: WatchLoop) -> None:
        one(loop)
        sgctl.write(SAME, name)

    monkeypatch.setattr(WatchLoop, "_run_one", run_and_mend)
    ran = sgctl("watch", name)
    assert ran.code == 0
    assert "groups.yaml:1:14: error:" in ran.err
    assert "round 1: failed" in ran.err
    assert "round 2: No drift" in ran.err


@pytest.mark.usefixtures("two_rounds")
def test_a_link_out_of_the_folder_is_not_followed(sgctl: Sgctl) -> None:
    sgctl.write("a secret", "secret.txt")
    sgctl.write(SAME, "groups/web.yaml")
    (sgctl.folder / "groups" / "link.yaml").symlink_to(sgctl.folder / "secret.txt")
    ran = sgctl("watch", "groups")
    assert "groups/link.yaml" in ran.err
    assert ran.err.count(": failed") == 2
    assert "a secret" not in ran.err


@pytest.mark.usefixtures("two_rounds")
def test_the_webhook_is_told_what_changes_and_not_every_round(sgctl: Sgctl) -> None:
    with webhook() as hook:
        sgctl("watch", sgctl.write(CHANGED), "--notify-url", hook.url)
        assert len(hook.posted) == 1
        sgctl("watch", sgctl.write(SAME), "--notify-url", hook.url)
        assert len(hook.posted) == 1
        sgctl("watch", sgctl.write(CHANGED), "--notify-url", hook.url, "--enforce", "all")
        assert len(hook.posted) == 1, "at the end of each round nothing was wrong"


def test_a_wrong_address_or_key_is_told_at_once(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("9180", "localhost", "127.0.0.1:x", "user@127.0.0.1:1", "127.0.0.1:1/x"):
        ran = sgctl("watch", "--listen", address)
        assert ran.code == 1
        assert "is not an address such as 127.0.0.1:9180" in ran.err
    assert "cannot listen on 203.0.113.1:1" in sgctl("watch", "--listen", "203.0.113.1:1").err
    assert "--notify-url: not an https address" in sgctl("watch", "--notify-url", "nonsense").err
    monkeypatch.setenv("GCORE_BASE_URL", "ftp://127.0.0.1")
    assert "is not the address of an API" in sgctl("watch").err
    monkeypatch.delenv("GCORE_API_KEY")
    assert "no API key" in sgctl("watch").err


def test_pages_tell_what_is_well_and_what_is_not() -> None:
    with serve(("127.0.0.1", 0), {"/good": lambda: (True, "ok\n"), "/bad": lambda: (False, "no\n")}) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/good?x=1", timeout=PATIENCE) as answer:
            assert (answer.status, answer.read()) == (200, b"ok\n")
        for page, status in (("bad", 503), ("other", 404)):
            with pytest.raises(HTTPError) as raised:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=PATIENCE)
            with raised.value as answer:
                assert answer.code == status


def test_a_page_that_fails_is_a_500_and_a_line_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> tuple[bool, str]:
        raise ZeroDivisionError("by \x1b nothing")

    with serve(("127.0.0.1", 0), {"/metrics": broken}) as port:
        assert talk(port, b"GET /metrics HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 500")
    assert capsys.readouterr().err == "warning: /metrics could not be answered: ZeroDivisionError: by \\x1b nothing\n"


def talk(port: int, *parts: bytes) -> bytes:
    """Say something to a server, then hang up without reading, or read until it has hung up, rudely or not."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection, suppress(ConnectionError):
        for part in parts:
            connection.sendall(part)
        if parts[-1].endswith(b"gone: 1\r\n\r\n"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return b""
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


def test_no_client_of_the_pages_is_seen_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither one that asks for nonsense nor one that is gone before it is answered."""
    pages = {"/big": lambda: (True, "x" * 10_000_000)}
    with serve(("127.0.0.1", 0), pages) as port:
        for text in (b"GET //[ HTTP/1.0", b"\xff\x00", b"GET /big HTTP/1.0\r\ngone: 1", b"POST / HTTP/9", b"GET"):
            talk(port, text + b"\r\n\r\n")
        assert talk(port, b"GET /big?x HTTP/1.0\r\n\r\n").endswith(b"xxx")
    assert capsys.readouterr() == ("", "")


ASKED = b"GET /good HTTP/1.0\r\n"
GOOD = {"/good": lambda: (True, "ok\n")}


def test_many_clients_of_the_pages_are_turned_away_until_there_is_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_SECONDS", PATIENCE)
    monkeypatch.setattr(health, "_MOST_CLIENTS", 2)
    with serve(("127.0.0.1", 0), GOOD) as port:
        one, other = (socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(2))
        with one, other:
            assert talk(port, ASKED, b"\r\n") == b""
        assert_answered(port)


def assert_answered(port: int) -> None:
    """A place is free again as soon as the thread of the client before has ended."""
    deadline = time.monotonic() + PATIENCE
    while not talk(port, ASKED, b"\r\n").endswith(b"ok\n"):
        assert time.monotonic() < deadline


@pytest.mark.parametrize("spare", [0, 1], ids=["none for the client", "none to cut it off"])
def test_a_machine_without_threads_for_a_moment_answers_again_later(
    monkeypatch: pytest.MonkeyPatch, spare: int, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(health, "_MOST_CLIENTS", 1)
    with serve(("127.0.0.1", 0), GOOD) as port:
        with threads_left(spare):
            assert talk(port, ASKED, b"\r\n") == b""
        assert_answered(port)
    assert capsys.readouterr() == ("", "")


def test_a_slow_client_of_the_pages_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that says a letter now and then, which no limit of a single read would end."""
    monkeypatch.setattr(health, "_SECONDS", 0.4)
    with serve(("127.0.0.1", 0), GOOD) as port:
        assert talk(port, ASKED) == b""
        with socket.create_connection(("127.0.0.1", port), timeout=0.01) as dripping, suppress(ConnectionError):
            dripping.sendall(ASKED)
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                dripping.sendall(b"A")
                with suppress(TimeoutError):
                    assert dripping.recv(1) == b""
                    break
            else:
                pytest.fail("it was not cut off")


BOTH = (
    CHANGED
    + """\
  - name: app
    rules: [{direction: egress, protocol: tcp}]
"""
)


def test_sigterm_in_an_apply_finishes_the_group_under_way_and_begins_no_other(
    sgctl: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes, and is heard, while the emulator has the first PATCH and has not answered."""
    requested: list[Event] = []
    stop_on_signals = process.stop_on_signals

    def noted(stop: Event) -> AbstractContextManager[None]:
        requested.append(stop)
        return stop_on_signals(stop)

    def terminate() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        assert requested[0].wait(PATIENCE)

    monkeypatch.setattr(process, "stop_on_signals", noted)
    emulator.store.requests = ActingLog(terminate, "PATCH")
    ran = sgctl("watch", sgctl.write(BOTH), "--enforce", "all", "--parallelism", "1", "--log-format", "json")
    assert ran.code == 0
    (told,) = rounds(ran.err)
    assert (told["mended"], told["failed"]) == (1, 1)
    assert "stopped before its first request" in ran.err
    assert writes(emulator) == ["PATCH"]
    assert emulator.requests[-1].method == "GET", "what was written was read back"
    assert sgctl("rollback", "--last", "--out", "back.json").code == 0, "its journal tells what was done"


def test_readyz_changes_only_after_three_rounds_that_fail(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[int] = []

    @contextmanager
    def noted(address: tuple[str, int], pages: Any) -> Iterator[None]:
        with serve(address, pages) as port:
            served.append(port)
            yield

    texts = [SAME, BROKEN, BROKEN, BROKEN, SAME]
    one = WatchLoop._run_one
    answers: list[int] = []

    def run_and_ask(loop: WatchLoop) -> None:
        sgctl.write(texts[len(answers)])
        one(loop)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{served[0]}/readyz", timeout=PATIENCE) as answer:
                answers.append(answer.status)
        except HTTPError as error:
            with error:
                answers.append(error.code)

    monkeypatch.setattr(WatchLoop, "run", partialmethod(RUN, rounds=len(texts)))
    monkeypatch.setattr(WatchLoop, "_run_one", run_and_ask)
    monkeypatch.setattr(health, "serve", noted)
    assert sgctl("watch", sgctl.write(SAME), "--listen", "127.0.0.1:0").code == 0
    assert answers == [200, 200, 200, 503, 200]


@pytest.mark.usefixtures("two_rounds")
def test_a_key_that_is_changed_in_its_file_is_used_in_the_next_round(
    sgctl: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GCORE_API_KEY")
    monkeypatch.setenv("GCORE_API_KEY_FILE", sgctl.write("wrong", "key"))
    one = WatchLoop._run_one

    def run_and_rotate(loop: WatchLoop) -> None:
        one(loop)
        sgctl.write(emulator.api_key, "key")

    monkeypatch.setattr(WatchLoop, "_run_one", run_and_rotate)
    ran = sgctl("watch", sgctl.write(SAME))
    assert ran.err.count("round 1: failed") == 1
    assert "round 2: No drift" in ran.err
