"""Rules that other rules of their group make superfluous: the same again, or covered by one or several others."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from reconciler.lint.findings import Kind, LintFinding, Remedy
from reconciler.lint.written import WrittenGroup, WrittenRule
from reconciler.loading.issues import Budget
from reconciler.model.errors import UsageError
from reconciler.model.place import FilePlace
from reconciler.model.placeholder import names_in, placeholder
from reconciler.model.rule import Direction, Ethertype, Rule, describe_rule
from reconciler.traffic import Traffic, covers, overlaps
from reconciler.traffic.extent import BOTTOM, EVERYTHING, Span, rectangle

_Service = tuple[Direction, Ethertype, str | None]
_Holders = dict[WrittenRule, None]
"""Written rules that say the same, in the order written."""

MAX_COMPARISONS = 10_000_000
"""Pairs of rules with remotes in common that are compared in a run: less than a minute of work."""


class _OfService:
    """The rules of one service, each with who holds it, found by their remotes: of two prefixes one holds the other."""

    def __init__(self) -> None:
        self.holders: dict[Rule, _Holders] = {}

    @cached_property
    def _by_span(self) -> dict[Span, list[Rule]]:
        found: dict[Span, list[Rule]] = {}
        for rule in self.holders:
            found.setdefault(rectangle(rule)[1], []).append(rule)
        return dict(sorted(found.items()))

    @cached_property
    def _spans(self) -> list[Span]:
        return list(self._by_span)

    @cached_property
    def _sizes(self) -> list[int]:
        return sorted({end - start for (name, start), (other, end) in self._spans if name == other == ""})

    def near(self, rule: Rule) -> list[Rule]:
        """List the rules whose remotes have any in common with those of a rule."""
        start, end = rectangle(rule)[1]
        spans = self._spans[bisect_left(self._spans, (start, BOTTOM)) : bisect_left(self._spans, (end, BOTTOM))]
        name, number = start
        if start > BOTTOM:
            spans.append(EVERYTHING)
        if name == "":
            wider = ((number - number % size, size) for size in self._sizes if number % size)
            spans += [(("", low), ("", low + size)) for low, size in wider]
        return [rule for span in spans for rule in self._by_span.get(span, ())]


class _Others:
    """What a rule of a group may be covered by: the rules without an end or an exception that are not gone."""

    def __init__(self, rules: Sequence[WrittenRule], comparisons: Budget) -> None:
        self._same: dict[tuple[Rule, ...], _Holders] = {}
        self._by_service: defaultdict[_Service, _OfService] = defaultdict(_OfService)
        self._comparisons = comparisons
        for written in rules:
            for holders in self._holders_of(written):
                holders[written] = None

    def _holders_of(self, written: WrittenRule) -> Iterator[_Holders]:
        yield self._same.setdefault(written.rules, {})
        for rule in written.rules:
            yield self._by_service[_service(rule)].holders.setdefault(rule, {})

    def remove(self, written: WrittenRule) -> None:
        """Rely on a rule no more."""
        for holders in self._holders_of(written):
            holders.pop(written, None)

    def covering(self, rule: WrittenRule) -> tuple[WrittenRule, ...]:
        """Find other written rules that together admit everything a rule admits; none where they do not."""
        if same := _first(self._same.get(rule.rules, {}), rule):
            return (same,)
        found: dict[WrittenRule, None] = {}
        for each in rule.rules:
            holder = _first(self._by_service[_service(each)].holders.get(each, {}), rule)
            together = (holder,) if holder else self._overlapping(each, rule)
            if not together:
                return ()
            found |= dict.fromkeys(together)
        return tuple(sorted(found, key=lambda written: written.place))

    def _overlapping(self, each: Rule, rule: WrittenRule) -> tuple[WrittenRule, ...]:
        # A rule for every protocol admits also those that nobody names: no rules for named ones can cover it.
        services = dict.fromkeys((each.direction, each.ethertype, protocol) for protocol in (each.protocol, None))
        near: list[tuple[Rule, WrittenRule]] = []
        for here in [self._by_service[service] for service in services]:
            others = here.near(each)
            if not self._comparisons.take(len(others)):
                raise UsageError(
                    f"{rule.place}: up to here rules with remotes in common are more than {MAX_COMPARISONS:,} pairs to "
                    f"compare, over the limit of {MAX_COMPARISONS:,}",
                    hint="Lint fewer files at a time.",
                )
            near += [
                (other, holder)
                for other in others
                if overlaps(other, each) and (holder := _first(here.holders[other], rule))
            ]
        alone = min((written for other, written in near if covers(other, each)), key=_place, default=None)
        if alone is not None:
            return (alone,)
        rules = [other for other, _ in near]
        if len(near) < 2 or not _holds_corners(rules, each) or not Traffic.of(rules).admits_all(each):
            return ()
        return tuple(written for _, written in near)


def _place(written: WrittenRule) -> FilePlace:
    return written.place


def find_redundant(group: WrittenGroup, comparisons: Budget) -> Iterator[LintFinding]:
    """Find the rules that could be left out, all of them at once: none is superfluous only because of another one.

    Of two that say the same, the later one goes. A rule with an end or an exception is left, and not relied upon.
    `comparisons` are those that the run may still make: raises `UsageError` where that is not enough.
    """
    others = _Others([rule for rule in group.rules if not rule.has_review], comparisons)
    for rule in reversed(group.rules):
        covering = others.covering(rule)
        if covering:
            others.remove(rule)
            left = rule.frozen or ("it has an end date or an exception" if rule.has_review else "")
            yield _finding(group, rule, covering, left)


def _holds_corners(others: Sequence[Rule], rule: Rule) -> bool:
    """Tell whether each corner of a rule's rectangle is in another one: quick, and where not, it is not covered."""
    (low, high), (start, end) = rectangle(rule)
    corners = {(at_high, at_end) for at_high in (False, True) for at_end in (False, True)}
    for other in others:
        (other_low, other_high), (other_start, other_end) = rectangle(other)
        corners -= {
            (at_high, at_end)
            for at_high, at_end in corners
            if (high <= other_high if at_high else other_low <= low)
            and (end <= other_end if at_end else other_start <= start)
        }
        if not corners:
            return True
    return False


def _service(rule: Rule) -> _Service:
    return rule.direction, rule.ethertype, rule.protocol


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
