"""Habits that are kept because a test keeps them."""

import ast
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest

from reconciler.cli import run, sgctl
from reconciler.emulator.server import EmulatorServer
from reconciler.model import errors

ROOT = Path(__file__).parents[2]
SOURCES = [file for folder in ("reconciler", "tests") for file in sorted((ROOT / folder).rglob("*.py"))]
TESTS = [file for file in SOURCES if file.is_relative_to(ROOT / "tests")]
PUBLISHED = [
    file
    for name in (
        *(".ci", "Makefile", "constraints.txt", "docs", "examples", "mkdocs.yml", "pyproject.toml"),
        *("reconciler", "schemas", "tests"),
    )
    for file in ([ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*")))
    if file.is_file() and not re.search(r"/(__pycache__|\.\w+_cache|\.hypothesis)/", f"/{file.relative_to(ROOT)}")
] + sorted(ROOT.glob("*.md"))
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    *(str(file.relative_to(ROOT)) for file in sorted((ROOT / "docs").rglob("*.md"))),
]

ESCAPE = re.compile(
    r"# (noqa: [A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\]|pragma: no cover)"
)
REASON = re.compile(r" - \S|  # \S")
BARE = re.compile(r"# (noqa|type: ignore)(?![:\[])")


def commands() -> dict[str, click.Command]:
    context = click.Context(sgctl, info_name="sgctl")
    found = {name: sgctl.get_command(context, name) for name in sgctl.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


COMMANDS = commands()


def place(file: Path, number: int) -> str:
    return f"{file.relative_to(ROOT)}:{number}"


def unexplained(file: Path) -> Iterator[str]:
    """Escapes without a reason. One that repeats the escape of the line above shares its reason."""
    above = ""
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        escape = ESCAPE.search(line)
        if BARE.search(line) or (escape and escape[1] != above and not REASON.match(line, escape.end())):
            yield f"{place(file, number)} has an escape without a reason: {line.strip()}"
        above = escape[1] if escape else ""


def test_every_escape_gives_its_reason() -> None:
    """`# noqa: CODE - why`, `# type: ignore[code]  # why`, `# pragma: no cover - why`."""
    problems = [problem for file in SOURCES if file != Path(__file__) for problem in unexplained(file)]
    assert not problems, "\n" + "\n".join(problems)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_gives_exit_codes_and_an_example(name: str) -> None:
    command = COMMANDS[name]
    with click.Context(command, info_name=f"sgctl {name}", **sgctl.context_settings) as context:
        text = command.get_help(context)
    for code in range(6):
        assert f"\n    {code}  " in text or f"\n  {code}  " in text, f"exit code {code}"
    assert re.search(rf"^ +sgctl {name}\b", text, re.MULTILINE), "an example"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_shows_exists(document: str) -> None:
    """Every `sgctl` command with its flags, every `make` target, every file that is linked."""
    text = (ROOT / document).read_text(encoding="utf-8")
    missing = []
    for name, rest in re.findall(r"(?:^(?:\$ )?|`)sgctl ([a-z]+)([^`\n#|]*)", text, re.MULTILINE):
        command = COMMANDS.get(name)
        if command is None:
            missing.append(f"sgctl {name}")
            continue
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        missing += [f"sgctl {name} {flag}" for flag in re.findall(r"--[a-z-]+", rest) if flag not in known]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    missing += [
        f"make {name}" for name in re.findall(r"(?:^ *|`)make ([a-z-]+)", text, re.MULTILINE) if name not in targets
    ]
    folder = (ROOT / document).parent
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    missing += [link for link in links if not (folder / link).exists() and not is_generated(folder / link)]
    assert missing == []


def is_generated(page: Path) -> bool:
    """A page of the reference: `make docs`, which is strict, says whether all is there."""
    return page.suffix == ".md" and page.resolve().parent == ROOT / "docs" / "reference"


def test_the_commands_of_the_readme_run_as_they_stand(
    repository: Path, empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after the other, in a folder with what they speak of: each does what it is there for, or finds changes."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    sgctl (.*)", readme, re.MULTILINE)
    (repository / "groups").mkdir()
    (repository / "groups" / "web.yaml").write_text(re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)[0])
    codes = [(line, run(shlex.split(line, comments=True))) for line in lines]
    assert len(codes) >= 7
    assert [(line, code) for line, code in codes if code not in {0, 2}] == [], capsys.readouterr().err
    assert "POST" in {request.method for request in empty_emulator.requests}


def test_the_readme_names_every_command_and_stays_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("\n") <= 150
    assert [name for name in COMMANDS if f"sgctl {name}" not in text] == []


def test_every_wait_of_a_test_has_a_deadline() -> None:
    """A test that waits for what never comes fails; it does not hang."""
    waiting = [
        (file, text)
        for file, text in ((file, file.read_text(encoding="utf-8")) for file in TESTS)
        if re.search(r"subprocess\.|\.(wait|wait_for|communicate)\(", text)
    ]
    assert len(waiting) >= 20
    endless = [
        f"{place(file, node.lineno)} waits without a timeout"
        for file, text in waiting
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_endless(node, node.func)
    ]
    assert not endless, "\n" + "\n".join(endless)


def is_endless(call: ast.Call, function: ast.Attribute) -> bool:
    """A process run, or waited for, without `timeout`."""
    has_timeout = any(keyword.arg == "timeout" for keyword in call.keywords)
    if function.attr in {"wait", "wait_for", "communicate"}:
        return not has_timeout and not call.args
    starts = {"run", "call", "check_call", "check_output"}
    return ast.unparse(function.value) == "subprocess" and function.attr in starts and not has_timeout


def test_a_test_that_interrupts_a_process_or_itself_lets_that_be_heard() -> None:
    """Where the tests were started with a signal ignored (nohup, a background job), their children ignore it too."""
    texts = {file.name: file.read_text(encoding="utf-8") for file in TESTS}
    interrupting = {name: text for name, text in texts.items() if re.search(r"signal\.SIG(INT|HUP)", text)}
    assert len(interrupting) >= 3
    assert [name for name, text in interrupting.items() if "default_signals" not in text] == []


def test_a_child_hears_signals_though_this_process_ignores_them(request: pytest.FixtureRequest) -> None:
    previous = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGHUP)}
    try:
        request.getfixturevalue("default_signals")
        program = (
            "import signal\n"
            "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGHUP).name)"
        )
        command = [sys.executable, "-c", program]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
    assert said == "True SIG_DFL\n"


def test_the_error_tree_is_drawn_whole() -> None:
    """Each class, its exit code, in the docstring of errors.py."""

    def walk(cls: type[errors.SgctlError]) -> list[type[errors.SgctlError]]:
        return [cls, *(each for child in cls.__subclasses__() for each in walk(child))]

    drawn = dict(re.findall(r"(\w+) +([0-9]) {2,}\S", errors.__doc__ or ""))
    ours = [cls for cls in walk(errors.SgctlError) if cls.__module__ == errors.__name__]
    assert drawn == {cls.__name__: str(cls.exit_code) for cls in ours}


def test_everything_that_is_installed_is_pinned() -> None:
    """For each requirement of pyproject.toml there is a line in constraints.txt, or an exact version beside it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    groups = [*project["optional-dependencies"].values(), *settings["dependency-groups"].values()]
    listed = [*project["dependencies"], *(requirement for group in groups for requirement in group)]
    wanted = [each for each in listed if isinstance(each, str)]  # and no name of another group
    names = {normal(re.split(r"[<>=~!\[; ]", requirement)[0]) for requirement in wanted if "==" not in requirement}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normal(line.split("==")[0]) for line in lines if "==" in line}
    assert names - pinned == set()


def test_there_is_a_reason_for_each_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    }
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Dependencies")[1].split("##")[0]
    named = {normal(name) for cell in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for name in cell.split(", ")}
    assert {normal(re.split(r"[<>=]", requirement)[0]) for requirement in wanted} - named == set()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


KNOWN_HOSTS = {
    "api.gcore.com",
    "docs.oasis-open.org",
    "json-schema.org",
    "keepachangelog.com",
    "semver.org",
    "www.apache.org",
    "www.w3.org",
}
"""Hosts that we mean; besides this machine and the names that stand for nobody (RFC 2606)."""


def test_nothing_points_to_a_machine_or_a_host_that_is_not_ours_to_name() -> None:
    strange = []
    for file in PUBLISHED:
        if file == Path(__file__) or (file.is_relative_to(ROOT / "tests") and file.suffix != ".py"):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        found = list(re.finditer(r"(?<![\w.])/(?:home|root|Users)/\w+", text))
        if "tests" not in file.relative_to(ROOT).parts:
            urls = re.finditer(r"https?://[^\s\"'`)>\]]+", text)
            found += [each for each in urls if not is_known(each[0])]
        strange += [f"{place(file, text.count(chr(10), 0, each.start()) + 1)}: {each[0]}" for each in found]
    assert strange == []


def is_known(url: str) -> bool:
    if "{" in url:
        return True
    host = urlsplit(url).hostname or ""
    return (
        host in KNOWN_HOSTS
        or host in {"localhost", "::1"}
        or host.startswith("127.")
        or re.search(r"(^|\.)example(\.(com|net|org))?$", host) is not None
    )
