"""The manual page: every command in it, nothing that troff would misread, and the same each time."""

import re
import shutil
import subprocess

import pytest

from reconciler import cli
from reconciler.cli import run
from reconciler.render.man import CommandHelp, escape, render_man


@pytest.fixture
def page(capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["man"]) == 0
    return capsys.readouterr().out


def formatted(page: str) -> str:
    command = ["groff", "-ww", "-man", "-Tutf8", "-P-cbou"]
    finished = subprocess.run(command, input=page, capture_output=True, text=True, check=True, timeout=60)
    assert finished.stderr == "", "groff has nothing to warn of"
    return finished.stdout


def test_every_command_and_every_option_is_in_it(page: str) -> None:
    with cli.sgctl.make_context("sgctl", ["--help"], resilient_parsing=True) as context:
        for name in cli.sgctl.list_commands(context):
            command = cli.sgctl.get_command(context, name)
            assert command is not None
            section = page.split(f".SS sgctl {name} ")[1].partition(".SS")[0]
            for parameter in command.params:
                for option in parameter.opts if parameter.param_type_name == "option" else ():
                    assert escape(option) in section


def test_it_is_the_same_each_time(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["man"])
    assert capsys.readouterr().out == page


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff here")
def test_troff_takes_it_without_a_warning(page: str) -> None:
    text = formatted(page)
    for title in ("NAME", "SYNOPSIS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES"):
        assert re.search(rf"^{title}$", text, re.MULTILINE)
    assert "sgctl plan --group 'web-*' --format json" in text, "examples can be copied"


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff here")
def test_what_troff_would_obey_comes_out_as_it_was() -> None:
    strange = ".so /etc/passwd \\n(.g 'single' \"double\" `back` a-b ^ ~ \\fB"
    root = CommandHelp("sgctl", f"Text.\n\n\b\n  {strange}\n{strange}\n\n'tis", (("--odd", strange),))
    text = formatted(render_man(root, (), "1"))
    assert text.count(" ".join(strange.split())) == 3
    assert "'tis" in text


def test_nothing_depends_on_the_settings(
    page: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("GCORE_CLOUD_PROJECT_ID", "1")
    run(["man"])
    assert capsys.readouterr().out == page
