"""What a configuration file may say, where it is looked for, and what is said of a bad one."""

import os
from pathlib import Path

import pytest

from reconciler.cli import run
from reconciler.config import config as config_module
from reconciler.config.config import Config, load_config
from reconciler.config.keys import KEYS
from reconciler.model.errors import InputError, Issue, UsageError
from reconciler.model.place import FilePlace
from reconciler.model.policies import Limits
from reconciler.render.errors import render_issue

EVERYTHING = """\
paths = ["groups", "more/web.yaml"]
exclude = ["charts/**", "*.tmpl.yaml"]
project_id = 1337
region_id = 7
project = "production"
region = "Luxembourg-2"
api_version = "v2"
two_phase = true
show_instances = true
parallelism = 4
timeout = 12.5
lock_timeout = "90s"
max_age = "90m"

[limits]
max_deleted_rules = 50
min_deleted_rules = 0
max_deleted_groups = 10
min_deleted_groups = 1
max_rewritten_rules = 60
max_closed_rules = 40
min_rewritten_rules = 5
max_rewritten_groups = 70
min_rewritten_groups = 2

[policies]
anything = {goes = [1, 2]}
"""


def issues_of(text: str, folder: Path, name: str = "sgctl.toml") -> tuple[Issue, ...]:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_config(folder)
    return caught.value.issues


def test_every_key_is_read(repository: Path) -> None:
    (repository / "sgctl.toml").write_text(EVERYTHING)
    loaded = load_config(repository)
    assert set(loaded.values) == {name for name, key in KEYS.items() if key.in_files}
    assert loaded.values["timeout"] == 12.5
    assert loaded.paths == ("groups", "more/web.yaml")
    assert Limits(**loaded.limits) == Limits(50, 0, 10, 1, 60, 40, 5, 70, 2)
    assert loaded.policies == {"anything": {"goes": [1, 2]}}


def test_the_defaults_of_limits_are_those_of_the_guardrails() -> None:
    names = [name for name in KEYS if name.startswith("limits.")]
    assert Limits(**{name.removeprefix("limits."): KEYS[name].default for name in names}) == Limits()


def test_no_file_is_an_empty_configuration(repository: Path) -> None:
    assert load_config(repository) == Config()


def test_a_table_of_the_project_file_says_the_same(repository: Path) -> None:
    text = EVERYTHING.replace("[limits]", "[tool.sgctl.limits]").replace("[policies]", "[tool.sgctl.policies]")
    (repository / "pyproject.toml").write_text('[project]\nname = "x"\n\n[tool.sgctl]\n' + text)
    loaded = load_config(repository)
    assert set(loaded.values) == {name for name, key in KEYS.items() if key.in_files}
    assert loaded.places("region_id", "limits.max_deleted_rules") == {
        "region_id": FilePlace("pyproject.toml", 8, 1),
        "limits.max_deleted_rules": FilePlace("pyproject.toml", 20, 1),
    }


@pytest.mark.parametrize(
    "text",
    [
        '[project.scripts]\nsgctl = "x:y"\n',
        '[project]\ndependencies = ["sgctl"]\n',
        "not TOML at all, and not our file\n",
    ],
    ids=["names the command", "depends on it", "broken"],
)
def test_a_project_file_without_our_table_is_no_configuration(text: str, repository: Path) -> None:
    (repository / "pyproject.toml").write_text(text)
    assert load_config(repository) == Config()


@pytest.mark.parametrize(
    "written",
    [
        "[tool]\nsgctl.region_id = 7",
        "[ tool ]\nsgctl.region_id = 7",
        "['tool']\nsgctl.region_id = 7",
        "tool.sgctl.region_id = 7",
        "tool = {sgctl = {region_id = 7}}",
    ],
)
def test_our_table_is_found_however_it_is_spelled(written: str, repository: Path) -> None:
    (repository / "pyproject.toml").write_text(written + "\n")
    assert load_config(repository).values == {"region_id": 7}


def test_the_nearest_file_holds_alone(repository: Path) -> None:
    inner = repository / "a" / "b"
    inner.mkdir(parents=True)
    (repository / "sgctl.toml").write_text("region_id = 1\nproject_id = 1\n")
    (repository / "a" / "sgctl.toml").write_text('region_id = 2\npaths = ["x"]\n')
    loaded = load_config(inner)
    assert (loaded.file, loaded.values["region_id"], "project_id" in loaded.values) == ("../sgctl.toml", 2, False)
    assert loaded.paths == ("../x",), "paths are relative to the file's folder, and seen from ours"


def test_nothing_is_looked_for_above_the_root_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "sgctl.toml").write_text("region_id = 1\n")
    inner = tmp_path / "repository" / "folder"
    inner.mkdir(parents=True)
    assert load_config(inner).values == {"region_id": 1}
    (tmp_path / "repository" / ".git").write_text("gitdir: elsewhere\n")  # as a worktree has it
    assert load_config(inner) == Config()


def test_settings_in_two_files_side_by_side_are_refused(repository: Path) -> None:
    (repository / "sgctl.toml").write_text("region_id = 1\n")
    (issue,) = issues_of("[tool.sgctl]\nregion_id = 2\n", repository, "pyproject.toml")
    assert (str(issue.place), issue.message) == (
        "pyproject.toml:1:7",
        "sgctl.toml is there as well: settings stand in one file",
    )


def test_a_stranger_s_file_in_a_folder_above_is_refused(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could widen what a plan may delete."""
    inner = repository / "mine"
    inner.mkdir()
    (repository / "sgctl.toml").write_text("project_id = 2\n")
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(repository / "sgctl.toml", 4242, 4242)
    with pytest.raises(UsageError, match=r"^\.\./sgctl\.toml:1:1: the file belongs to another user \(uid 4242\)"):
        load_config(inner)
    os.chown(inner, 4242, 4242)  # a checkout that belongs to somebody else as a whole, as in containers
    assert load_config(inner).file == "../sgctl.toml"


WRONG = {
    "behind a mark of byte order": (
        "\ufeffregionid = 3\n",
        (1, 1),
        "unknown key `regionid`",
        "did you mean `region_id`?",
    ),
    "an empty text": (
        'project = ""\n',
        (1, 1),
        "`project` has to be the name of a project, not an empty text",
        None,
    ),
    "misspelled": ("regionid = 3\n", (1, 1), "unknown key `regionid`", "did you mean `region_id`?"),
    "hyphen": ("project-id = 3\n", (1, 1), "unknown key `project-id`", "did you mean `project_id`?"),
    "limit outside of its table": (
        "max_deleted_rules = 3\n",
        (1, 1),
        "unknown key `max_deleted_rules`",
        "it belongs into the table `limits`",
    ),
    "text for a list": (
        'paths = "groups"\n',
        (1, 1),
        "`paths` has to be a list of YAML files and folders, not `groups`",
        'write ["groups"]',
    ),
    "a limit that may be one of several": (
        "[limits]\nmax_deleted = 3\n",
        (2, 1),
        "unknown key `limits.max_deleted`",
        None,
    ),
    "a table as in pyproject.toml": (
        "[tool.sgctl]\ntimeout = 3\n",
        (1, 2),
        "unknown key `tool`",
        "in sgctl.toml the settings stand at the top, in no table of their own",
    ),
    "misspelled limit": (
        "[limits]\n\nmax_deleted_rule = 3\n",
        (3, 1),
        "unknown key `limits.max_deleted_rule`",
        "did you mean `limits.max_deleted_rules`?",
    ),
    "text for a number": (
        'project_id = "1"\n',
        (1, 1),
        "`project_id` has to be a whole number, 1 or more, of 18 digits at most, not `1`",
        "write 1 without the quotes",
    ),
    "boolean for a number": (
        "  region_id = true\n",
        (1, 3),
        "`region_id` has to be a whole number, 1 or more, of 18 digits at most, not `true`",
        None,
    ),
    "zero": (
        "region_id = 0\n",
        (1, 1),
        "`region_id` has to be a whole number, 1 or more, of 18 digits at most, not `0`",
        None,
    ),
    "a limit that no plan could hold": (
        f"[limits]\nmin_deleted_rules = {10**18}\n",
        (2, 1),
        f"`limits.min_deleted_rules` has to be a whole number, 0 or more, of 18 digits at most, not `{10**18}`",
        None,
    ),
    "share over a hundred": (
        "[limits]\nmax_deleted_groups = 101\n",
        (2, 1),
        "`limits.max_deleted_groups` has to be a whole number of percent, from 0 to 100, not `101`",
        None,
    ),
    "no such version": ('api_version = "v3"\n', (1, 1), '`api_version` has to be `"v1"` or `"v2"`, not `v3`', None),
    "list for a version": (
        'api_version = ["v1"]\n',
        (1, 1),
        '`api_version` has to be `"v1"` or `"v2"`, not a list',
        None,
    ),
    "not a number": (
        "timeout = nan\n",
        (1, 1),
        "`timeout` has to be a number of seconds, 0.1 or more, not `nan`",
        None,
    ),
    "no path": ("paths = []\n", (1, 1), "`paths` has to be a list of YAML files and folders, not a list", None),
    "plan file": (
        'paths = ["p.json"]\n',
        (1, 1),
        "`paths` has to be a list of YAML files and folders, not a list",
        None,
    ),
    "no duration": (
        'max_age = "1 day"\n',
        (1, 1),
        '`max_age` has to be a duration such as `"24h"`, `"90m"` or `"7d"`, not `1 day`',
        None,
    ),
    "an address, which decides where the API key goes": (
        'base_url = "https://api.example.com"\n',
        (1, 1),
        "`base_url` stands in no file: it decides where the API key is sent",
        "set GCORE_BASE_URL",
    ),
    "limits no table": ("limits = 30\n", (1, 1), "`limits` has to be a table, not `30`", None),
    "policies no table": ("policies = true\n", (1, 1), "`policies` has to be a table, not `true`", None),
    "a dot in quotes": ('"limits.max_deleted_rules" = 1\n', (1, 1), "unknown key `limits.max_deleted_rules`", None),
    "twice": ("region_id = 1\nregion_id = 2\n", (2, 14), "this is not TOML: Cannot overwrite a value", None),
    "no value": ("region_id =\n", (1, 12), "this is not TOML: Invalid value", None),
    "unclosed": ('paths = [\n  "a",\n', (2, 1), "this is not TOML: Invalid value where the file ends", None),
}


@pytest.mark.parametrize(("text", "place", "message", "fix"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_has_a_place_and_a_sentence(
    text: str, place: tuple[int, int], message: str, fix: str | None, repository: Path
) -> None:
    (issue,) = issues_of(text, repository)
    assert (issue.place, issue.message) == (FilePlace("sgctl.toml", *place), message)
    assert fix is None or issue.fix == fix
    assert issue.line is not None, "the line is shown"


def test_everything_that_is_wrong_is_said_at_once_in_order(repository: Path) -> None:
    text = '# settings\r\nregion_id = "7"\r\n[limits]\r\nmin_deleted_rules = -1\r\nmore = 1\r\n[policies]\r\n'
    assert [issue.place.line for issue in issues_of(text, repository)] == [2, 4, 5]


def test_a_file_that_is_no_text_or_no_file_is_named(repository: Path) -> None:
    (repository / "sgctl.toml").write_bytes(b"# ok\nregion_id = \xff\n")
    with pytest.raises(UsageError, match=r"^sgctl\.toml:2:1: the file is not UTF-8 text$"):
        load_config(repository)
    (repository / "sgctl.toml").unlink()
    (repository / "sgctl.toml").mkdir()
    with pytest.raises(UsageError, match=r"^sgctl\.toml:1:1: it cannot be read: Is a directory$"):
        load_config(repository)


SECRETS = {
    "plain": 'api_key = "hunter2-hunter2"\n',
    "the variable's name": 'GCORE_API_KEY = "hunter2-hunter2"\n',
    "a token in a table": '[limits]\napi-token = "hunter2-hunter2"\n',
    "unquoted": "api_key = hunter2-hunter2\n",
    "password of a URL": 'base_url = "https://me:hunter2-hunter2@api.example.com"\n',
    "beside an error": 'region_id = [ # api_key = "hunter2-hunter2"\n',
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_credential_is_refused_and_never_repeated(
    text: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    issues = issues_of(text, repository)
    assert issues
    assert run(["validate"]) == 1
    assert "hunter2" not in capsys.readouterr().err
    shown = "".join(render_issue(issue) for issue in issues) + repr(issues)
    assert "hunter2" not in shown


def test_the_refusal_of_a_key_says_where_it_belongs(repository: Path) -> None:
    (issue,) = issues_of('api_key = "hunter2"\n', repository)
    assert issue.message == "`api_key`: no credential stands in a file that is shared"
    assert issue.fix is not None
    assert "GCORE_API_KEY_FILE" in issue.fix


def test_toml_is_read_only_where_there_is_a_file(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(config_module, "_parse", refuse)
    (repository / "pyproject.toml").write_text('[project.scripts]\nsgctl = "x:y"\n')
    assert load_config(repository) == Config()
