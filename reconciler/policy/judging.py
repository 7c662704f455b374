"""What groups are judged by, prepared once for all of them, and how a finding is made."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import translate
from functools import cached_property
from operator import itemgetter
from typing import Literal, Self

from reconciler.model.errors import UsageError
from reconciler.model.policies import Finding, FlowPolicy, Policies, PolicyException, Rulebook
from reconciler.model.rule import Ethertype, describe_rule
from reconciler.policy.subject import JudgedRule, LiveJudgedRule, Subject
from reconciler.traffic import spans
from reconciler.traffic.extent import prefix_span
from reconciler.traffic.spans import Spans

MAX_FLOW_CHECKS = 5_000_000
"""Rules of `must_allow` and `must_deny` times the groups they are about: 20 s, and a saved plan is judged twice."""


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


def judgings_of(policies: Policies, outside: Rulebook | None, today: date, groups: int) -> tuple[Judging, ...]:
    """Return what groups are judged by: the policies from outside, and those of the files."""
    judging = Judging.of(policies, today, groups)
    if outside is None:
        return (judging,)
    return Judging.of(outside.policies, today, groups, heeds_exceptions=False), judging
