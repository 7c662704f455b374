"""Rules that other rules of their group make superfluous: the same again, or covered by one or several others."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from reconciler.lint.findings import Kind, LintFinding, Remedy
from reconciler.lint.written import WrittenGroup, WrittenRule
from reconciler.model.placeholder import names_in, placeholder
from reconciler.model.rule import Direction, Ethertype, Rule, describe_rule
from reconciler.traffic import Traffic, covers, overlaps

_Service = tuple[Direction, Ethertype, str | None]
_Others = Mapping[_Service, Sequence[tuple[Rule, WrittenRule]]]


def find_redundant(group: WrittenGroup) -> Iterator[LintFinding]:
    """Find the rules that could be left out, all of them at once: none is superfluous only because of another one.

    Of two that say the same, the later one goes. A rule with an end or an exception is left, and not relied upon.
    """
    others = _by_service([rule for rule in group.rules if not rule.has_terms])
    gone: set[WrittenRule] = set()
    for rule in reversed(group.rules):
        covering = _covering(rule, others, {*gone, rule})
        if covering:
            gone.add(rule)
            left = rule.frozen or ("it has an end date or an exception" if rule.has_terms else "")
            yield _finding(group, rule, covering, left)


def _by_service(rules: Sequence[WrittenRule]) -> _Others:
    found: defaultdict[_Service, list[tuple[Rule, WrittenRule]]] = defaultdict(list)
    for written in rules:
        for rule in written.rules:
            found[rule.direction, rule.ethertype, rule.protocol].append((rule, written))
    return found


def _covering(rule: WrittenRule, others: _Others, gone: Collection[WrittenRule]) -> tuple[WrittenRule, ...]:
    """Find written rules that together admit everything a rule admits; none where they do not."""
    found: dict[WrittenRule, None] = {}
    for each in rule.rules:
        # A rule for every protocol admits also those that nobody names: no rules for named ones can cover it.
        services = dict.fromkeys((each.direction, each.ethertype, protocol) for protocol in (each.protocol, None))
        near = [
            (other, written)
            for service in services
            for other, written in others.get(service, ())
            if written not in gone and overlaps(other, each)
        ]
        alone = next((written for other, written in near if covers(other, each)), None)
        if alone is not None:
            found[alone] = None
        elif len(near) < 2 or not Traffic.of((each,)).is_subset(Traffic.of(other for other, _ in near)):
            return ()
        else:
            found |= dict.fromkeys(written for _, written in near)
    return tuple(sorted(found, key=lambda written: written.place))


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
