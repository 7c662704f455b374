"""Limits are settings: a plan, an apply and a saved plan are judged by what the file says at that time."""

from dataclasses import replace
from pathlib import Path

import pytest
from build import desired_group, plan_of

from reconciler.api.backend import BACKENDS
from reconciler.cli import run
from reconciler.config.keys import KEYS
from reconciler.emulator.server import EmulatorServer
from reconciler.model.cloud import LARGEST_NUMBER
from reconciler.model.policies import Limits
from reconciler.planning import planfile

TARGET = "project_id = 1\nregion_id = 7\n"


def write_rules(repository: Path, number: int, first: int = 1) -> None:
    ports = range(first, first + number)
    rules = "".join(f"      - {{direction: ingress, protocol: tcp, ports: {port}}}\n" for port in ports)
    (repository / "web.yaml").write_text(f"security_groups:\n  - name: web\n    rules:\n{rules}")


@pytest.fixture
def twenty_rules(repository: Path, empty_emulator: EmulatorServer) -> Path:
    """A live group of twenty rules, twelve of which the file no longer names: 60 %, more than 30 % and than 10."""
    (repository / "sgctl.toml").write_text(TARGET)
    write_rules(repository, 20)
    assert run(["apply", "--auto-approve"]) == 0
    write_rules(repository, 8)
    empty_emulator.requests.clear()
    return repository


LIMITS = {
    "default": ("", 5),
    "share raised above": ("max_deleted_rules = 60", 0),
    "share raised, not enough": ("max_deleted_rules = 59", 5),
    "number raised": ("min_deleted_rules = 12", 0),
    "number raised, not enough": ("min_deleted_rules = 11", 5),
    "of groups, which do not matter here": ("max_deleted_groups = 100\nmin_deleted_groups = 100", 5),
}


@pytest.mark.parametrize("command", [["plan"], ["apply", "--auto-approve"]], ids=" ".join)
@pytest.mark.parametrize(("limits", "code"), LIMITS.values(), ids=LIMITS)
def test_plans_are_judged_by_the_file_s_limits(
    command: list[str], limits: str, code: int, twenty_rules: Path, empty_emulator: EmulatorServer
) -> None:
    (twenty_rules / "sgctl.toml").write_text(f"{TARGET}[limits]\n{limits}\n")
    assert run(command) == code
    if code:
        assert {record.method for record in empty_emulator.requests} == {"GET"}


def test_a_saved_plan_is_judged_again_by_the_limits_of_the_day(
    twenty_rules: Path, empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (twenty_rules / "sgctl.toml").write_text(f"{TARGET}[limits]\nmax_deleted_rules = 70\n")
    assert run(["plan", "--out", "plan.json"]) == 0
    (twenty_rules / "sgctl.toml").write_text(f"{TARGET}[limits]\nmax_deleted_rules = 40\n")
    assert run(["apply", "plan.json"]) == 5
    assert "12 of 20 managed rules (60 %) without replacing them, over the limit of 40 %" in capsys.readouterr().err
    assert {record.method for record in empty_emulator.requests} == {"GET"}
    (twenty_rules / "sgctl.toml").write_text(f"{TARGET}[limits]\nmax_deleted_rules = 60\n")
    assert run(["apply", "plan.json"]) == 0


def test_a_limit_of_zero_stops_at_the_first_rule(twenty_rules: Path) -> None:
    write_rules(twenty_rules, 19)
    assert run(["plan"]) == 0
    (twenty_rules / "sgctl.toml").write_text(f"{TARGET}[limits]\nmax_deleted_rules = 0\nmin_deleted_rules = 0\n")
    assert run(["plan"]) == 5


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_rewrite_stops_plan_apply_saved_plan_and_way_back(
    version: str, repository: Path, empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each says what it counted, sends nothing, and goes on with the flag or with the limits of the day."""
    api = ["--api-version", version]
    (repository / "sgctl.toml").write_text(TARGET)
    write_rules(repository, 30)
    assert run(["apply", "--auto-approve", *api]) == 0
    write_rules(repository, 30, first=101)
    empty_emulator.requests.clear()
    assert run(["apply", "--auto-approve", *api]) == 5
    assert run(["plan", "--out", "stopped.json", *api]) == 5
    assert run(["apply", "stopped.json"]) == 5
    assert "rewrites 30 of 30 rules (100 %, limit 50 %)" in capsys.readouterr().err
    assert {record.method for record in empty_emulator.requests} == {"GET"}
    assert run(["plan", "--out", "lifted.json", "--allow-mass-rewrite", *api]) == 0
    assert run(["apply", "lifted.json", "--journal", "journal"]) == 0
    assert run(["rollback", "journal", *api]) == 5
    assert run(["rollback", "journal", "--out", "back.json", "--allow-mass-rewrite", *api]) == 0
    (repository / "sgctl.toml").write_text(f"{TARGET}[limits]\nmin_rewritten_rules = 30\n")
    assert run(["apply", "back.json"]) == 0
    assert run(["apply", "stopped.json"]) == 3, "not the guardrail any more: the revision moved on"


def test_show_and_apply_say_what_was_lifted_and_by_what_it_was_judged(
    repository: Path, empty_emulator: EmulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "sgctl.toml").write_text(f"{TARGET}[limits]\nmax_deleted_groups = 50\n")
    write_rules(repository, 20)
    assert run(["apply", "--auto-approve"]) == 0
    (repository / "web.yaml").write_text("security_groups: [{name: web, rules: []}]\n")
    assert run(["plan", "--allow-mass-delete", "--out", "plan.json"]) == 0
    capsys.readouterr()
    said = [
        "judged by the policies of the defaults and limits of its own, as part of 1 group with 20 managed rules",
        "lifted for this plan, so that they stop nothing: mass-delete",
        "'web' would be left without any rule: all 20 are deleted",
    ]
    assert run(["show", "plan.json", "--format", "github"]) == 0
    shown = capsys.readouterr()
    assert said[0] in shown.err
    assert all(words in shown.out for words in said[1:])
    assert "judged by limits over the defaults: max_deleted_groups is 50 (30)" in shown.out
    assert run(["apply", "plan.json"]) == 0
    told = capsys.readouterr().err
    assert said[0] in told
    assert said[1] in told
    assert "lifted: 'web' would be left without any rule: all 20 are deleted" in told


def test_a_plan_with_the_largest_numbers_can_be_read_again() -> None:
    """What a setting takes, a plan file takes as well."""
    largest = {name.removeprefix("limits."): LARGEST_NUMBER for name in KEYS if name.startswith("limits.min")}
    assert len(largest) == 4
    assert all(KEYS[f"limits.{name}"].is_valid(number) for name, number in largest.items())
    plan = replace(plan_of([desired_group("web", [])], []), limits=Limits(**largest))
    assert planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS) == plan
