"""What tests of several folders take: options for how much is tried, a clean environment, a repository, a server."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import effort
import pytest
from hypothesis import settings

from reconciler.emulator.server import EmulatorServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--full`, which `make test-full` gives, and `--search`, which `make search` gives."""
    parser.addoption(
        "--full", action="store_true", help="run every cell of the matrices of faults, and every example of a property"
    )
    parser.addoption(
        "--search", action="store_true", help="try properties with three times the examples, other ones each time"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say how hard properties are tried, before any test is imported."""
    if config.getoption("search"):
        settings.load_profile(effort.SEARCH)
    else:
        settings.load_profile(effort.FULL if config.getoption("full") else effort.QUICK)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests that are marked `full` to `--full`."""
    if config.getoption("full"):
        return
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("full")])
    items[:] = [item for item in items if not item.get_closest_marker("full")]


OF_THE_CALLER = re.compile(
    r"_?SGCTL_(?!KUBE_APISERVER).*|GCORE_.*|GIT_.*|.*_proxy|NO_COLOR|FORCE_COLOR|COLUMNS|LINES|SSL_CERT_(FILE|DIR)"
    r"|SSLKEYLOGFILE|SSH_CONNECTION|KUBECONFIG",
    re.IGNORECASE,
)
"""Variables that set something of ours or of what we call: those of a git hook name the repository it runs in."""


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings of whoever runs the tests away from them, and what commands leave (journals) out of a home."""
    with pytest.MonkeyPatch.context() as patch:
        for name in filter(OF_THE_CALLER.fullmatch, list(os.environ)):
            patch.delenv(name)
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        umask = os.umask(0o022)
        yield
        os.umask(umask)


@pytest.fixture
def default_signals() -> Iterator[None]:
    """Let the processes that a test starts hear Ctrl-C and SIGHUP, also where this one was started to ignore them.

    A background job, `nohup` or a CI runner may start the tests so, and a child inherits what is ignored.
    """
    interrupted = signal.signal(signal.SIGINT, signal.default_int_handler)
    hung_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, hung_up)
    signal.signal(signal.SIGINT, interrupted)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, and the current folder."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def empty_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    """An emulator without groups, whose address and key are in the environment."""
    with EmulatorServer() as running:
        monkeypatch.setenv("GCORE_BASE_URL", running.url)
        monkeypatch.setenv("GCORE_API_KEY", running.api_key)
        yield running
