"""What ships sgctl and keeps its repository in order: workflows, the action, the image."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"
BESIDE_PYTHON = Path(sys.executable).parent
ACTIONLINT = shutil.which("actionlint", path=f"{ROOT / '.tools'}{os.pathsep}{os.environ['PATH']}")

LINTERS = {
    "zizmor": ["zizmor", "--offline", "--no-config", "--persona", "auditor", str(ROOT / ".github"), str(ACTION)],
    "hadolint": ["hadolint", str(ROOT / "Dockerfile")],
    "the schema of actions": ["check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION)],
    "the schema of dependabot": [
        *("check-jsonschema", "--builtin-schema", "vendor.dependabot"),
        str(ROOT / ".github" / "dependabot.yml"),
    ],
}


def quiet(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.full
@pytest.mark.parametrize("command", LINTERS.values(), ids=LINTERS)
def test_a_linter_has_nothing_to_say(command: list[str]) -> None:
    quiet([str(BESIDE_PYTHON / command[0]), *command[1:]])


@pytest.mark.skipif(ACTIONLINT is None, reason="actionlint is not there: `make .tools/installed` builds it with Go")
def test_actionlint_has_nothing_to_say() -> None:
    quiet([str(ACTIONLINT), *map(str, WORKFLOWS)])


@pytest.mark.parametrize("file", [*WORKFLOWS, ACTION], ids=lambda file: file.name)
def test_an_action_is_a_commit_and_tells_its_version(file: Path) -> None:
    uses = re.findall(r"uses: (.*)", file.read_text())
    assert uses
    assert [
        each for each in uses if not re.fullmatch(r"(actions|pypa)/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)
    ] == []


def test_the_image_is_built_from_all_that_the_wheel_holds() -> None:
    """The wheel takes in folders and files by name: each is copied, and in the context of the build."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"], "LICENSE", "pyproject.toml"}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert needed <= {name for line in copied for name in line.split()}
    assert needed <= {line.lstrip("!") for line in (ROOT / ".dockerignore").read_text().splitlines()}


def test_ci_tries_every_version_of_python_that_is_claimed() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    tried = {jobs["all"]["steps"][1]["with"]["python-version"], *jobs["check"]["strategy"]["matrix"]["python"]}
    claimed = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    assert set(claimed) <= tried


@pytest.fixture
def install(tmp_path: Path) -> tuple[str, dict[str, str]]:
    """The action's step that installs, with a Python that writes down what it is asked."""
    steps: list[dict[str, Any]] = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    (script,) = [step["run"] for step in steps if step.get("name") == "Install"]
    log, place = tmp_path / "log", tmp_path / "sgctl"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho "$*" >> "{log}"\nmkdir -p "{place}/bin"\ncp -n "$0" "{place}/bin/python"\n')
    python.chmod(0o700)
    return script, {**os.environ, "PYTHON": str(python), "PLACE": str(place)}


def run(script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_action_installs_the_version_that_it_was_given(install: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    script, environment = install
    assert run(script, {**environment, "VERSION": "0.2.0"}).returncode == 0
    asked = (tmp_path / "log").read_text().splitlines()
    assert asked[0] == f"-I -m venv {tmp_path}/sgctl"
    assert asked[1].startswith("-I -m pip "), "no module of the caller's repository is taken for one of Python's"
    assert asked[1].endswith("--only-binary :all: sgctl==0.2.0")


@pytest.mark.parametrize("version", ["", "latest", "0.2.0 --index x", "0.2", "$(id)"])
def test_the_action_takes_nothing_but_a_version(
    install: tuple[str, dict[str, str]], tmp_path: Path, version: str
) -> None:
    script, environment = install
    done = run(script, {**environment, "VERSION": version})
    assert done.returncode == 1
    assert "give one version" in done.stdout
    assert not (tmp_path / "log").exists()


def test_a_tag_that_is_not_the_version_is_not_released(tmp_path: Path) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    (script,) = [s["run"] for s in workflow["jobs"]["build"]["steps"] if s.get("name", "").startswith("The tag")]
    (tmp_path / "reconciler" / "model").mkdir(parents=True)
    (tmp_path / "reconciler" / "model" / "version.py").write_text('"""."""\n\n__version__ = "0.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [0.2.0] - 2026-12-01\n")
    script = f"cd '{tmp_path}'\n{script}"
    assert run(script, {**os.environ, "GITHUB_REF_NAME": "v0.2.0"}).returncode == 0
    assert run(script, {**os.environ, "GITHUB_REF_NAME": "v0.2.1"}).returncode == 1
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n")
    assert run(script, {**os.environ, "GITHUB_REF_NAME": "v0.2.0"}).returncode == 1
