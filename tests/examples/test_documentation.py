"""README and `docs/`: every console block says what the commands say, every file is valid, every command is named."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from console import PAGES, ROOT, blocks, expand, run_page

from reconciler.cli import run
from reconciler.model.errors import ExitCode
from reconciler.model.problems import ProblemName

TOLD = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
FILES = {
    f"{page.relative_to(ROOT)}:{page.read_text(encoding='utf-8')[: block.start].count(chr(10))}": block.text
    for page in PAGES
    for block in blocks(page.read_text(encoding="utf-8"))
    if block.language == "yaml" and block.title is None
}


@pytest.mark.parametrize("page", TOLD, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_says_what_the_page_says(page: Path) -> None:
    """From top to bottom, as somebody who types it, against the emulator. `make renew-golden` writes it anew."""
    wrong = [
        f"$ {each.command}\nexit code {each.code}, and not {each.expected_code}\n{each.said}"
        for each in run_page(page)
        if not each.agrees
    ]
    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_file_that_is_shown_is_valid(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shown.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("GCORE_CLOUD_PROJECT_ID", "1337")
    monkeypatch.setenv("GCORE_CLOUD_REGION_ID", "7")
    assert run(["validate", str(tmp_path / "shown.yaml")]) == 0


def test_a_page_that_tells_something_else_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ sgctl --version\nsgctl 0\n$ sgctl validate nowhere.yaml\n...\n```\n")
    version, wrong = run_page(page)
    assert (version.agrees, version.code) == (False, 0)
    assert (wrong.agrees, wrong.code) == (False, 1), "the exit code has to be told"


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The module that makes the pages of the reference."""
    spec = importlib.util.spec_from_file_location("generated", ROOT / "docs" / "generated.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_whole(reference: ModuleType) -> None:
    """Every page can be made, and nothing that has a name is left out."""
    pages = {name: make() for name, make in reference.PAGES.items()}
    assert all(f"## {name} {{ #{name} }}" in pages["reference/problems.md"] for name in ProblemName)
    assert all(f"| `{code.value}` | {code.meaning}" in pages["reference/exit-codes.md"] for code in ExitCode)
    assert "| `sgctl_watch_rounds_total` | counter |" in pages["reference/metrics.md"]
    assert "| **`digest`** |" in pages["reference/json.md"]
    assert "a version reads its own" in pages["reference/json.md"].lower()


@pytest.mark.parametrize(
    ("html", "is_loaded"),
    [
        pytest.param('<script src="https://a.example/a.js"></script>', True, id="a script"),
        pytest.param('<link rel="stylesheet" href="//a.example/a.css">', True, id="a style"),
        pytest.param("<img alt=a src=https://a.example/a.png>", True, id="a picture"),
        pytest.param('<a href="https://a.example/">a</a>', False, id="a link to click"),
        pytest.param('<link rel="canonical" href="https://a.example/">', False, id="where the page is"),
        pytest.param('<script src="../assets/a.js"></script><link href="a.css" rel="stylesheet">', False, id="our own"),
    ],
)
def test_a_page_that_loads_from_another_host_is_found(reference: ModuleType, html: str, is_loaded: bool) -> None:
    assert (reference.loaded_from_elsewhere(html) is not None) is is_loaded


def test_every_page_is_in_the_navigation(reference: ModuleType) -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    written = {page.relative_to(ROOT / "docs").as_posix() for page in PAGES[1:]}
    pages = {page for page in written | set(reference.PAGES) if not page.startswith("snippets/")}
    assert [page for page in sorted(pages) if f": {page}\n" not in navigation] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_what_a_page_takes_in_is_there(page: Path) -> None:
    assert re.search(r"-8 *<", expand(page.read_text(encoding="utf-8"))) is None


@pytest.mark.usefixtures("repository", "empty_emulator")
def test_the_library_does_what_its_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    shown, whole = blocks(expand((ROOT / "docs" / "how-to" / "library.md").read_text(encoding="utf-8")))
    assert whole.text == (ROOT / "examples" / "library" / "reconcile.py").read_text(encoding="utf-8")
    Path("groups.yaml").write_text((ROOT / "reconciler" / "demo" / "groups.yaml").read_text(encoding="utf-8"))
    exec(compile(shown.text, "library.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert said == ["['web: applied', 'app: applied']", "False"]
