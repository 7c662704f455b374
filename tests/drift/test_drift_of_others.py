"""What `ignore_rules` leaves to others is no drift: it is counted and told, and nothing puts it right."""

from __future__ import annotations

from build import BASE_URL, CREATED_AT, OTHER_TARGET, TARGET, desired_group, live_group, live_of, state_of, tcp, there
from jsonschema import Draft202012Validator

from reconciler.drift.compare import find_drift, summarize_drift
from reconciler.drift.metrics import render_health
from reconciler.drift.watch import Health, Round, narrows, only_narrowing
from reconciler.model.ignore_rules import IgnoreRule
from reconciler.model.place import FilePlace
from reconciler.model.published import read_schema
from reconciler.render.drift import drift_to_json, view_drift

K8S = IgnoreRule(FilePlace("groups.yaml", 2, 5), description="k8s-*")
THEIRS = [there(7, tcp(30001), "k8s-a"), there(8, tcp(30002), "k8s-b")]
LEFT = '2 rules left to others in `web`: {description: "k8s-*"} (groups.yaml:2:5)'


def test_rules_of_others_are_counted_and_told_and_do_not_drift() -> None:
    group = desired_group("web", [tcp(80)], ignore_rules=(K8S,))
    drift = find_drift(state_of(group), live_of(live_group("web", [there(1, tcp(80)), *THEIRS])))
    assert not drift.counted
    assert summarize_drift(drift) == "No drift: 1 group, 1 live rule compared, 2 left to others."
    assert view_drift(drift).notes == (LEFT,)
    content = drift_to_json(drift, BASE_URL, CREATED_AT)
    Draft202012Validator(read_schema("drift")).validate(content)
    assert content["summary"]["rules_ignored"] == 2
    assert content["ignored"] == [
        {"match": '{description: "k8s-*"}', "place": "groups.yaml:2:5", "rules": 2, "groups": ["web"]}
    ]


def test_the_gauges_of_a_watch_count_them_by_project_and_region() -> None:
    """One entry holds for groups of several targets, and each target has its own number."""
    groups = [desired_group("web", [], target=target, ignore_rules=(K8S,)) for target in (TARGET, OTHER_TARGET)]
    live = live_of(live_group("web", THEIRS), live_group("web", THEIRS[:1], number=2, target=OTHER_TARGET))
    drift = find_drift(state_of(*groups), live)
    assert drift.rules_ignored == 3
    metrics = render_health(Health(last=Round(drift, {TARGET: 1, OTHER_TARGET: 1})))
    assert 'sgctl_drift_rules_ignored{project="1337",region="7"} 2.0' in metrics
    assert 'sgctl_drift_rules_ignored{project="1337",region="8"} 1.0' in metrics


def test_narrowing_takes_away_what_nobody_asked_for_and_leaves_what_is_others() -> None:
    group = desired_group("web", [tcp(80)], ignore_rules=(K8S,))
    state = state_of(group)
    live = live_of(live_group("web", [there(1, tcp(80)), there(2, tcp(8080)), *THEIRS]))
    (drifted,) = find_drift(state, live).drifted
    assert narrows(drifted.difference)
    assert [rule.rule.port_range_min for rule in drifted.difference.deletes] == [8080]
    (kept,) = only_narrowing(state, [drifted.difference]).groups
    assert (kept.target, kept.ignore_rules) == (TARGET, (K8S,))
