"""What policies look at: a group with its rules, written, live or planned, in one form."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.ignore_rules import find_entry
from reconciler.model.live import LiveGroup
from reconciler.model.place import Place
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import PolicyException, Review
from reconciler.model.rule import Rule


class JudgedRule(Protocol):
    """A rule with what stands beside it; a desired rule is one."""

    @property
    def rule(self) -> Rule:
        """The rule."""

    @property
    def description(self) -> str:
        """Its description."""

    @property
    def place(self) -> Place | None:
        """Where it is written; None for a rule that is live only."""

    @property
    def review(self) -> Review | None:
        """Its expiry date and its exceptions."""


@dataclass(frozen=True, slots=True)
class LiveJudgedRule:
    """A live rule, with place and review of the desired rule that is the same, unless it is left to others."""

    rule: Rule
    description: str
    id: str
    place: Place | None = None
    review: Review | None = None
    is_ignored: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A group to judge: `rules` one by one, and `result`, everything it admits, where that is more than they are.

    `tags` is None where they are not known. `ids` are those of the target's groups by name, `names` the reverse.
    `is_live` marks a group that is judged as it is, not as a change would leave it.
    """

    target: Target
    name: str
    place: Place | None
    rules: Sequence[JudgedRule]
    tags: Mapping[str, str] | None = None
    exceptions: tuple[PolicyException, ...] = ()
    result: tuple[Rule, ...] | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    is_live: bool = False
    id: str | None = None

    @property
    def label(self) -> str:
        """The group in a message. A live one, which may be in no file, with target and id."""
        return f"{self.name!r} ({self.target}, {self.id})" if self.is_live else f"{self.name!r}"

    @property
    def admitted(self) -> Iterable[Rule]:
        """All rules of the group."""
        return (rule.rule for rule in self.rules) if self.result is None else self.result


Ids = Mapping[Target, Mapping[str, str]]
"""The ids of each target's groups, by name."""

Names = Mapping[Target, Mapping[str, str]]
"""The names of each target's groups, by id."""


def desired_subject(group: DesiredGroup, ids: Mapping[str, str], names: Mapping[str, str]) -> Subject:
    """The group as the files have it; remote groups get ids, for no remote at all would be everyone."""
    rules = tuple(rule if rule.remote_group is None else _with_id(rule, ids) for rule in group.rules or ())
    return Subject(group.target, group.name, group.place, rules, group.tags, group.exceptions, ids=ids, names=names)


def _with_id(rule: DesiredRule, ids: Mapping[str, str]) -> DesiredRule:
    name = rule.remote_group or ""
    return replace(rule, rule=rule.rule._replace(remote_group_id=ids.get(name) or placeholder(name)))


def live_subject(
    group: LiveGroup, desired: DesiredGroup | None, ids: Mapping[str, str], names: Mapping[str, str]
) -> Subject:
    """A live group, with the places and exceptions that files give it."""
    written = {rule.rule: rule for rule in (desired.rules or () if desired else ())}
    entries = desired.ignore_rules if desired and desired.rules is not None else ()
    rules = []
    for rule in group.rules:
        same = written.get(rule.rule)
        place, review = (same.place, same.review) if same else (None, None)
        is_ignored = find_entry(entries, rule.rule, rule.description) is not None
        rules.append(LiveJudgedRule(rule.rule, rule.description, rule.id, place, review, is_ignored))
    return Subject(
        target=group.target,
        name=group.name,
        place=desired.place if desired else None,
        rules=rules,
        tags={tag.key: tag.value for tag in group.tags},
        exceptions=desired.exceptions if desired else (),
        ids=ids,
        names=names,
        is_live=True,
        id=group.id,
    )


def names_of(ids: Ids) -> Names:
    """Return the names of each target's groups by id, given the ids by name."""
    return {target: {group_id: name for name, group_id in known.items()} for target, known in ids.items()}
