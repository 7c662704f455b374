"""`--policies FILE` and `SGCTL_POLICIES`: rules from outside the repository, in every command that judges."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.cli import run
from reconciler.emulator.server import EmulatorServer

GROUPS = """
project_id: 1
region_id: 7
policies: {world_open_management: "off"}
security_groups:
  - name: web
    rules:
      - direction: ingress
        protocol: tcp
        ports: 22
        exception: {policy: world_open_management, reason: agreed, until: 2030-01-01}
"""


@pytest.fixture
def strict(tmp_path: Path, repository: Path, empty_emulator: EmulatorServer) -> str:
    (repository / "groups.yaml").write_text(GROUPS)
    outside = tmp_path / "strict.toml"
    outside.write_text('[policies]\nworld_open_management = "error"\nrule_description = "error"\n')
    return str(outside)


JUDGING = (["validate"], ["plan"], ["apply", "--auto-approve"])


@pytest.mark.parametrize("command", JUDGING, ids=lambda command: command[0])
def test_files_cannot_soften_what_comes_from_outside(
    strict: str, command: Sequence[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run([*command, "--policies", strict]) == 5
    assert "rule_description" in "".join(capsys.readouterr())
    monkeypatch.setenv("SGCTL_POLICIES", strict)
    assert run([*command]) == 5


def test_without_it_the_files_decide_and_the_plan_says_so(strict: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan"]) == 0
    assert "world_open_management is off (warning)" in " ".join(capsys.readouterr().out.split())


def test_a_saved_plan_is_judged_by_them_too(strict: str) -> None:
    assert run(["plan", "--out", "plan.json"]) == 0
    assert run(["apply", "plan.json", "--policies", strict]) == 5
    assert run(["apply", "plan.json"]) == 0
    assert run(["audit"]) == 0
    assert run(["audit", "--policies", strict]) == 5


def test_a_plan_that_was_stopped_from_outside_stays_stopped(strict: str) -> None:
    """Also where nobody names the rules once more: the plan file keeps them."""
    assert run(["plan", "--policies", strict, "--out", "plan.json"]) == 5
    assert run(["apply", "plan.json"]) == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("project_id = 1\n", "holds only `policies` and `limits`", id="another_setting"),
        pytest.param("[policies\n", "not TOML", id="no_toml"),
        pytest.param('[policies]\nmust_dny = "error"\n', "must_dny", id="a_typo"),
        pytest.param("[limits]\nmax_deleted_rules = -1\n", "max_deleted_rules", id="a_wrong_limit"),
    ],
)
def test_a_wrong_file_is_explained(
    strict: str, text: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text)
    assert run(["plan", "--policies", str(wrong)]) == 1
    assert said in capsys.readouterr().err


def test_a_missing_file_is_no_permission(strict: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A CI whose rules went missing must not pass what they would have stopped."""
    assert run(["plan", "--policies", "nowhere.toml"]) == 1
    assert "nowhere.toml" in capsys.readouterr().err
