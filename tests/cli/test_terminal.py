"""On a real terminal: what asks, what is taken for a yes, what colours and what never reaches it."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from texts import assert_harmless

from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer

from .conftest import CHANGED, EMPTIED, KEY, SAME, WEB, Sgctl, writes

PATIENCE = 60.0
"""Seconds until what does not come counts as not coming."""
ANSI = re.compile(r"\x1b\[[0-9;]*[mK]")
HOSTILE = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202eevil\r\n+ all fine"


class Terminal:
    """`sgctl` in a process of its own, on a terminal of 80 columns."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self.text = ""
        master, slave = pty.openpty()
        self._master = master
        os.set_blocking(master, False)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment},
        )
        os.close(slave)

    def until(self, words: str) -> None:
        """Wait until the terminal shows this."""
        self._read(lambda: words in self.text)
        assert words in self.text, self.text

    def type(self, text: str) -> None:
        os.write(self._master, text.encode("latin-1"))

    def interrupt(self) -> None:
        """Do what Ctrl-C does, until it is heard: one that comes just before `input` begins to read is not."""
        deadline = time.monotonic() + PATIENCE
        while "nothing was sent" not in self.text and self._process.poll() is None:
            assert time.monotonic() < deadline, f"Ctrl-C was not heard: {self.text}"
            self._process.send_signal(signal.SIGINT)
            self._read(lambda: "nothing was sent" in self.text, 1.0)

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        self._read(lambda: False)
        return self._process.wait(PATIENCE)

    def clean_up(self) -> None:
        """Leave no process, whatever a test found out."""
        self._process.kill()
        self._process.wait(PATIENCE)
        os.close(self._master)

    def _read(self, is_enough: Callable[[], bool], patience: float = PATIENCE) -> None:
        deadline = time.monotonic() + patience
        while not is_enough() and time.monotonic() < deadline:
            if not select.select([self._master], [], [], deadline - time.monotonic())[0]:
                return
            try:
                part = os.read(self._master, 65536)
            except OSError:  # Linux says so when the other side has gone
                return
            if not part:
                return
            self.text += part.decode("utf-8", "replace")


Open = Callable[..., Terminal]


@pytest.fixture
def environment(emulator: EmulatorServer) -> dict[str, str]:
    return {"GCORE_BASE_URL": emulator.url, "GCORE_API_KEY": KEY}


@pytest.fixture
def open_terminal(environment: dict[str, str], default_signals: None) -> Iterator[Open]:
    """Start `sgctl` on terminals that are closed in the end."""
    opened: list[Terminal] = []

    def start(*arguments: str, **more: str) -> Terminal:
        opened.append(Terminal(list(arguments), environment | more))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.clean_up()


@pytest.mark.parametrize("answer", ["yes\n", "  yes \n"], ids=["yes", "yes-with-blanks"])
def test_yes_applies(offline: Sgctl, emulator: EmulatorServer, open_terminal: Open, answer: str) -> None:
    """The plan is shown first, in colour; then one PATCH is sent."""
    terminal = open_terminal("apply", offline.write(CHANGED))
    terminal.until("'yes'")
    assert "8443" in terminal.text
    assert writes(emulator) == []
    terminal.type(answer)
    assert terminal.end() == 0
    assert writes(emulator) == ["PATCH"]
    assert "\x1b[3" in terminal.text


@pytest.mark.parametrize(
    "answer",
    [
        *("\n", "yes please\n", "\x04", "\xff\n"),
        *(pytest.param(each, marks=pytest.mark.full) for each in ("no\n", "y\n", "YES\n", "\x03")),
    ],
    ids=repr,
)
def test_anything_else_does_not(offline: Sgctl, emulator: EmulatorServer, open_terminal: Open, answer: str) -> None:
    """Enter, other words or bytes, the end of input, Ctrl-C: a line says that nothing was sent, and the code is 1."""
    terminal = open_terminal("apply", offline.write(CHANGED))
    terminal.until("'yes'")
    if answer == "\x03":
        terminal.interrupt()
    else:
        terminal.type(answer)
    assert terminal.end() == 1
    assert re.search(r"\n(\x1b\[\d+m)*error:.* nothing was sent", terminal.text)
    assert "Traceback" not in terminal.text
    assert writes(emulator) == []


def test_what_moves_while_the_question_stands_is_noticed(
    sgctl: Sgctl, emulator: EmulatorServer, open_terminal: Open
) -> None:
    """Somebody goes for coffee before they type yes: the plan that they approved is stale by then."""
    terminal = open_terminal("apply", sgctl.write(CHANGED))
    terminal.until("'yes'")
    other = sgctl.write(SAME.replace("name: web", "name: web\n    tags: {env: test}"), "other.yaml")
    assert sgctl("apply", other, "--auto-approve").code == 0
    sent = writes(emulator)
    terminal.type("yes\n")
    assert terminal.end() == 3
    assert "stale" in terminal.text
    assert writes(emulator) == sent


def test_nothing_to_do_asks_nothing(offline: Sgctl, open_terminal: Open) -> None:
    terminal = open_terminal("apply", offline.write(SAME))
    assert terminal.end() == 0
    assert "No changes" in terminal.text
    assert "'yes'" not in terminal.text


def test_a_guardrail_stops_before_the_question(offline: Sgctl, emulator: EmulatorServer, open_terminal: Open) -> None:
    """The reason is said once, not once by the plan and once more by the error."""
    terminal = open_terminal("apply", offline.write(EMPTIED))
    assert terminal.end() == 5
    assert "'yes'" not in terminal.text
    assert ANSI.sub("", terminal.text).count("would be left without any rule") == 1
    assert writes(emulator) == []


@pytest.mark.parametrize(
    ("no_color", "path", "code"), [("1", "groups.yaml", 0), ("1", "nowhere", 1), ("", "nowhere", 1)]
)
def test_no_color_is_obeyed_by_plans_and_by_errors(
    offline: Sgctl, open_terminal: Open, no_color: str, path: str, code: int
) -> None:
    """An empty variable counts as unset."""
    offline.write(CHANGED)
    terminal = open_terminal("plan", path, NO_COLOR=no_color)
    assert terminal.end() == code
    assert ("\x1b[" in terminal.text.replace("\r\x1b[K", "")) is not bool(no_color)


def test_a_pipe_gets_no_colour(offline: Sgctl, environment: dict[str, str]) -> None:
    """Neither stdout nor stderr."""
    for arguments in (["plan", offline.write(CHANGED)], ["validate", offline.write("x: 1", "bad.yaml")]):
        ran = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert b"\x1b" not in ran.stdout + ran.stderr
        assert ran.stdout + ran.stderr


def test_a_reader_that_has_seen_enough_is_no_error_to_talk_about(offline: Sgctl, environment: dict[str, str]) -> None:
    """`sgctl plan | head -1`: no traceback, no complaint of the interpreter."""
    rules = ", ".join(f"{{direction: ingress, protocol: tcp, ports: {port}}}" for port in range(1, 250))
    path = offline.write(SAME.split("    rules:")[0] + f"    rules: [{rules}]\n")
    ran = subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -m reconciler plan {path} --format json | head -1"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.stdout == "{\n"
    assert ran.stderr == ""


def test_text_from_the_cloud_cannot_command_the_terminal(
    sgctl: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, descriptions, tags and messages of errors: control characters are shown, not sent, in every format."""
    with EmulatorServer(api_key=KEY, seed=_hostile_seed()) as hostile:
        monkeypatch.setenv("GCORE_BASE_URL", hostile.url)
        group = f"{{id: {WEB}, name: web, tags: {{}}, description: d, rules: []}}"
        sgctl.write(f"project_id: 1\nregion_id: 7\nsecurity_groups:\n  - {group}\n")
        for arguments in (
            ["plan", "--allow-mass-delete"],
            ["plan", "--allow-mass-delete", "--format", "json"],
            ["plan", "--allow-mass-delete", "--format", "markdown"],
            ["plan", "--allow-mass-delete", "--out", "plan.json", "-v"],
            ["show", "plan.json"],
            ["show", "plan.json", "--format", "json"],
            ["drift"],
            ["drift", "--format", "json", "--unmanaged"],
            ["apply", "--auto-approve", "--allow-mass-delete"],
        ):
            ran = sgctl(*arguments)
            assert ran.code in {0, 2}, ran.err
            assert "evil" in ran.out
            _assert_harmless(ran.out + ran.err)


def test_a_hostile_error_cannot_either(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    emulator.control.plan(FaultPlan.of(Fault("status", status=400, message=HOSTILE, count=0)))
    ran = sgctl("plan", sgctl.write(SAME), "-v")
    assert ran.code == 1
    _assert_harmless(ran.out + ran.err)


def test_a_hostile_file_name_cannot_either(offline: Sgctl) -> None:
    Path("\x1b[2Jevil.yaml").write_text("x: 1", encoding="utf-8")
    ran = offline("validate")
    assert ran.code == 1
    assert "evil.yaml" in ran.err
    _assert_harmless(ran.out + ran.err)


def _hostile_seed() -> dict[str, object]:
    rule = {"direction": "ingress", "protocol": "tcp", "port_range_min": 1, "port_range_max": 1, "description": HOSTILE}
    group = {"project_id": 1, "region_id": 7, "id": WEB, "name": HOSTILE, "description": HOSTILE, "rules": [rule]}
    group["tags"] = {"tag": HOSTILE}
    return {"groups": [group, {"project_id": 1, "region_id": 7, "name": HOSTILE + "2"}]}


def _assert_harmless(text: str) -> None:
    assert_harmless(text)
    assert "\n+ all fine" not in text
