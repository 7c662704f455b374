"""Policies through the commands, against the emulator: exit codes, files written, and nothing sent."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from reconciler.api.backend import BACKENDS
from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer
from reconciler.loading.policies import saved_policies
from reconciler.model.clock import SystemClock
from reconciler.model.published import read_schema
from reconciler.planning import planfile

NOW = datetime(2026, 6, 15, 23, 59, tzinfo=UTC)
YESTERDAY, TODAY, TOMORROW = "2026-06-14", "2026-06-15", "2026-06-16"
OFFICE = "{direction: ingress, protocol: tcp, ports: 22, remote_address_group: office}"
HALF = "{direction: ingress, protocol: tcp, ports: 22, remote_ip_prefix: 203.0.113.0/25}"
WORLD = "{direction: ingress, protocol: tcp, ports: 3389}"
MUST = "  must_allow: [{group: web, direction: ingress, protocol: tcp, ports: 22, remote_address_group: office}]\n"
FROM_OFFICE = """\
[[policies.must_allow]]
group = "web"
direction = "ingress"
protocol = "tcp"
ports = 22
remote_address_group = "office"
"""
SSH = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}


def write(*rules: str, policies: str = "", head: str = "project_id: 1\nregion_id: 7\n") -> None:
    section = f"policies:\n{policies}" if policies else ""
    lines = "".join(f"      - {rule}\n" for rule in rules)
    groups = f"security_groups:\n  - name: web\n    rules:\n{lines}"
    Path("web.yaml").write_text(f"{head}address_groups: {{office: [203.0.113.0/24]}}\n{section}{groups}")


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    live = {
        "project_id": 1,
        "region_id": 7,
        "name": "web",
        "rules": [{**SSH, "remote_ip_prefix": "203.0.113.0/24"}, {"direction": "egress"}],
    }
    loose = {"project_id": 1, "region_id": 7, "name": "loose", "rules": [{**SSH, "remote_ip_prefix": "0.0.0.0/0"}]}
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"groups": [live, loose]}))
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(SystemClock, "now", lambda _: NOW)
    monkeypatch.setenv("GCORE_API_KEY", "emulator")
    with EmulatorServer(seed=seed) as server:
        monkeypatch.setenv("GCORE_BASE_URL", server.url)
        yield server


def writes(cloud: EmulatorServer) -> int:
    return sum(each.method != "GET" for each in cloud.requests)


SOFT = "  world_open_management: off\n  world_open_any_port: off\n  mass_delete: off\n"


@pytest.mark.parametrize("command", ["plan", "validate", "audit"])
@pytest.mark.usefixtures("cloud")
def test_every_report_says_that_its_judge_is_soft(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """JUnit passes nothing that was not asked; SARIF does not call it enabled; people are told beside the result."""
    write(WORLD, policies=SOFT)
    assert run([command, "web.yaml", "--junit", "report.xml", "--sarif", "report.sarif"]) == 0
    said = capsys.readouterr()
    soft = "judged by web.yaml, softer than the defaults: world_open_management is off (warning)"
    assert soft in " ".join((said.out + said.err).split())
    log = json.loads(Path("report.sarif").read_text())["runs"][0]
    assert log["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith(soft)
    cases = [each.attrib for each in ET.parse("report.xml").iter("testcase")]
    assert any(each["name"].startswith(soft) for each in cases)
    asked = {each["id"] for each in log["tool"]["driver"]["rules"] if each["defaultConfiguration"]["enabled"]}
    assert {each["classname"] for each in cases} - {"sgctl.judge"} == {f"sgctl.{name}" for name in asked}
    assert asked.isdisjoint(("world_open_management", "world_open_any_port", "mass-delete", "must_deny"))
    assert {"expires", "finding-limit"} <= asked


@pytest.mark.usefixtures("cloud")
def test_what_is_said_of_the_judge_comes_before_the_notes_of_files(capsys: pytest.CaptureFixture[str]) -> None:
    """A comment and a page of annotations show the first of many."""
    sets = f"rule_sets: {{one: [{WORLD}], other: [{HALF}]}}\n"
    write("{use: [one, other]}", policies=SOFT, head=f"project_id: 1\nregion_id: 7\n{sets}")
    assert run(["plan", "web.yaml", "--format", "json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert notes[0].startswith("judged by web.yaml, softer than the defaults")
    assert len(notes) > 1


@pytest.mark.parametrize("command", ["plan", "validate", "audit"])
@pytest.mark.usefixtures("cloud")
def test_every_report_says_that_rules_from_outside_hold(command: str) -> None:
    """What these switch on is asked, whatever the files switch off."""
    write(WORLD, policies="  rule_description: off\n")
    Path("rules.toml").write_text('[policies]\nrule_description = "error"\n')
    assert run([command, "web.yaml", "--junit", "report.xml", "--policies", "rules.toml"]) == 5
    cases = [each.attrib for each in ET.parse("report.xml").iter("testcase")]
    assert "rules.toml as well, which nothing in these files softens" in cases[0]["name"]
    assert "sgctl.rule_description" in {each["classname"] for each in cases}


@pytest.mark.usefixtures("cloud")
def test_a_rule_from_a_group_is_told_by_the_name_of_the_group(capsys: pytest.CaptureFixture[str]) -> None:
    rule = "{direction: ingress, protocol: tcp, ports: 5432, remote_group: loose}"
    write(rule, policies='  rule_description: {pattern: "^[A-Z]"}\n')
    assert run(["plan"]) == 5
    assert "tcp 5432 from group loose" in " ".join(capsys.readouterr().out.partition("stopped:")[2].split())


def test_a_broken_policy_shows_and_saves_the_plan_and_stops_it(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write(HALF, "{direction: egress}", policies=MUST)
    assert run(["plan", "--out", "p.json", "--sarif", "s.sarif", "--junit", "j.xml", "--detailed-exitcode"]) == 5
    said = capsys.readouterr()
    assert "~ ingress IPv4 tcp 22 from 203.0.113.0/24" in said.out
    assert "stopped: web.yaml:7:5: " in said.out
    assert "ingress tcp 22 from 203.0.113.128/25" in said.out
    assert "plan again with --lift must_allow" in said.err
    saved = json.loads(Path("p.json").read_text())
    Draft202012Validator(read_schema("plan")).validate(saved)
    assert saved["findings"][0]["place"] == "web.yaml:7:5"
    assert json.loads(Path("s.sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "must_allow"
    assert "<failure" in Path("j.xml").read_text()
    assert run(["apply", "p.json"]) == 5
    assert run(["apply", "--auto-approve"]) == 5
    assert writes(cloud) == 0


def test_a_lifted_policy_is_recorded_and_stays_lifted(cloud: EmulatorServer) -> None:
    write(HALF, "{direction: egress}", policies=MUST)
    assert run(["plan", "--out", "p.json", "--lift", "must_allow"]) == 0
    assert json.loads(Path("p.json").read_text())["lifted"] == ["must_allow"]
    assert run(["apply", "p.json"]) == 0
    assert run(["plan", "--detailed-exitcode"]) == 5  # and is asked for again by the next plan


def test_a_plan_reads_back_equal_with_policies_exceptions_and_dates(cloud: EmulatorServer) -> None:
    beside = f"expires: {TOMORROW}, exception: [{{policy: must_deny, reason: x, until: {TOMORROW}}}]"
    write(OFFICE, f"{{direction: egress, protocol: tcp, ports: 443, {beside}}}", policies=MUST)
    assert run(["plan", "--out", "p.json"]) == 0
    text = Path("p.json").read_text()
    plan = planfile.loads(text, "p.json", BACKENDS)
    assert planfile.dumps(plan) == text
    assert saved_policies(plan.policies).must_allow[0].rules
    assert [
        rule.review.exceptions[0].reason for change in plan.changes for rule in change.difference.creates if rule.review
    ]
    assert run(["apply", "p.json"]) == 0


def test_a_saved_plan_is_judged_by_the_policies_of_today(cloud: EmulatorServer) -> None:
    write(OFFICE, WORLD, "{direction: egress}")
    assert run(["plan", "--out", "p.json"]) == 0
    Path("sgctl.toml").write_text('[policies]\nworld_open_management = "error"\n')
    assert run(["apply", "p.json"]) == 5
    assert writes(cloud) == 0
    Path("sgctl.toml").write_text('[policies]\nworld_open_management = "off"\n')
    assert run(["apply", "p.json"]) == 0


def test_what_was_found_in_unchanged_groups_stays_found_in_the_saved_plan(cloud: EmulatorServer) -> None:
    write(OFFICE, f"{{direction: egress, expires: {YESTERDAY}}}", WORLD)
    assert run(["plan", "--out", "p.json"]) == 5
    assert run(["apply", "p.json"]) == 5
    assert writes(cloud) == 0


@pytest.mark.parametrize(
    ("until", "code"), [(TOMORROW, 0), (TODAY, 0), (YESTERDAY, 5)], ids=["holds", "today", "ended"]
)
def test_an_exception_beside_the_rule_shows_in_the_plan_and_ends(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str], until: str, code: int
) -> None:
    agreed = f"exception: {{policy: world_open_management, reason: vendor visit, until: {until}}}"
    write(
        OFFICE, WORLD.replace("}", f", {agreed}}}"), "{direction: egress}", policies="  world_open_management: error\n"
    )
    assert run(["plan"]) == code
    said = capsys.readouterr().out
    words = f"excepted until {until} (vendor visit)" if code == 0 else f"its exception ended on {until} (vendor visit)"
    assert words in said


def test_validate_judges_the_files_offline(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    write(HALF, policies=MUST)
    assert run(["validate", "--sarif", "s.sarif"]) == 5
    said = capsys.readouterr()
    assert "web.yaml:7:5: error: 'web'" in said.err
    assert "[must_allow]" in said.err
    assert Path("s.sarif").exists()
    write(OFFICE, policies=MUST)
    assert run(["validate"]) == 0
    assert cloud.requests == []


def test_audit_judges_groups_that_no_file_names(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    write(OFFICE)
    assert run(["audit"]) == 0  # a warning
    assert "'loose' (project 1, region 7, " in capsys.readouterr().out
    write(OFFICE, policies="  world_open_management: error\n")
    assert run(["audit", "--format", "json"]) == 5
    report = json.loads(capsys.readouterr().out)
    assert [(each["group"], each["level"]) for each in report["findings"]] == [("loose", "error")]
    assert run(["audit", "--format", "sarif"]) == 5
    assert json.loads(capsys.readouterr().out)["version"] == "2.1.0"
    assert run(["audit", "--format", "junit"]) == 5
    assert capsys.readouterr().out.startswith("<?xml")
    assert writes(cloud) == 0


def test_audit_needs_no_files(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit"]) == 1
    assert "--project-id" in capsys.readouterr().err
    Path("sgctl.toml").write_text('[policies]\nworld_open_management = "error"\n')
    assert run(["audit", "--project-id", "1", "--region-id", "7"]) == 5
    assert "management port tcp 22" in capsys.readouterr().out
    Path("sgctl.toml").write_text(FROM_OFFICE)
    assert run(["audit", "--project-id", "1", "--region-id", "7"]) == 1
    assert "names an address group, and there are no files that define it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "connection", "code"),
    [
        ("203.0.113.200", None, 5),
        ("203.0.113.9", None, 0),
        ("auto", "203.0.113.200 50000 10.0.0.5 22", 5),
        ("auto", "::ffff:203.0.113.200 50000 10.0.0.5 22", 5),
        ("auto", "203.0.113.9 50000 10.0.0.5 22", 0),
        ("auto", None, 1),
        ("home", None, 1),
    ],
    ids=["cut", "kept", "auto_cut", "auto_mapped", "auto_kept", "no_session", "no_address"],
)
def test_ssh_from_here_is_protected(
    cloud: EmulatorServer, monkeypatch: pytest.MonkeyPatch, given: str, connection: str | None, code: int
) -> None:
    if connection:
        monkeypatch.setenv("SSH_CONNECTION", connection)
    write(HALF, "{direction: egress}")
    assert run(["plan", "--out", "p.json", "--protect-ssh-from", given]) == code
    if code == 5:
        assert run(["apply", "p.json"]) == 5  # the saved plan remembers whom it would lock out
    assert run(["plan", "--out", "q.json"]) == 0
    assert run(["apply", "q.json", "--protect-ssh-from", given]) == code
    assert writes(cloud) == (code == 0)


def test_the_lock_out_can_be_understood_at_night(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    write(HALF, "{direction: egress}")
    assert run(["plan", "--protect-ssh-from", "203.0.113.200"]) == 5
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "THIS WOULD LOCK YOU OUT: 'web'",
        "SSH (tcp 22) from 203.0.113.200",
        "Nothing was sent",
        "Keep a rule",
    ):
        assert words in said


def test_drift_reports_rules_past_their_date(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    write(OFFICE, f"{{direction: egress, expires: {TOMORROW}}}")
    assert run(["drift"]) == 0
    assert "warning: web.yaml:" in capsys.readouterr().out
    write(OFFICE, f"{{direction: egress, expires: {YESTERDAY}}}")
    assert run(["drift", "--format", "json"]) == 2
    report = json.loads(capsys.readouterr().out)
    Draft202012Validator(read_schema("drift")).validate(report)
    assert [(each["guardrail"], each["level"]) for each in report["findings"]] == [("expires", "error")]


def test_policies_stand_in_one_place(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sgctl.toml").write_text('[policies]\nexpires = "off"\n')
    write(OFFICE, policies=MUST)
    assert run(["validate"]) == 1
    assert "sgctl.toml has policies as well" in capsys.readouterr().err


def test_policies_of_the_settings_file_know_the_address_groups(cloud: EmulatorServer) -> None:
    Path("sgctl.toml").write_text(FROM_OFFICE)
    write(HALF, "{direction: egress}")
    assert run(["validate"]) == 5
    assert run(["plan", "--out", "p.json"]) == 5
    assert run(["apply", "p.json"]) == 5
    write(OFFICE, "{direction: egress, protocol: tcp, ports: 443}")
    assert run(["plan", "--out", "p.json"]) == 0
    assert run(["apply", "p.json"]) == 0


def test_mass_delete_may_be_a_warning(cloud: EmulatorServer) -> None:
    Path("web.yaml").write_text("project_id: 1\nregion_id: 7\nsecurity_groups: [{name: web, rules: []}]\n")
    assert run(["plan"]) == 5
    with Path("web.yaml").open("a") as file:
        file.write("policies: {mass_delete: warning}\n")
    assert run(["plan"]) == 0


def test_what_the_files_and_a_file_from_outside_find_is_said_once(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """As strictly as either has it."""
    write(WORLD)
    Path("strict.toml").write_text('[policies]\nworld_open_management = "error"\n')
    assert run(["plan", "--policies", "strict.toml"]) == 5
    assert capsys.readouterr().out.count("[world_open_management]") == 1
