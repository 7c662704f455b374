"""`--prune` sees all configured files or is refused: a file left out would look like groups that nobody names."""

from pathlib import Path

import pytest
from config_support import GROUPS

from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer

OWNED = "project_id: 1\nregion_id: 7\nowner: us\n" + GROUPS


@pytest.fixture
def two_folders(repository: Path, empty_emulator: EmulatorServer) -> Path:
    for folder in ("a", "b"):
        (repository / folder).mkdir()
        (repository / folder / f"{folder}.yaml").write_text(OWNED.replace("web", f"web-{folder}"))
    (repository / "sgctl.toml").write_text('# ours\npaths = ["a", "b"]\n')
    assert run(["apply", "--auto-approve"]) == 0
    empty_emulator.requests.clear()
    return repository


ALLOWED = {
    "none": [],
    "all": ["a", "b"],
    "all, by other names": ["./b/", "a/../a"],
    "the folder above": ["."],
    "file by file": ["a/a.yaml", "b"],
}


@pytest.mark.parametrize("paths", ALLOWED.values(), ids=ALLOWED)
@pytest.mark.usefixtures("two_folders")
def test_pruning_by_all_paths_is_allowed(paths: list[str], empty_emulator: EmulatorServer) -> None:
    assert run(["plan", "--prune", "--detailed-exitcode", *paths]) == 0
    assert empty_emulator.requests


@pytest.mark.parametrize("command", [["plan"], ["apply", "--auto-approve"]], ids=" ".join)
@pytest.mark.parametrize("path", ["a", "a/a.yaml"])
def test_pruning_by_some_of_the_paths_is_refused_before_anything_is_asked(
    command: list[str], path: str, two_folders: Path, empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run([*command, "--prune", path]) == 1
    error = capsys.readouterr().err
    assert "--prune has to see everything, and b/b.yaml is left out: sgctl.toml:2:1 names it" in error
    assert empty_emulator.requests == []


def test_a_configured_path_that_is_gone_stops_pruning(two_folders: Path, empty_emulator: EmulatorServer) -> None:
    (two_folders / "b" / "b.yaml").unlink()
    (two_folders / "b").rmdir()
    assert run(["plan", "--prune", "a"]) == 1
    assert run(["plan", "a"]) == 0, "without --prune the given paths are all that matters"
    assert {record.method for record in empty_emulator.requests} == {"GET"}


def test_hidden_files_are_no_part_of_a_folder(two_folders: Path) -> None:
    (two_folders / "a" / ".hidden.yaml").write_text("nonsense")
    assert run(["plan", "--prune", "--detailed-exitcode", "."]) == 0
    (two_folders / "sgctl.toml").write_text('paths = ["a", "b", "a/.hidden.yaml"]\n')
    assert run(["plan", "--prune", "."]) == 1


def test_without_configured_paths_any_paths_will_do(two_folders: Path) -> None:
    (two_folders / "sgctl.toml").write_text("region_id = 7\n")
    assert run(["plan", "--prune", "--detailed-exitcode", "--allow-mass-delete", "a"]) == 2
