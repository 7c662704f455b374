"""Whatever the machine refuses, every command ends in time, with a sentence and with the exit code of what it did."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import click
import pytest
from threads_left import threads_left

from reconciler.api.http import Http
from reconciler.cli import sgctl as root
from reconciler.cli.progress import Progress
from reconciler.emulator.server import EmulatorServer

from .conftest import CHANGED, KEY, SEED, Sgctl

RUNS: dict[str, tuple[list[str], int]] = {
    "init": (["init", "{folder}/new", "--project-id", "1", "--region-id", "7"], 0),
    "validate": (["validate", "{folder}/groups.yaml"], 0),
    "refresh": (["refresh", "{folder}/groups.yaml"], 0),
    "plan": (["plan", "{folder}/groups.yaml", "--detailed-exitcode"], 2),
    "apply": (["apply", "{folder}/groups.yaml", "--auto-approve"], 0),
    "rollback": (["rollback", "{folder}/journal"], 0),
    "drift": (["drift", "{folder}/groups.yaml"], 2),
    "watch": (["watch", "{folder}/groups.yaml", "--listen", "203.0.113.1:1"], 1),
    "audit": (["audit", "{folder}/groups.yaml"], 0),
    "history": (["history", "--project-id", "1", "--region-id", "7"], 0),
    "import": (["import", "--project-id", "1", "--region-id", "7"], 0),
    "trace": (["trace", "--group", "web", "ingress", "tcp/80", "from", "192.0.2.1", "{folder}/groups.yaml"], 0),
    "graph": (["graph", "{folder}/groups.yaml"], 0),
    "lint": (["lint", "{folder}/groups.yaml"], 0),
    "show": (["show", "{folder}/plan.json"], 0),
    "config": (["config"], 0),
    "doctor": (["doctor", "{folder}/groups.yaml"], 0),
    "schema": (["schema"], 0),
    "operator": (["operator", "--crds"], 0),
    "export": (["export", "{folder}/groups.yaml"], 0),
    "completion": (["completion", "fish"], 0),
    "man": (["man"], 0),
    "emulator": (["emulator", "--port", "0", "--seed", "{folder}/nowhere.yaml"], 1),
}
"""Every command but `demo`, which runs the others: its arguments, and how it ends where nothing is wrong."""

STANDS = {"apply"}
"""The exit code of these says what was done, whether or not it could be reported."""

NO_FOLDER_NEEDED = {"show", "schema", "completion", "man"}
"""What reads neither settings nor the current folder."""


@dataclass(frozen=True)
class Fault:
    """How a process is started, and how commands end then: by name and the code without the fault."""

    ends: Callable[[str, int], int] = lambda _, code: code
    variables: Mapping[str, str | None] = field(default_factory=dict)
    before: Callable[[], object] | None = None
    out: str | None = None
    err: str | None = None
    shell: str = ""


def closed_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def lost(name: str, code: int) -> int:
    """Results that could not be written are an error, but for those of what was done already."""
    return code if name in STANDS else 1


def no_folder(name: str, code: int) -> int:
    return code if name in NO_FOLDER_NEEDED else 1


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


FAULTS = {
    "none": Fault(),
    "stdout on a full disk": Fault(lost, out="/dev/full"),
    "stderr on a full disk": Fault(err="/dev/full"),
    "stdout that nobody reads": Fault(out="closed"),
    "no streams at all": Fault(shell="<&- >&- 2>&-"),
    "no current folder": Fault(no_folder, shell="gone"),
    "a strange environment": Fault(
        variables={
            **dict.fromkeys(("HOME", "USER", "LOGNAME", "XDG_CONFIG_HOME")),
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), "/proc/nowhere"),
            "LC_ALL": "xx_YY.nonsense",
            "LANG": "?",
            "PYTHONUTF8": "0",
            "PYTHONIOENCODING": "ascii",
            "TERM": "no\x1bsuch",
            "COLUMNS": "-5",
            "LINES": "x" * 5000,
        }
    ),
    "files that cannot grow": Fault(lambda command, code: 1 if command == "init" else code, before=small_files),
}


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    with EmulatorServer(api_key=KEY, seed=SEED) as running:
        yield running


@pytest.fixture
def prepared(offline: Sgctl, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with desired state, a plan, and the journal of an apply that changed something else."""
    monkeypatch.setenv("GCORE_BASE_URL", server.url)
    monkeypatch.setenv("GCORE_API_KEY", KEY)
    name = "name: app\n    description: \u0434\u0432\u0435\u0440\u044c\n    rules: []\n"
    offline.write(f"project_id: 1\nregion_id: 7\nsecurity_groups:\n  - {name}", "app.yaml")
    assert offline("apply", "app.yaml", "--auto-approve", "--journal", "journal", "--allow-mass-delete").code == 0
    offline.write(CHANGED)
    assert offline("plan", "groups.yaml", "--out", "plan.json").code == 0
    return offline.folder


def ended(fault: Fault, folder: Path, arguments: list[str]) -> tuple[int, str]:
    """Run a command under a fault: its exit code, and what it said of it."""
    environment = {name: value for name, value in os.environ.items() if name not in fault.variables}
    environment |= {name: value for name, value in fault.variables.items() if value is not None}
    command = [sys.executable, "-m", "reconciler", *(each.format(folder=folder) for each in arguments)]
    if fault.shell:
        begin = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"' if fault.shell == "gone" else 'exec "$@" '
        command = ["bash", "-c", begin + (fault.shell if fault.shell != "gone" else ""), "bash", *command]
    streams: dict[str, Any] = {}
    for name, place in (("stdout", fault.out), ("stderr", fault.err)):
        number = closed_pipe() if place == "closed" else None if place is None else os.open(place, os.O_WRONLY)
        streams[name] = subprocess.PIPE if number is None else number
    try:
        ran = subprocess.run(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
            preexec_fn=fault.before,
            **streams,
        )
    finally:
        for number in streams.values():
            with suppress(OSError):
                if number != subprocess.PIPE:
                    os.close(number)
    return ran.returncode, ((ran.stdout or b"") + (ran.stderr or b"")).decode("utf-8", "replace")


def test_the_table_has_every_command() -> None:
    assert {*RUNS, "demo"} == set(root.list_commands(click.Context(root)))


CELLS = list(product(RUNS, FAULTS))
"""Every command under every fault."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take every cell with `--full`, else an eighth: every command under one fault, every fault with two commands."""
    if "cell" in metafunc.fixturenames:
        step = 1 if metafunc.config.getoption("full") else 8
        numbers = product(range(len(RUNS)), range(len(FAULTS)))
        cells = [cell for cell, (row, column) in zip(CELLS, numbers, strict=True) if (row + column) % step == 0]
        metafunc.parametrize("cell", cells, ids=map("-".join, cells))


def test_a_command_ends_with_a_sentence_and_its_exit_code(prepared: Path, cell: tuple[str, str]) -> None:
    command, fault = cell[0], FAULTS[cell[1]]
    arguments, code = RUNS[command]
    ended_in, told = ended(fault, prepared, arguments)
    assert "bug in sgctl" not in told, told
    assert "Traceback" not in told, told
    assert "Exception ignored" not in told, told
    assert ended_in == fault.ends(command, code), told
    if fault.out == "/dev/full" and fault.err is None and code != 1:
        assert "stdout could not be written: No space left on device" in told


@pytest.mark.parametrize("fault", ["stdout on a full disk", "stdout that nobody reads"])
def test_an_apply_that_cannot_tell_has_applied(prepared: Path, server: EmulatorServer, fault: str) -> None:
    """And ends in 0: what it did is what counts."""
    before = len(server.requests)
    assert ended(FAULTS[fault], prepared, RUNS["apply"][0])[0] == 0
    assert [each.method for each in server.requests[before:] if each.method != "GET"] == ["PATCH"]


@pytest.mark.parametrize(("option", "name"), [("--out", "new.json"), ("--sarif", "new.sarif"), ("--junit", "new.xml")])
def test_a_file_that_cannot_be_written_is_a_sentence(prepared: Path, option: str, name: str) -> None:
    """And nothing of it stays."""
    code, told = ended(FAULTS["files that cannot grow"], prepared, ["plan", "groups.yaml", option, name])
    assert (code, f"cannot write {name}: File too large" in told) == (1, True), told
    assert not [path.name for path in prepared.iterdir() if name in path.name]


def test_a_journal_that_cannot_be_written_sends_nothing(prepared: Path, server: EmulatorServer) -> None:
    before = len(server.requests)
    arguments = ["apply", "groups.yaml", "--auto-approve", "--journal", "new"]
    code, told = ended(FAULTS["files that cannot grow"], prepared, arguments)
    assert (code, "cannot write the journal new" in told) == (1, True), told
    assert {each.method for each in server.requests[before:]} == {"GET"}


@pytest.mark.full
@pytest.mark.parametrize(("fault", "code"), [("stdout on a full disk", 1), ("stdout that nobody reads", 0)])
def test_the_demo_ends_with_a_sentence_too(prepared: Path, fault: str, code: int) -> None:
    ended_in, told = ended(FAULTS[fault], prepared, ["demo"])
    assert (ended_in, "bug in sgctl" in told, "Traceback" in told) == (code, False, False), told


NUMBER = "9" * 5000
NUMBERS: dict[str, list[str]] = {
    "project": ["plan", "--project-id", NUMBER],
    "region": ["validate", "--region-id", NUMBER],
    "timeout": ["plan", "--timeout", NUMBER],
    "timeout without end": ["plan", "--timeout", "inf"],
    "timeout that is no number": ["plan", "--timeout", "nan"],
    "parallelism": ["drift", "--parallelism", NUMBER],
    "age": ["apply", "plan.json", "--max-age", f"{NUMBER}h"],
    "port of the emulator": ["emulator", "--port", NUMBER],
    "host of the emulator": ["emulator", "--host", NUMBER],
    "port of a question": ["trace", "--group", "web", "ingress", f"tcp/{NUMBER}", "from", "192.0.2.1"],
    "type of a question": ["trace", "--group", "web", "ingress", f"icmp/{NUMBER}", "from", "192.0.2.1"],
    "prefix of a question": ["trace", "--group", "web", "ingress", "tcp/80", "from", f"10.0.0.0/{NUMBER}"],
    "address": ["plan", "--protect-ssh-from", NUMBER],
    "glob": ["plan", "--group", "[" * 5000],
    "tag": ["import", "--project-id", "1", "--region-id", "7", "--tag", NUMBER],
    "file": ["validate", NUMBER],
    "file to write": ["plan", "--out", NUMBER],
    "file of settings": ["plan", "--sarif", f"nowhere/{NUMBER}"],
}


@pytest.mark.parametrize("arguments", NUMBERS.values(), ids=NUMBERS)
def test_a_number_of_5000_digits_is_a_sentence(prepared: Path, sgctl: Sgctl, arguments: list[str]) -> None:
    ran = sgctl(*arguments)
    assert ran.code == 1, ran.out
    assert "bug in sgctl" not in ran.err
    assert "rror" in ran.err


VARIABLES = {
    "project": {"GCORE_CLOUD_PROJECT_ID": NUMBER},
    "region": {"GCORE_CLOUD_REGION_ID": NUMBER},
    "address": {"GCORE_BASE_URL": f"http://127.0.0.1:{NUMBER}"},
    "port": {"GCORE_BASE_URL": "http://127.0.0.1:0"},
    "host": {"GCORE_BASE_URL": f"https://{'a' * 5000}"},
    "host in punycode": {"GCORE_BASE_URL": "https://xn--a.example"},
    "completion without a line": {"_SGCTL_COMPLETE": "fish_complete"},
    "completion of another place": {"_SGCTL_COMPLETE": "bash_complete", "COMP_WORDS": "sgctl", "COMP_CWORD": "x"},
    "key": {"GCORE_API_KEY": NUMBER},
    "name of the key file": {"GCORE_API_KEY": "", "GCORE_API_KEY_FILE": NUMBER},
    "key file that is a loop": {"GCORE_API_KEY": "", "GCORE_API_KEY_FILE": "loop"},
    "proxy": {"HTTPS_PROXY": f"http://127.0.0.1:{NUMBER}", "GCORE_BASE_URL": "https://api.example"},
    "certificates": {"SSL_CERT_FILE": "loop", "GCORE_BASE_URL": "https://api.example"},
    "bytes that are no text": {"GCORE_BASE_URL": "https://\udcff"},
}


@pytest.mark.parametrize("variables", VARIABLES.values(), ids=VARIABLES)
def test_a_strange_variable_is_a_sentence(
    prepared: Path, sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    Path("loop").symlink_to("loop")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for command in ("plan", "drift", "doctor", "config", "validate"):
        ran = sgctl(command, *(["groups.yaml"] if command != "config" else []))
        assert ran.code in {0, 1, 2}, ran.err
        assert "bug in sgctl" not in ran.err, command
        assert command in {"config", "validate"} or ran.code == 1 or len(variables) == 1


NAMED = {
    "GCORE_CLOUD_PROJECT_ID": ("production", "0", " "),
    "GCORE_CLOUD_REGION_ID": ("Luxembourg-2", "-1", NUMBER),
    "GCORE_BASE_URL": (
        "x",
        "http://api.example",
        "https://u:pass-phrase@api.example",
        "https://xn--0.example",
        "\udcff",
    ),
    "GCORE_API_KEY": (" ", "a b", "\u0434", "\n", "\udcffpass-phrase", "'pass-phrase'", "GCORE_API_KEY=pass-phrase"),
    "GCORE_API_KEY_FILE": ("nowhere", ".", "\udcff", NUMBER),
    "SGCTL_POLICIES": ("nowhere", ".", "\udcff", NUMBER),
    "SGCTL_NOTIFY_URL": ("x", "https://xn--a.example/", "http://127.0.0.1:9/pass-phrase"),
    "HTTPS_PROXY": ("x://", "http://u:pass-phrase@:1", "socks5://xn--0.example"),
    "SSL_CERT_FILE": ("nowhere", ".", "groups.yaml"),
    "SSL_CERT_DIR": ("nowhere", "groups.yaml"),
    "SSLKEYLOGFILE": (".", "nowhere/log"),
    "_SGCTL_COMPLETE": ("fish_complete",),
}
"""Variables, and what is wrong in them."""


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NAMED.items() for value in values])
def test_what_is_wrong_with_a_variable_names_it(
    prepared: Path, sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """And no password that may be in it."""
    monkeypatch.setattr("reconciler.model.clock.SystemClock.sleep", lambda *_: None)
    if name.startswith(("HTTPS_", "SSL")):
        monkeypatch.setenv("GCORE_BASE_URL", "https://127.0.0.1:9")
    if name == "GCORE_API_KEY_FILE":
        monkeypatch.delenv("GCORE_API_KEY")
    monkeypatch.setenv(name, value)
    ran = sgctl("drift" if name == "SGCTL_NOTIFY_URL" else "plan", "groups.yaml")
    assert (ran.code, name in ran.err, "pass-phrase" in ran.err) == (1, True, False), ran.err


FILES = {
    "settings": ("sgctl.toml", f"timeout = {NUMBER}\n", ["validate", "groups.yaml"]),
    "plan": ("plan.json", f'{{"format_version": {NUMBER}}}', ["show", "plan.json"]),
    "journal": ("journal", f'{{"kind":"apply","format_version":{NUMBER}}}\n', ["rollback", "journal"]),
    "deep plan": ("plan.json", "[" * 100_000, ["show", "plan.json"]),
    "state": ("state", f'{{"reported": {NUMBER}}}', ["drift", "groups.yaml", "--state-file", "state"]),
    "deep state": ("state", "[" * 100_000, ["drift", "groups.yaml", "--state-file", "state"]),
    "seed": ("seed.json", f'{{"groups": {NUMBER}}}', ["emulator", "--port", "0", "--seed", "seed.json"]),
    "seed in YAML": ("seed.yaml", f"groups: {NUMBER}", ["emulator", "--port", "0", "--seed", "seed.yaml"]),
    "day in a seed": ("seed.yaml", "groups: 2026-99-99", ["emulator", "--port", "0", "--seed", "seed.yaml"]),
    "groups": ("bad.yaml", f"project_id: {NUMBER}\nregion_id: 7\nsecurity_groups: []\n", ["plan", "bad.yaml"]),
}


@pytest.mark.parametrize(("name", "text", "arguments"), FILES.values(), ids=FILES)
def test_a_file_with_such_a_number_is_a_sentence(
    prepared: Path, sgctl: Sgctl, name: str, text: str, arguments: list[str]
) -> None:
    sgctl.write(text, name)
    more = ["--notify-url", "http://127.0.0.1:9/x"] if name == "state" else []
    ran = sgctl(*arguments, *more)
    assert (ran.code, "bug in sgctl" in ran.err) == (1, False), ran.err
    assert name in ran.err


URLS = [
    *("", " ", "x", "http://", "https://[::1", "https://exa mple.com/", f"https://127.0.0.1:{NUMBER}/", "http://127.0.0.1:0/"),
    *("https://\udcff.example/", "https://a:b@c.example/", "file:///etc/passwd", "http://127.0.0.1:9/\x7f\x01", "//x"),
    *(f"http://127.0.0.1:9/{NUMBER * 20}", "http://127.0.0.1:9/\udcff", "https://" + "a." * 3000, "http://2130706433/x"),
]  # fmt: skip


@pytest.mark.parametrize("url", URLS, ids=range(len(URLS)))
def test_a_strange_webhook_is_a_sentence(prepared: Path, sgctl: Sgctl, url: str) -> None:
    """Without the path of its address, which is its password."""
    ran = sgctl("drift", "groups.yaml", "--notify-url", url)
    assert ran.code == (1 if url else 2), ran.err
    assert "bug in sgctl" not in ran.err
    assert "rror" in ran.err or not url
    assert NUMBER not in ran.err


def test_an_apply_without_any_temporary_folder_goes_on_without_a_lock(
    prepared: Path, sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    assert sgctl("apply", "groups.yaml", "--auto-approve").code == 0
    ran = sgctl("demo")
    assert (ran.code, "bug in sgctl" in ran.err) == (1, False), ran.err


FLEET = """\
targets: [{project_id: 1, region_id: 7}, {project_id: 1, region_id: 8}, {project_id: 2, region_id: 7}]
security_groups: [{name: one, rules: []}, {name: two, rules: []}, {name: six, rules: []}]
"""


@pytest.mark.parametrize("spare", [0, 1, 2, 5])
def test_a_machine_without_further_threads_does_all_with_those_it_has(prepared: Path, sgctl: Sgctl, spare: int) -> None:
    sgctl.write(FLEET)
    for command, code in {"plan": 0, "drift": 2, "audit": 0, "apply": 0, "doctor": 0}.items():
        with threads_left(spare):
            ran = sgctl(command, "groups.yaml", *(["--auto-approve"] if command == "apply" else []))
        assert (command, ran.code) == (command, code), ran.err
    assert sgctl("plan", "groups.yaml", "--detailed-exitcode").code == 0


FURTHER_RUNS = (
    "apply {folder}/plan.json",
    "audit {folder}/groups.yaml --all-targets",
    "drift {folder}/owned.yaml --all-targets --who",
    "graph {folder}/groups.yaml --live",
    "history web --project-id 1 --region-id 7",
    "lint {folder}/groups.yaml --live",
    "plan {folder}/named.yaml --show-instances",
    "trace --group web ingress tcp/80 from 192.0.2.1 {folder}/named.yaml",
)
"""Other ways of the commands to ask the API."""


def test_no_command_waits_for_the_api_without_a_line_of_progress(
    prepared: Path, offline: Sgctl, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked, somebody at a terminal sees that it is waited for, and how long: an answer may be slow."""
    offline.write(f"owner: us\n{CHANGED}", "owned.yaml")
    offline.write(CHANGED.replace("project_id: 1", "project: production"), "named.yaml")
    waiting: set[Progress] = set()
    unseen: list[str] = []
    begin, end = Progress.__enter__, Progress.__exit__

    def enter(progress: Progress) -> Progress:
        waiting.add(progress)
        return begin(progress)

    def leave(progress: Progress, *about: Any) -> None:
        waiting.discard(progress)
        end(progress, *about)

    def seen(ask: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*arguments: Any, **options: Any) -> Any:
            unseen.extend([] if waiting else [f"{command}: {arguments[1]}"])
            return ask(*arguments, **options)

        return asked

    monkeypatch.setattr(Progress, "__enter__", enter)
    monkeypatch.setattr(Progress, "__exit__", leave)
    monkeypatch.setattr(Http, "read", seen(Http.read))
    monkeypatch.setattr(Http, "write", seen(Http.write))
    runs = [*FURTHER_RUNS, *(" ".join(words) for name, (words, _) in RUNS.items() if name not in {"watch", "emulator"})]
    for command in runs:
        offline(*command.format(folder=prepared).split())
    assert not unseen
    assert {"POST", "PATCH"} & {request.method for request in server.requests}


def test_an_option_or_argument_that_is_no_text_is_a_sentence(prepared: Path, sgctl: Sgctl) -> None:
    """Of every command; names of files may be any bytes."""
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter.type, click.types.StringParamType):
                option = parameter.opts[:1] if isinstance(parameter, click.Option) and not parameter.is_flag else []
                ran = sgctl(name, *option, "\udcff", *("\udcff" for _ in range(name == "trace")))
                assert (ran.code, "bug in sgctl" in ran.err) == (1, False), (name, option, ran.err)


NOTHING_MORE = """
import errno, sys
from reconciler.cli import run

class Refusing:
    def find_spec(self, name, *_):
        raise REFUSED

sys.meta_path.insert(0, Refusing())
sys.exit(run(["validate"]))
"""
REFUSALS = {
    "OSError(errno.EMFILE, 'Too many open files')": "Raise the limit of open files (`ulimit -n`)",
    "MemoryError()": "this machine has no more memory to give",
    "ImportError('libyaml.so: cannot map')": "a part of sgctl cannot be loaded: libyaml.so: cannot map",
}


@pytest.mark.parametrize(("refused", "words"), REFUSALS.items(), ids=REFUSALS)
def test_what_the_machine_refuses_is_told_without_another_module(refused: str, words: str) -> None:
    command = [sys.executable, "-c", NOTHING_MORE.replace("REFUSED", refused)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, words in ran.stderr, "Traceback" in ran.stderr) == (1, True, False), ran.stderr
