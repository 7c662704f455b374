"""What a Tab offers: asked of a real bash (zsh and fish where they are installed), and of the protocol below them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli import completion, run
from reconciler.cli.completion import _names, complete_groups, complete_plan_files, names_in

SHELLS = ("bash", "zsh", "fish")
PATIENT = """\
import sys
from reconciler.cli import completion, main
completion._SECONDS = 60
sys.argv[0] = 'sgctl'
main()
"""
"""The command, with all the time that a Tab may need on a busy machine."""

BLOCK = """\
owner: us
security_groups:
  - name: web            # the tier
    tags: {name: not-a-group, env: prod}
    rules: []
  - tags:
      name: not-a-group
    name: "db one"
    rules: []
  - {name: 'cache', rules: []}
"""


@pytest.fixture
def files(repository: Path) -> Path:
    (repository / "groups.yaml").write_text(BLOCK)
    (repository / "sub").mkdir()
    (repository / "sub" / "other.yml").write_text("security_groups:\n- name: other\n  rules: []\n")
    (repository / "plan.json").write_text("{}")
    (repository / "plan.yaml").write_text("")
    (repository / "sub" / "later.json").write_text("{}")
    return repository


@pytest.fixture
def command_on_path(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `sgctl` that shells find."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "sgctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{PATIENT}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def in_bash(line: str) -> list[str]:
    """Press Tab at the end of a line in bash."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    script = (
        'source <(sgctl completion bash)\n_function=$(complete -p sgctl | sed "s/.*-F \\([^ ]*\\).*/\\1/")\n'
        f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n"
        f'COMPREPLY=()\n"$_function" sgctl 2>/dev/null\nprintf "%s\\n" "${{COMPREPLY[@]}}"\n'
    )
    finished = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return [reply for reply in finished.stdout.splitlines() if reply]


def in_fish(line: str) -> list[str]:
    """Ask fish what it would offer."""
    script = f"sgctl completion fish | source; complete -C '{line}'"
    finished = subprocess.run(["fish", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return [reply.split("\t")[0] for reply in finished.stdout.splitlines()]


CASES = {
    "commands": ("sgctl pl", ["plan"]),
    "options": ("sgctl plan --two", ["--two-phase"]),
    "choices": ("sgctl plan --api-version ", ["v1", "v2"]),
    "groups of the current folder": ("sgctl plan --group ", ["cache", "db one", "other", "web"]),
    "groups that begin so": ("sgctl plan --group w", ["web"]),
    "groups of the files given": ("sgctl plan sub --group ", ["other"]),
    "groups at both ends": ("sgctl trace ingress tcp/443 sub --group other --from-group ", ["other"]),
    "plan files": ("sgctl show ", ["plan.json"]),
    "plan files for apply": ("sgctl apply pl", ["plan.json"]),
    "plan files elsewhere": ("sgctl apply sub/l", ["sub/later.json"]),
}


@pytest.mark.usefixtures("files", "command_on_path")
@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(("line", "offered"), CASES.values(), ids=CASES)
def test_bash_offers(line: str, offered: list[str]) -> None:
    assert in_bash(line) == offered


@pytest.mark.usefixtures("files", "command_on_path")
@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
@pytest.mark.parametrize(("line", "offered"), CASES.values(), ids=CASES)
def test_fish_offers(line: str, offered: list[str]) -> None:
    assert sorted(in_fish(line)) == offered


@pytest.mark.usefixtures("files", "command_on_path")
@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_takes_the_script() -> None:
    script = "autoload -U compinit; compinit -u; source <(sgctl completion zsh); print ${_comps[sgctl]}"
    finished = subprocess.run(["zsh", "-fc", script], capture_output=True, text=True, check=True, timeout=60)
    assert finished.stdout.strip() == "_sgctl_completion"


def ask(shell: str, line: str) -> str:
    """Ask as the script of a shell does."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "_SGCTL_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": line if shell != "fish" else " ".join(words[:-1]),
        "COMP_CWORD": str(len(words) - 1) if shell != "fish" else words[-1],
    }
    command = [sys.executable, "-c", PATIENT]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert finished.stderr == ""
    return finished.stdout


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("shell", "answer"),
    [("bash", "plain,web\n"), ("zsh", "plain\nweb\n_\n"), ("fish", "plain,web\n")],
    ids=SHELLS,
)
def test_every_shell_is_answered_in_its_own_way(shell: str, answer: str) -> None:
    assert ask(shell, "sgctl plan --group w").replace("plain\tweb", "plain,web") == answer


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_SGCTL_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, capture_output=True, timeout=60)


BROKEN = {
    "no YAML": ("x.yaml", b"\xff\xfe{{{"),
    "no settings": ("sgctl.toml", b"nonsense"),
    "paths that are not there": ("sgctl.toml", b'paths = ["nowhere"]'),
}


@pytest.mark.parametrize(("name", "content"), BROKEN.values(), ids=BROKEN)
def test_a_tab_never_fails(name: str, content: bytes, repository: Path) -> None:
    (repository / name).write_bytes(content)
    assert ask("bash", "sgctl plan --group ").strip() == ""
    assert "plain,--group" in ask("bash", "sgctl plan --gr")


def test_groups_come_from_the_configured_paths(files: Path) -> None:
    (files / "sgctl.toml").write_text('paths = ["sub"]\n')
    assert ask("bash", "sgctl plan --group ") == "plain,other\n"


def test_where_there_is_no_plan_file_the_shell_offers_what_it_likes(files: Path) -> None:
    assert ask("bash", "sgctl show gr") == "file,gr\n"


@given(st.binary(max_size=300) | st.text("-name: '\"{}#\n,ab", max_size=80).map(str.encode))
def test_names_are_searched_in_anything(text: bytes) -> None:
    for name in names_in(text):
        assert name
        assert "\n" not in name


def test_only_names_of_groups_are_found() -> None:
    assert names_in(BLOCK.encode()) == ["web", "db one", "cache"]


FOREIGN = """\
metadata:
  name: a-deployment
---
"security_groups":
# the first
- {name: web}

- name: app
targets:
  - name: a-target
---
jobs:
  - name: a-job
"""


def test_what_is_no_group_of_ours_is_not_offered() -> None:
    assert names_in(FOREIGN.encode()) == ["web", "app"]


def test_a_tab_in_a_large_tree_offers_what_was_found_in_half_a_second(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (repository / f"{number}.yaml").write_text(f"security_groups:\n  - name: web-{number}\n")
    moments = iter([0.0, 0.4, 0.6])
    monkeypatch.setattr(completion, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    assert list(_names(["."], names_in)) == ["web-0", "web-1"]


@pytest.mark.parametrize(
    "name", ["$(reboot)", "a;reboot", "`id`", "a|b", "a>b", "a&b", "a\\b", "a\x1b[2J", "a\u202eb", "*"]
)
def test_no_name_is_offered_that_a_shell_would_obey(name: str, repository: Path) -> None:
    """Shells put what is offered on the line unquoted, and whoever may name a group is not who presses Enter."""
    text = "security_groups:\n  - {name: fine, rules: []}\n  - name: " + f"'{name}'\n    rules: []\n"
    (repository / "groups.yaml").write_text(text, encoding="utf-8")
    offered = [
        each.value for each in complete_groups(click.Context(click.Command("plan")), click.Option(["--group"]), "")
    ]
    assert offered == ["fine"]
    (repository / f"x{name}.json").write_text("{}")
    found = complete_plan_files(click.Context(click.Command("show")), click.Argument(["plan"]), "x")
    assert [(each.value, each.type) for each in found] == [("x", "file")]
