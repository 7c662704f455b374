"""Which setting wins, seen in what commands do: flag, environment, file, default; a document above all of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from config_support import GROUPS

from reconciler.api import http
from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer

TARGET = "project_id = 1\nregion_id = 7\n"


class Connected(Exception):
    """Raised in place of connecting, with what it would have been done with."""


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What commands would connect with; nothing is sent."""
    found: list[dict[str, Any]] = []

    def connect(base_url: str, _key: str, _clock: object, **rest: Any) -> None:
        found.append({"base_url": base_url, "timeout": rest["timeout"], "parallelism": rest["connections"]})
        raise Connected

    monkeypatch.setattr(http, "Http", connect)
    monkeypatch.setenv("GCORE_API_KEY", "k")
    return found


ROWS = {
    "default": ("", {}, [], {"base_url": "https://api.gcore.com", "timeout": 25.0, "parallelism": 16}),
    "file": (
        "timeout = 5\nparallelism = 2\n",
        {},
        [],
        {"base_url": "https://api.gcore.com", "timeout": 5.0, "parallelism": 2},
    ),
    "environment over default": (
        "",
        {"GCORE_BASE_URL": "https://environment.example.com"},
        [],
        {"base_url": "https://environment.example.com", "timeout": 25.0, "parallelism": 16},
    ),
    "an empty variable is none": (
        "",
        {"GCORE_BASE_URL": ""},
        [],
        {"base_url": "https://api.gcore.com", "timeout": 25.0, "parallelism": 16},
    ),
    "flag over file": (
        "timeout = 5\nparallelism = 2\n",
        {},
        ["--timeout", "7", "--parallelism", "3"],
        {"base_url": "https://api.gcore.com", "timeout": 7.0, "parallelism": 3},
    ),
}


@pytest.mark.parametrize("command", ["plan", "apply"])
@pytest.mark.parametrize(("file", "environment", "flags", "expected"), ROWS.values(), ids=ROWS)
def test_connections_are_made_as_the_settings_say(
    command: str,
    file: str,
    environment: dict[str, str],
    flags: list[str],
    expected: dict[str, Any],
    repository: Path,
    connections: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (repository / "sgctl.toml").write_text(file)
    (repository / "web.yaml").write_text(TARGET.replace(" =", ":") + GROUPS)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run([command, *(["--auto-approve"] if command == "apply" else []), *flags]) == 1
    assert connections == [expected]


def test_the_project_of_a_document_wins_over_everything(
    repository: Path, empty_emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Document, flag, environment, file: the first that names the project and the region."""

    def asked() -> str:
        empty_emulator.requests.clear()
        run(["plan", *flags])
        return empty_emulator.requests[0].path.removeprefix("/cloud/v1/securitygroups/")

    flags: list[str] = []
    (repository / "web.yaml").write_text(GROUPS)
    (repository / "sgctl.toml").write_text("project_id = 40\nregion_id = 41\n")
    assert asked() == "40/41"
    monkeypatch.setenv("GCORE_CLOUD_REGION_ID", "31")
    assert asked() == "40/31"
    flags += ["--project-id", "20"]
    assert asked() == "20/31"
    flags.clear()
    (repository / "web.yaml").write_text("project_id: 10\nregion_id: 11\n" + GROUPS)
    assert asked() == "10/11", "what file and environment say never contradicts a document"


def test_the_file_shapes_a_plan_and_a_flag_wins(repository: Path, empty_emulator: EmulatorServer) -> None:
    def planned(*flags: str) -> tuple[str, bool]:
        assert run(["plan", "--out", "plan.json", *flags]) == 0
        plan = json.loads((repository / "plan.json").read_text())
        return plan["api_version"], plan["two_phase"]

    (repository / "web.yaml").write_text(GROUPS)
    (repository / "sgctl.toml").write_text(TARGET)
    assert planned() == ("v1", False)
    (repository / "sgctl.toml").write_text(TARGET + 'api_version = "v2"\ntwo_phase = true\n')
    assert planned() == ("v2", True)
    assert planned("--api-version", "v1", "--no-two-phase") == ("v1", False)


def test_a_saved_plan_is_applied_whatever_the_file_says_of_planning(
    repository: Path, empty_emulator: EmulatorServer
) -> None:
    """Only a flag that shapes a plan is an error beside a saved one."""
    (repository / "web.yaml").write_text(GROUPS)
    (repository / "sgctl.toml").write_text(TARGET)
    assert run(["plan", "--out", "plan.json"]) == 0
    (repository / "sgctl.toml").write_text(TARGET + 'api_version = "v2"\ntwo_phase = true\n')
    assert run(["apply", "plan.json"]) == 0
    writes = [record.path for record in empty_emulator.requests if record.method != "GET"]
    assert writes
    assert all(path.startswith("/cloud/v1/") for path in writes)


def test_max_age_stands_in_the_file(
    repository: Path, empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "web.yaml").write_text(GROUPS)
    (repository / "sgctl.toml").write_text(TARGET + 'max_age = "0s"\n')
    assert run(["plan", "--out", "plan.json"]) == 0
    empty_emulator.requests.clear()
    assert run(["apply", "plan.json", "--max-age", "0s"]) == run(["apply", "plan.json"]) == 1
    assert "more than the 0 s allowed" in capsys.readouterr().err
    assert empty_emulator.requests == []
    assert run(["apply", "plan.json", "--max-age", "1h"]) == 0


def test_paths_stand_in_the_file_and_are_relative_to_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "groups").mkdir()
    (repository / "groups" / "web.yaml").write_text(GROUPS)
    (repository / "other.yaml").write_text("not: ours\n")
    (repository / "sgctl.toml").write_text('paths = ["groups"]\n' + TARGET)
    assert run(["validate"]) == 0
    assert run(["validate", "."]) == 1, "paths on the command line win"
    (repository / "elsewhere").mkdir()
    monkeypatch.chdir(repository / "elsewhere")
    assert run(["validate"]) == 0
    (repository / "groups" / "web.yaml").write_text(GROUPS.replace("tcp", "tpc"))
    assert run(["validate"]) == 1
    assert "../groups/web.yaml:4:" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["plan", "--help"], ["completion", "bash"], ["man"]])
def test_help_needs_no_valid_file(arguments: list[str], repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "sgctl.toml").write_text("nonsense\n")
    assert run(arguments) == 0
    assert run(["plan"]) == run(["validate"]) == run(["config"]) == 1
    assert capsys.readouterr().err.count("sgctl.toml:1:9: error: this is not TOML") == 3


def test_help_shows_the_defaults_that_hold_without_a_file(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "sgctl.toml").write_text("parallelism = 3\n")
    run(["plan", "--help"])
    assert "[default: 16" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [["lint"], ["trace", "--group", "web", "ingress", "tcp/80", "from", "203.0.113.9"]],
    ids=lambda each: each[0],
)
def test_other_commands_take_the_paths_of_the_file_too(command: list[str], repository: Path) -> None:
    (repository / "groups").mkdir()
    (repository / "groups" / "web.yaml").write_text(GROUPS)
    (repository / "other.yaml").write_text("not: ours\n")
    (repository / "sgctl.toml").write_text(TARGET)
    assert run(command) == 1
    (repository / "sgctl.toml").write_text('paths = ["groups"]\n' + TARGET)
    assert run(command) != 1
