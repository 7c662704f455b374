"""Every folder of `examples/` does what the README says of it, through the real command line, over a real socket."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.cli import run
from reconciler.emulator import catalog
from reconciler.emulator.server import EmulatorServer
from reconciler.loading.walk import LOCK_NAME

ROOT = Path(__file__).parents[2] / "examples"
EXAMPLES = sorted(
    folder for folder in ROOT.iterdir() if folder.is_dir() and folder.name not in {"ci", "library", "watch"}
)

Sgctl = Callable[..., tuple[int, str]]


@pytest.fixture
def sgctl(capsys: pytest.CaptureFixture[str]) -> Sgctl:
    """Run a command line; its exit code, and what it said."""

    def call(*arguments: str | Path) -> tuple[int, str]:
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def test_there_are_the_examples_that_the_readme_names() -> None:
    assert {folder.name for folder in EXAMPLES} >= {"minimal", "multi-region", "web-tier"}


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_is_valid_without_any_note(folder: Path, sgctl: Sgctl) -> None:
    """Nothing is looked up live either: an example is complete."""
    code, said = sgctl("validate", folder)
    assert (code, said.count("\n"), said.split()[0]) == (0, 1, "Valid:")


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_is_planned_applied_and_then_leaves_nothing_to_do(
    folder: Path, sgctl: Sgctl, empty_emulator: EmulatorServer, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    code, said = sgctl("plan", folder, "--out", plan, "--detailed-exitcode")
    assert code == 2, said
    assert {record.method for record in empty_emulator.requests} == {"GET"}, "plan writes nothing"
    code, said = sgctl("apply", plan)
    assert code == 0, said
    code, said = sgctl("plan", folder, "--detailed-exitcode")
    assert (code, said.split(".")[0]) == (0, "No changes"), said
    code, said = sgctl("drift", folder)
    assert code == 0, said


def test_the_origin_follows_the_list_of_the_cdn(
    sgctl: Sgctl, empty_emulator: EmulatorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "cdn-origin", tmp_path / "groups")
    assert sgctl("refresh", tmp_path / "groups", "--check")[0] == 0
    assert sgctl("apply", tmp_path, "--auto-approve")[0] == 0
    monkeypatch.setitem(catalog.CDN_ADDRESSES, "addresses_v6", ["2001:db8:cd::/48", "2001:db8:cd2::/48"])
    assert sgctl("refresh", tmp_path / "groups")[0] == 0
    code, said = sgctl("plan", tmp_path)
    assert (code, "address group `cdn`: 1 prefix came, 1 went, in `origin`" in said) == (0, True), said
    assert sgctl("apply", tmp_path, "--auto-approve")[0] == 0
    assert sgctl("plan", tmp_path, "--detailed-exitcode")[0] == 0


def test_all_examples_may_be_applied_together(sgctl: Sgctl, empty_emulator: EmulatorServer) -> None:
    """They share a project and a region, and do not get into each other's way."""
    code, said = sgctl("apply", *EXAMPLES, "--auto-approve")
    assert code == 0, said
    code, said = sgctl("plan", *EXAMPLES, "--detailed-exitcode")
    assert code == 0, said


@pytest.mark.parametrize(
    "file",
    [file for folder in EXAMPLES for file in sorted(folder.rglob("*.yaml")) if file.name != LOCK_NAME],
    ids=lambda file: file.name,
)
def test_an_example_names_the_schema_for_editors(file: Path) -> None:
    """The first line is what editors read; it has to lead to the published file."""
    name, schema = file.read_text(encoding="utf-8").splitlines()[0].split("$schema=")
    assert name == "# yaml-language-server: "
    assert (file.parent / schema).resolve() == EXAMPLES[0].parents[1] / "schemas" / "security-groups.schema.json"
