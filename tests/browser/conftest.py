"""A headless Chromium of the system, and pages in it that may not complain."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parents[2] / ".tools/node_modules/axe-core/axe.min.js"
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
"""What keeps the browser from talking to anybody."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here: run `make test-browser`")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("there is no Chromium to show the pages in: install Debian's package `chromium`", pytrace=False)
    arguments = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    playwright.expect.set_options(timeout=60_000)
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=path, args=arguments, timeout=60_000)
        yield started
        started.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Show a text as a page; at the end no page has complained, broken its policy or asked for anything else."""
    complaints: list[str] = []
    contexts = []

    def open_page(text: str, **options: Any) -> Any:
        file = tmp_path / f"page-{len(contexts)}.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda request: request.url.startswith(file.as_uri()) or complaints.append(request.url))
        page.add_init_script("addEventListener('securitypolicyviolation', (e) => console.error(e.violatedDirective))")
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
