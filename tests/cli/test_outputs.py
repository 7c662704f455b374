"""An output never goes onto what a run reads, onto a device or through a link; `-` is stdout. For every command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from reconciler.applying.journal_folder import journal_folder, kept_journals
from reconciler.cli import sgctl as root
from reconciler.cli.parameters import OutputFile

from .conftest import CHANGED, SAME, Sgctl

RUNS: dict[str, tuple[list[str], dict[str, str]]] = {
    "validate": (["validate", "groups.yaml"], {}),
    "plan": (["plan", "groups.yaml"], {}),
    "apply": (["apply", "groups.yaml", "--auto-approve"], {}),
    "rollback": (["rollback", "journal"], {"input": "journal"}),
    "drift": (["drift", "groups.yaml"], {}),
    "watch": (["watch", "groups.yaml"], {}),
    "audit": (["audit", "groups.yaml"], {}),
    "import": (["import", "--project-id", "1", "--region-id", "7"], {"input": "sgctl.toml"}),
    "graph": (["graph", "groups.yaml"], {}),
    "emulator": (["emulator", "--port", "0", "--seed", "groups.yaml"], {}),
}
"""Every command that writes files: how it is run, and a file that it reads."""


def outputs() -> list[tuple[str, str, bool]]:
    """Each command with each of its options for a file to write, as its parameters say."""
    context = click.Context(root)
    return [
        (name, parameter.opts[0], parameter.type.is_kept)
        for name in root.list_commands(context)
        for parameter in root.get_command(context, name).params  # type: ignore[union-attr]  # it is listed
        if isinstance(parameter.type, OutputFile)
    ]


OUTPUTS = [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in outputs()]
FILE_OPTIONS = {"--out", "--sarif", "--junit", "--metrics-file", "--state-file", "--state", "--journal"}


def test_every_option_that_names_a_file_to_write_is_of_the_type_that_is_checked() -> None:
    context = click.Context(root)
    named = {
        (name, parameter.opts[0])
        for name in root.list_commands(context)
        for parameter in root.get_command(context, name).params  # type: ignore[union-attr]  # it is listed
        if FILE_OPTIONS & set(parameter.opts)
    }
    assert named == {(name, option) for name, option, _ in outputs()}
    assert {name for name, _ in named} == set(RUNS)


@pytest.fixture
def folder(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of every kind, with the key in one of them."""
    sgctl.write(CHANGED)
    sgctl.write("", "sgctl.toml")
    sgctl.write(os.environ["GCORE_API_KEY"], "key")
    monkeypatch.delenv("GCORE_API_KEY")
    monkeypatch.setenv("GCORE_API_KEY_FILE", "key")
    sgctl.write('{"kind":"apply"}\n', "journal")
    sgctl.write("precious", "other")
    os.link("groups.yaml", "hard-link.yaml")
    Path("link").symlink_to("other")
    Path("broken-link").symlink_to("nowhere")
    os.mkfifo("pipe")
    Path("folder").mkdir()
    return sgctl.folder


def state_of(folder: Path) -> dict[str, object]:
    """All that an output could destroy."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return files | {name: os.lstat(name).st_mode for name in (*files, "link", "broken-link", "pipe", "/dev/null")}


PLACES: dict[str, Callable[[str], str]] = {
    "an input": lambda command: RUNS[command][1].get("input", "groups.yaml"),
    "an input by another way": lambda command: f"folder/../{RUNS[command][1].get('input', 'groups.yaml')}",
    "the settings": lambda _: "sgctl.toml",
    "the key": lambda _: "key",
    "a device": lambda _: "/dev/null",
    "a folder": lambda _: "folder",
    "a link": lambda _: "link",
    "a link to nowhere": lambda _: "broken-link",
    "a pipe": lambda _: "pipe",
}


@pytest.mark.parametrize(("command", "option", "is_kept"), OUTPUTS)
@pytest.mark.parametrize("place", PLACES)
def test_an_output_destroys_nothing(
    sgctl: Sgctl, folder: Path, command: str, option: str, is_kept: bool, place: str
) -> None:
    """The error names the option, nothing has changed, and nothing was sent."""
    before = state_of(folder)
    ran = sgctl(*RUNS[command][0], option, PLACES[place](command))
    assert ran.code == 1, ran.out
    assert option in ran.err
    assert "bug" not in ran.err
    assert state_of(folder) == before


def test_a_second_name_of_an_input_is_an_input(sgctl: Sgctl, folder: Path) -> None:
    assert "it would overwrite" in sgctl("graph", "groups.yaml", "--out", "hard-link.yaml").err


@pytest.mark.parametrize(("command", "option", "is_kept"), OUTPUTS)
def test_a_dash_is_stdout(
    sgctl: Sgctl, folder: Path, emulator: object, command: str, option: str, is_kept: bool
) -> None:
    """Alone there, as data; what people read goes to stderr. A file that is read again cannot be stdout."""
    if command == "rollback":
        Path("journal").unlink()
        sgctl("apply", "groups.yaml", "--auto-approve", "--journal", "journal")
    if command == "import":
        Path("groups.yaml").unlink()
    ran = sgctl(*RUNS[command][0], option, "-")
    assert not Path("-").exists()
    if is_kept:
        assert (ran.code, option in ran.err) == (1, True)
        return
    assert ran.code in {0, 2, 5}, ran.err
    if option == "--journal":  # which writes to the descriptor itself: see the next test
        return
    assert ran.out, ran.err
    if option == "--sarif" or (command, option) in {("plan", "--out"), ("rollback", "--out")}:
        assert isinstance(json.loads(ran.out), dict)
    elif option == "--junit":
        assert ran.out.startswith("<?xml")
    elif option == "--metrics-file":
        assert ran.out.startswith("# ")


def test_the_journal_goes_to_stdout_as_lines(sgctl: Sgctl, folder: Path) -> None:
    arguments = [*RUNS["apply"][0], "--journal", "-"]
    command = [sys.executable, "-m", "reconciler", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert [json.loads(line)["kind"] for line in ran.stdout.splitlines()] == ["apply", "before", "write"]


def test_policies_from_outside_are_an_input(sgctl: Sgctl, folder: Path) -> None:
    sgctl.write("[policies]\n", "policies.toml")
    ran = sgctl("plan", "groups.yaml", "--policies", "policies.toml", "--out", "policies.toml")
    assert (ran.code, "it would overwrite" in ran.err) == (1, True)


@pytest.mark.parametrize("command", ["plan", "rollback"])
def test_a_kept_journal_is_not_overwritten(sgctl: Sgctl, folder: Path, command: str) -> None:
    """Neither by the way back that is planned from it nor by anything else."""
    assert sgctl(*RUNS["apply"][0]).code == 0
    journal, *_ = kept_journals(journal_folder())
    before = journal.read_bytes()
    arguments = ["rollback", "--last"] if command == "rollback" else RUNS[command][0]
    ran = sgctl(*arguments, "--out", str(journal))
    assert (ran.code, "it would overwrite" in ran.err, journal.read_bytes()) == (1, True, before)


def test_a_state_of_terraform_and_certificates_are_inputs(
    sgctl: Sgctl, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sgctl.write('{"version": 4, "resources": []}', "state")
    ran = sgctl(*RUNS["import"][0], "--terraform", "state", "--out", "state")
    assert (ran.code, "would overwrite an input" in ran.err) == (1, True)
    monkeypatch.setenv("SSL_CERT_FILE", "other")
    ran = sgctl(*RUNS["plan"][0], "--out", "other")
    assert (ran.code, "would overwrite the file in SSL_CERT_FILE" in ran.err) == (1, True)


def test_two_outputs_are_two_files(sgctl: Sgctl, folder: Path) -> None:
    for place in ("report", "-"):
        ran = sgctl("validate", "groups.yaml", "--sarif", place, "--junit", place)
        assert (ran.code, "name the same file" in ran.err) == (1, True)


def test_a_file_that_is_no_input_is_replaced(sgctl: Sgctl, folder: Path) -> None:
    assert sgctl("graph", "groups.yaml", "--out", "other").code == 0
    assert "precious" not in Path("other").read_text(encoding="utf-8")
    sgctl.write(SAME)
    assert sgctl("plan", "--out", "plan.json").code == 0
