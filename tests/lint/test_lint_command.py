"""`sgctl lint`: findings, exit codes, and files rewritten as wholes."""

import json
import stat
from pathlib import Path

import pytest

from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer

FILE = """\
# web
project_id: 1337
region_id: 7
address_groups:
  office: [203.0.113.0/24]
  unused: [10.0.0.0/8]
security_groups:
  - name: web
    rules:
      - {direction: ingress, protocol: tcp, ports: 443}   # tls
      - {direction: ingress, protocol: tcp, ports: 443, remote_address_group: office}
      - {direction: ingress, protocol: tcp, ports: 80}
      - {direction: ingress, protocol: tcp, ports: 9100, remote_group: nobody}
      - {direction: ingress, protocol: tcp, ports: 9100, remote_group: nobody}
"""


@pytest.fixture(autouse=True)
def here(repository: Path) -> Path:
    (repository / "web.yaml").write_text(FILE)
    return repository


def test_findings_carry_their_place_and_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--format", "json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert [(each["place"], each["kind"], each["fixable"]) for each in found["findings"]] == [
        ("web.yaml:6:3", "unused-address-group", False),
        ("web.yaml:10:9", "mergeable", True),
        ("web.yaml:11:9", "shadowed", True),
        ("web.yaml:13:9", "unknown-group", False),
        ("web.yaml:14:9", "duplicate", True),
    ]
    assert found["findings"][2]["related"] == ["web.yaml:10:9"]
    assert found["fixed"] == []


def test_text_is_one_line_a_finding_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "web.yaml"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith(
        "web.yaml:11:9: warning: ingress IPv4 tcp 443 from 203.0.113.0/24 is admitted by web.yaml:10:9"
    )
    assert lines[2].endswith(" (group web) [shadowed]")
    assert lines[-1] == "5 findings; `sgctl lint --fix` mends 3 of them."


def test_nothing_to_say_is_0(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "web.yaml").write_text("project_id: 1\nregion_id: 7\nsecurity_groups:\n  - {name: web, rules: []}\n")
    assert run(["lint"]) == 0
    assert capsys.readouterr().out == "Nothing to say.\n"


def test_kinds_can_be_ignored() -> None:
    kinds = ["unused-address-group", "mergeable", "shadowed", "unknown-group", "duplicate"]
    assert run(["lint", *(word for kind in kinds for word in ("--ignore", kind))]) == 0


def test_fix_rewrites_and_then_is_idempotent(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = here / "web.yaml"
    file.chmod(0o640)
    link = here / "link.yaml"
    link.symlink_to("web.yaml")
    assert run(["lint", "--fix", "link.yaml"]) == 2
    out = capsys.readouterr().out
    assert "Fixed 3 findings, with the same traffic; 3 findings left." in out, (
        "the address group of a removed rule is unused now"
    )
    assert "left: only its author knows" in out
    lines = file.read_text().splitlines()
    assert lines[:9] == FILE.splitlines()[:9]
    assert lines[9:] == [
        "      - {direction: ingress, protocol: tcp, ports: [80, 443]}   # tls",
        "      - {direction: ingress, protocol: tcp, ports: 9100, remote_group: nobody}",
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert link.is_symlink()
    before = file.stat().st_mtime_ns
    assert run(["lint", "--fix", "--ignore", "unknown-group", "--ignore", "unused-address-group"]) == 0
    assert file.stat().st_mtime_ns == before, "nothing to mend: nothing written"


def test_ignored_kinds_are_not_mended(here: Path) -> None:
    assert run(["lint", "--fix", "--ignore", "mergeable"]) == 2
    assert "ports: 80}" in (here / "web.yaml").read_text()


def test_files_with_errors_are_not_touched(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bad.yaml").write_text("project_id: 1\nregion_id: 7\nsecurity_groups: [{nmae: x}]\n")
    assert run(["lint", "--fix"]) == 1
    assert "bad.yaml:3:" in capsys.readouterr().err
    assert (here / "web.yaml").read_text() == FILE


def test_the_plan_after_mending_changes_no_traffic(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """End to end: applied before, mended, planned again: what differs is how it is written."""
    text = FILE.replace("nobody", "web")
    (here / "web.yaml").write_text(text)
    with EmulatorServer() as emulator:
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        monkeypatch.setenv("GCORE_API_KEY", emulator.api_key)
        assert run(["apply", "web.yaml", "--auto-approve"]) == 0
        assert run(["lint", "--fix"]) == 2
        assert run(["plan", "web.yaml", "--out", "plan.json"]) == 0
        changes = json.loads((here / "plan.json").read_text())["changes"]
    assert changes, "the superfluous rules go"
    assert all(change["traffic"] == {"opens": [], "closes": []} for change in changes)


def test_live_knows_which_groups_nobody_has(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = "00000000-0000-4000-8000-000000000009"
    by_id = f"      - {{direction: ingress, protocol: tcp, ports: 9200, remote_group_id: {gone}}}\n"
    (here / "web.yaml").write_text(FILE.replace("remote_group: nobody}\n", "remote_group: there}\n", 1) + by_id)
    assert run(["lint"]) == 2
    assert gone not in capsys.readouterr().out, "an id says nothing offline"
    seed = {"groups": [{"project_id": 1337, "region_id": 7, "name": "there", "rules": []}]}
    with EmulatorServer(seed=seed) as emulator:
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        monkeypatch.setenv("GCORE_API_KEY", emulator.api_key)
        assert run(["lint", "--live", "--format", "json"]) == 2
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [each["message"] for each in found if each["kind"] == "unknown-group"] == [
        f"no file defines the group `{name}` for project 1337, region 7, and none is live" for name in ("nobody", gone)
    ]


@pytest.mark.parametrize(
    "command", ["validate", "lint", "graph", "trace --desired --group web ingress tcp/22 from 10.1.2.3"]
)
def test_an_address_that_ends_in_zeros_is_told_by_every_command_that_reads_files(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asks why nobody gets in should read that `10.0.0.0` is one address."""
    monkeypatch.chdir(tmp_path)
    rule = "{direction: ingress, protocol: tcp, ports: 22, remote_ip_prefix: 10.0.0.0}"
    Path("a.yaml").write_text(
        f"project_id: 1\nregion_id: 7\nsecurity_groups:\n  - name: web\n    rules:\n      - {rule}\n"
    )
    run(command.split())
    assert "warning: a.yaml:6:" in capsys.readouterr().err
