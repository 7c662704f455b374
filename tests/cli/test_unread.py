"""A region that cannot be read hides no other: what plan and drift show then, and what nobody may apply."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler import apply, connect, load, plan
from reconciler.cli import run
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer
from reconciler.model.errors import UsageError

FILE = """\
targets: [{project_id: 1, region_id: 7}, {project_id: 1, region_id: 8}]
security_groups: [{name: web, rules: []}]
"""


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GCORE_API_KEY", "emulator")
    Path("groups.yaml").write_text(FILE)
    with EmulatorServer(seed={"groups": []}) as server:
        monkeypatch.setenv("GCORE_BASE_URL", server.url)
        refuse(server, "/1/8")
        yield server


def refuse(server: EmulatorServer, path: str) -> None:
    server.control.plan(FaultPlan.of(Fault("status", status=404, path=f"/securitygroups{path}", count=0)))


def test_a_plan_shows_the_others_and_is_neither_saved_nor_applied(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "--out", "plan.json", "--detailed-exitcode"]) == 1
    shown = capsys.readouterr()
    assert "create web (project 1, region 7)" in shown.out
    assert "project 1, region 8 is missing here, it could not be read" in " ".join(shown.out.split())
    assert "nothing is known of\n  project 1, region 8: " in shown.err
    assert "No plan was saved." in shown.err
    assert not Path("plan.json").exists()
    assert run(["plan", "--format", "json"]) == 1
    printed = capsys.readouterr().out
    assert [each["region_id"] for each in json.loads(printed)["unread_targets"]] == [8]
    Path("printed.json").write_text(printed)
    assert run(["apply", "printed.json"]) == 1
    assert run(["apply", "--auto-approve"]) == 1
    with connect("emulator", base_url=cloud.url) as api:
        proposal = plan(load("groups.yaml"), api, partial=True)
        with pytest.raises(UsageError, match="a part of one"):
            apply(proposal, api)
    assert {each.method for each in cloud.requests} == {"GET"}


def test_drift_shows_the_others_and_ends_with_1(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drift", "--format", "json", "--metrics-file", "out.prom"]) == 1
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert [each["region_id"] for each in report["differences"]] == [7]
    assert [each["region_id"] for each in report["unread_targets"]] == [8]
    assert "sgctl_drift_success 0.0" in Path("out.prom").read_text()
    assert run(["drift"]) == 1
    assert "1 target not read" in capsys.readouterr().out


def test_where_nothing_can_be_read_nothing_is_shown(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    refuse(cloud, "/1/")
    for command in ("plan", "drift"):
        assert run([command]) == 1
        assert capsys.readouterr().out == ""
