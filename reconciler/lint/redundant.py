"""Rules that other rules of their group make superfluous: the same again, or covered by one or several others."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from operator import or_

from reconciler.lint.findings import Kind, LintFinding, Remedy
from reconciler.lint.written import WrittenGroup, WrittenRule
from reconciler.loading.issues import Budget
from reconciler.model.errors import UsageError
from reconciler.model.placeholder import names_in, placeholder
from reconciler.model.rule import Rule, describe_rule
from reconciler.traffic import Traffic
from reconciler.traffic.extent import PLANES, rectangle

_Holders = dict[WrittenRule, None]
"""Written rules that say the same, in the order written."""
_Edge = tuple[int, str, int]
"""Where a rule begins or ends on an axis of its plane; of services, with the number of the plane before it."""
_Mask = int
"""Some of a group's rules: bit i is the i-th of those that differ."""

MAX_UNIONS = 2_000_000
"""Rules that a run looks at together, to tell whether they cover another one: less than a minute of work."""


class _Axis:
    """The rules of a group by where they begin, or end, on one axis."""

    def __init__(self, edges: Sequence[_Edge]) -> None:
        self._ranked = sorted(range(len(edges)), key=edges.__getitem__)
        self._edges = [edges[i] for i in self._ranked]
        self._masks = list(accumulate((1 << i for i in self._ranked), or_, initial=0))

    def below(self, edge: _Edge) -> _Mask:
        """The rules whose edge is below this one."""
        return self._masks[bisect_left(self._edges, edge)]

    def up_to(self, edge: _Edge) -> _Mask:
        """The rules whose edge is this one or below it."""
        return self._masks[bisect_right(self._edges, edge)]

    def last(self, some: _Mask) -> tuple[_Mask, _Edge]:
        """The one of some rules, at least one, whose edge is the highest, and that edge."""
        rank = bisect_left(range(len(self._masks)), 1, key=lambda rank: not some & ~self._masks[rank]) - 1
        return 1 << self._ranked[rank], self._edges[rank]


class _Others:
    """What a rule of a group may be covered by: the rules without an end or an exception that are not gone.

    A group has a few hundred rules that differ at most, and a set of them is an integer: so finding those that overlap
    or cover a rule takes a handful of operations, however many they are.
    """

    def __init__(self, rules: Sequence[WrittenRule], unions: Budget) -> None:
        self._same: dict[tuple[Rule, ...], _Holders] = {}
        self._holders: dict[Rule, _Holders] = {}
        self._unions = unions
        for written in rules:
            self._same.setdefault(written.rules, {})[written] = None
            for rule in written.rules:
                self._holders.setdefault(rule, {})[written] = None
        self._rules = list(self._holders)
        self._number = {rule: i for i, rule in enumerate(self._rules)}
        self._there: _Mask = (1 << len(self._rules)) - 1

    @cached_property
    def _axes(self) -> tuple[_Axis, _Axis, _Axis, _Axis]:
        lows, highs, starts, ends = zip(*map(_edges, self._rules), strict=True)
        return _Axis(lows), _Axis(highs), _Axis(starts), _Axis(ends)

    @cached_property
    def _for_every_protocol(self) -> _Mask:
        return sum(1 << i for i, rule in enumerate(self._rules) if rule.protocol is None)

    def remove(self, written: WrittenRule) -> None:
        """Rely on a rule no more."""
        self._same.get(written.rules, {}).pop(written, None)
        for rule in written.rules:
            holders = self._holders.get(rule)
            if holders is not None and holders.pop(written, holders) is None and not holders:
                self._there &= ~(1 << self._number[rule])

    def covering(self, rule: WrittenRule) -> tuple[WrittenRule, ...]:
        """Find other written rules that together admit everything a rule admits; none where they do not."""
        if same := _first(self._same.get(rule.rules, {}), rule):
            return (same,)
        others = self._there
        for each in rule.rules:
            if self._holder(each, rule) is None and each in self._number:
                others &= ~(1 << self._number[each])
        found: dict[WrittenRule, None] = {}
        for each in rule.rules:
            holder = self._holder(each, rule)
            together = (holder,) if holder else self._overlapping(each, others, rule)
            if not together:
                return ()
            found |= dict.fromkeys(together)
        return tuple(sorted(found, key=lambda written: written.place))

    def _holder(self, rule: Rule, but: WrittenRule) -> WrittenRule | None:
        return _first(self._holders.get(rule, {}), but)

    def _overlapping(self, each: Rule, others: _Mask, written: WrittenRule) -> tuple[WrittenRule, ...]:
        if not others:
            return ()
        lows, highs, starts, ends = self._axes
        low, high, start, end = _edges(each)
        before, after = lows.up_to(low), ~highs.below(high)  # those that hold the first, and the last, of its services
        first, last = starts.up_to(start), ~ends.below(end)  # and of its remotes
        if alone := others & before & after & first & last:
            return self._written(alone & -alone, written)
        near = others & lows.below(high) & ~highs.up_to(low) & starts.below(end) & ~ends.up_to(start)
        if each.protocol is None:  # it admits also what nobody names: no rules for named protocols can cover it
            near &= self._for_every_protocol
        if not all(near & corner for corner in (before & first, before & last, after & first, after & last)):
            return ()
        if few := _chain(near & first & last, lows, highs, low, high) or _chain(
            near & before & after, starts, ends, start, end
        ):
            return self._written(few, written)
        rules = [self._rules[i] for i in _bits(near)]
        if not self._unions.take(len(rules)):
            raise UsageError(
                f"{written.place}: up to here it takes more than {MAX_UNIONS:,} comparisons to tell whether rules are "
                f"covered by several others, over the limit of {MAX_UNIONS:,}",
                hint="Lint fewer files at a time.",
            )
        return self._written(near, written) if Traffic.of(rules).admits_all(each) else ()

    def _written(self, some: _Mask, but: WrittenRule) -> tuple[WrittenRule, ...]:
        holders = (self._holder(self._rules[i], but) for i in _bits(some))
        return tuple(holder for holder in holders if holder is not None)


def _chain(some: _Mask, begins: _Axis, ends: _Axis, start: _Edge, end: _Edge) -> _Mask:
    """Choose the fewest rules that together reach from one edge of an axis to another; none where they do not."""
    chosen = 0
    while start < end:
        within_reach = some & begins.up_to(start) & ~ends.up_to(start)
        if not within_reach:
            return 0
        furthest, start = ends.last(within_reach)
        chosen |= furthest
    return chosen


def _edges(rule: Rule) -> tuple[_Edge, _Edge, _Edge, _Edge]:
    """Return where a rule begins and ends: its services, with the plane they are in, and its remotes."""
    (low, high), (start, end) = rectangle(rule)
    plane = PLANES.index((rule.direction, rule.ethertype))
    return (plane, *low), (plane, *high), (0, *start), (0, *end)


def _bits(mask: _Mask) -> Iterator[int]:
    """Yield the numbers of the bits that are set, from the lowest."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def find_redundant(group: WrittenGroup, unions: Budget) -> Iterator[LintFinding]:
    """Find the rules that could be left out, all of them at once: none is superfluous only because of another one.

    Of two that say the same, the later one goes. A rule with an end or an exception is left, and not relied upon.
    `unions` is what the run may still look at of `MAX_UNIONS`: raises `UsageError` where that is not enough.
    """
    others = _Others([rule for rule in group.rules if not rule.has_review], unions)
    for rule in reversed(group.rules):
        covering = others.covering(rule)
        if covering:
            others.remove(rule)
            left = rule.frozen or ("it has an end date or an exception" if rule.has_review else "")
            yield _finding(group, rule, covering, left)


def _first(holders: _Holders, but: WrittenRule) -> WrittenRule | None:
    return next((each for each in holders if each is not but), None)


def _finding(group: WrittenGroup, rule: WrittenRule, covering: tuple[WrittenRule, ...], left: str) -> LintFinding:
    where = _listed(covering)
    is_same = len(covering) == 1 and set(covering[0].rules) == set(rule.rules)
    if is_same:
        kind, message = Kind.DUPLICATE, f"the same rule is written at {where}"
    else:
        kind, message = Kind.SHADOWED, f"{_words(rule)} is admitted by {where} already"
    remedy = None if left else Remedy(removes=(rule,))
    return LintFinding(kind, rule.place, message, group.name, tuple(other.place for other in covering), remedy, left)


def _listed(rules: Sequence[WrittenRule]) -> str:
    shown = [str(rule.place) for rule in rules[:3]]
    more = f" and {len(rules) - 3} more" if len(rules) > 3 else ""
    return f"{', '.join(shown)}{more}" if more or len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _words(rule: WrittenRule) -> str:
    if rule.preset:
        return f"the preset {rule.preset}"
    first = rule.rules[0]
    names = {placeholder(name): name for name in names_in(first.remote_group_id)}
    more = f" (and {len(rule.rules) - 1} more)" if len(rule.rules) > 1 else ""
    return " ".join(describe_rule(first, names).split()) + more
