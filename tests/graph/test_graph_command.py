"""`sgctl graph` on files and on the emulator."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer

FILE = """\
project_id: 1337
region_id: 7
address_groups:
  office: [203.0.113.0/24, 2001:db8::/32]
security_groups:
  - name: web
    rules:
      - {direction: ingress, protocol: tcp, ports: [80, 443]}
      - {direction: ingress, protocol: tcp, ports: 22, remote_address_group: office}
  - name: app
    rules:
      - {direction: ingress, protocol: tcp, ports: 8080, remote_group: web}
"""


@pytest.fixture(autouse=True)
def here(repository: Path) -> Path:
    (repository / "web.yaml").write_text(FILE)
    return repository


def test_mermaid_of_the_files_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("flowchart LR\n")
    assert '|"tcp 80, 443"|' in out
    assert '(["office<br>203.0.113.0/24, 2001:db8::/32"]):::prefixes' in out
    assert '|"tcp 8080"|' in out


@pytest.mark.parametrize("format_", ["svg", "html", "dot", "mermaid"])
def test_every_format_goes_to_a_file(format_: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "--format", format_, "--out", "picture"]) == 0
    text = (here / "picture").read_text()
    assert capsys.readouterr().out == ""
    assert "office" in text
    if format_ == "svg":
        assert ET.fromstring(text).tag.endswith("svg")


def test_a_picture_of_too_many_groups_says_how_to_get_a_smaller_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reconciler.render.graph.svg.MAX_GROUPS", 1)
    assert run(["graph", "--format", "svg"]) == 1
    error = capsys.readouterr().err
    assert "2 groups are over the limit of 1 for one picture" in error
    assert "--group" in error
    assert run(["graph", "--format", "html"]) == 0


def test_one_group_with_its_neighbours(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "--group", "app"]) == 0
    out = capsys.readouterr().out
    assert "app<br>" in out
    assert "office" not in out
    assert run(["graph", "--group", "nobody"]) == 1
    assert "no group named 'nobody'" in capsys.readouterr().err


def test_live_needs_no_files(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "web.yaml").unlink()
    seed = {"groups": [{"project_id": 1337, "region_id": 7, "name": "there", "rules": []}]}
    with EmulatorServer(seed=seed) as emulator:
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        monkeypatch.setenv("GCORE_API_KEY", emulator.api_key)
        assert run(["graph", "--live"]) == 1
        assert run(["graph", "--live", "--project-id", "1337", "--region-id", "7"]) == 0
    assert "there<br>0 rules" in capsys.readouterr().out


def test_errors_of_files_are_errors(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "web.yaml").write_text("security_groups: [{nmae: web}]\n")
    assert run(["graph"]) == 1
    assert "did you mean" in capsys.readouterr().err


def test_change_and_live_read_the_api_and_write_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with EmulatorServer() as emulator:
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        monkeypatch.setenv("GCORE_API_KEY", emulator.api_key)
        assert run(["apply", "web.yaml", "--auto-approve"]) == 0
        written = len(emulator.requests)
        (here / "web.yaml").write_text(FILE.replace("[80, 443]", "[443, 8443]") + "  - {name: new, rules: []}\n")
        capsys.readouterr()
        assert run(["graph", "--change"]) == 0
        change = capsys.readouterr().out
        assert run(["graph", "--live"]) == 0
        live = capsys.readouterr().out
        assert {request.method for request in emulator.requests[written:]} == {"GET"}
    assert '|"tcp 443"|' in change
    assert '|"+ tcp 8443"|' in change
    assert '|"- tcp 80"|' in change
    assert change.count("linkStyle") == 2
    assert '"new<br>0 rules"]:::added' in change
    assert '|"tcp 80, 443"|' in live
    assert "new" not in live
