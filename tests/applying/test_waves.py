"""What can be done at once is: only who needs the id of a new group waits for it, and only who is referred to stays."""

from collections.abc import Mapping
from typing import cast

import pytest
from build import desired_group, live_group, plan_of, tcp, uuid, wanted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.applying import execution
from reconciler.applying.converge import following
from reconciler.applying.execution import creation_waves, deletion_waves
from reconciler.applying.outcome import Result, Status
from reconciler.applying.patience import Patience
from reconciler.applying.session import ApplyContext
from reconciler.model.live import OWNER_TAG
from reconciler.model.placeholder import names_in
from reconciler.planning.plan import Change, Plan

NAMES = [f"group-{number}" for number in range(6)]
references = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=12, unique=True)


def names(waves: list[list[Change]]) -> list[list[str]]:
    return [[change.difference.name for change in wave] for wave in waves]


def creating(pairs: list[tuple[str, str]]) -> Plan:
    rules = {
        name: [wanted(tcp(NAMES.index(to) + 1), remote_group=to) for who, to in pairs if who == name] for name in NAMES
    }
    return plan_of([desired_group(name, rules[name]) for name in NAMES], [])


def deleting(pairs: list[tuple[str, str]]) -> Plan:
    owner = {OWNER_TAG: "us"}
    live = [
        live_group(
            name,
            [tcp(NAMES.index(to) + 1, uuid(NAMES.index(to) + 1)) for who, to in pairs if who == name],
            owner,
            number=number + 1,
        )
        for number, name in enumerate(NAMES)
    ]
    return plan_of([desired_group("web")], [live_group(number=99), *live], owners=["us"], prune=True)


def test_groups_that_need_nobody_are_one_wave() -> None:
    assert names(creation_waves(creating([]).changes)) == [NAMES]
    deletions = [change for change in deleting([]).changes if change.difference.name in NAMES]
    assert names(deletion_waves(deletions)) == [NAMES]


def test_a_chain_is_a_wave_each_and_what_refers_to_it_goes_first() -> None:
    pairs = [("group-0", "group-1"), ("group-1", "group-2")]
    others = ["group-3", "group-4", "group-5"]
    assert names(creation_waves(creating(pairs).changes)) == [["group-2", *others], ["group-1"], ["group-0"]]
    deletions = [change for change in deleting(pairs).changes if change.difference.name in NAMES]
    assert [set(wave) for wave in names(deletion_waves(deletions))] == [{"group-0", *others}, {"group-1"}, {"group-2"}]


@settings(max_examples=examples(150), deadline=None)
@given(references)
def test_no_creation_needs_an_id_of_its_own_wave_or_a_later_one(pairs: list[tuple[str, str]]) -> None:
    plan = creating(pairs)
    waves = creation_waves(plan.changes)
    assert sorted(name for wave in names(waves) for name in wave) == NAMES
    there: set[str] = set()
    for wave in waves:
        for change in wave:
            assert names_in(change.requests[0].body) <= there
        there |= {change.difference.name for change in wave}


@settings(max_examples=examples(150), deadline=None)
@given(references)
def test_a_group_goes_after_those_that_stand_before_it_and_refer_to_it(pairs: list[tuple[str, str]]) -> None:
    """So it is as if they had gone one by one, in the plan's order; where they refer in a circle, that breaks it."""
    changes = [change for change in deleting(pairs).changes if change.difference.name in NAMES]
    order = [change.difference.name for change in changes]
    place = {name: index for index, wave in enumerate(names(deletion_waves(changes))) for name in wave}
    assert sorted(place) == NAMES
    for who, to in pairs:
        if order.index(who) < order.index(to):
            assert place[who] < place[to]


@settings(max_examples=examples(100), deadline=None)
@given(references)
def test_a_new_group_is_handed_the_ids_of_those_that_it_names(pairs: list[tuple[str, str]]) -> None:
    """It is one mapping for all: a copy for each would be as many ids as there are groups, squared."""
    handed: list[Mapping[str, str]] = []

    def act(_: ApplyContext, change: Change, ids: Mapping[str, str], *answered: object) -> Result:
        needed = [*change.requests[:1], *(following(change) if answered else ())]
        named = set().union(*(names_in(each.path) | names_in(each.body) for each in needed))
        assert {name: ids.get(name) for name in named} == {name: uuid(NAMES.index(name) + 1) for name in named}
        handed.append(ids)
        return Result(change, Status.APPLIED, group_id=uuid(NAMES.index(change.difference.name) + 1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "create", act)
        patch.setattr(execution, "complete", act)
        plan = creating(pairs)
        running = execution.Execution(cast("ApplyContext", None), lambda _: None, Patience(1))
        for wave in running.waves(plan.changes):
            for work in wave:
                work()
    assert {each.status for each in running.results(plan)} == {Status.APPLIED}
    assert all(ids is handed[0] for ids in handed)
