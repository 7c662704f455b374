"""The safe order: everything once, never over the ceiling, and no traffic cut unless it says so."""

from collections.abc import Collection

import pytest
from bruteforce import cut_or_opened
from build import desired_group, live_group, there, wanted
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.desired import DesiredRule
from reconciler.model.live import LiveRule
from reconciler.model.place import FilePlace
from reconciler.model.rule import Rule
from reconciler.planning import order
from reconciler.planning.diff import Redescription, diff
from reconciler.planning.resolve import Match

CEILING = 5
PLACE = FilePlace("", 1, 1)
PREFIXES = [None, "10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"]


@pytest.fixture(autouse=True, scope="module")
def low_ceiling() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "MAX_RULES", CEILING)
        yield


def tcp(low: int, high: int, prefix: str | None = None) -> Rule:
    return Rule("ingress", "IPv4", "tcp", low, high, prefix)


rules = st.builds(
    lambda low, more, prefix: tcp(low, low + more, prefix),
    st.integers(1, 4),
    st.integers(0, 2),
    st.sampled_from(PREFIXES),
)
rule_lists = st.lists(rules, unique=True, max_size=CEILING)


def plan(old: list[Rule], new: list[Rule], anew: Collection[Rule] = ()) -> order.Order:
    """Order the changes from old to new; rules in `anew` get another description."""
    live = live_group("web", [there(number, rule) for number, rule in enumerate(old, 1)])
    desired = desired_group("web", [wanted(rule, "new" if rule in anew else "") for rule in new])
    return order.order_of(diff(Match(desired, live)))


def way(old: list[Rule], found: order.Order) -> list[list[Rule]]:
    """The rule sets after each single step."""
    now, sets = list(old), []
    for batch in found.batches:
        for created in batch.creates:
            now = [*now, created.rule]
            sets.append(now)
        for each in batch.redescribes:
            sets += [[rule for rule in now if rule != each.desired.rule], now]
        for deleted in batch.deletes:
            now = [rule for rule in now if rule != deleted.rule]
            sets.append(now)
    return sets


@settings(max_examples=examples(400))
@given(rule_lists, rule_lists, st.frozensets(rules, max_size=2))
def test_every_step_is_safe_or_named_as_a_gap(old: list[Rule], new: list[Rule], more: frozenset[Rule]) -> None:
    """With one exception: what only a rule admits that is described anew."""
    anew = {*more, *old[:1]}
    found = plan(old, new, anew)
    sets = [old, *way(old, found)]
    assert set(sets[-1]) == set(new)
    assert len(sets[-1]) == len(new)
    assert max(map(len, sets)) <= CEILING
    if not found.gaps:
        assert not cut_or_opened(sets, old, new, anew & {*old} & {*new})


@settings(max_examples=examples(200))
@given(rule_lists, rule_lists)
def test_with_room_for_both_creates_come_first(old: list[Rule], new: list[Rule]) -> None:
    found = plan(old, new)
    if len({*old, *new}) <= CEILING:
        assert len(found.batches) <= 2
        assert not found.takes_turns
        assert not found.gaps


FULL = [tcp(port, port) for port in range(1, CEILING + 1)]


def test_a_full_group_whose_rules_give_way_to_unrelated_ones_has_a_way() -> None:
    found = plan(FULL, [tcp(port, port) for port in range(101, 101 + CEILING)])
    assert found.takes_turns
    assert not found.gaps


def test_a_full_group_whose_every_rule_is_widened_has_no_way() -> None:
    found = plan([tcp(port, port, "10.0.0.0/8") for port in range(1, CEILING + 1)], FULL)
    assert found.gaps


def test_room_for_one_is_enough_to_widen_all_one_by_one() -> None:
    old = [tcp(port, port, "10.0.0.0/8") for port in range(1, CEILING)]
    found = plan(old, FULL[:-1])
    assert found.takes_turns
    assert not found.gaps


def test_live_rules_of_one_meaning_that_give_way_to_one_make_room_first() -> None:
    twins = tuple(LiveRule(text, tcp(1, 1), text) for text in ("a", "b"))
    redescribed = Redescription(twins, DesiredRule(tcp(1, 1), "", PLACE))
    staying = [tcp(port, port) for port in (2, 3, 4)]
    new = DesiredRule(tcp(5, 5), "", PLACE)
    for others, firsts in ((staying, [redescribed]), (staying[1:], [])):
        found = order.safe_order(2 + len(others), [new], [redescribed], (), others)
        assert list(found.batches[0].redescribes) == firsts
        assert [batch.creates for batch in found.batches if batch.creates] == [(new,)]
        assert not found.takes_turns


@pytest.mark.parametrize(
    ("going", "new"),
    [
        pytest.param(tcp(50, 60), tcp(55, 70), id="one-stays-that-covers-both"),
        pytest.param(tcp(50, 60), tcp(55, 150), id="one-stays-that-covers-what-goes"),
        pytest.param(tcp(50, 150), tcp(55, 70), id="one-stays-that-covers-what-comes"),
    ],
)
@pytest.mark.parametrize("anew", [0, 1], ids=["as-it-is", "described-anew"])
def test_a_rule_that_stays_frees_one_that_goes(going: Rule, new: Rule, anew: int) -> None:
    """It overlaps the new one, but what both admit is admitted all the way."""
    stay = [tcp(1, 100), *(tcp(port, port) for port in (201, 202, 203))]
    found = plan([*stay, going], [*stay, new], stay[:anew])
    assert not found.gaps
    assert found.takes_turns is True
    assert len(found.batches) == 2 + anew
    assert len(found.batches[0].redescribes) == anew
