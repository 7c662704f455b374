"""Drift is the plan's difference, read-only: both find the same, or neither anything."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping, Sequence

import pytest
from build import desired_group, live_group, live_of, plan_of, rule, state_of, tcp, there, wanted
from effort import examples
from hypothesis import given, settings
from strategies import live_rules, rules_to_create, tag_maps

from reconciler.api.backend import GcoreWriter
from reconciler.api.connection import Api
from reconciler.api.live import OnPage, nobody
from reconciler.drift.compare import Severity, find_drift
from reconciler.model.clock import SystemClock
from reconciler.model.desired import DesiredRule, Target
from reconciler.model.errors import InputError
from reconciler.model.live import Instances, LiveGroup, LiveRule, Quota
from reconciler.model.rule import Rule
from reconciler.reading import detect_drift


@settings(max_examples=examples(100), deadline=None)
@given(rules_to_create(), live_rules(), tag_maps(), tag_maps())
def test_drift_is_what_a_plan_would_change(
    desired: tuple[DesiredRule, ...], live: tuple[LiveRule, ...], new: dict[str, str], old: dict[str, str]
) -> None:
    """The same groups with the same rules and tags; what can be created is a matter of plans only."""
    groups = [desired_group("web", desired, tags=new), desired_group("new", [tcp(1)])]
    now = [live_group("web", live, old), live_group("app", number=2)]
    drift = find_drift(state_of(*groups), live_of(*now))
    planned = {change.difference.name: change.difference for change in plan_of(groups, now).changes}
    assert {each.difference.name for each in drift.drifted} == planned.keys()
    for each in drift.drifted:
        for part in ("creates", "deletes", "redescribes", "tags", "unchanged"):
            assert getattr(each.difference, part) == getattr(planned[each.difference.name], part)
    assert drift.counted == bool(planned)


@pytest.mark.parametrize(
    ("desired", "live", "severity"),
    [
        pytest.param([wanted(tcp(80), "new")], [there(1, tcp(80), "old")], Severity.COSMETIC, id="a-description"),
        pytest.param(
            [tcp(80, "10.0.0.0/8")],
            [tcp(80, "10.0.0.0/9"), tcp(80, "10.128.0.0/9")],
            Severity.COSMETIC,
            id="the-same-traffic-by-other-rules",
        ),
        pytest.param([tcp(80), tcp(81)], [tcp(80)], Severity.NARROWING, id="something-is-refused"),
        pytest.param([tcp(80)], [tcp(80), tcp(22)], Severity.WIDENING, id="something-is-open"),
        pytest.param([tcp(80)], [tcp(22)], Severity.WIDENING, id="both"),
        pytest.param([rule()], None, Severity.MISSING, id="no-such-group"),
    ],
)
@pytest.mark.parametrize("fail_on", list(Severity))
def test_severity_says_what_it_means_for_traffic(
    desired: Sequence[DesiredRule | Rule], live: Sequence[LiveRule | Rule] | None, severity: Severity, fail_on: Severity
) -> None:
    """And a group counts when it is at least as severe as what was asked for."""
    now = [] if live is None else [live_group("web", live)]
    drift = find_drift(state_of(desired_group("web", desired)), live_of(*now), fail_on)
    assert [each.severity for each in drift.drifted] == [severity]
    order = list(Severity)
    assert drift.counted == (order.index(severity) >= order.index(fail_on))


@pytest.mark.parametrize("named", [True, False], ids=["named", "no file"])
def test_live_groups_that_no_file_names_never_count(named: bool) -> None:
    now = [live_group("web"), live_group("other", [tcp(22)], number=2)]
    drift = find_drift(state_of(*([desired_group("web")] if named else [])), live_of(*now))
    assert not drift.counted
    assert [group.name for group in drift.unmanaged] == (["other"] if named else ["web", "other"])


def test_what_cannot_be_told_is_an_error_and_no_drift() -> None:
    twins = [live_group("web", number=1), live_group("web", number=2)]
    with pytest.raises(InputError):
        find_drift(state_of(desired_group("web")), live_of(*twins))


class Fleet:
    """Made live only when it is read: every target has the group, with rules and ids of its own."""

    base_url = "https://api.gcore.com"

    def list_groups(self, target: Target, name: str | None = None, on_page: OnPage = nobody) -> tuple[LiveGroup, ...]:
        return (live_group("web", [tcp(port) for port in range(1, 1001)], number=target.region_id, target=target),)

    def get_group(self, target: Target, group_id: str) -> LiveGroup | None:
        raise AssertionError("nobody asked for this")

    def read_quotas(self) -> dict[int, Quota]:
        raise AssertionError("nobody asked for this")

    def read_instances(self, target: Target, group_id: str) -> Instances:
        raise AssertionError("nobody asked for this")

    def list_projects(self) -> Mapping[int, str]:
        raise AssertionError("nobody asked for this")

    list_regions = list_projects


def test_a_fleet_is_compared_in_the_memory_of_one_target() -> None:
    """What is as it should be is not kept: after fifty targets no more is there than after the first."""
    rules = [wanted(tcp(port)) for port in range(1, 1001)]
    state = state_of(*(desired_group("web", rules, target=Target(1, region)) for region in range(1, 51)))
    api = Api(Fleet(), GcoreWriter(None, SystemClock()), SystemClock(), parallelism=1)  # type: ignore[arg-type]  # nobody writes
    kept: list[int] = []
    tracemalloc.start()
    try:
        drift = detect_drift(state, api, progress=lambda *_: kept.append(tracemalloc.get_traced_memory()[0]))
    finally:
        tracemalloc.stop()
    assert (drift.groups, drift.rules, drift.drifted) == (50, 50_000, ())
    assert len(kept) == 50
    assert max(kept) < 2 * kept[0]
