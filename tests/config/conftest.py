"""A folder of its own for every test, an environment without ours, and an emulator to talk to."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator.server import EmulatorServer


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("GCORE_", "SGCTL_", "_SGCTL")) or name in {"NO_COLOR", "SSL_CERT_FILE"}:
            monkeypatch.delenv(name)
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, and the current folder."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    with EmulatorServer() as running:
        monkeypatch.setenv("GCORE_BASE_URL", running.url)
        monkeypatch.setenv("GCORE_API_KEY", running.api_key)
        yield running
