"""The safe order of a group's rule changes: make before break, under the ceiling of 250 rules.

Creates come first and deletes last, so that traffic which both the old and the new rules admit is admitted all the
way, and nothing is admitted that neither admits. Where the group has no room for all creates, creates and deletes take
turns: a delete comes early only when no create still to come overlaps what it admits, for then whatever the new rules
admit of it is admitted by rules that are already there. Which delete to free first is chosen greedily (the one that
waits for the fewest creates); finding the best sequence is a pebbling problem and not worth its price here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.model.desired import DesiredRule
from reconciler.model.difference import Redescription
from reconciler.model.live import LiveRule

MAX_RULES = 250
"""Rules that a group holds at most, at every moment."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rule changes that may be carried out in any order among themselves; only one of the three is filled."""

    creates: tuple[DesiredRule, ...] = ()
    deletes: tuple[LiveRule, ...] = ()
    redescribes: tuple[Redescription, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """The batches in order. `gaps` are the deletes that have to come before a create that overlaps them."""

    batches: tuple[Batch, ...]
    gaps: tuple[LiveRule, ...] = ()


def safe_order(
    present: int,
    creates: Sequence[DesiredRule],
    redescribes: Sequence[Redescription] = (),
    deletes: Sequence[LiveRule] = (),
) -> Order:
    """Order the changes of a group that holds `present` rules now."""
    turns = _Turns(present, list(creates), list(deletes))
    if present + len(creates) > MAX_RULES:
        turns.run()
    batches = turns.batches
    if turns.creates:
        batches.append(Batch(creates=tuple(turns.creates)))
    if redescribes:
        batches.append(Batch(redescribes=tuple(redescribes)))
    if turns.deletes:
        batches.append(Batch(deletes=tuple(turns.deletes)))
    return Order(tuple(batches), tuple(turns.gaps))


@dataclass(slots=True)
class _Turns:
    """Take turns until the creates that are left fit in."""

    present: int
    creates: list[DesiredRule]
    deletes: list[LiveRule]
    batches: list[Batch] = field(default_factory=list)
    gaps: list[LiveRule] = field(default_factory=list)

    def run(self) -> None:
        from reconciler.traffic.compare import overlaps  # noqa: PLC0415 - only needed near the ceiling

        waits_for = {
            rule.id: {id(create) for create in self.creates if overlaps(create.rule, rule.rule)}
            for rule in self.deletes
        }
        while (missing := self.present + len(self.creates) - MAX_RULES) > 0 and self.deletes:
            self.deletes.sort(key=lambda rule: len(waits_for[rule.id]))
            free = [rule for rule in self.deletes if not waits_for[rule.id]]
            room = MAX_RULES - self.present
            if free:
                self._delete(free[:missing])
            elif room > 0:
                first = waits_for[self.deletes[0].id]
                self.creates.sort(key=lambda create: id(create) not in first)
                self._create(room, waits_for)
            else:
                self.gaps.append(self.deletes[0])
                self._delete(self.deletes[:1])

    def _delete(self, rules: list[LiveRule]) -> None:
        self.batches.append(Batch(deletes=tuple(rules)))
        gone = {rule.id for rule in rules}
        self.deletes = [rule for rule in self.deletes if rule.id not in gone]
        self.present -= len(rules)

    def _create(self, room: int, waits_for: dict[str, set[int]]) -> None:
        now, self.creates = self.creates[:room], self.creates[room:]
        self.batches.append(Batch(creates=tuple(now)))
        self.present += len(now)
        created = {id(create) for create in now}
        for waiting in waits_for.values():
            waiting.difference_update(created)
