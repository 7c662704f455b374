"""What `--prune` deletes, what it leaves and says why, and in which order."""

from __future__ import annotations

import pytest
from build import (
    BASE_URL,
    CREATED_AT,
    OTHER_TARGET,
    desired_group,
    live_group,
    live_of,
    plan_of,
    rule,
    state_of,
    tcp,
    uuid,
)
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.live import OWNER_TAG, PROTECTION_TAG, Instances, LiveGroup, LiveState
from reconciler.planning.diff import Action
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.workflow import make_plan

OURS = {OWNER_TAG: "us"}


def pruned(plan: Plan) -> list[str]:
    """Names of the groups that a plan deletes, in order."""
    return [change.difference.name for change in plan.changes if change.difference.action is Action.DELETE]


@pytest.mark.parametrize(
    ("group", "goes"),
    [
        pytest.param(live_group("old", tags=OURS, number=9), True, id="ours-and-named-nowhere"),
        pytest.param(live_group("old", number=9), False, id="nobodys"),
        pytest.param(live_group("old", tags={OWNER_TAG: "them"}, number=9), False, id="theirs"),
        pytest.param(live_group("old", tags=OURS, number=9, target=OTHER_TARGET), False, id="in-a-target-not-named"),
        pytest.param(live_group("default", tags=OURS, number=9), False, id="default"),
        pytest.param(live_group("old", tags=OURS | {PROTECTION_TAG: "true"}, number=9), False, id="protected"),
        pytest.param(
            live_group("old", tags=OURS | {PROTECTION_TAG: "no"}, number=9), False, id="protected-whatever-it-says"
        ),
    ],
)
def test_only_our_own_groups_that_no_file_names_go(group: LiveGroup, goes: bool) -> None:
    plan = plan_of([desired_group("web", owner="us")], [live_group("web", tags=OURS), group], owners=["us"], prune=True)
    assert pruned(plan) == (["old"] if goes else [])
    is_ours_here = group.owner == "us" and group.target != OTHER_TARGET
    assert len(plan.notes) == (1 if is_ours_here and not goes else 0)


def test_without_prune_nothing_is_deleted() -> None:
    live = [live_group("web", tags=OURS), live_group("old", tags=OURS, number=9)]
    assert plan_of([desired_group("web", owner="us")], live, owners=["us"]).changes == ()


def test_a_group_in_use_stays_and_the_plan_says_why() -> None:
    live = [live_group("web", tags=OURS), live_group("old", tags=OURS, number=9)]
    plan = _plan(live_of(*live), {uuid(9): Instances(2)})
    assert pruned(plan) == []
    assert "2 instances" in plan.notes[0]
    assert "'old'" in plan.notes[0]


def _plan(live: LiveState, instances: dict[str, Instances]) -> Plan:
    state = state_of(desired_group("web", owner="us"), owners=["us"])
    options = PlanOptions(prune=True)
    return make_plan(state, live, options, base_url=BASE_URL, created_at=CREATED_AT, instances=instances)


def test_a_group_that_the_files_rename_is_named() -> None:
    """By its id or its previous name it is ours still, and only gets another name."""
    live = [live_group("web", tags=OURS), live_group("app", tags=OURS, number=2)]
    desired = [
        desired_group("www", id=uuid(1), owner="us"),
        desired_group("api", previous_name="app", owner="us"),
    ]
    assert pruned(plan_of(desired, live, owners=["us"], prune=True)) == []


@settings(max_examples=examples(100))
@given(edges=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=8), is_without_circle=st.booleans())
def test_a_group_goes_before_those_it_refers_to(edges: list[tuple[int, int]], *, is_without_circle: bool) -> None:
    """As far as the references do not run in a circle; all of them go in any case. They come in the other order."""
    edges = [(max(edge), min(edge)) for edge in edges] if is_without_circle else edges
    groups = [
        live_group(
            f"old-{number}",
            [rule(ports=index + 1, remote=uuid(10 + to)) for index, (of, to) in enumerate(edges) if of == number],
            OURS,
            number=10 + number,
        )
        for number in range(6)
    ]
    plan = plan_of(
        [desired_group("web", owner="us")], [live_group("web", tags=OURS), *groups], owners=["us"], prune=True
    )
    order = pruned(plan)
    assert sorted(order) == [f"old-{number}" for number in range(6)]
    if is_without_circle:
        for of, to in edges:
            assert of == to or order.index(f"old-{of}") < order.index(f"old-{to}")


def test_a_rule_elsewhere_that_would_be_lost_is_shown_and_stops() -> None:
    """In a group that no file names, and in one whose rules no file manages; not where a file replaces them."""
    going = live_group("old", tags=OURS, number=9)
    foreign = live_group("foreign", [tcp(80, uuid(9))], number=3)
    unmanaged = live_group("app", [tcp(81, uuid(9))], OURS, number=4)
    managed = live_group("web", [tcp(82, uuid(9))], OURS)
    desired = [desired_group("web", owner="us"), desired_group("app", None, owner="us")]
    plan = plan_of(desired, [managed, unmanaged, foreign, going], owners=["us"], prune=True)
    lost = [each for change in plan.changes for each in change.difference.lost_rules]
    assert sorted(each.group_name for each in lost) == ["app", "foreign"]
    messages = [finding.message for finding in plan.stopped_by]
    rule = f"ingress IPv4 tcp 80 from group old (rule {foreign.rules[0].id})"
    assert any(f"delete a rule of 'foreign' that the files leave alone: {rule};" in each for each in messages)
    assert sum("would also delete a rule" in message for message in messages) == 2
    alone = plan_of(desired[1:], [unmanaged, going], owners=["us"], prune=True)
    assert alone.group_names[uuid(9)] == "old", "the lost rule is shown with the name of its remote"


def test_groups_that_go_together_lose_nothing_by_each_other() -> None:
    one = live_group("one", [tcp(80, uuid(9))], OURS, number=8)
    other = live_group("two", [tcp(80, uuid(8))], OURS, number=9)
    plan = plan_of(
        [desired_group("web", [], owner="us")], [live_group("web", tags=OURS), one, other], owners=["us"], prune=True
    )
    assert plan.stopped_by == ()
    assert len(pruned(plan)) == 2
