"""Requests of v1: `changed_rules` with one entry a rule to create or to delete, at most 500 a request."""

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.model.desired import DesiredRule, Target
from reconciler.model.difference import Difference
from reconciler.model.live import LiveRule
from reconciler.model.plan import Request
from reconciler.planning.encode.bodies import attributes, describe_group, described, new_group, patch, v1_path
from reconciler.planning.order import MAX_RULES, Batch, Order

MAX_ENTRIES = 500
"""Entries of `changed_rules` a request takes (`UpdateSecurityGroupSerializer`)."""

MAX_RULES_AT_CREATE = MAX_RULES - 2
"""Rules of a POST: the cloud may add two of its own, egress for IPv4 and IPv6."""

Entries = list[dict[str, Any]]


def create(difference: Difference, rules: Sequence[DesiredRule]) -> Request:
    """Create a group with these of its rules."""
    group = new_group(difference) | {"security_group_rules": [described(rule) for rule in rules]}
    return Request("POST", v1_path(difference.target), {"security_group": group})


def change_rules(
    target: Target,
    group_id: str,
    present: Sequence[DesiredRule],  # noqa: ARG001 - v2 needs it
    order: Order,
) -> Iterator[Request]:
    """Change the rules of a group and nothing else."""
    for entries in _listed(order):
        yield patch(v1_path(target, group_id), {"changed_rules": entries})


def update(difference: Difference, group_id: str, order: Order, *, two_phase: bool) -> Iterator[Request]:
    """Change name, tags and rules in one request, and the description through v2.

    Where the group has no room for both old and new, each turn is a request of its own: a server that works through one
    in an order of its own would cut traffic, or refuse it half way.
    """
    path = v1_path(difference.target, group_id)
    body = attributes(difference, with_description=False)
    for entries in _phases(order) if two_phase or order.takes_turns else _listed(order):
        yield patch(path, body | {"changed_rules": entries})
        body = {}
    if body:
        yield patch(path, body)
    if difference.description is not None:
        yield describe_group(difference.target, group_id, difference.description.new)


def _listed(order: Order) -> Iterator[Entries]:
    """All entries in the safe order, a description change as a delete directly before its create."""
    entries = [entry for batch in order.batches for entry in _entries(batch)]
    return _split(entries)


def _phases(order: Order) -> Iterator[Entries]:
    """Only creates or only deletes a request, so that the server's own order does not matter."""
    for batch in order.batches:
        yield from _split([*_creates(batch.creates)])
        yield from _split([_delete(live) for redescribed in batch.redescribes for live in redescribed.live])
        yield from _split([*_creates(redescribed.desired for redescribed in batch.redescribes)])
        yield from _split([_delete(rule) for rule in batch.deletes])


def _entries(batch: Batch) -> Iterator[dict[str, Any]]:
    yield from _creates(batch.creates)
    for redescribed in batch.redescribes:
        yield from (_delete(live) for live in redescribed.live)
        yield from _creates([redescribed.desired])
    yield from (_delete(rule) for rule in batch.deletes)


def _creates(rules: Sequence[DesiredRule] | Iterator[DesiredRule]) -> Iterator[dict[str, Any]]:
    return ({"action": "create", **described(rule)} for rule in rules)


def _delete(rule: LiveRule) -> dict[str, Any]:
    return {"action": "delete", "security_group_rule_id": rule.id}


def _split(entries: Entries) -> Iterator[Entries]:
    return (entries[start : start + MAX_ENTRIES] for start in range(0, len(entries), MAX_ENTRIES))
