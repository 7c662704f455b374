"""Deleted and created rules that are one rule with something changed, and in what.

For people: the API knows no such thing, and is sent both.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal, NamedTuple

from reconciler.model.desired import DesiredRule
from reconciler.model.live import LiveRule
from reconciler.model.rule import ICMP_PROTOCOLS, NO_NAMES, Rule, describe_range, describe_remote

Aspect = Literal["protocol", "ports", "remote", "description"]
"""What a rule may differ in from another and still be the same one, changed."""

_FIELDS: Mapping[Aspect, frozenset[str]] = {
    "ports": frozenset({"port_range_min", "port_range_max"}),
    "remote": frozenset({"remote_ip_prefix", "remote_group_id"}),
    "protocol": frozenset({"protocol"}),
}
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A deleted and a created rule that are one for whoever reads the plan."""

    live: LiveRule
    desired: DesiredRule


@dataclass(frozen=True, slots=True)
class Pairing:
    """The pairs that were found, and what was left on either side."""

    changed: tuple[ChangedRule, ...]
    creates: tuple[DesiredRule, ...]
    deletes: tuple[LiveRule, ...]


def pair(creates: Sequence[DesiredRule], deletes: Sequence[LiveRule]) -> Pairing:
    """Find the pairs, each rule in one at most; linear in the number of rules and of the words of their descriptions.

    Rules that differ in one aspect come first: ports, then remote, then protocol. Next are those that also have another
    description, with a word of the old one in it or where no other rule could be meant; last those that differ in two
    aspects, on the same condition. Another port with another description is another service, and no pair.
    """
    if not creates or not deletes:
        return Pairing((), tuple(creates), tuple(deletes))
    pairs = _Pairs({id(rule): rule for rule in creates}, {rule.id: rule for rule in deletes})
    for aspect in _FIELDS:
        pairs.find(_same_but(aspect))
    for aspect in _FIELDS:
        pairs.find(_alike_but(aspect))
    pairs.find(_same_but("remote", "description"), only_one=True)
    pairs.find(_same_but("protocol", "description"), only_one=True)
    for one, other in combinations(_FIELDS, 2):
        pairs.find(_same_but(one, other), only_one=True)
    return Pairing(tuple(pairs.found), tuple(pairs.creates.values()), tuple(pairs.deletes.values()))


_Rule = LiveRule | DesiredRule
_Keys = Callable[[_Rule], Iterable[tuple[Any, ...]]]


def _same_but(*aspects: Aspect) -> _Keys:
    """Return what rules have in common that differ in these aspects at most."""
    free = frozenset[str]().union(*(_FIELDS.get(aspect, ()) for aspect in aspects))

    def keys(rule: _Rule) -> Iterator[tuple[Any, ...]]:
        rest = (value for name, value in rule.rule._asdict().items() if name not in free)
        yield (*rest, None if "description" in aspects else rule.description)

    return keys


def _alike_but(aspect: Aspect) -> _Keys:
    """Return the same for rules whose descriptions have a word in common, a key for each word."""
    same = _same_but(aspect, "description")

    def keys(rule: _Rule) -> Iterator[tuple[Any, ...]]:
        (key,) = same(rule)
        return ((*key, word) for word in dict.fromkeys(_WORD.findall(rule.description.lower())))

    return keys


@dataclass(slots=True)
class _Pairs:
    """What was found so far, and the rules that are left: new ones by identity, live ones by id."""

    creates: dict[int, DesiredRule]
    deletes: dict[str, LiveRule]
    found: list[ChangedRule] = field(default_factory=list)

    def find(self, keys: _Keys, *, only_one: bool = False) -> None:
        """Pair rules that have a key in common; with `only_one`, where one rule on each side has it."""
        old: defaultdict[tuple[Any, ...], list[LiveRule]] = defaultdict(list)
        new: Counter[tuple[Any, ...]] = Counter(key for desired in self.creates.values() for key in keys(desired))
        for live in reversed(self.deletes.values()):
            for key in keys(live):
                old[key].append(live)
        for desired in list(self.creates.values()):
            for key in keys(desired):
                left = old[key]
                if only_one and not len(left) == new[key] == 1:
                    continue
                while left and left[-1].id not in self.deletes:  # found by another key
                    left.pop()
                if left:
                    live = left.pop()
                    self.found.append(ChangedRule(live, desired))
                    del self.deletes[live.id], self.creates[id(desired)]
                    break


def changed_aspects(live: LiveRule, desired: DesiredRule) -> frozenset[Aspect]:
    """Tell in what two rules differ."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - 0.1 s, needed only when something changed

    tree = DeepDiff(_aspects(live), _aspects(desired), view="tree")
    return frozenset(item.path(output_format="list")[0] for item in tree.get("values_changed", ()))


def _aspects(rule: _Rule) -> dict[Aspect, str]:
    return {
        "protocol": rule.rule.protocol or "any",
        "ports": describe_range(rule.rule),
        "remote": describe_remote(rule.rule),
        "description": rule.description,
    }


class Change(NamedTuple):
    """How a rule changes: as a whole in one `text` that ends with `remote`, and in `words` aspect by aspect."""

    text: str
    remote: str
    words: tuple[str, ...]


def describe_change(old: Rule, new: Rule, changed: Container[Aspect], names: Mapping[str, str] = NO_NAMES) -> Change:
    """Write one rule that becomes another: `ingress IPv4 tcp port 22 -> 2222 from 10.0.0.0/8`.

    `changed` is what differs; all else is written once.
    """
    parts: dict[Aspect, str] = {
        "protocol": old.protocol or "any",
        "ports": describe_range(old),
        "remote": describe_remote(old, names),
    }
    words = []
    if "protocol" in changed:
        parts["protocol"] += f" -> {new.protocol or 'any'}"
        words.append(f"protocol {parts['protocol']}")
    if "ports" in changed:
        ports = [describe_range(rule) or "all" for rule in (old, new)]
        noun = "" if old.protocol in ICMP_PROTOCOLS else "port " if all(map(str.isdigit, ports)) else "ports "
        parts["ports"] = f"{noun}{ports[0]} -> {ports[1]}"
        words.append(parts["ports"])
    if "remote" in changed:
        parts["remote"] += f" -> {describe_remote(new, names)}"
        words.append(f"remote {parts['remote']}")
    where = "from" if old.direction == "ingress" else "to"
    text = (f"{old.direction:<7}", old.ethertype, parts["protocol"], parts["ports"], where, parts["remote"])
    return Change(" ".join(filter(None, text)), parts["remote"], tuple(words))
