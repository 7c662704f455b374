"""What the tests of the command line share: an emulator with groups in it, and `sgctl` in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer
from reconciler.model.clock import StoppableClock, SystemClock

KEY = "sekret-0123456789abcdef"
WEB = "00000000-0000-4000-8000-000000000001"
APP = "00000000-0000-4000-8000-000000000002"

SEED: dict[str, Any] = {
    "groups": [
        {
            "project_id": 1,
            "region_id": 7,
            "id": WEB,
            "name": "web",
            "tags": {"env": "prod"},
            "rules": [
                {"direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80},
                {"direction": "ingress", "protocol": "tcp", "port_range_min": 443, "port_range_max": 443},
            ],
        },
        {"project_id": 1, "region_id": 7, "id": APP, "name": "app", "rules": [{"direction": "egress"}]},
    ]
}

SAME = """\
project_id: 1
region_id: 7
security_groups:
  - name: web
    rules:
      - {direction: ingress, protocol: tcp, ports: [80, 443]}
"""
CHANGED = SAME.replace("[80, 443]", "[80, 8443]")
EMPTIED = """\
project_id: 1
region_id: 7
security_groups:
  - name: web
    rules: []
"""
BROKEN = SAME.replace("ports:", "prots:")


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout says, as data."""
        return json.loads(self.out)


class Sgctl:
    """Runs command lines in this process, in a folder of their own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture

    def __call__(self, *arguments: str) -> Ran:
        self._capture.readouterr()
        code = run(list(arguments))
        out, err = self._capture.readouterr()
        return Ran(code, out, err)

    def write(self, text: str, name: str = "groups.yaml") -> str:
        """Write a file and return its name."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def read(self, name: str) -> str:
        """Return the text of a file."""
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits: tries follow each other at once."""
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    monkeypatch.setattr(StoppableClock, "sleep", lambda self, seconds: None)


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each test has a current folder of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def emulator() -> Iterator[EmulatorServer]:
    """A running emulator with two groups."""
    with EmulatorServer(api_key=KEY, seed=SEED) as running:
        yield running


@pytest.fixture
def offline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Sgctl:
    """`sgctl` without an API and without a key."""
    return Sgctl(tmp_path, capsys)


@pytest.fixture
def sgctl(offline: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch) -> Sgctl:
    """`sgctl` with the emulator's address and key in its environment."""
    monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
    monkeypatch.setenv("GCORE_API_KEY", KEY)
    return offline


def writes(emulator: EmulatorServer) -> list[str]:
    """The methods of everything that was sent and is no read."""
    return [request.method for request in emulator.requests if request.method != "GET"]
