"""A folder that others may write to shows nobody a file that only the reader may read, and does not hang."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import click
import pytest

from reconciler.cli import run, sgctl
from reconciler.emulator.server import EmulatorServer
from reconciler.loading import load

from .conftest import KEY, SAME, Sgctl

SECRET = "s3cret-of-another-file"

WITH_PATHS: dict[str, list[str]] = {
    "validate": ["validate", "PATH"],
    "refresh": ["refresh", "PATH"],
    "plan": ["plan", "PATH"],
    "apply": ["apply", "PATH", "--auto-approve"],
    "drift": ["drift", "PATH"],
    "audit": ["audit", "PATH"],
    "lint": ["lint", "PATH"],
    "export": ["export", "PATH"],
    "trace": ["trace", "--group", "web", "ingress", "tcp/80", "from", "192.0.2.1", "PATH"],
    "graph": ["graph", "PATH"],
    "doctor": ["doctor", "PATH"],
    "import": ["import", "--project-id", "1", "--region-id", "7", "--into", "PATH"],
}
"""Every command that takes files and folders."""


def test_the_table_has_every_command_that_reads_folders() -> None:
    context = click.Context(sgctl)
    found = {
        name
        for name in sgctl.list_commands(context)
        if any("--follow-links" in each.opts for each in sgctl.get_command(context, name).params)  # type: ignore[union-attr]  # it is listed
    }
    assert found - {"watch"} == set(WITH_PATHS), "whose rounds load files as `drift` does, and end with no exit code"


def key_file(folder: Path) -> Path:
    """A file outside of the folder, with something secret in it."""
    path = folder.parent / f"{folder.name}-outside" / "key.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{SECRET}: [\n")
    return path


def a_link_to_a_file(folder: Path) -> None:
    (folder / "groups" / "x.yaml").symlink_to(key_file(folder))


def a_link_to_the_environment(folder: Path) -> None:
    (folder / "groups" / "x.yaml").symlink_to("/proc/self/environ")


def a_link_to_a_folder(folder: Path) -> None:
    (folder / "groups" / "x").symlink_to(key_file(folder).parent)


def a_link_to_a_link(folder: Path) -> None:
    (folder / "other").symlink_to(key_file(folder))
    (folder / "groups" / "x.yaml").symlink_to("../other")


def a_loop(folder: Path) -> None:
    (folder / "groups" / "x.yaml").symlink_to("x.yaml")


def a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "groups" / "x.yaml")


def a_device(folder: Path) -> None:
    (folder / "groups" / "x.yaml").symlink_to("/dev/zero")


def a_link_to_what_is_hidden(folder: Path) -> None:
    (folder / "groups" / ".git").mkdir()
    (folder / "groups" / ".git" / "config").write_text(f"{SECRET}: [\n")
    (folder / "groups" / "x.yaml").symlink_to(".git/config")


TRAPS: list[Callable[[Path], None]] = [
    *(a_link_to_a_file, a_link_to_the_environment, a_link_to_a_folder, a_link_to_a_link),
    *(a_loop, a_pipe, a_device, a_link_to_what_is_hidden),
]


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.__name__)
@pytest.mark.parametrize("command", WITH_PATHS)
def test_what_leads_out_of_a_folder_is_refused_and_not_read(
    sgctl: Sgctl, command: str, trap: Callable[[Path], None]
) -> None:
    """One error with the place, none of the lines; by a command that ends."""
    sgctl.write(SAME, "groups/web.yaml")
    trap(sgctl.folder)
    ran = sgctl(*(argument.replace("PATH", "groups") for argument in WITH_PATHS[command]))
    assert ran.code == 1
    assert ran.err.startswith("groups/x"), ran.err
    assert SECRET not in ran.out + ran.err
    assert "  | " not in ran.err, "no line of a refused file is shown"
    assert "bug" not in ran.err


@pytest.mark.parametrize("command", WITH_PATHS)
def test_links_are_followed_where_that_is_asked_for(sgctl: Sgctl, command: str) -> None:
    (sgctl.folder / "groups").mkdir()
    sgctl.write(SAME, "shared/web.yaml")
    (sgctl.folder / "groups" / "x.yaml").symlink_to("../shared/web.yaml")
    arguments = [argument.replace("PATH", "groups") for argument in WITH_PATHS[command]]
    assert sgctl(*arguments).code == 1
    ran = sgctl(*arguments, "--follow-links")
    assert "outside-folder" not in ran.err
    assert ran.code in {0, 2}, ran.err


def test_a_link_within_the_folder_and_one_that_is_named_are_read(offline: Sgctl) -> None:
    offline.write(SAME, "groups/shared/web.txt")
    (offline.folder / "groups" / "x.yaml").symlink_to("shared/web.txt")
    assert offline("validate", "groups").code == 0
    (offline.folder / "groups" / "x.yaml").unlink()
    offline.write(SAME, "web.yaml")
    (offline.folder / "groups" / "x.yaml").symlink_to("../web.yaml")
    assert offline("validate", "groups/x.yaml").code == 0


@pytest.mark.parametrize("command", WITH_PATHS)
@pytest.mark.parametrize("where", ["out", ".git", ".base"])
def test_a_path_given_does_not_lead_out_of_the_repository(sgctl: Sgctl, command: str, where: str) -> None:
    """Whoever can change the repository can make a link of what a CI names: the folder, or one of its files.

    Nor to what is hidden there: the files of git, or another branch, which is not what a merge brings.
    """
    outside = key_file(sgctl.folder)
    for hidden in (".git", ".base"):
        (sgctl.folder / hidden).mkdir()
        (sgctl.folder / hidden / "key.yaml").write_text(f"{SECRET}: [\n")
    to = outside.parent if where == "out" else sgctl.folder / where
    (sgctl.folder / "way").symlink_to(to)
    (sgctl.folder / "groups").symlink_to("way")
    (sgctl.folder / "web.yaml").symlink_to(to / "key.yaml")
    for path in ("groups", "web.yaml"):
        ran = sgctl(*(argument.replace("PATH", path) for argument in WITH_PATHS[command]))
        assert (ran.code, SECRET in ran.out + ran.err) == (1, False)
        assert ran.err.startswith(f"{path}:1:1: error: the path leads out of the repository"), ran.err
        if command != "import":
            again = sgctl(*(argument.replace("PATH", path) for argument in WITH_PATHS[command]), "--follow-links")
            assert "leads out" not in again.err


def test_policies_from_outside_do_not_lead_out_of_the_repository_where_they_are_in_it(offline: Sgctl) -> None:
    offline.write(SAME)
    (offline.folder / ".git").mkdir()
    (offline.folder / "rules.toml").symlink_to(key_file(offline.folder))
    ran = offline("validate", "--policies", "rules.toml")
    assert (ran.code, SECRET in ran.err, "a link leads out of the repository" in ran.err) == (1, False, True)


@pytest.mark.parametrize("at", ["walk", "lines"])
@pytest.mark.parametrize("size", ["small", "large"])
def test_what_becomes_a_link_after_it_was_found_is_not_read(
    sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch, at: str, size: str
) -> None:
    """Between the look at a folder and the read of a file, and between that and the line that an error shows."""
    text = SAME.replace("name: web", "name: web\n    previous_name: app").replace("443", "8443")
    path = Path(sgctl.write(text + "#" * ((size == "large") << 19), "groups/web.yaml"))
    outside = key_file(sgctl.folder)
    outside.write_text(f"{SECRET}\n" * 9)

    def swap() -> None:
        path.unlink()
        path.symlink_to(outside)

    if at == "walk":
        walk_paths = load.walk_paths
        monkeypatch.setattr(load, "walk_paths", lambda *given, **more: (walk_paths(*given, **more), swap())[0])
    else:
        with_lines = load.with_lines
        monkeypatch.setattr(load, "with_lines", lambda issues: (swap(), with_lines(issues))[1])
    ran = sgctl("plan", "groups")
    assert (ran.code, SECRET in ran.out + ran.err, path.is_symlink()) == (1, False, True), ran.err
    assert ("a link leads out of" if at == "walk" else "its `previous_name` 'app'") in ran.err


def test_what_a_name_says_is_hidden_is_read(offline: Sgctl) -> None:
    """As by the job that compares with the base branch."""
    (offline.folder / ".git").mkdir()
    offline.write(SAME, ".base/groups/web.yaml")
    (offline.folder / ".base" / "link").symlink_to("groups")
    offline.write("", ".base/rules.toml")
    for path in (".base/groups", ".base/link"):
        assert offline("validate", path, "--policies", ".base/rules.toml").code == 0


@pytest.mark.parametrize(
    "path", ["../outside", "/etc", "link", "groups/../../outside/key.yaml", ".git/config", "another-branch"]
)
def test_a_configured_path_outside_the_repository_is_refused(offline: Sgctl, path: str) -> None:
    """Also through a link, and whatever the command line says: who may change the settings is not who runs them."""
    repository = offline.folder / "repository"
    (repository / ".git").mkdir(parents=True)
    (offline.folder / "outside").mkdir()
    (offline.folder / "outside" / "key.yaml").write_text(f"{SECRET}: [\n")
    (repository / ".git" / "config").write_text(f"{SECRET}: [\n")
    (repository / "groups").mkdir()
    (repository / "link").symlink_to("../outside")
    offline.write(SAME, "repository/.base/groups/web.yaml")
    (repository / "another-branch").symlink_to(".base/groups")
    (repository / "sgctl.toml").write_text(f'paths = ["{path}"]\n')
    os.chdir(repository)
    for more in ([], ["--follow-links"]):
        ran = offline("validate", *more)
        assert ran.code == 1
        assert ran.err.startswith("sgctl.toml:1:1: error: ")
        assert "[outside-folder]" in ran.err
        assert SECRET not in ran.err


@pytest.mark.parametrize("where", ["out", "hidden"])
@pytest.mark.parametrize("name", ["sgctl.toml", "pyproject.toml"])
def test_settings_that_are_a_link_out_of_the_repository_are_not_read(offline: Sgctl, name: str, where: str) -> None:
    offline.write(SAME)
    hidden = Path(offline.write(f'[tool.sgctl]\npaths = ["{SECRET}"]', f".base/{name}"))
    (offline.folder / name).symlink_to(key_file(offline.folder) if where == "out" else hidden)
    ran = offline("validate")
    assert (ran.code, SECRET in ran.err) == (1, False)
    assert f"{name}:1:1: it is a link that leads out of the repository" in ran.err


FORMS = {
    "as it is": lambda key: key,
    "escaped as in JSON": lambda key: "".join(f"\\u{ord(letter):04x}" for letter in key),
    "escaped as in a URL": lambda key: "".join(f"%{ord(letter):02X}" for letter in key),
    "a URL": lambda key: quote(key, safe=""),
    "its beginning": lambda key: key[:-4],
    "its end": lambda key: key[4:],
}
SPECIAL_KEY = "1234$ab/cd+ef==0123456789"


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("source", ["GCORE_API_KEY", "GCORE_API_KEY_FILE"])
@pytest.mark.parametrize("json", [[], ["--log-format", "json"]], ids=["text", "json"])
def test_the_key_is_blanked_in_a_line_that_is_shown(
    offline: Sgctl, monkeypatch: pytest.MonkeyPatch, form: Callable[[str], str], source: str, json: list[str]
) -> None:
    """By commands that never need a key, and in notes and results as well as in errors."""
    if source == "GCORE_API_KEY_FILE":
        (offline.folder / "key").write_text(f"{SPECIAL_KEY}\n")
    monkeypatch.setenv(source, "key" if source == "GCORE_API_KEY_FILE" else SPECIAL_KEY)
    text = form(SPECIAL_KEY)
    offline.write(f"project_id: 1\nregion_id: 7\n'{text}': 1\n", "bad.yaml")
    ran = offline(*(["plan", "bad.yaml", *json] if json else ["validate", "bad.yaml"]))
    assert ran.code == 1
    assert text not in ran.err
    assert "***" in ran.err
    assert SPECIAL_KEY[:8] not in ran.err
    offline.write(
        f"{SAME}x-note: &a ''\n".replace("name: web", "name: web\n    description: >-\n      " + text), "ok.yaml"
    )
    ran = offline("graph", "ok.yaml", "--format", "html")
    assert text not in ran.out


def test_a_key_from_a_pipe_is_blanked_once_it_is_read(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """What a shell substitutes for a command is read by whoever needs the key, and by nobody before."""
    sgctl.write(SAME.replace("name: web", f"name: web\n    description: {KEY}"))
    program = f"{shlex.quote(sys.executable)} -m reconciler plan -v --format json"
    environment = {**os.environ, "GCORE_BASE_URL": emulator.url, "GCORE_API_KEY": ""}
    command = ["bash", "-c", f"GCORE_API_KEY_FILE=<(echo {KEY}) {program}"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert KEY not in ran.stdout + ran.stderr
    assert "***" in ran.stdout


def test_a_word_that_is_no_key_is_left_alone(offline: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator's key is no secret, and a result is not to lose a word."""
    monkeypatch.setenv("GCORE_API_KEY", "emulator")
    assert "emulator" in offline("--help").out
    assert run(["--version"]) == 0


@pytest.mark.parametrize("link", ["groups", ".github", "schemas", ".gitignore"])
def test_a_repository_is_not_begun_through_a_link(offline: Sgctl, link: str) -> None:
    """Nor is anything of it written, also not the folders."""
    outside = key_file(offline.folder).parent
    (offline.folder / "new").mkdir()
    (offline.folder / "new" / link).symlink_to(outside / "key.yaml" if link == ".gitignore" else outside)
    for place, where in ((offline.folder / "new", "."), (offline.folder, "new")):
        os.chdir(place)
        ran = offline("init", where, "--project-id", "1", "--region-id", "7", "--ci", "github")
        assert (ran.code, "nothing was written" in ran.err, SECRET in ran.err) == (1, True, False), ran.err
        assert [path.name for path in (offline.folder / "new").iterdir()] == [link]
        assert [path.name for path in outside.iterdir()] == ["key.yaml"]


OUTPUTS: dict[str, list[str]] = {
    "plan": ["plan", "web.yaml", "--out", "link/new"],
    "findings": ["validate", "web.yaml", "--sarif", "link/new"],
    "graph": ["graph", "web.yaml", "--out", "link/new"],
    "metrics": ["drift", "web.yaml", "--metrics-file", "link/new"],
    "journal": ["apply", "web.yaml", "--auto-approve", "--journal", "link/new"],
    "import": ["import", "--project-id", "1", "--region-id", "7", "--out", "link/new"],
    "files": ["import", "--project-id", "1", "--region-id", "7", "--split", "link/new"],
}


@pytest.mark.parametrize("where", ["out", "hidden"])
@pytest.mark.parametrize("arguments", OUTPUTS.values(), ids=OUTPUTS)
def test_no_output_goes_through_a_folder_that_leads_out(sgctl: Sgctl, arguments: list[str], where: str) -> None:
    """Or to what git keeps: a hook is run by whoever commits next."""
    (sgctl.folder / ".git" / "hooks").mkdir(parents=True)
    outside = key_file(sgctl.folder).parent if where == "out" else sgctl.folder / ".git" / "hooks"
    (sgctl.folder / "link").symlink_to(outside)
    before = sorted(outside.iterdir())
    sgctl.write(SAME.replace("443", "8443"), "web.yaml")
    ran = sgctl(*arguments)
    assert (ran.code, "is a link that leads out" in ran.err) == (1, True), ran.err
    assert sorted(outside.iterdir()) == before
