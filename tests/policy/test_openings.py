"""One banner for each distinct exposure, with its groups, in every format; and one finding for what is said of many."""

from itertools import product

import pytest
from policy_build import HERE, TODAY, live_group, live_rule, planned, state

from reconciler.drift.compare import Severity, by_target, compare_target, join_targets
from reconciler.drift.notify import slack_payload
from reconciler.model.live import LiveGroup
from reconciler.policy.audit import audit
from reconciler.policy.openings import live_openings
from reconciler.render.drift import view_drift
from reconciler.render.findings import render_findings, render_openings
from reconciler.render.formats import render
from reconciler.render.plan import view_plan
from reconciler.render.sarif import sarif

NAMES = ["web", "app", "data"]
SSH = "{direction: ingress, protocol: tcp, ports: 22}"
PING = "{direction: ingress, protocol: icmp}"
BANNER = "ingress tcp 22 from 0.0.0.0/0"


def files(*rules: str, names: list[str] = NAMES) -> str:
    lines = "".join(f"      - {rule}\n" for rule in rules)
    return "security_groups:\n" + "".join(f"  - name: {name}\n    rules:\n{lines}" for name in names)


def live(*prefixes: str | None, names: list[str] = NAMES) -> list[LiveGroup]:
    return [
        live_group(*(live_rule(number, prefix, 22) for number, prefix in enumerate(prefixes)), name=name)
        for name in names
    ]


@pytest.mark.parametrize("format_", ["text", "markdown", "html", "github"])
def test_a_plan_and_a_drift_report_tell_an_exposure_once(format_: str) -> None:
    plan = render(view_plan(planned(files(SSH, PING))), format_, 200)
    found = compare_target(by_target(state(files(PING)))[HERE], live(None), Severity.COSMETIC)
    drift = render(view_drift(join_targets([found], state(files(PING)), Severity.COSMETIC, TODAY)), format_, 200)
    for shown in (plan, drift):
        page = [part.partition("</p>")[0] for part in shown.split("<p ")]  # links stand on lines of their own
        parts = page if format_ == "html" else shown.splitlines()
        where = [part for part in parts if "open to the world" in part.lower() and BANNER in part]
        where = [part for part in where if all(name in part for name in NAMES) and "management" not in part]
        assert len(where) == 1
        assert "icmp" in shown, "shown, and no alarm"


def test_exceptions_that_differ_make_no_other_exposure() -> None:
    groups = [*live("10.0.0.0/8", names=["web"]), *live("192.0.2.0/24", names=["app"]), *live(names=["data"])]
    (reach,) = view_plan(planned(files(SSH), *groups)).exposed
    assert reach.line.text == f"{BANNER}, with exceptions that differ"
    assert reach.line.size == "at most 4,294,967,296 addresses, 1 port"
    assert [group.name for group in reach.groups] == NAMES


def test_most_of_many_groups_are_counted() -> None:
    names = [f"group-{number:02}-x" for number in range(40)]
    (opening,) = live_openings({HERE: live("0.0.0.0/1", names=names)})
    assert opening.where.startswith("40 groups: group-00-x, group-01-x, ")
    assert opening.where.endswith("group-09-x (project 1, region 2) and 30 more")
    assert len(opening.groups) == 40


def test_the_notification_names_it() -> None:
    desired = state(files(PING))
    found = compare_target(by_target(desired)[HERE], live(None), Severity.COSMETIC)
    text = slack_payload(join_targets([found], desired, Severity.COSMETIC, TODAY), "https://x")["text"]
    assert f"*Open to the world:* `{BANNER}` in `app, data, web (project 1, region 2)`" in text


def test_an_audit_says_once_what_is_true_of_many_groups() -> None:
    found = audit(state(files(PING)), {HERE: live("0.0.0.0/2", "64.0.0.0/2")}, TODAY)
    text = render_openings(found.openings) + render_findings(found.findings)
    assert "ingress tcp 22 from 0.0.0.0/1 in app, data, web (project 1, region 2)" in text
    assert text.count("the management port tcp 22") == 1
    assert "'web' (project 1, region 2, " in text
    assert "; the same of app, data (project 1, region 2)" in text
    (result,) = sarif(found.findings, "audit", "/srv")["runs"][0]["results"]
    names = [each["logicalLocations"][0]["fullyQualifiedName"] for each in result["locations"]]
    assert names == NAMES


def test_findings_with_other_words_stay_apart() -> None:
    """The level, what is found, and what covers it count; the group's name does not."""
    ports, names = ("22", "3389"), ("web", "app")
    text = "security_groups:\n" + "".join(
        f"  - name: {name}-{port}\n    rules: [{{direction: ingress, protocol: tcp, ports: {port}}}]\n"
        for name, port in product(names, ports)
    )
    lines = render_findings(planned(text).findings).splitlines()
    assert len(lines) == len(ports)
    assert all("; the same of app-" in line and "also at" in line for line in lines)
