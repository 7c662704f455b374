"""Which address group or rule set a change came from. A reason, for people: no decision depends on it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.model.desired import DesiredRule
from reconciler.model.live import LiveRule
from reconciler.model.place import UsedPlace
from reconciler.model.rule import Rule
from reconciler.model.text import count, listed, shown
from reconciler.planning.diff import Difference
from reconciler.planning.resolve import Match

_Shape = tuple[Rule, str]


@dataclass(slots=True)
class _Moved:
    came: set[str] = field(default_factory=set)
    went: set[str] = field(default_factory=set)
    groups: dict[str, None] = field(default_factory=dict)


def address_group_notes(matches: Sequence[Match], differences: Iterable[Difference]) -> tuple[str, ...]:
    """Tell, for each address group that moved, how many of its prefixes came and went, and in which groups.

    Live rules do not say where they are from. An address group was in use where one of its rules is live already, and
    one that goes was its own where it is the same but for the prefix. What is used for the first time did not move.
    """
    found = {(match.desired.target, match.desired.name): match for match in matches}
    moved: defaultdict[str, _Moved] = defaultdict(_Moved)
    for difference in differences:
        origins = _in_use(found.get((difference.target, difference.name)))
        for created in difference.creates if origins else ():
            if created.address_group is not None and origins.get(_shape(created)) == created.address_group:
                moved[created.address_group].came.add(_prefix(created.rule))
                moved[created.address_group].groups[difference.name] = None
        for deleted in difference.deletes if origins else ():
            if (name := origins.get(_shape(deleted))) is not None:
                moved[name].went.add(_prefix(deleted.rule))
                moved[name].groups[difference.name] = None
    return tuple(_note(name, each) for name, each in sorted(moved.items()))


def _in_use(match: Match | None) -> dict[_Shape, str]:
    """Return the address groups that live rules of a group are of already, by what their rules are but for prefixes."""
    if match is None or match.live is None:
        return {}
    live = {rule.rule for rule in match.live.rules}
    rules = (rule for rule in match.desired.rules or () if rule.address_group is not None and rule.rule in live)
    return {_shape(rule): rule.address_group or "" for rule in rules}


def _shape(rule: DesiredRule | LiveRule) -> _Shape:
    return rule.rule._replace(ethertype="IPv4", remote_ip_prefix=None), rule.description


def _prefix(rule: Rule) -> str:
    return rule.remote_ip_prefix or rule.ethertype


def _note(name: str, moved: _Moved) -> str:
    went = moved.went - moved.came
    counted = [f"{count(len(moved.came), 'prefix')} came"] if moved.came else []
    counted += [f"{len(went) if counted else count(len(went), 'prefix')} went"] if went else []
    return f"address group {shown(name)}: {', '.join(counted)}, in {_listed(moved.groups)}"


_MOST = 3


def _listed(groups: Iterable[str]) -> str:
    return listed([shown(group) for group in groups], _MOST)


@dataclass(slots=True)
class _Changed:
    rules: defaultdict[str, set[Rule]] = field(default_factory=lambda: defaultdict(set))
    places: dict[str, None] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)


def rule_set_notes(differences: Iterable[Difference]) -> tuple[str, ...]:
    """Tell, for each rule set, how many of its rules come to live groups or get another description, and in which.

    Live rules do not say where they are from: what went from a set is not told.
    """
    changed: defaultdict[str, _Changed] = defaultdict(_Changed)
    for difference in differences:
        found = [("came", rule) for rule in difference.creates]
        found += [("described anew", each.desired) for each in difference.redescribes]
        for what, rule in found if difference.live is not None else ():
            if isinstance(rule.place, UsedPlace):
                of_set = changed[rule.place.rule_set]
                of_set.rules[what].add(rule.rule)
                of_set.places[str(rule.place.rule)] = of_set.groups[difference.name] = None
    return tuple(_set_note(name, each) for name, each in sorted(changed.items()))


def _set_note(name: str, changed: _Changed) -> str:
    counted = ", ".join(f"{count(len(rules), 'rule')} {what}" for what, rules in sorted(changed.rules.items()))
    places = listed(list(changed.places), _MOST)
    return f"rule set {shown(name)}: {counted}, in {_listed(changed.groups)} ({places})"
