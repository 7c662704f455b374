"""Version 1 of the API: `changed_rules` with one entry a rule to create or to delete, answered at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.api.parse import new_group_id
from reconciler.api.reader import GcoreReader, v1_path
from reconciler.api.v2 import describe_group
from reconciler.model.clock import Clock
from reconciler.model.cloud import MAX_RULES
from reconciler.model.desired import DesiredRule, Target
from reconciler.model.live import LiveRule
from reconciler.planning.diff import Difference
from reconciler.planning.encode import ApiVersion, Request, attributes, described, new_group
from reconciler.planning.order import Batch, Order

if TYPE_CHECKING:  # httpx costs 0.1 s, which whoever only encodes need not pay
    from reconciler.api.http import Answer, Http

MAX_ENTRIES = 500
"""Entries of `changed_rules` that a request takes (`UpdateSecurityGroupSerializer`)."""

Entries = list[dict[str, Any]]


class V1:
    """Changes rule by rule. It has no way to change a description, which goes through v2."""

    version: ApiVersion = "v1"
    max_rules_at_create = MAX_RULES - 2
    """The cloud may add two rules of its own, egress for IPv4 and IPv6."""
    replaces_whole_lists = False
    hint_when_gone: str | None = (
        "The group exists, so the API seems to have withdrawn this operation of v1: plan and apply with "
        "--api-version v2 (`sgctl doctor` tells whether v2 answers)."
    )

    def create(self, difference: Difference, rules: Sequence[DesiredRule]) -> Request:
        """Create a group with these of its rules."""
        group = new_group(difference) | {"security_group_rules": [described(rule) for rule in rules]}
        return Request("POST", v1_path(difference.target), {"security_group": group})

    def change_rules(
        self, difference: Difference, group_id: str, _present: Sequence[DesiredRule], order: Order
    ) -> Iterator[Request]:
        """Change the rules of a group and nothing else."""
        for entries in _listed(order):
            yield Request("PATCH", v1_path(difference.target, group_id), {"changed_rules": entries})

    def update(self, difference: Difference, group_id: str, order: Order, *, two_phase: bool) -> Iterator[Request]:
        """Change name, tags and rules in one request, and the description through v2.

        Where the group has no room for both old and new, each turn is a request of its own: a server that works through
        one in an order of its own would cut traffic, or refuse it half way.
        """
        path = v1_path(difference.target, group_id)
        body = attributes(difference, with_description=False)
        for entries in _phases(order) if two_phase or order.takes_turns else _listed(order):
            yield Request("PATCH", path, body | {"changed_rules": entries})
            body = {}
        if body:
            yield Request("PATCH", path, body)
        if difference.description is not None:
            yield describe_group(difference.target, group_id, difference.description.new)

    def delete(self, target: Target, group_id: str) -> Request:
        """Delete a group."""
        return Request("DELETE", v1_path(target, group_id))

    def notes(self, difference: Difference) -> tuple[str, ...]:
        """Say that a description goes another way."""
        if difference.description is None:
            return ()
        return ("the description is changed through v2: v1 has no way to change it",)

    def replaces_rules(self, _request: Request) -> bool:
        """Tell that every request names the rules it touches."""
        return False

    def send(self, http: "Http", _clock: Clock, request: Request, is_made: Callable[[], bool]) -> "Answer":
        """Send one write. Raises `ApiRefused` when nothing was done, `OutcomeUnknown` when nobody knows."""
        try:
            answer = http.write(request.method, request.path, request.body, is_made=is_made)
        finally:
            http.locks.forget(request.path)
        group_id = new_group_id(answer.body)
        return replace(answer, body={**(answer.body or {}), "id": group_id} if group_id else None)

    def settle(self, _http: "Http", _clock: Clock, _target: Target, _since: datetime) -> bool:
        """Tell that nothing goes on behind an answer."""
        return True

    def reader(self, http: "Http", _clock: Clock) -> GcoreReader:
        """Return what an apply reads with."""
        return GcoreReader(http)


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
