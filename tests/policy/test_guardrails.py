"""Guardrails against damage: at each limit, below it and above; what is lifted stays lifted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from build import OTHER_TARGET, desired_group, live_group, live_of, plan_of, rule, tcp, uuid, wanted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.api.backend import BACKENDS
from reconciler.model.live import OWNER_TAG
from reconciler.model.policies import Finding, Limits
from reconciler.planning import planfile
from reconciler.planning.plan import Plan, Scope
from reconciler.policy.damage import MASS_DELETE, MASS_REWRITE, check_damage
from reconciler.policy.judge_plan import judge_again, stops_by_live

OURS = {OWNER_TAG: "us"}


def rules_plan(total: int, deleted: int, created: int = 0, **options: Any) -> Plan:
    """A plan that deletes and creates rules of one direction in a group with so many."""
    live = [tcp(1000 + index) for index in range(total)]
    desired = [*live[deleted:], *(tcp(5000 + index) for index in range(created))]
    return plan_of([desired_group("web", desired)], [live_group("web", live)], **options)


def groups_plan(owned: int, deleted: int, **options: Any) -> Plan:
    """A plan that prunes so many of our groups."""
    live = [live_group(f"group-{number}", tags=OURS, number=number + 1) for number in range(owned)]
    desired = [desired_group(group.name, owner="us") for group in live[deleted:]]
    return plan_of(desired or [desired_group("new", owner="us")], live, owners=["us"], prune=True, **options)


def stops(plan: Plan) -> list[Finding]:
    assert all(finding.level == "error" for finding in plan.stopped_by)
    return list(plan.stopped_by)


@pytest.mark.parametrize(
    ("total", "deleted", "created", "stopped"),
    [
        pytest.param(100, 30, 0, False, id="30-of-100-is-the-limit"),
        pytest.param(100, 31, 0, True, id="31-of-100"),
        pytest.param(40, 12, 0, False, id="12-of-40-is-30-percent"),
        pytest.param(39, 12, 0, True, id="12-of-39-is-over-30-percent"),
        pytest.param(12, 10, 0, False, id="10-rules-never-count"),
        pytest.param(12, 11, 0, True, id="11-do"),
        pytest.param(100, 60, 30, False, id="half-of-them-replaced"),
        pytest.param(100, 60, 29, True, id="one-less-replaced"),
        pytest.param(100, 90, 90, False, id="all-replaced"),
        pytest.param(100, 0, 100, False, id="only-new-ones"),
    ],
)
def test_mass_deletion_of_rules(total: int, deleted: int, created: int, stopped: bool) -> None:
    """Over 30 % and over 10 rules for which none of the same direction is created."""
    found = [each for each in stops(rules_plan(total, deleted, created)) if each.guardrail == MASS_DELETE]
    assert bool(found) is stopped
    for finding in found:
        assert f"{deleted - created} of {total} managed rules" in finding.message
        assert "30 %" in finding.message
        assert "`max_deleted_rules`" in finding.message
        assert finding.flag == "--allow-mass-delete"


def test_a_rule_of_the_other_direction_replaces_nothing() -> None:
    live = [tcp(1000 + index) for index in range(20)]
    desired = [*live[12:], *(rule("egress", ports=1000 + index) for index in range(12))]
    assert stops(plan_of([desired_group("web", desired)], [live_group("web", live)]))


@pytest.mark.parametrize(
    ("owned", "deleted", "stopped"),
    [
        pytest.param(5, 3, False, id="3-groups-never-count"),
        pytest.param(5, 4, True, id="4-of-5"),
        pytest.param(20, 6, False, id="6-of-20-is-the-limit"),
        pytest.param(20, 7, True, id="7-of-20"),
        pytest.param(4, 4, True, id="all-of-4"),
    ],
)
def test_mass_deletion_of_groups(owned: int, deleted: int, stopped: bool) -> None:
    """Over 30 % of the groups with our tag, and over 3."""
    found = stops(groups_plan(owned, deleted))
    assert bool(found) is stopped
    for finding in found:
        assert f"{deleted} of {owned} owned groups" in finding.message
        assert "`max_deleted_groups`" in finding.message


@pytest.mark.parametrize(
    ("live", "desired", "stopped"),
    [
        pytest.param([tcp(80)], [], True, id="the-only-rule"),
        pytest.param([tcp(80), tcp(81)], [], True, id="all-rules"),
        pytest.param([], [], False, id="empty-before"),
        pytest.param([tcp(80)], [tcp(81)], False, id="replaced"),
        pytest.param([tcp(80), tcp(81)], [tcp(81)], False, id="one-stays"),
        pytest.param([tcp(80), tcp(81)], [wanted(tcp(81), "new")], False, id="one-is-described-anew"),
    ],
)
def test_a_group_that_would_be_emptied(live: list[Any], desired: list[Any], stopped: bool) -> None:
    found = stops(plan_of([desired_group("web", desired)], [live_group("web", live)]))
    assert bool(found) is stopped
    assert all("'web' would be left without any rule" in finding.message for finding in found)
    assert all(finding.place is not None for finding in found)


def test_the_limits_are_settings() -> None:
    plan = rules_plan(100, 31)
    assert check_damage(plan, Limits(max_deleted_rules=31)) == ()
    assert check_damage(plan, Limits(min_deleted_rules=31)) == ()
    assert check_damage(rules_plan(100, 5), Limits(max_deleted_rules=4, min_deleted_rules=4))


def test_a_lost_rule_stops_and_names_itself() -> None:
    live = [
        live_group("web", tags=OURS),
        live_group("old", tags=OURS, number=9),
        live_group("foreign", [tcp(80, uuid(9))], number=3),
    ]
    (finding,) = stops(plan_of([desired_group("web", owner="us")], live, owners=["us"], prune=True))
    assert "'old'" in finding.message
    assert "'foreign'" in finding.message
    assert uuid(3000) in finding.message


def test_a_stopped_plan_is_a_whole_plan() -> None:
    """It can be shown and saved: the same changes and requests as without the guardrail."""
    stopped, lifted = rules_plan(100, 50), rules_plan(100, 50, lifted=frozenset({MASS_DELETE}))
    assert stopped.changes == lifted.changes
    assert stopped.findings == lifted.findings
    assert stopped.stopped_by
    assert not lifted.stopped_by


def test_a_lifted_guardrail_is_recorded_and_stays_lifted() -> None:
    """Through the file, and through the judgement at apply."""
    plan = rules_plan(100, 50, lifted=frozenset({MASS_DELETE}))
    again = judge_again(planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS))
    assert again.lifted == (MASS_DELETE,)
    assert again.findings
    assert again.stopped_by == ()


def test_a_saved_plan_is_judged_again() -> None:
    """By the changes in it, not by the findings that it was saved with."""
    stopped = replace(rules_plan(100, 50), findings=())
    assert stopped.stopped_by == ()
    assert judge_again(stopped).stopped_by
    assert judge_again(rules_plan(100, 50), Limits(max_deleted_rules=50)).stopped_by == ()


def rewriting(
    groups: int, total: int, replaced: int, *, wider: bool = False, untouched: int = 0, **options: Any
) -> Plan:
    """A plan that replaces so many rules of so many in each group: by another port, or by more ports."""
    live = [tcp(1000 + index, "10.0.0.0/8") for index in range(total)]
    others = [
        rule(ports=(1000 + index, 2000 + index) if wider else 5000 + index, remote="10.0.0.0/8")
        for index in range(replaced)
    ]
    desired = [*live[replaced:], *others]
    numbers = range(groups + untouched)
    return plan_of(
        [desired_group(f"group-{each}", desired if each < groups else live) for each in numbers],
        [live_group(f"group-{each}", live, number=each + 1) for each in numbers],
        **options,
    )


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        pytest.param(rewriting(1, 20, 20), [], id="20-rules-never-count"),
        pytest.param(
            rewriting(1, 21, 21),
            ["rewrites 21 of 21 rules (100 %, limit 50 %)", "closes what 21 of 21 rules admitted (100 %"],
            id="21-do",
        ),
        pytest.param(rewriting(1, 100, 30), [], id="30-of-100-is-the-limit-of-what-is-closed"),
        pytest.param(
            rewriting(1, 100, 31),
            ["closes what 31 of 100 rules admitted (31 %, limit 30 %)"],
            id="31",
        ),
        pytest.param(rewriting(1, 100, 50, wider=True), [], id="50-wider-ones-close-nothing"),
        pytest.param(rewriting(1, 100, 51, wider=True), ["rewrites 51 of 100 rules (51 %"], id="51-wider-ones"),
        pytest.param(rewriting(10, 20, 1), [], id="one-port-in-10-groups"),
        pytest.param(rewriting(11, 20, 1), ["changes 11 of 11 groups (100 %"], id="one-port-in-11-groups"),
        pytest.param(rewriting(11, 20, 1, untouched=11), [], id="one-port-in-half-of-the-groups"),
        pytest.param(
            rewriting(12, 20, 1, untouched=11),
            ["changes 12 of 23 groups (52 %, limit 50 %)"],
            id="in-more-than-half",
        ),
    ],
)
def test_what_is_replaced_counts(plan: Plan, says: list[str]) -> None:
    """Over 50 % of the rules (30 % where it is closed) and over 20; over 50 % of the groups and over 10."""
    found = stops(plan)
    assert len(found) == bool(says)
    for finding in found:
        assert (finding.guardrail, finding.flag) == (MASS_REWRITE, "--allow-mass-rewrite")
        assert all(each in finding.message for each in says)
        assert finding.message.count(", limit ") == len(says)


def test_rules_that_admit_the_same_are_not_rewritten() -> None:
    """A prefix becomes its two halves, forty times over."""
    live = [tcp(1000 + index, "10.0.0.0/8") for index in range(40)]
    halves = [tcp(1000 + index, half) for index in range(40) for half in ("10.0.0.0/9", "10.128.0.0/9")]
    assert stops(plan_of([desired_group("web", halves)], [live_group("web", live)])) == []


@given(
    st.lists(st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "192.0.2.7/32"]), min_size=24, max_size=24), st.integers(0, 24)
)
@settings(max_examples=examples(50))
def test_what_was_admitted_is_counted_in_rules_whatever_their_size(prefixes: list[str], replaced: int) -> None:
    """The same share whether 0.0.0.0/0 is closed or one host, and never more than is rewritten."""
    live = [tcp(1000 + index, prefix) for index, prefix in enumerate(prefixes)]
    desired = [*live[replaced:], *(tcp(5000 + index, prefix) for index, prefix in enumerate(prefixes[:replaced]))]
    plan = plan_of([desired_group("web", desired)], [live_group("web", live)])
    found = check_damage(plan, Limits(max_closed_rules=0, min_rewritten_rules=0, max_rewritten_rules=100))
    share = f"closes what {replaced} of 24 rules admitted ({replaced * 100 / 24:.0f} %, "
    assert [share in each.message for each in found if each.guardrail == MASS_REWRITE] == [True] * (replaced > 0)


def test_a_lifted_rewrite_is_recorded_and_stays_lifted() -> None:
    plan = rewriting(1, 100, 60, lifted=frozenset({MASS_REWRITE}))
    again = judge_again(planfile.loads(planfile.dumps(plan), "plan.json", BACKENDS))
    assert again.lifted == (MASS_REWRITE,)
    assert again.findings
    assert again.stopped_by == ()
    assert judge_again(rewriting(1, 100, 60), Limits(max_rewritten_rules=60, max_closed_rules=60)).stopped_by == ()


def test_what_other_targets_have_makes_no_deletion_smaller() -> None:
    """A region that is emptied is no smaller a share where the files name others as well, in which nothing changes."""
    elsewhere = [tcp(1000 + index) for index in range(200)]
    live = [tcp(1000 + index) for index in range(20)]
    desired = [desired_group("web", live[12:]), desired_group("web", elsewhere, target=OTHER_TARGET)]
    there = [live_group("web", live), live_group("web", elsewhere, target=OTHER_TARGET, number=2)]
    plan = plan_of(desired, there)
    assert plan.scope == Scope(groups=1, rules=20)
    assert "12 of 20 managed rules" in stops(plan)[0].message
    assert plan_of(desired[1:], there).scope == Scope(groups=1, rules=200), "of all, where nothing changes"


LARGE = Scope(groups=10**9, rules=10**9, owned_groups=10**9)
COUNTS = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))


@settings(max_examples=examples(150))
@given(st.lists(COUNTS, min_size=1, max_size=4), st.data())
def test_a_forged_size_of_the_whole_lets_nothing_pass_that_is_live(
    counts: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """All that is live is managed here. An honest plan is not stopped while it is applied, whatever is done of it."""
    live, desired = [], []
    for number, (kept, deleted, created) in enumerate(counts, 1):
        rules = [tcp(1000 + index) for index in range(kept + deleted)]
        live.append(live_group(f"group {number}", rules, number=number))
        new = [tcp(5000 + index) for index in range(created)]
        desired.append(desired_group(f"group {number}", [*rules[:kept], *new]))
    plan = plan_of(desired, live)
    assert stops_by_live(plan, live_of(*live)) == ()
    forged = replace(plan, scope=LARGE, findings=())
    shares = [each for each in stops(plan) if " of " in each.message]
    assert [each.message for each in stops_by_live(forged, live_of(*live)) if " of " in each.message] == [
        each.message for each in shares
    ]
    now = []
    for group in live:
        gone = {
            change.id for each in plan.changes if each.difference.live == group for change in each.difference.deletes
        }
        done = data.draw(st.sets(st.sampled_from(sorted(gone)))) if gone else set()
        now.append(replace(group, rules=tuple(each for each in group.rules if each.id not in done)))
    assert stops_by_live(replace(plan, findings=()), live_of(*now)) == ()


def test_groups_are_counted_as_rules_are() -> None:
    """4 of 5 groups are deleted, and the plan says that there are a billion."""
    plan = groups_plan(5, 4)
    live = [live_group(f"group-{number}", tags=OURS, number=number + 1) for number in range(5)]
    (stop,) = stops_by_live(replace(plan, scope=LARGE, findings=()), live_of(*live))
    assert "4 of 5 owned groups" in stop.message
    assert stops_by_live(replace(plan, scope=LARGE, findings=(), lifted=(MASS_DELETE,)), live_of(*live)) == ()
    assert stops_by_live(replace(plan, findings=()), live_of(live[-1])) == (), "what is done already counts as there"
