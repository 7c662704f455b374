"""Orphans, renames that nobody wrote down and instances, through the commands: what is told, by which requests."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from build import live_group

from reconciler import load
from reconciler.cli import run
from reconciler.drift import notify
from reconciler.drift.compare import Severity, find_drift
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer
from reconciler.model.desired import Target

HEAD = "project_id: 1\nregion_id: 7\n"
OWNER = "owner: us\n"
CACHE = [{"direction": "ingress", "protocol": "tcp", "port_range_min": port, "port_range_max": port} for port in (1, 2)]
NOT_LOOKED_FOR = "note: live groups that no file names are not looked for"
WRITTEN = "[{direction: ingress, protocol: tcp, ports: [1, 2]}]"


def group(name: str, *, region: int = 7, owner: str | None = "us", **more: Any) -> dict[str, Any]:
    tags = {"sgctl-owner": owner} if owner else {}
    return {"project_id": 1, "region_id": region, "name": name, "tags": tags, "rules": CACHE, **more}


SEED = [
    group("web", instances=["web-1", "web-2", "web-3"]),
    group("cache-v2", instances=["cache-1", "cache-2"], rules=[*CACHE, {"direction": "egress"}]),
    group("theirs", owner="them"),
    group("nobodys", owner=None, rules=[]),
    group("lost", region=76),
]


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GCORE_API_KEY", "emulator")
    with EmulatorServer(seed={"groups": SEED}) as server:
        monkeypatch.setenv("GCORE_BASE_URL", server.url)
        yield server


def write(groups: str, head: str = HEAD + OWNER, name: str = "groups.yaml") -> None:
    Path(name).write_text(f"{head}security_groups:\n{groups}")


def web(rules: str = WRITTEN) -> str:
    return f"  - {{name: web, rules: {rules}}}\n"


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = run([*arguments])
    return code, capsys.readouterr().out


def asked(cloud: EmulatorServer, since: int = 0) -> Counter[str]:
    """Count the requests by what they are about, with ids left out."""
    paths = [each.path for each in cloud.requests[since:]]
    return Counter("instances" if path.endswith("/instances") else path.removeprefix("/cloud/") for path in paths)


LIST = "v1/securitygroups/1/7"


def test_an_orphan_costs_a_plan_no_request_and_no_exit_code(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """In each format, with its name and nothing of other owners; a plan without an owner has none."""
    write(web())
    for format_ in ("text", "markdown", "html"):
        code, text = out(capsys, "plan", "--format", format_, "--detailed-exitcode")
        assert code == 0
        assert "cache" in text
        assert "theirs" not in text
        assert "nobodys" not in text
    assert asked(cloud) == {LIST: 3}
    code, text = out(capsys, "plan", "--format", "json")
    assert [(each["name"], each["rules"]) for each in json.loads(text)["orphans"]] == [("cache-v2", 3)]
    write(web(), HEAD)
    code, text = out(capsys, "plan", "--format", "json")
    assert "orphans" not in json.loads(text)


@pytest.mark.parametrize("owner", [OWNER, ""], ids=["with-an-owner", "without"])
def test_only_a_new_group_that_looks_like_an_orphan_asks_for_instances(
    owner: str, cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """One request for the one that it looks like; without an owner none, whatever it looks like."""
    write(web() + f"  - {{name: cache, rules: {WRITTEN}}}\n", HEAD + owner)
    code, text = out(capsys, "plan", "--format", "json")
    found = [each for each in json.loads(text)["findings"] if each["guardrail"] == "rename"]
    assert code == 0
    if owner:
        assert asked(cloud) == {LIST: 1, "instances": 1, "v2/client_quotas": 1}
        (hint,) = found
        assert (hint["level"], hint["place"], hint["group"]) == ("warning", "groups.yaml:6:5", "cache")
        assert "`previous_name: cache-v2`" in hint["message"]
        assert "2 instances stay behind" in hint["message"]
    else:
        assert asked(cloud) == {LIST: 1, "v2/client_quotas": 1}
        assert found == [], "a group with an owner that the files do not have is another's"


def test_with_previous_name_written_nothing_stays_behind(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write(web() + f"  - {{name: cache, previous_name: cache-v2, rules: {WRITTEN}}}\n")
    code, text = out(capsys, "plan", "--format", "json")
    plan = json.loads(text)
    assert code == 0
    assert [(each["action"], each["name"]) for each in plan["changes"]] == [("update", "cache")]
    assert "orphans" not in plan
    assert [each for each in plan["findings"] if each["guardrail"] == "rename"] == []
    assert asked(cloud) == {LIST: 1}


@pytest.mark.parametrize("fail_on", list(Severity))
def test_an_orphan_alone_is_drift_unless_a_higher_severity_is_asked_for(
    fail_on: Severity, cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write(web())
    counts = fail_on in {Severity.COSMETIC, Severity.ORPHAN}
    code, text = out(capsys, "drift", "--fail-on", str(fail_on), "--format", "json", "--metrics-file", "m.prom")
    report = json.loads(text)
    assert code == (2 if counts else 0)
    assert report["drifted"] is counts
    assert [(each["name"], each["severity"], each["counted"]) for each in report["orphans"]] == [
        ("cache-v2", "orphan", counts)
    ]
    assert report["summary"]["by_severity"]["orphan"] == 1
    assert 'sgctl_drift_groups{severity="orphan"} 1.0' in Path("m.prom").read_text()
    for format_ in ("text", "markdown", "html", "github"):
        assert "cache" in out(capsys, "drift", "--fail-on", str(fail_on), "--format", format_)[1]
    assert asked(cloud) == {LIST: 5}


@pytest.mark.usefixtures("cloud")
def test_a_webhook_is_told_of_orphans_that_count_and_of_new_ones_anew() -> None:
    write(web())
    state = load("groups.yaml")
    none = find_drift(state, {Target(1, 7): ()})
    live = {Target(1, 7): (live_group("old", tags={"sgctl-owner": "us"}, target=Target(1, 7)),)}
    one, quiet = find_drift(state, live), find_drift(state, live, Severity.NARROWING)
    assert "`old`" in notify.slack_payload(one, "https://api")["text"]
    assert "`old`" not in notify.slack_payload(quiet, "https://api")["text"]
    assert notify.report_digest(one) != notify.report_digest(none) == notify.report_digest(quiet)


def test_a_target_that_lost_its_file_is_found_and_one_that_refuses_is_a_note(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """One list of projects, one of regions, one of groups a pair; nothing but GET."""
    write(web())
    cloud.control.plan(FaultPlan.of(Fault("status", status=403, path="/securitygroups/4242/", count=0)))
    code, text = out(capsys, "drift", "--all-targets", "--format", "json")
    report = json.loads(text)
    assert code == 2
    assert [(each["region_id"], each["name"]) for each in report["orphans"]] == [(7, "cache-v2"), (76, "lost")]
    assert [(each["project_id"], each["region_id"], each["status"]) for each in report["refused_targets"]] == [
        (4242, 7, 403),
        (4242, 76, 403),
    ]
    pairs = {f"v1/securitygroups/{project}/{region}": 1 for project in (1, 1337, 4242) for region in (7, 76)}
    assert asked(cloud) == {"v1/projects": 1, "v1/regions": 1, **pairs}
    assert {each.method for each in cloud.requests} == {"GET"}
    code, text = out(capsys, "drift", "--all-targets")
    note = "note: 2 of the projects and regions refuse to be looked through (2 with 403):"
    assert text.count("refuse to be looked through") == text.count(note) == 1


def test_a_target_of_the_files_that_refuses_is_an_error_also_with_all_targets(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write(web())
    cloud.control.plan(FaultPlan.of(Fault("status", status=403, path="/securitygroups/1/7", count=0)))
    for command in ("drift", "audit"):
        assert run([command, "--all-targets"]) == 1
    assert "403" in capsys.readouterr().err


def test_all_targets_of_a_drift_need_an_owner(cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    write(web(), HEAD)
    assert run(["drift", "--all-targets"]) == 1
    assert "--all-targets needs to know whose groups these are" in capsys.readouterr().err
    assert not cloud.requests


def test_a_run_that_leaves_files_out_calls_nothing_an_orphan(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the other files name would look like one, where the settings tell that there are others."""
    Path("sgctl.toml").write_text('paths = ["a.yaml", "b.yaml"]\n')
    write(web(), name="a.yaml")
    write(f"  - {{name: cache-v2, rules: {WRITTEN}}}\n", name="b.yaml")
    assert out(capsys, "drift", "a.yaml")[0] == 0
    assert "orphans" not in json.loads(out(capsys, "plan", "a.yaml", "--format", "json")[1])
    assert "[orphan]" not in out(capsys, "audit", "a.yaml")[1]
    write(f"  - {{name: cache, rules: {WRITTEN}}}\n", name="b.yaml")
    assert '"orphan"' in out(capsys, "drift", "--format", "json")[1]
    assert "orphans" in json.loads(out(capsys, "plan", "b.yaml", "a.yaml", "--format", "json")[1])
    assert {each.method for each in cloud.requests} == {"GET"}


def test_a_file_of_the_same_owner_that_was_not_given_may_name_what_looks_like_an_orphan(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also without settings: one file of a folder is no false alarm, and a note says what was not looked for."""
    write(web(), name="a.yaml")
    write(f"  - {{name: cache, rules: {WRITTEN}}}\n", name="b.yaml")
    for command, said in (("drift", "in no file"), ("plan", "in no file"), ("audit", "[orphan]")):
        code, (text, err) = run([command, "a.yaml"]), capsys.readouterr()
        assert (code, said in text, err) == (0, False, f"{NOT_LOOKED_FOR}: b.yaml was not given, and may name them\n")
        run([command, "a.yaml", "b.yaml"])
        text, err = capsys.readouterr()
        assert (said in text, "not looked for" in err) == (True, False)
    for owner in ('"us"', "us # ours", " 'us'\t"):
        write(web(), f"{HEAD}owner: {owner}\n", name="b.yaml")
        assert out(capsys, "drift", "a.yaml")[0] == 0, owner
    write(web(), f'owner:{" " * 50_000}"""\nproject_id: 1\nregion_id: 9\nowner: somebody else\n', name="b.yaml")
    assert out(capsys, "drift", "a.yaml")[0] == 2, "what is of another owner names none of ours"
    assert {each.method for each in cloud.requests} == {"GET"}


def test_an_audit_tells_orphans_and_on_demand_groups_that_no_instance_has(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """As warnings in every format; a request a group only where it was asked for."""
    write(web())
    code, text = out(capsys, "audit", "--format", "sarif")
    results = json.loads(text)["runs"][0]["results"]
    assert [each["ruleId"] for each in results if each["ruleId"] in {"orphan", "unattached"}] == ["orphan"]
    assert "instances" not in asked(cloud)
    code, text = out(capsys, "audit", "--all-targets", "--unattached", "--format", "json")
    report = json.loads(text)
    assert code == 0
    found = {(each["guardrail"], each["group"]) for each in report["findings"]}
    assert {each for each in found if each[0] == "orphan"} == {("orphan", "cache-v2"), ("orphan", "lost")}
    assert {name for guardrail, name in found if guardrail == "unattached"} == {"theirs", "nobodys", "lost"}
    assert asked(cloud)["instances"] == len(SEED)
    assert report["notes"] == []


def test_an_audit_of_all_targets_needs_neither_files_nor_an_owner(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """It judges every group that the key can see; whose they are, only files tell."""
    code, text = out(capsys, "audit", "--all-targets", "--format", "json")
    report = json.loads(text)
    assert code == 0
    assert report["groups"] == len(SEED) + len([each for each in asked(cloud) if "securitygroups" in each])
    assert "orphan" not in {each["guardrail"] for each in report["findings"]}
    assert run(["audit"]) == 1


def test_instances_are_shown_of_groups_that_change_and_of_no_other(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a flag or a setting; also before a deletion, and for as long as the API tells."""
    write(web("[{direction: ingress, protocol: tcp, ports: 1}]"))
    assert "3 instances" not in out(capsys, "plan")[1]
    assert "applies to 3 instances" in out(capsys, "plan", "--show-instances")[1]
    Path("sgctl.toml").write_text("show_instances = true\n")
    assert "applies to 3 instances" in out(capsys, "plan")[1]
    assert "3 instances" not in out(capsys, "plan", "--no-show-instances")[1]
    assert asked(cloud) == {LIST: 4, "instances": 2}
    (change,) = json.loads(out(capsys, "plan", "--format", "json", "--out", "plan.json")[1])["changes"]
    assert (change["instances"], change["instance_names"]) == (3, ["web-1", "web-2", "web-3"])
    assert "applies to 3 instances\n" in out(capsys, "show", "plan.json")[1]
    assert "applies to 3 instances: web-1, web-2, web-3\n" in out(capsys, "show", "plan.json", "--expand")[1]
    for format_, is_named in (("markdown", False), ("html", True)):
        text = out(capsys, "show", "plan.json", "--format", format_)[1]
        assert "applies to 3 instances" in text
        assert ("web-1, web-2, web-3" in text) is is_named
    cloud.control.plan(FaultPlan.of(Fault("status", status=403, path="/instances", count=0)))
    code, text = out(capsys, "plan")
    assert code == 0
    assert "the instances of 1 changed group are not known" in " ".join(text.split())


def test_a_deletion_says_that_no_instance_has_the_group(
    cloud: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pruning has asked for them already: no further request."""
    write(web(), "project_id: 1\nregion_id: 76\n" + OWNER)
    _, text = out(capsys, "plan", "--prune", "--show-instances", "--allow-mass-delete")
    assert "attached to 0 instances" in text
    assert asked(cloud) == {"v1/securitygroups/1/76": 1, "instances": 1, "v2/client_quotas": 1}


def test_an_instance_with_several_groups_counts_once_where_they_are_shown_as_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GCORE_API_KEY", "emulator")
    names = ["web", "app", "data", "logs"]
    seed = [group(name, instances=["shared", f"{name}-1"]) for name in names]
    write("".join(f"  - {{name: {name}, rules: []}}\n" for name in names))
    with EmulatorServer(seed={"groups": seed}) as server:
        monkeypatch.setenv("GCORE_BASE_URL", server.url)
        _, text = out(capsys, "plan", "--show-instances", "--allow-mass-delete")
    assert "update 4 groups" in text
    assert "applies to 5 instances" in text


def test_what_is_cut_in_text_is_whole_with_expand_and_in_a_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twelve orphans: ten by name, and the number of the others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GCORE_API_KEY", "emulator")
    write(web())
    seed = [group("web"), *(group(f"old-{number:02}", rules=[]) for number in range(12))]
    with EmulatorServer(seed={"groups": seed}) as server:
        monkeypatch.setenv("GCORE_BASE_URL", server.url)
        for command in ("plan", "drift"):
            _, text = out(capsys, command)
            assert "12 live groups of the owner us are in no file: old-00" in " ".join(text.split())
            assert "and 2 more" in " ".join(text.split())
            assert "old-11" in out(capsys, command, "--expand")[1]
            assert "old-11" in out(capsys, command, "--format", "html")[1]
