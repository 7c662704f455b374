"""Starting stays fast: no command loads what it does not need. Modules are counted, not seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from config_support import GROUPS

from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer

HEAVY = {
    "asyncio",
    "deepdiff",
    "httpx",
    "jsonschema",
    "prometheus_client",
    "rich",
    "ssl",
    "starlette",
    "tomllib",
    "uvicorn",
    "yaml",
}
PROGRAM = """
import sys
from reconciler.cli import run
code = run(sys.argv[1:])
print("\\n" + " ".join(sorted(sys.modules)))
sys.exit(code)
"""


def modules(*arguments: str, depth: int = 1) -> set[str]:
    """Run a command in a process of its own and return what it has loaded: of each module, so many names."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == 0, finished.stderr
    return {".".join(name.split(".")[:depth]) for name in finished.stdout.splitlines()[-1].split()}


def loaded(*arguments: str) -> set[str]:
    """Return which heavy modules a command loads."""
    return HEAVY & modules(*arguments)


@pytest.fixture
def files(repository: Path) -> Path:
    (repository / "web.yaml").write_text("project_id: 1\nregion_id: 7\n" + GROUPS)
    return repository


COMMANDS = {
    "--version": set(),
    "--help": set(),
    "validate web.yaml": {"yaml"},
    "validate --help": {"yaml"},
    "config": set(),
    "completion zsh": set(),
    "plan --help": {"yaml"},
    "apply --help": {"yaml"},
    "drift --help": {"yaml"},
    "doctor --help": set(),
    "emulator --help": set(),
}


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_only_what_it_needs(command: str) -> None:
    assert loaded(*command.split()) == COMMANDS[command]


def test_toml_is_loaded_only_where_there_is_a_file(files: Path) -> None:
    (files / "sgctl.toml").write_text("")
    assert loaded("validate", "web.yaml") == {"yaml", "tomllib"}


def test_showing_a_plan_needs_no_client_and_no_toml(files: Path, empty_emulator: EmulatorServer) -> None:
    """jsonschema checks the plan file, deepdiff tells what changed in a pair of rules: only where there is one."""
    assert run(["plan", "--out", "plan.json"]) == 0
    assert json.loads((files / "plan.json").read_text())["changes"]
    assert loaded("show", "plan.json") <= {"jsonschema", "yaml", "ssl"}


@pytest.mark.usefixtures("files")
def test_validate_knows_nothing_of_plans_and_of_the_api() -> None:
    found = modules("validate", "web.yaml", depth=2)
    assert not found & {"reconciler.planning", "reconciler.api", "reconciler.workflow", "reconciler.reading"}
