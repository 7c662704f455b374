"""The pages of the documentation in a browser, from a folder as from a server: they ask nobody else for anything."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built documentation."""
    pytest.importorskip("mkdocs", reason="no mkdocs here: run `make test-browser`")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, timeout=120, check=True)
    return folder


def test_no_page_asks_another_host(site: Path, browser: Any) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    asked: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    for each in pages:
        page.goto(each.as_uri())
    page.close()
    assert len(asked) > len(pages)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_nothing_is_wider_than_a_phone(site: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    wide = []
    for each in sorted(site.rglob("*.html")):
        page.goto(each.as_uri())
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(each.relative_to(site).as_posix())
    page.close()
    assert wide == []
