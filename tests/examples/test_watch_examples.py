"""What runs `sgctl watch`: a unit, a Deployment, alert rules and a dashboard, held to the command and its metrics."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from reconciler.cli.watch import command
from reconciler.drift.compare import Drift, Severity
from reconciler.drift.metrics import render_health
from reconciler.drift.watch import Health, Round
from reconciler.model.desired import Target

WATCH = Path(__file__).parents[2] / "examples" / "watch"
OPTIONS = {option for parameter in command.params for option in parameter.opts}
METRICS = set(
    re.findall(
        r"^(sgctl_\w+)[ {]",
        render_health(Health(last=Round(Drift((), 0, 0, Severity.COSMETIC, {}), {Target(1, 7): 0}))),
        re.MULTILINE,
    )
)


def test_the_unit_and_the_deployment_name_real_options() -> None:
    unit = (WATCH / "sgctl-watch.service").read_text()
    (line,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    (watch,) = [each for each in containers() if each["name"] == "watch"]
    for words in (line.split(), watch["args"]):
        assert "watch" in words
        assert {word for word in words if word.startswith("--")} <= OPTIONS


def containers() -> list[dict[str, object]]:
    pod = yaml.safe_load((WATCH / "deployment.yaml").read_text())["spec"]["template"]["spec"]
    return [*pod["initContainers"], *pod["containers"]]  # type: ignore[no-any-return]  # it is YAML


def test_the_deployment_fits_the_restricted_profile() -> None:
    """As Kubernetes' Pod Security Standards list it."""
    deployment = yaml.safe_load((WATCH / "deployment.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert all(set(volume) - {"name"} <= {"emptyDir", "secret", "configMap"} for volume in pod["volumes"])
    for container in containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_every_metric_that_is_asked_for_exists(file: str) -> None:
    text = (WATCH / file).read_text()
    asked = set(re.findall(r"sgctl_[a-z_]+[a-z](?=[ {)\[>,])", text))
    assert asked
    assert asked <= METRICS
    severities = set(re.findall(r'severity=~?\\?"([a-z|]+)\\?"', text))
    assert {each for group in severities for each in group.split("|")} <= {str(severity) for severity in Severity}


def test_no_panel_of_the_dashboard_covers_another_one() -> None:
    places = [panel["gridPos"] for panel in json.loads((WATCH / "dashboard.json").read_text())["panels"]]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


PROMTOOL, ANALYZE = shutil.which("promtool"), shutil.which("systemd-analyze")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "words", [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]], ids=" ".join
)
def test_the_alert_rules_hold_what_they_promise(words: list[str]) -> None:
    done = subprocess.run([str(PROMTOOL), *words], cwd=WATCH, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_the_unit_exposes_little_of_the_machine() -> None:
    """In tenths: below 3, as `systemd-analyze security` counts."""
    done = subprocess.run(
        [
            str(ANALYZE),
            "security",
            "--offline=true",
            "--threshold=30",
            "--no-pager",
            str(WATCH / "sgctl-watch.service"),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
