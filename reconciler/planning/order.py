"""The safe order of a group's rule changes: make before break, under the ceiling of 250 rules.

Creates come first and deletes last, so that traffic which both the old and the new rules admit is admitted all the
way, and nothing is admitted that neither admits. Where the group has no room for all creates, creates and deletes take
turns: a delete comes early only when every create still to come that overlaps it does so within a rule that stays, for
then whatever the new rules admit of it is admitted by rules that are already there. Each turn creates what frees the
deletes that wait for least, and never more than that, so that the room does not shrink; where not even one delete can
be freed, there is a gap. Finding the best sequence is a pebbling problem and not worth its price here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.model.cloud import MAX_RULES
from reconciler.model.desired import DesiredRule
from reconciler.model.live import LiveRule
from reconciler.model.rule import Rule
from reconciler.planning.diff import Difference, Redescription


@dataclass(frozen=True, slots=True)
class Batch:
    """Rule changes that may be carried out in any order among themselves; only one of the three is filled."""

    creates: tuple[DesiredRule, ...] = ()
    deletes: tuple[LiveRule, ...] = ()
    redescribes: tuple[Redescription, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """The batches in order. `gaps` are the deletes that have to come before a create that overlaps them.

    `takes_turns` tells that deletes come before creates, for lack of room: then a server has to keep to the order.
    """

    batches: tuple[Batch, ...]
    gaps: tuple[LiveRule, ...] = ()
    takes_turns: bool = False


def order_of(difference: Difference) -> Order:
    """Order the changes of a group that exists."""
    assert difference.live is not None  # noqa: S101 - an update has a live side
    present, staying = len(difference.live.rules), difference.kept_rules
    return safe_order(present, difference.creates, difference.redescribes, difference.deletes, staying)


def safe_order(
    present: int,
    creates: Sequence[DesiredRule],
    redescribes: Sequence[Redescription] = (),
    deletes: Sequence[LiveRule] = (),
    staying: Sequence[Rule] = (),
) -> Order:
    """Order the changes of a group that holds `present` rules now, of which `staying` are not deleted.

    For lack of room new descriptions come first: live rules of one meaning give way to one, and what is described anew
    while all old rules are there stays for the turns that follow.
    """
    batches: list[Batch] = []
    if redescribes and present + len(creates) > MAX_RULES:
        batches.append(Batch(redescribes=tuple(redescribes)))
        present, redescribes = present - sum(len(each.live) - 1 for each in redescribes), ()
    turns = _Turns(present, list(creates), list(deletes), staying)
    if present + len(creates) > MAX_RULES:
        turns.run()
    batches += turns.batches
    if turns.creates:
        batches.append(Batch(creates=tuple(turns.creates)))
    if redescribes:
        batches.append(Batch(redescribes=tuple(redescribes)))
    if turns.deletes:
        batches.append(Batch(deletes=tuple(turns.deletes)))
    return Order(tuple(batches), tuple(turns.gaps), bool(turns.batches))


@dataclass(slots=True)
class _Turns:
    """Take turns until the creates that are left fit in."""

    present: int
    creates: list[DesiredRule]
    deletes: list[LiveRule]
    staying: Sequence[Rule]
    batches: list[Batch] = field(default_factory=list)
    gaps: list[LiveRule] = field(default_factory=list)

    def run(self) -> None:
        every = tuple(self.creates)
        waits_for = self._waits()
        while (missing := self.present + len(self.creates) - MAX_RULES) > 0 and self.deletes:
            self.deletes.sort(key=lambda rule: waits_for[rule.id].bit_count())
            free = [rule for rule in self.deletes if not waits_for[rule.id]]
            if free:
                self._delete(free[:missing])
            elif freeing := self._freeing(waits_for):
                self._create([create for i, create in enumerate(every) if freeing >> i & 1])
                waits_for = {rule_id: waiting & ~freeing for rule_id, waiting in waits_for.items()}
            else:
                self.gaps.append(self.deletes[0])
                self._delete(self.deletes[:1])

    def _waits(self) -> dict[str, int]:
        """Return, by the id of each rule to delete, the creates that have to be there first: bit i is the i-th."""
        from reconciler.traffic.index import RuleIndex  # noqa: PLC0415 - only needed near the ceiling

        creates, staying = RuleIndex([create.rule for create in self.creates]), RuleIndex(self.staying)
        settled = sum(1 << i for i, rule in enumerate(creates.rules) if staying.covering(rule))
        return {
            going.id: 0 if staying.covering(going.rule) else creates.overlapping(going.rule) & ~settled
            for going in self.deletes
        }

    def _freeing(self, waits_for: dict[str, int]) -> int:
        """Creates that fit in now and free as many deletes as they can, those first that wait for least."""
        room = MAX_RULES - self.present
        freeing = 0
        for rule in self.deletes:
            more = freeing | waits_for[rule.id]
            if more.bit_count() <= room:
                freeing = more
        return freeing

    def _delete(self, rules: list[LiveRule]) -> None:
        self.batches.append(Batch(deletes=tuple(rules)))
        gone = {rule.id for rule in rules}
        self.deletes = [rule for rule in self.deletes if rule.id not in gone]
        self.present -= len(rules)

    def _create(self, now: list[DesiredRule]) -> None:
        there = set(map(id, now))
        self.creates = [create for create in self.creates if id(create) not in there]
        self.batches.append(Batch(creates=tuple(now)))
        self.present += len(now)
