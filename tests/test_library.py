"""The library surface: four names, typed, and an example that runs as it stands."""

import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from reconciler import apply, connect, load, plan
from reconciler.emulator.server import EmulatorServer
from reconciler.model.errors import ApiRefused, GuardrailStop, InputError, StalePlan
from reconciler.planning.plan import PlanOptions

EXAMPLE = Path(__file__).parents[1] / "examples" / "library" / "reconcile.py"
WEB = """\
project_id: 1
region_id: 7
security_groups:
  - name: web
    rules:
      - {direction: ingress, protocol: tcp, ports: 443}
"""


@pytest.fixture
def web(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(WEB)
    return str(path)


def test_load_plan_apply_and_plan_again(web: str) -> None:
    with EmulatorServer() as emulator, connect(emulator.api_key, base_url=emulator.url) as api:
        proposal = plan(load(web), api)
        assert {request.method for request in emulator.requests} == {"GET"}
        report = apply(proposal, api)
        assert report.error is None
        assert plan(load(web), api).changes == ()
        assert apply(proposal, api).error is None, "what is done is done"
        Path(web).write_text(WEB.replace("443", "8443"))
        assert apply(plan(load(web), api), api).error is None
        with pytest.raises(StalePlan):
            apply(proposal, api)


def test_what_goes_wrong_is_an_error_of_the_tree(web: str) -> None:
    Path(web).write_text(WEB.replace("443", "70000"))
    with pytest.raises(InputError) as raised:
        load(web)
    assert raised.value.issues[0].place.line == 6
    Path(web).write_text(WEB)
    with EmulatorServer() as emulator, connect("wrong", base_url=emulator.url) as api, pytest.raises(ApiRefused):
        plan(load(web), api)


def test_a_stopped_plan_is_not_applied(web: str) -> None:
    """A guardrail is a finding of the plan, and an error of the apply: the group would lose its only rule."""
    with EmulatorServer() as emulator, connect(emulator.api_key, base_url=emulator.url) as api:
        apply(plan(load(web), api), api)
        Path(web).write_text(WEB.split("    rules:", maxsplit=1)[0] + "    rules: []\n")
        emptied = plan(load(web), api, PlanOptions())
        assert emptied.stopped_by
        written = len([request for request in emulator.requests if request.method != "GET"])
        with pytest.raises(GuardrailStop):
            apply(emptied, api)
        assert len([request for request in emulator.requests if request.method != "GET"]) == written


def test_the_names_are_there_and_no_others() -> None:
    assert {"load", "plan", "apply", "connect"} <= set(reconciler.__all__)
    for name in reconciler.__all__:
        assert getattr(reconciler, name) is not None
    with pytest.raises(AttributeError):
        _ = reconciler.nothing


@pytest.mark.parametrize(("text", "code"), [(WEB, 0), (WEB.replace("tcp", "tpc"), 1)], ids=["good", "bad"])
def test_the_example_runs(text: str, code: int, web: str) -> None:
    Path(web).write_text(text)
    with EmulatorServer() as emulator:
        environment = {"GCORE_API_KEY": emulator.api_key, "GCORE_BASE_URL": emulator.url, "PATH": ""}
        command = [sys.executable, str(EXAMPLE), web]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert ("applied web" in done.stdout) is (code == 0)
