"""What happens to the whole process: a terminal that goes away, output that nobody reads."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from acting import PATIENCE, ActingLog, signalled
from imports import PACKAGE

from reconciler.emulator.server import EmulatorServer

from .conftest import CHANGED, KEY, Sgctl, writes

TWO_CHANGES = (
    CHANGED
    + """\
  - name: app
    rules: [{direction: egress, protocol: tcp}]
"""
)

ON_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "reconciler", *sys.argv[1:]])
"""


@pytest.fixture
def environment(emulator: EmulatorServer, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "GCORE_BASE_URL": emulator.url, "GCORE_API_KEY": KEY, "TMPDIR": str(tmp_path)}


def start_apply(environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "reconciler", "apply", "groups.yaml", "--auto-approve"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_before_the_first_write_ends_a_command_with_a_sentence(
    number: signal.Signals, offline: Sgctl, emulator: EmulatorServer, environment: dict[str, str]
) -> None:
    """Whichever it is, and however the plan goes on: it ends in 1, as after Ctrl-C."""
    offline.write(TWO_CHANGES)
    process = signalled(emulator, lambda: start_apply(environment), number)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "interrupted; nothing was sent" in told
    assert "Traceback" not in told
    assert writes(emulator) == []


@pytest.mark.usefixtures("default_signals")
def test_an_apply_whose_terminal_goes_away_finishes_what_is_under_way(
    offline: Sgctl, emulator: EmulatorServer, environment: dict[str, str]
) -> None:
    """The kernel sends SIGHUP, and every write to the terminal fails from then on. The exit code still is the truth."""
    offline.write(TWO_CHANGES)
    ours, theirs = pty.openpty()
    emulator.store.requests = ActingLog(lambda: os.close(ours), "PATCH")
    process = subprocess.Popen(
        [sys.executable, "-c", ON_ITS_TERMINAL, "apply", "groups.yaml", "--auto-approve", "--parallelism", "1"],
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    assert process.wait(timeout=PATIENCE) == 4
    assert writes(emulator) == ["PATCH"], "the first group is done, the second was left"


NOBODY_READS = {"validate": 0, "plan --detailed-exitcode": 2, "drift": 2, "apply --auto-approve --no-journal": 0}


@pytest.mark.parametrize(("command", "code"), NOBODY_READS.items(), ids=NOBODY_READS)
def test_output_that_nobody_reads_changes_no_exit_code(
    offline: Sgctl, environment: dict[str, str], command: str, code: int
) -> None:
    """Nor is anything said about it: whoever closed the pipe has seen enough."""
    offline.write(CHANGED)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *command.split()],
        env=environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize(
    ("moment", "code", "told"),
    [
        ("reconciler.cli.apply.show_plan", 1, "interrupted; nothing was sent"),
        ("reconciler.cli.apply.render_report", 0, "what was applied stays applied"),
        ("reconciler.cli.apply._tell_journal", 4, "interrupted, after changes were sent"),
        ("reconciler.cli._last_words", 0, ""),
    ],
)
def test_an_interrupted_apply_says_whether_anything_was_sent(
    monkeypatch: pytest.MonkeyPatch, sgctl: Sgctl, emulator: EmulatorServer, moment: str, code: int, told: str
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    sgctl.write(CHANGED)
    monkeypatch.setattr(moment, interrupt)
    ran = sgctl("apply", "groups.yaml", "--auto-approve")
    assert (ran.code, told in ran.err, "nothing was sent" in ran.err) == (code, True, code == 1), ran.err
    assert bool(writes(emulator)) == (code != 1)


@pytest.mark.usefixtures("default_signals")
def test_a_second_signal_leaves_the_sentence_about_the_first_whole(
    offline: Sgctl, emulator: EmulatorServer, environment: dict[str, str]
) -> None:
    offline.write(TWO_CHANGES)
    hail = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 20
    process = signalled(emulator, lambda: start_apply(environment), *hail)
    told = process.communicate(timeout=PATIENCE)[1]
    assert (process.returncode, told) == (1, "\nerror: interrupted; nothing was sent\n")


@pytest.mark.usefixtures("default_signals")
def test_many_signals_while_a_write_is_under_way_are_two(
    offline: Sgctl, emulator: EmulatorServer, environment: dict[str, str]
) -> None:
    """The first ends the apply, the second abandons it, and no further one disturbs what is said of it then."""
    offline.write(TWO_CHANGES)
    hail = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM) * 20
    process = signalled(emulator, lambda: start_apply(environment), *hail, method="PATCH")
    told = process.communicate(timeout=PATIENCE)[1]
    assert (process.returncode, "bug in sgctl" in told, "Traceback" in told) == (4, False, False), told
    assert "of 2 groups are not as planned" in told


IMPORTING = """
import sys, time
from reconciler import process

def run(arguments):
    try:
        import half
        time.sleep(60)
    except KeyboardInterrupt:
        return 7 if "half" in sys.modules and half.is_whole else 8

process.run_and_exit(run)
"""
HALF = """
import os, signal

class Field:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.{name})

class Owner:
    field = Field()

is_whole = True
"""


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_while_a_module_is_imported_waits_until_it_is_whole(tmp_path: Path, name: str) -> None:
    """Half a module has no words for what happened, and Python makes another error of what comes in a class body."""
    (tmp_path / "half.py").write_text(HALF.format(name=name))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(PACKAGE.parent)])}
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTING], env=environment, timeout=PATIENCE, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (7, b"")
