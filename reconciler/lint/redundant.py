"""Rules that other rules of their group make superfluous: the same again, or covered by one or several others."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from reconciler.lint.findings import Kind, LintFinding, Remedy
from reconciler.lint.written import WrittenGroup, WrittenRule
from reconciler.loading.issues import Budget
from reconciler.model.errors import UsageError
from reconciler.model.placeholder import names_in, placeholder
from reconciler.model.rule import Rule, describe_rule
from reconciler.traffic import Traffic
from reconciler.traffic.index import Mask, RuleIndex, bits

_Holders = dict[WrittenRule, None]
"""Written rules that say the same, in the order written."""
MAX_UNIONS = 2_000_000
"""Rules that a run looks at together, to tell whether they cover another one: less than a minute of work."""


class _Others:
    """What a rule of a group may be covered by: the rules without an end or an exception that are not gone.

    A written rule may mean several, and several may mean the same one: the index has each of those once.
    """

    def __init__(self, rules: Sequence[WrittenRule], unions: Budget) -> None:
        self._same: dict[tuple[Rule, ...], _Holders] = {}
        self._holders: dict[Rule, _Holders] = {}
        self._unions = unions
        for written in rules:
            self._same.setdefault(written.rules, {})[written] = None
            for rule in written.rules:
                self._holders.setdefault(rule, {})[written] = None
        self._index = RuleIndex(list(self._holders))
        self._number = {rule: i for i, rule in enumerate(self._index.rules)}
        self._there: Mask = (1 << len(self._number)) - 1

    @cached_property
    def _for_every_protocol(self) -> Mask:
        return sum(1 << i for i, rule in enumerate(self._index.rules) if rule.protocol is None)

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

    def _overlapping(self, each: Rule, others: Mask, written: WrittenRule) -> tuple[WrittenRule, ...]:
        if alone := others & self._index.covering(each):
            return self._written(alone & -alone, written)
        near = others & self._index.overlapping(each)
        if each.protocol is None:  # it admits also what nobody names: no rules for named protocols can cover it
            near &= self._for_every_protocol
        if not near or not self._index.hold_corners(near, each):
            return ()
        if few := self._index.chain(near, each):
            return self._written(few, written)
        rules = [self._index.rules[i] for i in bits(near)]
        if not self._unions.take(len(rules)):
            raise UsageError(
                f"{written.place}: up to here it takes more than {MAX_UNIONS:,} comparisons to tell whether rules are "
                f"covered by several others, over the limit of {MAX_UNIONS:,}",
                hint="Lint fewer files at a time.",
            )
        return self._written(near, written) if Traffic.of(rules).admits_all(each) else ()

    def _written(self, some: Mask, but: WrittenRule) -> tuple[WrittenRule, ...]:
        holders = (self._holder(self._index.rules[i], but) for i in bits(some))
        return tuple(holder for holder in holders if holder is not None)


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
    others = tuple(other.place for other in covering)
    return LintFinding(kind, rule.place, message, group.name, others, remedy, left, group.rule_set)


def _listed(rules: Sequence[WrittenRule]) -> str:
    shown = [f"{rule.place} ({rule.whole})" if "use" in rule.value else str(rule.place) for rule in rules[:3]]
    more = f" and {len(rules) - 3} more" if len(rules) > 3 else ""
    return f"{', '.join(shown)}{more}" if more or len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _words(rule: WrittenRule) -> str:
    if rule.whole:
        return rule.whole
    first = rule.rules[0]
    names = {placeholder(name): name for name in names_in(first.remote_group_id)}
    more = f" (and {len(rule.rules) - 1} more)" if len(rule.rules) > 1 else ""
    return " ".join(describe_rule(first, names).split()) + more
