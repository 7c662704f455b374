"""Who is refused is told why, in the API's words, and then what to do; `doctor` tells beforehand what it can."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from reconciler.api.error_answer import Refusal
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer

from .conftest import APP, CHANGED, Sgctl

NEW = CHANGED.replace("web", "new")
OPEN = CHANGED + "      - {direction: egress, protocol: tcp, ports: 1-100}\n"
TAKEN = "      - {direction: ingress, protocol: tcp, ports: 22, remote_group: app}\n"
PRUNED = "owner: us\nproject_id: 1\nregion_id: 7\nsecurity_groups: []\n"
OURS = CHANGED.replace("project_id", "owner: us\nproject_id", 1).replace("web", "old")
APPLY = ("apply", "--auto-approve")


def refuses(method: str, status: int, message: str) -> Fault:
    return Fault("status", method=method, status=status, message=message, count=0)


@dataclass(frozen=True)
class Case:
    """What is asked of which API; `says` is of the answer, `hint` of what to do, `doctor` of a check and its health."""

    says: str
    hint: str | Refusal
    text: str = CHANGED
    knobs: Mapping[str, Any] = field(default_factory=dict)
    fault: Fault | None = None
    key: str | None = None
    arguments: tuple[str, ...] = APPLY
    before: str | None = None
    doctor: tuple[str, str, str] = ("ok", "groups", "v1 answers")


CASES = {
    "quota exceeded": Case(
        "400: QuotaLimitExceed: Quota limit exceeded",
        Refusal.QUOTA,
        text=NEW,
        knobs={"firewall_quota": 3},
        doctor=("note", "quota", "3 of 3 security groups are used in region 7"),
    ),
    "may read and not write": Case(
        "403: InjectedFault: role", Refusal.FORBIDDEN, fault=refuses("PATCH", 403, "role is missing")
    ),
    "may not read": Case(
        "403: InjectedFault: role",
        Refusal.FORBIDDEN,
        fault=refuses("GET", 403, "role is missing"),
        doctor=("failed", "groups", "the key needs a role with access to project 1"),
    ),
    "a key with a dollar": Case(
        "401: Unauthorized: Bad permanent token",
        "export it in single quotes",
        key="1234",
        doctor=("failed", "key", "if it has a `$`, a shell may have expanded it: export it in single quotes"),
    ),
    "locked": Case(
        "is already locked by another task",
        "or allow more time with --lock-timeout",
        fault=Fault("locked", method="PATCH", count=0),
        arguments=(*APPLY, "--lock-timeout", "0s"),
    ),
    "egress to port 25": Case(
        "Opening egress port 25 for TCP or UDP traffic is prohibited",
        Refusal.PORT_25,
        text=OPEN,
        knobs={"refuse_port_25": True},
    ),
    "in use": Case(
        "409: InjectedFault: Security Group is in use",
        Refusal.IN_USE,
        text=PRUNED,
        before=OURS,
        fault=refuses("DELETE", 409, "Security Group is in use"),
        arguments=(*APPLY, "--prune", "--allow-mass-delete"),
    ),
    "a rule that is there": Case(
        "409: InjectedFault: Security group rule already exists",
        Refusal.DUPLICATE_RULE,
        fault=refuses("PATCH", 409, f"Security group rule already exists. Rule id is {APP}."),
    ),
    "a name that is taken": Case(
        "409: InjectedFault: Security group with the name new already exists",
        Refusal.NAME_TAKEN,
        text=NEW,
        fault=refuses("POST", 409, "Security group with the name new already exists"),
    ),
    "a v1 that is gone (404)": Case("404: OperationGone", "with --api-version v2", knobs={"v1_patch_status": 404}),
    "a v1 that is gone (405)": Case("405: OperationGone", "with --api-version v2", knobs={"v1_patch_status": 405}),
    "a v1 that is gone (410)": Case(
        "410: OperationGone",
        "with --api-version v2",
        knobs={"v1_patch_status": 410},
        doctor=("ok", "v2", "tasks can be read, which --api-version v2 needs"),
    ),
    "a v2 that is not there": Case(
        "404: InjectedFault",
        "can also go with --api-version v1",
        fault=Fault("status", path="/cloud/v2/security_groups", status=404, count=0),
        arguments=(*APPLY, "--api-version", "v2"),
        doctor=("note", "v2", "its address for project 1, region 7 does not answer (status 404"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_refusal_says_why_and_what_to_do(
    sgctl: Sgctl, emulator: EmulatorServer, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    """First what the API says, then what to do; nothing was applied (1), and no output promises that it will be."""
    if case.before is not None:
        sgctl.write(case.before)
        assert sgctl(*APPLY).code == 0
    sgctl.write(case.text)
    emulator.control.knobs = replace(emulator.control.knobs, **case.knobs)
    emulator.control.plan(FaultPlan.of(*filter(None, [case.fault])))
    if case.key is not None:
        monkeypatch.setenv("GCORE_API_KEY", case.key)
    ran = sgctl(*case.arguments)
    said = " ".join(f"{ran.out} {ran.err}".split())
    hint = str(case.hint.value) if isinstance(case.hint, Refusal) else case.hint
    assert ran.code == 1
    assert case.says in said
    assert hint in said
    assert said.index(case.says) < said.index(hint)
    assert "converge" not in said

    health, name, words = case.doctor
    lines = sgctl("doctor", "groups.yaml").out.splitlines()
    (line,) = [each for each in lines if each[8:18].strip() == name]
    assert line.startswith(health)
    assert words in line


@pytest.mark.parametrize("status", [404, 405, 410])
def test_what_the_hint_says_works_where_v1_is_gone(sgctl: Sgctl, emulator: EmulatorServer, status: int) -> None:
    sgctl.write(CHANGED)
    emulator.control.knobs = replace(emulator.control.knobs, v1_patch_status=status)
    assert sgctl(*APPLY).code == 1
    assert sgctl(*APPLY, "--api-version", "v2").code == 0


def test_the_way_out_is_about_the_request_that_was_refused(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    """On v1 a description goes through v2: where that is gone, v2 is no way out."""
    sgctl.write(CHANGED.replace("    rules:", "    description: new\n    rules:"))
    emulator.control.plan(FaultPlan.of(Fault("status", path="/cloud/v2/security_groups", status=404, count=0)))
    ran = sgctl(*APPLY)
    assert ran.code == 4
    said = " ".join(ran.out.split())
    assert "all but a group's description" in said
    assert "plan and apply with --api-version v2" not in said


@pytest.mark.parametrize("refusal", [each for each in Refusal if each.value], ids=lambda each: each.name.lower())
def test_every_hint_is_a_sentence_that_fits_a_screen(refusal: Refusal) -> None:
    hint = str(refusal.value)
    assert hint[0].isupper()
    assert hint.endswith((".", "3128"))
    assert len(hint) <= 300
