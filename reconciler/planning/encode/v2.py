"""Requests of v2: the whole list of rules as it is to be, so that order is expressed by sending several lists.

Make before break here means that every batch of the safe order is a list of its own: the union of old and new first,
the final list last. Rules that no list could spell as the API does are kept by changing single rules instead.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.model.desired import DesiredRule, Target
from reconciler.model.difference import Difference
from reconciler.model.live import LiveRule
from reconciler.model.plan import Request
from reconciler.model.rule import Rule
from reconciler.planning.encode.bodies import attributes, described, new_group, patch, v2_path
from reconciler.planning.order import MAX_RULES, Batch, Order

MAX_RULES_AT_CREATE = MAX_RULES
"""Rules of a POST: v2 adds none of its own when `rules` is given."""

Listed = dict[Rule, dict[str, Any]]


def create(difference: Difference, rules: Sequence[DesiredRule]) -> Request:
    """Create a group with these of its rules."""
    group = new_group(difference) | {"rules": [described(rule) for rule in rules]}
    return Request("POST", v2_path(difference.target), group)


def change_rules(target: Target, group_id: str, present: Sequence[DesiredRule], order: Order) -> Iterator[Request]:
    """Change the rules of a group and nothing else."""
    for rules in _lists({rule.rule: described(rule) for rule in present}, order.batches, two_phase=False):
        yield patch(v2_path(target, group_id), {"rules": rules})


def update(difference: Difference, group_id: str, order: Order, *, two_phase: bool) -> Iterator[Request]:
    """Change name, description, tags and rules."""
    assert difference.live is not None  # noqa: S101 - an update has a live side
    path = v2_path(difference.target, group_id)
    body = attributes(difference, with_description=True)
    if _can_be_listed(difference.live.rules, difference):
        present = {rule.rule: described(rule) for rule in difference.live.rules}
        for rules in _lists(present, order.batches, two_phase=two_phase):
            yield patch(path, body | {"rules": rules})
            body = {}
    else:
        yield from (request for batch in order.batches for request in _single(path, batch))
    if body:
        yield patch(path, body)


def _lists(present: Listed, batches: Sequence[Batch], *, two_phase: bool) -> Iterator[list[dict[str, Any]]]:
    """Yield the whole list after each batch. A new description travels with the batch before or after it.

    With `two_phase` it gets two lists of its own: one without the rule, one with it described anew.
    """
    rules = dict(present)
    pending = False
    for batch in batches:
        for redescribed in batch.redescribes:
            del rules[redescribed.desired.rule]
        if batch.redescribes and two_phase:
            yield list(rules.values())
        rules |= {redescribed.desired.rule: described(redescribed.desired) for redescribed in batch.redescribes}
        rules |= {rule.rule: described(rule) for rule in batch.creates}
        for rule in batch.deletes:
            del rules[rule.rule]
        pending = bool(batch.redescribes) and not two_phase and batch is not batches[-1]
        if not pending:
            yield list(rules.values())


def _can_be_listed(live: Sequence[LiveRule], difference: Difference) -> bool:
    going = {rule.id for rule in difference.deletes}
    going |= {rule.id for redescribed in difference.redescribes for rule in redescribed.live}
    kept = [rule for rule in live if rule.id not in going]
    return len({rule.rule for rule in live}) == len(live) and not any(rule.irregular for rule in kept)


def _single(path: str, batch: Batch) -> Iterator[Request]:
    """Change rules one by one."""
    for rule in batch.creates:
        yield Request("POST", f"{path}/rules", described(rule))
    for redescribed in batch.redescribes:
        yield from (Request("DELETE", f"{path}/rules/{live.id}") for live in redescribed.live)
        yield Request("POST", f"{path}/rules", described(redescribed.desired))
    for live in batch.deletes:
        yield Request("DELETE", f"{path}/rules/{live.id}")
