"""Properties of the way from one rule set to another, whatever order the server chooses."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.changes import World, ordered, run, towards
from reconciler.emulator.knobs import Order
from reconciler.emulator.neutron import key, stored
from reconciler.emulator.records import Group, Rule, RuleSpec, Target
from reconciler.emulator.validation import Deletion

SPECS = st.builds(
    RuleSpec,
    direction=st.sampled_from(["ingress", "egress"]),
    protocol=st.sampled_from([None, "any", "tcp", "icmp"]),
    remote_ip_prefix=st.sampled_from([None, "0.0.0.0/0", "10.0.0.1", "10.0.0.1/32"]),
    description=st.sampled_from(["", "one", "other"]),
)
RULE_SETS = st.lists(SPECS, max_size=8, unique_by=key)
ORDERS = st.sampled_from(list(Order))


def group_of(specs: list[RuleSpec]) -> Group:
    """A group that holds these rules."""
    rules = tuple(Rule.of(stored(spec), f"old-{number}", "g", "then") for number, spec in enumerate(specs))
    return Group("g", Target(1, 7), "web", "", "Luxembourg", (), rules, "then", "then")


def world(max_rules: int = 250) -> World:
    """No other groups, and ids in a row."""
    numbers = count()
    return World("now", lambda: f"new-{next(numbers)}", lambda _: False, max_rules)


def contents(rules: object) -> Counter[object]:
    """What rules say, without their identities."""
    return Counter((key(rule), rule.description) for rule in rules)  # type: ignore[attr-defined]  # rules or specs


@given(live=RULE_SETS, asked=RULE_SETS, order=ORDERS)
def test_a_whole_list_always_becomes_the_group(live: list[RuleSpec], asked: list[RuleSpec], order: Order) -> None:
    """In every order; what is in both is not touched."""
    group = group_of(live)
    outcome = run(group, towards(group, asked, order), world())
    after = outcome.steps[-1].rules if outcome.steps else group.rules
    assert outcome.error is None
    assert contents(after) == contents(asked)
    kept = contents(live) & contents(asked)
    assert sum(kept.values()) == sum(rule.id.startswith("old-") for rule in after)


@given(asked=RULE_SETS, order=ORDERS)
def test_a_list_that_is_live_is_no_change(asked: list[RuleSpec], order: Order) -> None:
    assert towards(group_of(asked), asked, order) == []


@given(live=RULE_SETS, asked=st.lists(SPECS, max_size=8), order=ORDERS, ceiling=st.integers(0, 8))
def test_every_step_is_one_rule_and_stays_below_the_ceiling(
    live: list[RuleSpec], asked: list[RuleSpec], order: Order, ceiling: int
) -> None:
    """Also where the change is refused on the way: no duplicate is ever live."""
    group = group_of(live)
    entries = ordered([*asked, *(Deletion(rule.id) for rule in group.rules)], order)
    outcome = run(group, entries, world(ceiling))
    before = set(group.rules)
    for step in outcome.steps:
        after = set(step.rules)
        assert len(before ^ after) == 1
        assert len(after) <= max(ceiling, len(live))
        assert max(Counter(key(rule) for rule in after).values(), default=1) == 1
        before = after
    assert outcome.error is not None or len(outcome.steps) == len(entries)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param(Order.LISTED, [0, 1, 2, 3], id="listed"),
        pytest.param(Order.DELETES_FIRST, [1, 3, 0, 2], id="deletes-first"),
        pytest.param(Order.CREATES_FIRST, [0, 2, 1, 3], id="creates-first"),
    ],
)
def test_within_its_kind_every_entry_keeps_its_place(order: Order, expected: list[int]) -> None:
    entries = [RuleSpec("ingress"), Deletion("a"), RuleSpec("egress"), Deletion("b")]
    assert [entries.index(entry) for entry in ordered(entries, order)] == expected
