"""`sgctl drift` against the emulator: what it finds, how it ends, and whom it tells."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from webhook import Webhook, webhook

from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer
from reconciler.model.published import read_schema

WEB = """\
project_id: 1
region_id: 7
security_groups:
  - name: web
    description: Web
    tags: {env: prod}
    rules:
      - {direction: ingress, protocol: tcp, ports: 443, remote_ip_prefix: 10.0.0.0/24, description: tls}
"""


def rule(port: int = 443, prefix: str = "10.0.0.0/24", description: str = "tls") -> dict[str, object]:
    return {
        "direction": "ingress",
        "protocol": "tcp",
        "port_range_min": port,
        "port_range_max": port,
        "remote_ip_prefix": prefix,
        "description": description,
    }


def group(name: str = "web", rules: object = None, **more: object) -> dict[str, object]:
    given = [rule()] if rules is None else rules
    base = {"project_id": 1, "region_id": 7, "name": name, "description": "Web", "tags": {"env": "prod"}}
    return {**base, "rules": given, **more}


@pytest.fixture
def here(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (repository / "web.yaml").write_text(WEB)
    monkeypatch.setenv("GCORE_API_KEY", "emulator")
    return repository


def drift(monkeypatch: pytest.MonkeyPatch, groups: list[dict[str, object]], *arguments: str) -> int:
    with EmulatorServer(seed={"groups": groups}) as emulator:
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        code = run(["drift", *arguments])
        assert {request.method for request in emulator.requests} == {"GET"}, "drift only reads"
    return code


SEVERITIES = {
    "nothing": ([group()], None),
    "a description": ([group(description="Other")], "cosmetic"),
    "a tag": ([group(tags={"env": "test"})], "cosmetic"),
    "a rule's description": ([group(rules=[rule(description="x")])], "cosmetic"),
    "the same traffic by other rules": (
        [group(rules=[rule(prefix="10.0.0.0/25"), rule(prefix="10.0.0.128/25")])],
        "cosmetic",
    ),
    "less traffic": ([group(rules=[rule(prefix="10.0.0.0/25")])], "narrowing"),
    "more traffic": ([group(rules=[rule(), rule(22, "0.0.0.0/0")])], "widening"),
    "other traffic": ([group(rules=[rule(22)])], "widening"),
    "no group": ([], "missing"),
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("live", "severity"), SEVERITIES.values(), ids=SEVERITIES.keys())
def test_severity_and_exit_code(
    live: list[dict[str, object]],
    severity: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The severity is what the traffic says; 2 exactly when a listed difference counts; the JSON keeps its schema."""
    order = ["cosmetic", "narrowing", "widening", "missing"]
    for fail_on in order:
        counts = severity is not None and order.index(severity) >= order.index(fail_on)
        assert drift(monkeypatch, live, "--format", "json", "--fail-on", fail_on) == (2 if counts else 0)
        report = json.loads(capsys.readouterr().out)
        Draft202012Validator(read_schema("drift")).validate(report)
        assert [each["severity"] for each in report["differences"]] == ([severity] if severity else [])
        assert report["drifted"] is counts is any(each["counted"] for each in report["differences"])


@pytest.mark.usefixtures("here")
def test_unmanaged_groups_are_listed_and_never_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift(monkeypatch, [group(), group("other")], "--unmanaged") == 0
    out = capsys.readouterr().out
    assert "unmanaged: other" in out
    assert "not counted" in out


@pytest.mark.usefixtures("here")
def test_text_says_what_live_state_admits_and_should_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift(monkeypatch, [group(rules=[rule(), rule(22, "0.0.0.0/0")])]) == 2
    out = capsys.readouterr().out
    assert "drifted web" in out
    assert "admits ingress tcp 22 from 0.0.0.0/0" in out
    assert "OPEN TO THE WORLD" in out


FAILURES = {
    "dead API": {"GCORE_BASE_URL": "http://127.0.0.1:9"},
    "wrong key": {"GCORE_API_KEY": "wrong"},
}


@pytest.mark.parametrize("environment", FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_read_is_1_and_in_the_metrics(
    environment: dict[str, str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that could not read says so: never "no drift", and no stale numbers."""
    monkeypatch.setattr("reconciler.model.clock.SystemClock.sleep", lambda *_: None)
    with EmulatorServer() as emulator:
        monkeypatch.setenv("GCORE_BASE_URL", emulator.url)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert run(["drift", "--metrics-file", "m.prom"]) == 1
    metrics = (here / "m.prom").read_text()
    assert "sgctl_drift_success 0.0" in metrics
    assert "sgctl_drift_groups" not in metrics


def test_metrics_count_groups_by_severity(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drift(monkeypatch, [group(rules=[rule(), rule(22)])], "--metrics-file", "m.prom")
    metrics = (here / "m.prom").read_text()
    assert "sgctl_drift_success 1.0" in metrics
    assert 'sgctl_drift_groups{severity="widening"} 1.0' in metrics
    assert 'sgctl_drift_groups{severity="missing"} 0.0' in metrics
    assert "sgctl_drift_rules_extra 1.0" in metrics
    assert "sgctl_drift_last_run_timestamp_seconds" in metrics


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as server:
        yield server


@pytest.mark.usefixtures("here")
def test_a_cron_is_told_of_changes_and_not_every_hour(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a state file: told when drift appears, when it changes and when it is gone; not in between."""
    to = ["--notify-url", f"{hook.url}/hook", "--state-file", "state.json"]
    wide, wider = [group(rules=[rule(), rule(22)])], [group(rules=[rule(), rule(22), rule(23)])]
    told = []
    for live in ([group()], wide, wide, wider, [group()], [group()]):
        drift(monkeypatch, live, *to)
        told.append(len(hook.posted))
    assert told == [0, 1, 1, 2, 3, 3]
    assert [post["drifted"] for post in hook.posted] == [True, True, False]


@pytest.mark.usefixtures("here")
def test_slack_gets_one_text_and_failures_are_tried_again(hook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.model.clock.SystemClock.sleep", lambda *_: None)
    hook.statuses = [503, 429]
    url = f"{hook.url}/hook"
    drift(monkeypatch, [group(rules=[rule(22)])], "--notify-url", url, "--notify-format", "slack")
    assert len(hook.posted) == 3
    assert "`web`" in str(hook.posted[-1]["text"])


@pytest.mark.usefixtures("here")
def test_a_webhook_that_refuses_is_1_and_its_address_stays_secret(
    hook: Webhook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.statuses = [404]
    url = f"{hook.url}/services/SECRET"
    assert drift(monkeypatch, [], "--notify-url", url) == 1
    assert "SECRET" not in "".join(capsys.readouterr())
    assert drift(monkeypatch, [], "--notify-url", "http://example.com/SECRET") == 1
    assert "SECRET" not in "".join(capsys.readouterr())
