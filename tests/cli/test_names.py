"""Projects and regions by name, through the commands: what is asked, what is shown, what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler import Target, find_targets, load, plan
from reconciler.api.connection import connect
from reconciler.cli import run
from reconciler.cli.completion import targets_in
from reconciler.emulator import catalog
from reconciler.emulator import records as emulated
from reconciler.emulator.server import EmulatorServer
from reconciler.model.errors import UsageError
from reconciler.model.live import Directory
from reconciler.planning import planfile
from reconciler.planning.plan import PlanOptions
from reconciler.workflow import make_plan

GROUPS = "security_groups:\n  - {name: web, rules: [{direction: ingress, protocol: tcp, ports: 22}]}\n"
NAMED = "project: production\nregion: Luxembourg-2\n"
SHOWN = "project production (4242), region Luxembourg-2 (76)"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GCORE_API_KEY", "emulator")
    with EmulatorServer() as server:
        monkeypatch.setenv("GCORE_BASE_URL", server.url)
        yield server


def write(head: str, groups: str = GROUPS, name: str = "groups.yaml") -> None:
    Path(name).write_text(head + groups)


def lists(server: EmulatorServer) -> list[str]:
    """The lists of projects and regions that were read."""
    paths = [each.path for each in server.requests]
    return [path for path in paths if path in ("/cloud/v1/projects", "/cloud/v1/regions")]


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        pytest.param(NAMED, ["/cloud/v1/projects", "/cloud/v1/regions"], id="both"),
        pytest.param("project: production\nregion_id: 76\n", ["/cloud/v1/projects"], id="project"),
        pytest.param("project_id: 4242\nregion: Luxembourg-2\n", ["/cloud/v1/regions"], id="region"),
        pytest.param("project_id: 4242\nregion_id: 76\n", [], id="neither"),
        pytest.param(
            "project: production\nproject_id: 4242\nregion_id: 76\n", ["/cloud/v1/projects"], id="name and id"
        ),
        pytest.param(
            "targets: [{project: production, region: Luxembourg-2}, {project: production, region_id: 7}]\n",
            ["/cloud/v1/projects", "/cloud/v1/regions"],
            id="targets",
        ),
    ],
)
def test_a_list_is_read_once_and_only_where_a_name_is_written(
    cloud: EmulatorServer, head: str, asked: list[str]
) -> None:
    write(head)
    write(head, GROUPS.replace("web", "app"), "more.yaml")
    assert run(["apply", "--auto-approve"]) == 0
    assert lists(cloud) == asked
    assert run(["plan", "--detailed-exitcode"]) == 0
    assert run(["drift", "--project-id", "4242"]) == 0


def test_a_file_without_ids_is_valid_offline(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    write(NAMED)
    assert run(["validate"]) == 0
    assert capsys.readouterr().err == ""
    assert cloud.requests == []


def test_a_saved_plan_holds_ids_shows_names_and_is_bound_by_its_digest(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write(NAMED)
    assert run(["plan", "--out", "plan.json"]) == 0
    assert f"create web ({SHOWN})" in capsys.readouterr().out
    saved = json.loads(Path("plan.json").read_text())
    (change,) = saved["changes"]
    assert [change[key] for key in ("project_id", "project", "region_id", "region")] == [
        *(4242, "production"),
        *(76, "Luxembourg-2"),
    ]
    assert change["requests"][0]["path"] == "/cloud/v1/securitygroups/4242/76"
    assert run(["show", "plan.json"]) == 0
    assert SHOWN in capsys.readouterr().out
    Path("edited.json").write_text(json.dumps(saved | {"changes": [change | {"project": "staging"}]}))
    assert run(["apply", "edited.json"]) == 1
    assert run(["apply", "plan.json"]) == 0
    assert f"created web ({SHOWN})" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        pytest.param({"project": "staging"}, "calls project 4242 `staging`, and it is `production`", id="project"),
        pytest.param({"region": "Frankfurt"}, "calls region 76 `Frankfurt`, and it is `Luxembourg-2`", id="region"),
        pytest.param({"project_id": 9}, "calls project 9 `production`, and it is none that the key can see", id="ids"),
    ],
)
def test_a_name_that_somebody_forged_sends_nothing(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str], edit: dict[str, str | int], said: str
) -> None:
    """What is sent goes by ids, and what a reviewer reads are the names: they are compared before the first write."""
    write(NAMED)
    assert run(["plan", "--out", "plan.json"]) == 0
    content = json.loads(Path("plan.json").read_text())
    (change,) = content["changes"]
    change |= edit
    for request in change["requests"]:
        request["path"] = f"/cloud/v1/securitygroups/{change['project_id']}/76"
    Path("forged.json").write_text(json.dumps({**content, "digest": planfile.digest(content)}))
    assert run(["apply", "forged.json", "--skip-stale"]) == 3
    assert said in capsys.readouterr().err
    assert {each.method for each in cloud.requests} == {"GET"}


@pytest.mark.parametrize(
    ("options", "variables", "toml"),
    [
        pytest.param(["--project", "production", "--region", "Luxembourg-2"], {}, "", id="flags"),
        pytest.param(["--project", "production", "--project-id", "4242", "--region-id", "76"], {}, "", id="both flags"),
        pytest.param([], {"PROJECT": "production", "REGION": "Luxembourg-2"}, "", id="variables"),
        pytest.param([], {"PROJECT_ID": "4242", "REGION": "Luxembourg-2"}, "project = 'default'\n", id="mixed"),
        pytest.param([], {}, "project = 'production'\nregion = 'Luxembourg-2'\n", id="settings"),
        pytest.param(
            ["--project", "production"],
            {"PROJECT_ID": "1", "PROJECT": "nobody", "REGION_ID": "76"},
            "project_id = 5\nregion = 'x'\n",
            id="a flag goes before variables, and they before settings",
        ),
    ],
)
def test_options_variables_and_settings_give_names(
    cloud: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    variables: dict[str, str],
    toml: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"GCORE_CLOUD_{name}", value)
    Path("sgctl.toml").write_text(toml)
    write("")
    assert run(["plan", "--format", "json", *options]) == 0
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert (change["project_id"], change["region_id"]) == (4242, 76)


@pytest.mark.parametrize(
    ("options", "variables", "toml", "said"),
    [
        pytest.param(
            ["--project", "prodution", "--region-id", "7"],
            {},
            "",
            "--project: no project that the key can see is called `prodution`",
            id="flag",
        ),
        pytest.param(
            ["--region-id", "7"],
            {"PROJECT": "1337"},
            "",
            "GCORE_CLOUD_PROJECT: no project is called `1337`",
            id="variable",
        ),
        pytest.param(
            ["--region-id", "7"],
            {},
            "\nproject = 'x'\n",
            "sgctl.toml:2:1: no project that the key can see is called `x`",
            id="settings",
        ),
        pytest.param(
            ["--project", "production", "--project-id", "1", "--region-id", "7"],
            {},
            "",
            "--project `production` is 4242, and the id beside it is 1 (`default`)",
            id="two flags that differ",
        ),
    ],
)
def test_a_wrong_name_from_outside_is_told_with_where_it_is_from(
    cloud: EmulatorServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    variables: dict[str, str],
    toml: str,
    said: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"GCORE_CLOUD_{name}", value)
    Path("sgctl.toml").write_text(toml)
    write("")
    for command in (["plan"], ["import"]):
        assert run([*command, *options]) == 1
        assert f"error: {said}" in capsys.readouterr().err


def test_a_wrong_name_in_a_file_is_told_with_its_line(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write("project: prodution\nregion: luxembourg-2\n")
    assert run(["plan"]) == 1
    error = capsys.readouterr().err
    assert "groups.yaml:1:10: error: no project that the key can see is called `prodution` [unknown-target]" in error
    assert "did you mean `production`?" in error
    assert "did you mean `Luxembourg-2`?" in error
    assert "  | project: prodution\n" in error


@pytest.mark.parametrize("more", [[], ["--split", "groups"]], ids=["stdout", "split"])
def test_an_import_by_name_writes_names_and_plans_empty(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    write(NAMED)
    assert run(["apply", "--auto-approve"]) == 0
    Path("groups.yaml").unlink()
    capsys.readouterr()
    assert run(["import", "--project", "production", "--region-id", "76", "--names", *more]) == 0
    text = capsys.readouterr().out or Path("groups/web.yaml").read_text()
    assert text.startswith(NAMED)
    Path("groups.yaml").write_text(text)
    assert run(["plan", "--detailed-exitcode", "groups.yaml"]) == 0
    assert run(["import", "--into", "groups.yaml", "--project-id", "4242", "--region-id", "76", "web"]) == 0
    assert "name: web" not in capsys.readouterr().out


STRANGE = ("a/b", "1337", " padded ", "Üni: #x", "yes", "it's", "-", "null")
TWICE = "groups.yaml:1:10: error: 2 projects are called `twice`: 5, 6 [unknown-target]"


@pytest.fixture
def strange(cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> EmulatorServer:
    """A cloud with two projects of one name, and names that are no plain words."""
    projects = [(5, "twice", False), (6, "twice", False), *((8 + at, name, False) for at, name in enumerate(STRANGE))]
    monkeypatch.setattr(catalog, "PROJECTS", projects)
    return cloud


@pytest.mark.usefixtures("strange")
@pytest.mark.parametrize(("number", "name"), [*enumerate(STRANGE, 8)], ids=STRANGE)
def test_any_name_is_imported_and_planned(number: int, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "--names", "--project-id", str(number), "--region-id", "7", "--out", "groups.yaml"]) == 0
    (document,) = yaml.safe_load_all(Path("groups.yaml").read_text())
    assert document["project"] == name
    assert run(["plan", "--detailed-exitcode"]) == 0
    assert run(["history", "--project", name, "--region-id", "7"]) == 0
    assert "error" not in capsys.readouterr().err


@pytest.mark.usefixtures("strange")
@pytest.mark.parametrize(
    ("head", "said"),
    [
        pytest.param("project: twice", (TWICE, "say which one by `project_id`"), id="two of one name"),
        pytest.param("project: twice\nproject_id: 6", None, id="which of the two"),
        pytest.param(
            "project: twice\nproject_id: 8", ("project `twice` is 5, 6, and project_id is 8 (`a/b`)",), id="no"
        ),
        pytest.param("project: 1337", ("quote a name",), id="a number"),
        pytest.param("project: '1337'", None, id="a number that is a name"),
        pytest.param("project: yes", ('"yes" for text',), id="a word that YAML reads"),
        pytest.param("project: padded", ("did you mean ` padded `?",), id="without its blanks"),
        pytest.param("project: A/B", ("did you mean `a/b`?",), id="in capitals"),
        pytest.param("project: old\nproject_id: 8", ("no project is called `old`: 8 is `a/b`",), id="renamed, with id"),
        pytest.param("project: old", ("no project that the key can see", "`a/b` (8)"), id="renamed"),
    ],
)
def test_a_name_that_is_not_plain_is_found_or_told(
    head: str, said: tuple[str, ...] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    write(f"{head}\nregion_id: 7\n")
    assert run(["plan"]) == (1 if said else 0)
    error = capsys.readouterr().err
    assert [each for each in said or () if each not in error] == [], error


def test_a_plan_of_a_project_that_is_renamed_meanwhile_is_stale(
    strange: EmulatorServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot be told from one in which somebody wrote another name; without names, ids are all that counts."""
    write("project: a/b\nregion_id: 7\n")
    assert run(["plan", "--out", "plan.json"]) == 0
    monkeypatch.setattr(catalog, "PROJECTS", [(8, "renamed", False)])
    assert run(["apply", "plan.json"]) == 3
    assert "the plan calls project 8 `a/b`, and it is `renamed`; nothing was sent" in capsys.readouterr().err
    write("project_id: 8\nregion_id: 7\n")
    assert run(["plan", "--out", "plan.json"]) == 0
    assert run(["apply", "plan.json"]) == 0
    assert [group.name for group in strange.store.groups(emulated.Target(8, 7), "web")] == ["web"]


def test_a_name_that_several_have_is_imported_as_its_id() -> None:
    directory = Directory({1: "twice", 2: "twice", 3: "a/b"}, {7: "x"})
    written = [directory.by_name(target) for target in (Target(1, 7), Target(3, 7))]
    assert [(each.project_id, each.project, each.region_id) for each in written] == [(1, None, 0), (0, "a/b", 0)]


@pytest.mark.parametrize(
    ("command", "head", "options"),
    [
        pytest.param(["audit"], NAMED, [], id="audit"),
        pytest.param(["lint", "--live"], NAMED, [], id="lint"),
        pytest.param(["graph"], NAMED, [], id="graph"),
        pytest.param(["graph", "--change"], NAMED, ["--project-id", "4242"], id="graph by the other"),
        pytest.param(["trace", "ingress", "tcp/22", "from", "192.0.2.1", "--group", "web"], NAMED, [], id="trace"),
        pytest.param(
            ["trace", "ingress", "tcp/22", "from", "192.0.2.1", "--group", "web"],
            "targets: [{project_id: 4242, region_id: 76}, {project_id: 1, region_id: 76}]\n",
            ["--project", "production"],
            id="trace by the other",
        ),
        pytest.param(["history"], NAMED, [], id="history"),
        pytest.param(["doctor", "groups.yaml"], NAMED, [], id="doctor"),
    ],
)
def test_every_command_takes_names(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str], command: list[str], head: str, options: list[str]
) -> None:
    write(NAMED)
    assert run(["apply", "--auto-approve"]) == 0
    write(head)
    capsys.readouterr()
    assert run([*command, *options]) in (0, 2)
    assert "error" not in capsys.readouterr().err


def test_the_library_looks_names_up_by_itself_or_when_asked(cloud: EmulatorServer) -> None:
    write("")
    desired = load("groups.yaml", project="production", region_id=76)
    with connect("emulator", base_url=cloud.url) as api:
        (change,) = plan(desired, api).changes
        assert (change.difference.target.project_id, change.difference.target.project) == (4242, "production")
        found = find_targets(desired, api)
        assert find_targets(found, api) is found
        with pytest.raises(UsageError, match="not looked up yet"):
            make_plan(desired, {}, PlanOptions(), base_url="", created_at="")
    assert lists(cloud) == ["/cloud/v1/projects"]


def test_names_of_the_files_are_offered_for_completion() -> None:
    text = (
        b"targets:\n- project: production\n  region: Luxembourg-2\n- {project: 'a/b', region: \"x y\"}\nregion_id: 7\n"
    )
    assert targets_in(text, "project") == ["production", "a/b"]
    assert targets_in(text, "region") == ["Luxembourg-2", "x y"]
