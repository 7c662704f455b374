"""The exit code of every command in every case of the contract. 2 means changes, and nothing else ever does."""

from __future__ import annotations

import json

import pytest

from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer

from .conftest import BROKEN, CHANGED, EMPTIED, KEY, SAME, WEB, Sgctl, writes

WITH_API = ("plan", "apply", "drift")
COMMANDS = (*WITH_API, "validate", "show", "emulator", "demo")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["nonsense"], id="no-such-command"),
        pytest.param(["--nonsense"], id="no-such-option"),
        pytest.param(["plan", "--nonsense"], id="no-such-option-of-plan"),
        pytest.param(["plan", "--format", "xml"], id="no-such-format"),
        pytest.param(["plan", "--parallelism", "many"], id="not-a-number"),
        pytest.param(["plan", "--parallelism", "0"], id="out-of-range"),
        pytest.param(["plan", "--project-id", "0"], id="project-0"),
        pytest.param(["plan", "--out"], id="a-missing-value"),
        pytest.param(["apply", "--max-age", "soon", "plan.json"], id="not-a-duration"),
        pytest.param(["show"], id="a-missing-argument"),
        pytest.param(["show", "a.json", "b.json"], id="an-argument-too-many"),
        pytest.param(["drift", "--api-version", "v3"], id="no-such-api-version"),
        pytest.param(["emulator", "--port", "70000"], id="no-such-port"),
    ],
)
def test_wrong_usage_is_1_and_never_2(offline: Sgctl, arguments: list[str]) -> None:
    """The message is on stderr, and stdout stays empty."""
    ran = offline(*arguments)
    assert ran.code == 1
    assert "rror" in ran.err
    assert ran.out == ""


def test_no_arguments_show_the_help(offline: Sgctl) -> None:
    ran = offline()
    assert ran.code in {0, 1}
    assert "Usage: sgctl" in ran.out + ran.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_works_anywhere_and_lists_the_exit_codes(offline: Sgctl, command: str, flag: str) -> None:
    ran = offline(command, flag)
    assert (ran.code, ran.err) == (0, "")
    for code in range(6):
        assert f"  {code}  " in ran.out


def test_version(offline: Sgctl) -> None:
    ran = offline("--version")
    assert ran.code == 0
    assert ran.out.startswith("sgctl ")


@pytest.mark.parametrize("command", WITH_API)
@pytest.mark.parametrize("empty", [False, True], ids=["unset", "empty"])
def test_a_missing_key_names_the_variable_and_the_demo(
    offline: Sgctl,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    empty: bool,
) -> None:
    """An empty variable counts as unset."""
    offline.write(SAME)
    if empty:
        for name in ("GCORE_API_KEY", "GCORE_API_KEY_FILE", "GCORE_BASE_URL"):
            monkeypatch.setenv(name, "")
    ran = offline(command, *(["--auto-approve"] if command == "apply" else []))
    assert ran.code == 1
    assert "GCORE_API_KEY" in ran.err
    assert "sgctl demo" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("command", WITH_API)
@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("http://api.gcore.com", "refusing plain http", id="plain-http"),
        pytest.param("http://127.0.0.1.example.com", "refusing plain http", id="almost-loopback"),
        pytest.param("ftp://api.gcore.com", "not the address", id="another-scheme"),
        pytest.param("api.gcore.com", "not the address", id="no-scheme"),
        pytest.param("https://api.gcore.com:99999", "not a URL", id="no-such-port"),
        pytest.param("https://user:hunter2@api.gcore.com", "must not hold", id="a-password-in-it"),
        pytest.param("https://user:hunter2@api.gcore.com/?a=b", "must not hold", id="a-password-and-a-query"),
        pytest.param("https://user:hunter2@api.gcore.com:99999", "must not hold", id="a-password-and-no-such-port"),
    ],
)
def test_the_key_goes_nowhere_else(
    offline: Sgctl, monkeypatch: pytest.MonkeyPatch, command: str, url: str, words: str
) -> None:
    """Plain http only to this machine itself; a password is not repeated."""
    offline.write(SAME)
    monkeypatch.setenv("GCORE_API_KEY", "k")
    monkeypatch.setenv("GCORE_BASE_URL", url)
    ran = offline(command, *(["--auto-approve"] if command == "apply" else []))
    assert ran.code == 1
    assert words in ran.err
    assert "hunter2" not in ran.err


@pytest.mark.parametrize(
    ("files", "arguments", "code"),
    [
        pytest.param({"g.yaml": SAME}, ["validate"], 0, id="validate-good"),
        pytest.param({"g.yaml": BROKEN}, ["validate"], 1, id="validate-bad"),
        pytest.param({}, ["validate"], 1, id="validate-an-empty-folder"),
        pytest.param({}, ["validate", "none.yaml"], 1, id="validate-a-missing-file"),
        pytest.param({"g.yaml": ""}, ["validate"], 1, id="validate-an-empty-file"),
        pytest.param({"g.yaml": SAME}, ["plan"], 0, id="plan-nothing"),
        pytest.param({"g.yaml": SAME}, ["plan", "--detailed-exitcode"], 0, id="plan-nothing-in-detail"),
        pytest.param({"g.yaml": CHANGED}, ["plan"], 0, id="plan-changes"),
        pytest.param({"g.yaml": CHANGED}, ["plan", "--detailed-exitcode"], 2, id="plan-changes-in-detail"),
        pytest.param({"g.yaml": BROKEN}, ["plan", "--detailed-exitcode"], 1, id="plan-broken-files"),
        pytest.param({"g.yaml": EMPTIED}, ["plan"], 5, id="plan-stopped"),
        pytest.param({"g.yaml": EMPTIED}, ["plan", "--detailed-exitcode"], 5, id="plan-stopped-wins-over-2"),
        pytest.param(
            {"g.yaml": EMPTIED}, ["plan", "--detailed-exitcode", "--allow-mass-delete"], 2, id="plan-stop-lifted"
        ),
        pytest.param({"g.yaml": SAME}, ["plan", "--group", "nil"], 1, id="plan-no-such-group"),
        pytest.param({"g.yaml": SAME}, ["plan", "--prune"], 1, id="plan-prune-without-owner"),
        pytest.param({"g.yaml": SAME}, ["plan", "--project-id", "2"], 1, id="plan-a-flag-that-contradicts"),
        pytest.param({"g.yaml": CHANGED}, ["plan", "--out", "no/such/plan.json"], 1, id="plan-out-nowhere"),
        pytest.param({"g.yaml": SAME}, ["drift"], 0, id="drift-none"),
        pytest.param({"g.yaml": CHANGED}, ["drift"], 2, id="drift-some"),
        pytest.param({"g.yaml": EMPTIED}, ["drift"], 2, id="drift-knows-no-guardrail"),
        pytest.param({"g.yaml": BROKEN}, ["drift"], 1, id="drift-broken-files"),
        pytest.param({"g.yaml": CHANGED}, ["apply"], 1, id="apply-without-a-terminal"),
        pytest.param({"g.yaml": SAME}, ["apply", "--auto-approve"], 0, id="apply-nothing"),
        pytest.param({"g.yaml": CHANGED}, ["apply", "--auto-approve"], 0, id="apply-changes"),
        pytest.param({"g.yaml": EMPTIED}, ["apply", "--auto-approve"], 5, id="apply-stopped"),
        pytest.param(
            {"g.yaml": EMPTIED}, ["apply", "--auto-approve", "--allow-mass-delete"], 0, id="apply-stop-lifted"
        ),
        pytest.param({"g.yaml": SAME}, ["apply", "--auto-approve", "--skip-stale"], 1, id="apply-files-skip-stale"),
        pytest.param({"g.yaml": SAME}, ["apply", "--auto-approve", "--digest", "sha256:0"], 1, id="apply-files-digest"),
        pytest.param({}, ["apply", "none.json"], 1, id="apply-a-missing-plan"),
        pytest.param({"p.json": "{}"}, ["apply", "p.json"], 1, id="apply-no-plan"),
        pytest.param({"p.json": "{}", "g.yaml": SAME}, ["apply", "p.json", "g.yaml"], 1, id="apply-plan-and-files"),
        pytest.param({"p.json": "\xff"}, ["show", "p.json"], 1, id="show-no-plan"),
        pytest.param({}, ["show", "none.json"], 1, id="show-a-missing-file"),
    ],
)
def test_every_case_of_the_contract(sgctl: Sgctl, files: dict[str, str], arguments: list[str], code: int) -> None:
    """And every 1 says why on stderr."""
    for name, text in files.items():
        sgctl.write(text, name)
    ran = sgctl(*arguments)
    assert ran.code == code, ran.err
    assert bool(ran.err) or code in {0, 2}
    assert "Traceback" not in ran.err


READ_FAULTS = [
    pytest.param(Fault("reset", method="GET", count=0), id="dead"),
    pytest.param(Fault("close", method="GET", count=0), id="hangs-up"),
    pytest.param(Fault("status", method="GET", status=401), id="401"),
    pytest.param(Fault("status", method="GET", status=403), id="403"),
    pytest.param(Fault("status", method="GET", status=404), id="404"),
    pytest.param(Fault("status", method="GET", status=500, count=0), id="500"),
    pytest.param(Fault("status", method="GET", status=429, retry_after=3600, count=0), id="429-for-an-hour"),
    pytest.param(Fault("truncate", method="GET", count=0), id="half-a-page"),
    pytest.param(Fault("cut", method="GET", count=0), id="half-a-page-and-hung-up"),
    pytest.param(Fault("html", method="GET", count=0), id="a-page-of-html"),
]


@pytest.mark.parametrize("fault", READ_FAULTS)
@pytest.mark.parametrize("command", ["plan", "drift", "apply"])
@pytest.mark.parametrize("text", [SAME, CHANGED], ids=["same", "changed"])
def test_what_cannot_be_read_whole_is_1_and_never_an_answer(
    sgctl: Sgctl, emulator: EmulatorServer, fault: Fault, command: str, text: str
) -> None:
    """Never 0, never 2, and nothing is sent."""
    emulator.control.plan(FaultPlan.of(fault))
    flags = {"plan": ["--detailed-exitcode"], "drift": [], "apply": ["--auto-approve"]}[command]
    ran = sgctl(command, sgctl.write(text), *flags)
    assert ran.code == 1
    assert ran.out == ""
    assert "error:" in ran.err
    assert writes(emulator) == []


def test_one_target_that_fails_fails_the_drift(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """What could be read of the others is shown, and is no answer: it is 1, and names the one that failed."""
    emulator.control.plan(FaultPlan.of(Fault("status", path="/1/8$", status=403, count=0)))
    text = SAME.replace(
        "project_id: 1\nregion_id: 7", "targets: [{project_id: 1, region_id: 7}, {project_id: 1, region_id: 8}]"
    )
    ran = sgctl("drift", sgctl.write(text))
    assert ran.code == 1
    assert "1 target not read" in ran.out
    assert "project 1, region 8" in ran.err


def test_a_failure_that_passes_is_no_failure(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    emulator.control.plan(FaultPlan.of(Fault("status", status=503, count=2), Fault("truncate", nth=3)))
    assert sgctl("drift", sgctl.write(SAME)).code == 0


def test_nobody_there_is_1(offline: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCORE_API_KEY", "k")
    monkeypatch.setenv("GCORE_BASE_URL", "http://127.0.0.1:1")
    for command in ("plan", "drift"):
        ran = offline(command, offline.write(SAME))
        assert ran.code == 1
        assert "cannot connect to 127.0.0.1:1" in ran.err


def test_a_wrong_key_is_1_and_says_which_variable(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCORE_API_KEY", "another")
    ran = sgctl("drift", sgctl.write(SAME))
    assert ran.code == 1
    assert "GCORE_API_KEY" in ran.err


def test_the_key_can_come_from_a_file(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a line break at its end, as editors leave it; a file that holds none is named."""
    monkeypatch.setenv("GCORE_API_KEY", "")
    monkeypatch.setenv("GCORE_API_KEY_FILE", sgctl.write(f"{KEY}\n", "key.txt"))
    assert sgctl("drift", sgctl.write(SAME)).code == 0
    for text in ("", "two words\n", "n\u00f6\n"):
        sgctl.write(text, "key.txt")
        assert sgctl("drift").code == 1
    monkeypatch.setenv("GCORE_API_KEY_FILE", "none.txt")
    ran = sgctl("drift")
    assert ran.code == 1
    assert "none.txt" in ran.err


@pytest.mark.parametrize("value", ["0", "-1", "one", "1.5", "9" * 30, "\u0663"])
def test_an_id_in_the_environment_is_a_number_from_1(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("GCORE_CLOUD_REGION_ID", value)
    ran = sgctl("plan", sgctl.write(SAME))
    assert ran.code == 1
    assert "GCORE_CLOUD_REGION_ID" in ran.err


def test_the_environment_fills_what_a_document_leaves_out(sgctl: Sgctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """And never stands above what it says."""
    monkeypatch.setenv("GCORE_CLOUD_PROJECT_ID", "1")
    monkeypatch.setenv("GCORE_CLOUD_REGION_ID", "7")
    assert sgctl("drift", sgctl.write(SAME.split("\n", 2)[2])).code == 0
    monkeypatch.setenv("GCORE_CLOUD_REGION_ID", "8")
    assert sgctl("drift", sgctl.write(SAME)).code == 0


@pytest.mark.parametrize(
    "option",
    [
        ["--group", "web"], ["--prune"], ["--two-phase"], ["--api-version", "v1"], ["--allow-mass-delete"],
        ["--allow-gap"], ["--take-over"], ["--project-id", "1"], ["--region-id", "7"],
    ],
    ids=lambda option: option[0],
)  # fmt: skip
def test_a_saved_plan_takes_no_option_that_shapes_a_plan(
    sgctl: Sgctl, emulator: EmulatorServer, option: list[str]
) -> None:
    sgctl("plan", sgctl.write(CHANGED), "--out", "plan.json")
    ran = sgctl("apply", "plan.json", *option)
    assert ran.code == 1
    assert option[0] in ran.err
    assert writes(emulator) == []


def test_a_stale_plan_is_3_and_sends_nothing(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """The groups that moved are named, with what moved in them; --skip-stale leaves them out."""
    sgctl("plan", sgctl.write(CHANGED), "--out", "plan.json")
    sgctl(
        "apply", sgctl.write(SAME.replace("name: web", "name: web\n    tags: {env: test}"), "b.yaml"), "--auto-approve"
    )
    before = writes(emulator)
    ran = sgctl("apply", "plan.json")
    assert ran.code == 3
    assert "web" in ran.err
    assert "tag 'env'" in ran.err
    assert writes(emulator) == before
    assert sgctl("apply", "plan.json", "--skip-stale").code == 3, "no other group is left to apply"


def test_an_edited_plan_is_1_and_sends_nothing(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    sgctl("plan", sgctl.write(CHANGED), "--out", "plan.json")
    sgctl.write(sgctl.read("plan.json").replace("8443", "22"), "plan.json")
    ran = sgctl("apply", "plan.json")
    assert ran.code == 1
    assert "edited" in ran.err
    assert writes(emulator) == []


def test_a_plan_for_another_api_is_refused(
    sgctl: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sgctl("plan", sgctl.write(CHANGED), "--out", "plan.json")
    monkeypatch.setenv("GCORE_BASE_URL", "https://api.example.com")
    ran = sgctl("apply", "plan.json")
    assert ran.code == 1
    assert emulator.url in ran.err
    assert "https://api.example.com" in ran.err
    assert writes(emulator) == []


def test_only_the_plan_that_was_reviewed_is_applied(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """`show` and `apply` tell the digest of what they read, and `--digest` refuses any other, also a valid one."""
    sgctl("plan", sgctl.write(SAME.replace("443", "444")), "--out", "plan.json")
    digest = json.loads(sgctl.read("plan.json"))["digest"]
    shown = sgctl("show", "plan.json", "--format", "markdown")
    for said in (shown.err, shown.out):
        assert f"digest {digest}, made at " in said
        assert f" for {emulator.url}\n" in said
    reviewed = sgctl.read("plan.json")
    sgctl("plan", sgctl.write(CHANGED), "--out", "plan.json")
    for given in (digest, "", "sha256:"):
        ran = sgctl("apply", "plan.json", "--digest", given)
        assert ran.code == 1
        assert "not the plan that was reviewed" in ran.err
        assert writes(emulator) == []
    sgctl.write(reviewed, "plan.json")
    ran = sgctl("apply", "plan.json", "--digest", digest)
    assert ran.code == 0
    assert digest in ran.err


def test_a_saved_plan_is_applied_alone(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    sgctl("plan", sgctl.write(CHANGED), "--out", "plan.json")
    ran = sgctl("apply", "plan.json", "groups.yaml", "--auto-approve")
    assert ran.code == 1
    assert "alone" in ran.err
    assert writes(emulator) == []


def test_an_old_plan_is_refused(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    sgctl("plan", sgctl.write(CHANGED), "--out", "plan.json")
    ran = sgctl("apply", "plan.json", "--max-age", "0s")
    assert ran.code == 1
    assert "--max-age" in ran.err
    assert writes(emulator) == []
    assert sgctl("apply", "plan.json", "--max-age", "1d").code == 0


def test_applied_in_part_is_4(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """One group is refused, the other done; both are told."""
    emulator.control.plan(FaultPlan.of(Fault("status", method="PATCH", path=WEB, status=403, count=0)))
    text = CHANGED + "  - name: app\n    rules: [{direction: egress}, {direction: ingress, protocol: tcp, ports: 22}]\n"
    ran = sgctl("apply", sgctl.write(text), "--auto-approve")
    assert ran.code == 4
    assert "403" in ran.out + ran.err


def test_nothing_applied_and_something_failed_is_1(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    emulator.control.plan(FaultPlan.of(Fault("status", method="PATCH", status=403, count=0)))
    assert sgctl("apply", sgctl.write(CHANGED), "--auto-approve").code == 1


def test_a_plan_file_that_is_no_text_is_named(offline: Sgctl) -> None:
    (offline.folder / "plan.json").write_bytes(b"\xff\xfe\x00")
    ran = offline("show", "plan.json")
    assert ran.code == 1
    assert "plan.json is not a plan file" in ran.err
