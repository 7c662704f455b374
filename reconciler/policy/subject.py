"""What policies look at: a group with its rules, written, live or planned, in one form."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import translate
from functools import cached_property
from operator import itemgetter
from typing import Literal, Protocol, Self

from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.errors import UsageError
from reconciler.model.ignore_rules import find_entry
from reconciler.model.live import LiveGroup, LiveState
from reconciler.model.place import Place
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import Finding, FlowPolicy, Policies, PolicyException, Review
from reconciler.model.rule import Ethertype, Rule, describe_rule
from reconciler.planning.diff import Action, Difference
from reconciler.planning.resolve import Match
from reconciler.traffic import spans
from reconciler.traffic.extent import prefix_span
from reconciler.traffic.spans import Spans

MAX_FLOW_CHECKS = 8_000_000
"""Rules of `must_allow` and `must_deny` times the groups they are about: what takes less than a minute."""


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


@dataclass(frozen=True)
class Judging:
    """What a run judges by: the policies, prepared once for all groups, and the day on which exceptions hold."""

    policies: Policies
    today: date
    heeds_exceptions: bool = True

    @classmethod
    def of(cls, policies: Policies, today: date, groups: int, *, heeds_exceptions: bool = True) -> Self:
        """Judge a number of groups. Raises `UsageError` where that would be too much work."""
        flows = (*policies.must_allow, *policies.must_deny)
        checks = sum(max(1, len(flow.rules or ())) * (groups if _is_glob(flow.group) else 1) for flow in flows)
        if checks > MAX_FLOW_CHECKS:
            raise UsageError(
                f"`must_allow` and `must_deny` in {policies.source.where} come to {checks:,} checks for {groups:,} "
                f"groups, over the limit of {MAX_FLOW_CHECKS:,}",
                hint="Write fewer flows, or name fewer groups in each.",
            )
        return cls(policies, today, heeds_exceptions)

    def in_force(self, policy: str, exceptions: Iterable[PolicyException]) -> PolicyException | None:
        """Return the exception from a policy that holds."""
        if not self.heeds_exceptions:
            return None
        return next((each for each in exceptions if each.policy == policy and self.today <= each.until), None)

    def ended(self, policy: str, exceptions: Iterable[PolicyException]) -> PolicyException | None:
        """Return an exception from a policy that holds no more."""
        if not self.heeds_exceptions:
            return None
        return next((each for each in exceptions if each.policy == policy and self.today > each.until), None)

    @cached_property
    def required(self) -> "FlowsByGroup":
        """The flows of `must_allow`, by the groups they are about."""
        return FlowsByGroup(self.policies.must_allow)

    @cached_property
    def denied(self) -> "FlowsByGroup":
        """The flows of `must_deny`, by the groups they are about."""
        return FlowsByGroup(self.policies.must_deny)

    @cached_property
    def allowed_spans(self) -> Mapping[Ethertype, Spans]:
        """The addresses of `allowed_prefixes`, by family."""
        prefixes = self.policies.allowed_prefixes.prefixes
        families: tuple[tuple[Ethertype, bool], ...] = (("IPv4", False), ("IPv6", True))
        return {
            family: spans.of(prefix_span(prefix, family) for prefix in prefixes if (":" in prefix) == is_ipv6)
            for family, is_ipv6 in families
        }

    @cached_property
    def management_ports(self) -> tuple[tuple[int, int], ...]:
        """The ports of `world_open_management` as ranges that rise and do not overlap."""
        ranges: list[tuple[int, int]] = []
        for low, high in sorted(self.policies.world_open_management.ports):
            first = max(low, ranges[-1][1] + 1) if ranges else low
            if first <= high:
                ranges.append((first, high))
        return tuple(ranges)


class FlowsByGroup:
    """Flow policies found by the name of a group: only those with a glob are looked at one by one."""

    def __init__(self, flows: Iterable[FlowPolicy]) -> None:
        self._named: dict[str, list[tuple[int, FlowPolicy]]] = {}
        self._globs: list[tuple[re.Pattern[str], int, FlowPolicy]] = []
        for number, flow in enumerate(flows):
            if _is_glob(flow.group):
                self._globs.append((re.compile(translate(flow.group)), number, flow))
            else:
                self._named.setdefault(flow.group, []).append((number, flow))

    def about(self, name: str) -> list[FlowPolicy]:
        """List the flows that are about a group, in the order written."""
        found = [
            *self._named.get(name, ()),
            *((number, flow) for glob, number, flow in self._globs if glob.match(name)),
        ]
        return [flow for _, flow in sorted(found, key=itemgetter(0))]

    def about_none(self, names: Collection[str]) -> list[FlowPolicy]:
        """List the flows that are about none of these groups, in the order written."""
        found = [each for group, flows in self._named.items() if group not in names for each in flows]
        found += [(number, flow) for glob, number, flow in self._globs if not any(map(glob.match, names))]
        return [flow for _, flow in sorted(found, key=itemgetter(0))]


def _is_glob(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def exceptions_of(rule: JudgedRule | None, subject: Subject) -> tuple[PolicyException, ...]:
    """Return what is agreed for a rule: beside it, and beside its group."""
    return (*(rule.review.exceptions if rule is not None and rule.review else ()), *subject.exceptions)


def finding(
    policy: str,
    level: Literal["error", "warning"],
    message: str,
    subject: Subject,
    judging: Judging,
    rule: JudgedRule | None = None,
) -> Finding:
    """Make a finding about a rule, or about the group as a whole, with the exception that covers it."""
    exceptions = exceptions_of(rule, subject)
    exception = judging.in_force(policy, exceptions)
    ended = judging.ended(policy, exceptions)
    if exception is None and ended is not None:
        message += ended_exception(ended)
    place = rule.place if rule is not None and rule.place is not None else subject.place
    return Finding(policy, level, message, lifting_flag(policy), place, subject.name, exception)


def lifting_flag(policy: str) -> str:
    """Return the flag that lifts a policy for one plan."""
    return f"--lift {policy}"


def ended_exception(exception: PolicyException) -> str:
    """Say that an exception holds no more."""
    return f"; its exception ended on {exception.until} ({exception.reason})"


def rule_text(rule: JudgedRule, subject: Subject) -> str:
    """Write a rule in a message; a live one with its id, and with that it is left to others (`ignore_rules`)."""
    text = " ".join(describe_rule(rule.rule, subject.names).split())
    if not isinstance(rule, LiveJudgedRule):
        return text
    return f"{text} ({rule.id}{', left to others' if rule.is_ignored else ''})"


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


def planned_subject(match: Match, ids: Ids, names: Names) -> Subject:
    """The group as the plan leaves it behind."""
    group, live = match.desired, match.live
    result = None if group.rules is not None else tuple(rule.rule for rule in (live.rules if live else ()))
    if group.rules is not None and group.ignore_rules and live:
        entries = group.ignore_rules
        others = (each.rule for each in live.rules if find_entry(entries, each.rule, each.description))
        result = (*(rule.rule for rule in group.rules), *others)
    tags = group.tags
    if tags is None:
        tags = {tag.key: tag.value for tag in live.tags} if live else {}
    return Subject(
        target=group.target,
        name=group.name,
        place=group.place,
        rules=group.rules or (),
        tags=tags,
        exceptions=group.exceptions,
        result=result,
        ids=ids.get(group.target, {}),
        names=names.get(group.target, {}),
    )


def written_subject(difference: Difference, names: Mapping[str, str]) -> Subject:
    """A group with the rules that a change writes; what is kept is known as traffic only.

    Remote groups are known by name here: a saved plan does not hold the id of every group. So `names` has to hold the
    names of placeholders as well (`with_placeholders`).
    """
    tags = {tag.key: tag.value for tag in difference.live.tags} if difference.live else {}
    for tag in difference.tags:
        tags.pop(tag.key, None)
        if tag.new is not None:
            tags[tag.key] = tag.new
    return Subject(
        target=difference.target,
        name=difference.name,
        place=difference.place,
        rules=[replace(rule, rule=_by_name(rule.rule, names)) for rule in difference.created_rules],
        tags=tags,
        exceptions=difference.exceptions,
        result=tuple(_by_name(rule, names) for rule in result_of(difference)),
        names=names,
    )


def with_placeholders(names: Mapping[str, str]) -> dict[str, str]:
    """Add to the names by id the same names by placeholder."""
    return {**names, **{placeholder(name): name for name in names.values()}}


def _by_name(rule: Rule, names: Mapping[str, str]) -> Rule:
    name = names.get(rule.remote_group_id or "")
    return rule._replace(remote_group_id=placeholder(name)) if name else rule


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


def result_of(difference: Difference) -> tuple[Rule, ...]:
    """Return all rules that a changed group has in the end."""
    if difference.action is Action.DELETE:
        return ()
    return (*difference.kept_rules, *(rule.rule for rule in difference.creates))


def ids_of(matches: Iterable[Match], live: LiveState) -> Ids:
    """Return the ids of all groups, live and to be created, by their names now and in the end."""
    ids = {target: {group.name: group.id for group in groups} for target, groups in live.items()}
    for match in matches:
        name = match.desired.name
        ids.setdefault(match.desired.target, {})[name] = match.live.id if match.live else placeholder(name)
    return ids


def names_of(ids: Ids) -> Names:
    """Return the names of each target's groups by id, given the ids by name."""
    return {target: {group_id: name for name, group_id in known.items()} for target, known in ids.items()}
