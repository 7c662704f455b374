"""`sgctl init` and `sgctl schema`: from nothing to a green plan, and what an editor needs on the way."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli.init import with_lines
from reconciler.cli.output import write_groups
from reconciler.model.published import SCHEMAS, SCHEMAS_URL, published

from .conftest import Sgctl

TARGET = ("--project-id", "1", "--region-id", "7")


@pytest.fixture
def empty(sgctl: Sgctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and the current one."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_from_nothing_to_a_green_plan(sgctl: Sgctl, empty: Path) -> None:
    """The example is applied as it stands, and planning it again shows no change."""
    assert sgctl("init", ".", *TARGET).code == 0
    assert written(empty) == {".gitignore", "groups/groups.yaml", "schemas/security-groups.schema.json", "sgctl.toml"}
    assert sgctl("validate").code == 0
    assert sgctl("plan", "--out", "plan.json", "--detailed-exitcode").code == 2
    assert sgctl("apply", "plan.json").code == 0
    assert sgctl("plan", "--detailed-exitcode").code == 0
    assert "plan.json" in (empty / ".gitignore").read_text().splitlines()


def test_from_live_groups_to_a_green_plan(sgctl: Sgctl, empty: Path) -> None:
    assert sgctl("init", ".", "--import", *TARGET).code == 0
    assert "name: default" in (empty / "groups" / "groups.yaml").read_text()
    assert sgctl("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("source", [[], ["--import"]], ids=["example", "import"])
def test_the_first_line_leads_an_editor_to_the_schema(sgctl: Sgctl, empty: Path, source: list[str]) -> None:
    sgctl("init", "new", *source, *TARGET)
    file = empty / "new" / "groups" / "groups.yaml"
    name, schema = file.read_text().splitlines()[0].split("$schema=")
    assert name == "# yaml-language-server: "
    assert json.loads((file.parent / schema).read_text())["title"] == "Security groups"


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_the_files_for_a_ci_are_the_published_ones(sgctl: Sgctl, empty: Path, ci: str) -> None:
    ran = sgctl("init", "--ci", ci)
    assert "git.example.com" in ran.out
    names = [".github/workflows/apply.yml", "rules.toml"] if ci == "github" else [".gitlab-ci.yml"]
    assert {*names, "requirements.in"} <= written(empty)
    here = empty / (".github/workflows/plan.yml" if ci == "github" else ".gitlab-ci.yml")
    assert here.read_text() == published("ci", "github/plan.yml" if ci == "github" else "gitlab/gitlab-ci.yml")


def test_without_a_target_the_next_step_says_how_to_name_one(sgctl: Sgctl, empty: Path) -> None:
    assert "GCORE_CLOUD_PROJECT_ID=" in sgctl("init").out
    assert "# project_id: 1337" in (empty / "groups" / "groups.yaml").read_text()
    assert sgctl("validate", *TARGET).code == 0


@pytest.mark.parametrize("there", ["sgctl.toml", "groups/groups.yaml", "schemas/security-groups.schema.json"])
def test_what_is_there_is_never_changed(sgctl: Sgctl, empty: Path, there: str) -> None:
    """Also where it is a link that leads nowhere; and nothing else is written then."""
    (empty / there).parent.mkdir(exist_ok=True)
    (empty / there).symlink_to("nowhere")
    ran = sgctl("init", *TARGET)
    assert ran.code == 1
    assert there in ran.err
    assert written(empty) == set()


def test_an_import_that_fails_writes_nothing(sgctl: Sgctl, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sgctl("init", "--import").code == 1
    monkeypatch.setenv("GCORE_API_KEY", "wrong")
    assert sgctl("init", "--import", *TARGET).code == 1
    assert written(empty) == set()


def test_a_folder_that_takes_only_some_of_the_files_gets_none(sgctl: Sgctl, empty: Path) -> None:
    (empty / "schemas").write_text("a file where a folder has to be")
    ran = sgctl("init", *TARGET)
    assert ran.code == 1
    assert "cannot write schemas/security-groups.schema.json" in ran.err
    assert written(empty) == {"schemas"}


def test_who_interrupts_finds_none_of_the_files_in_the_way(
    sgctl: Sgctl, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(path: str, text: str) -> None:
        if path.endswith(".gitignore"):
            raise KeyboardInterrupt
        write_groups(path, text)

    monkeypatch.setattr("reconciler.cli.init.write_groups", interrupted)
    assert sgctl("init", *TARGET).code == 1
    assert written(empty) == set()


def test_what_git_ignores_is_added_to_what_it_ignores_already(sgctl: Sgctl, empty: Path) -> None:
    (empty / ".gitignore").write_text("*.pyc\nplan.json")
    sgctl("init", *TARGET)
    lines = (empty / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["*.pyc", "plan.json"]
    assert lines.count("plan.json") == 1
    assert (
        with_lines("".join(f"{line}\n" for line in lines), published("starter", "gitignore")) == "\n".join(lines) + "\n"
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_printed_under_the_address_where_it_can_be_read(sgctl: Sgctl, name: str) -> None:
    schema = sgctl("schema", name).json
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{SCHEMAS_URL}{name}.schema.json"
    assert sgctl("schema").json["title"] == "Security groups"
    assert {f"{each}.schema.json" for each in SCHEMAS} == {
        path.name for path in (Path(__file__).parents[2] / "schemas").iterdir()
    }
