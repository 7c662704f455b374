"""A plan that creates groups says what will not fit into the quota of their region; it never stops for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.api.parse import parse_quotas
from reconciler.api.reader import QUOTAS_PATH
from reconciler.emulator.faults import Fault, FaultPlan
from reconciler.emulator.server import EmulatorServer
from reconciler.model.live import Quota

from .conftest import CHANGED, SAME, Sgctl

GROUPS = "security_groups:\n" + "".join(f"  - {{name: new-{number}, rules: []}}\n" for number in range(5))
CREATING = f"project_id: 1\nregion_id: 7\n{GROUPS}"
USED = 3
"""Groups of region 7: the two of the seed, and `default`."""


def asked(emulator: EmulatorServer) -> int:
    return sum(request.path == QUOTAS_PATH for request in emulator.requests)


def limit(emulator: EmulatorServer, number: int) -> None:
    emulator.control.knobs = replace(emulator.control.knobs, firewall_quota=number)


def said(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_what_will_not_fit_is_told_with_the_numbers(sgctl: Sgctl, emulator: EmulatorServer, version: str) -> None:
    limit(emulator, USED + 2)
    sgctl.write(CREATING)
    ran = sgctl("plan", "--out", "plan.json", "--api-version", version)
    assert ran.code == 0
    expected = (
        "note: region 7: 3 of 5 security groups are used, over all projects, and this plan creates 5: 3 will not fit; "
        "ask Gcore's support for a higher quota, or delete groups first"
    )
    assert expected in said(ran.out)
    assert asked(emulator) == 1
    assert expected in said(sgctl("show", "plan.json").out), "whoever reviews the saved plan reads it as well"
    for format_ in ("markdown", "html"):
        assert "3 will not fit" in sgctl("show", "plan.json", "--format", format_).out
    ran = sgctl("apply", "plan.json", "--format", "json")
    assert ran.code == 4, "it was right, and the apply went as far as the quota lets it"
    assert sorted(result["status"] for result in ran.json["results"]) == ["applied"] * 2 + ["failed"] * 3


@pytest.mark.parametrize(("number", "over"), [(USED + 5, 0), (USED + 4, 1), (USED, 5), (USED - 1, 5), (0, 5)], ids=str)
def test_the_sum_is_right_at_the_border(sgctl: Sgctl, emulator: EmulatorServer, number: int, over: int) -> None:
    """Also where a region holds more than it may."""
    limit(emulator, number)
    sgctl.write(CREATING)
    ran = sgctl("plan")
    assert ran.code == 0
    assert (f"{over} will not fit" in said(ran.out)) == bool(over)
    assert ("will not fit" in said(ran.out)) == bool(over)


def test_projects_of_one_region_share_its_quota_and_regions_do_not(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    limit(emulator, USED + 4)
    targets = "".join(f"  - {{project_id: {project}, region_id: {region}}}\n" for project, region in [(1, 7), (2, 7)])
    sgctl.write(f"targets:\n{targets}{GROUPS}")
    out = said(sgctl("plan").out)
    assert "this plan creates 10" in out
    assert out.count("will not fit") == 1
    assert asked(emulator) == 1, "one answer is about all regions"


def test_deletions_of_the_same_plan_make_no_room(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    sgctl.write(f"owner: us\n{SAME}")
    assert sgctl("apply", "--auto-approve").code == 0
    limit(emulator, USED)
    sgctl.write("owner: us\nproject_id: 1\nregion_id: 7\nsecurity_groups:\n  - {name: new, rules: []}\n")
    out = said(sgctl("plan", "--prune", "--allow-mass-delete").out)
    assert "delete 1" in out
    assert "this plan creates 1: 1 will not fit" in out
    assert "(what this plan deletes goes only after its creates)" in out


@pytest.mark.parametrize("text", [SAME, CHANGED], ids=["same", "changed"])
def test_without_a_group_to_create_nothing_is_asked(sgctl: Sgctl, emulator: EmulatorServer, text: str) -> None:
    limit(emulator, 0)
    sgctl.write(text)
    for arguments in (["plan"], ["drift"], ["apply", "--auto-approve"]):
        assert "will not fit" not in sgctl(*arguments).out
    assert asked(emulator) == 0


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("status", path=QUOTAS_PATH, status=404, count=0), id="no such operation"),
        pytest.param(Fault("status", path=QUOTAS_PATH, status=403, count=0), id="not allowed"),
        pytest.param(Fault("status", path=QUOTAS_PATH, status=500, count=0), id="broken"),
        pytest.param(Fault("html", path=QUOTAS_PATH, count=0), id="a web page"),
        pytest.param(Fault("truncate", path=QUOTAS_PATH, count=0), id="half an answer"),
    ],
)
def test_an_api_that_does_not_tell_leaves_the_plan_as_it_is(
    sgctl: Sgctl, emulator: EmulatorServer, fault: Fault
) -> None:
    sgctl.write(CREATING)
    expected = sgctl("plan")
    limit(emulator, 0)
    emulator.control.plan(FaultPlan.of(fault))
    assert sgctl("plan") == expected


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"regional_quotas": None},
        {"regional_quotas": {"region_id": 7}},
        {"regional_quotas": ["7", None, 7, []]},
        {"regional_quotas": [{"region_id": 7, "firewall_count_limit": None, "firewall_count_usage": 1}]},
        {"regional_quotas": [{"region_id": 7, "firewall_count_limit": "20", "firewall_count_usage": 1}]},
        {"regional_quotas": [{"region_id": 7, "firewall_count_limit": -1, "firewall_count_usage": 1}]},
        {"regional_quotas": [{"region_id": True, "firewall_count_limit": 2, "firewall_count_usage": 1}]},
        {"regional_quotas": [{"firewall_count_limit": 2, "firewall_count_usage": 1}]},
    ],
    ids=json.dumps,
)
def test_quotas_that_are_none_are_left_out(answer: dict[str, Any]) -> None:
    good = {"region_id": 8, "firewall_count_limit": 2, "firewall_count_usage": 1, "floating_count_limit": 9}
    assert parse_quotas(answer) == {}
    entries = answer.get("regional_quotas")
    entries = entries if isinstance(entries, list) else []
    assert parse_quotas({"regional_quotas": [*entries, good]}) == {8: Quota(2, 1)}


def test_doctor_tells_how_much_room_there_is(sgctl: Sgctl, emulator: EmulatorServer) -> None:
    limit(emulator, USED + 1)
    ran = sgctl("doctor", "--project-id", "1", "--region-id", "7")
    assert "ok      quota     3 of 4 security groups are used in region 7, over all projects" in ran.out
    limit(emulator, USED)
    ran = sgctl("doctor", "--project-id", "1", "--region-id", "7")
    assert "note    quota     3 of 3 security groups are used" in ran.out
    assert "ask Gcore's support for a higher quota" in ran.out
    assert ran.code == 0
