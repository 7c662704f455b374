"""What policies judge: a group as it is desired, as a change leaves it behind, or as it is live."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

from reconciler.describe import describe_rule
from reconciler.model.desired import Target
from reconciler.model.place import Place
from reconciler.model.plan import Finding
from reconciler.model.rule import Rule
from reconciler.model.terms import PolicyException, Terms


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
    def terms(self) -> Terms | None:
        """Its expiry date and its exceptions."""


@dataclass(frozen=True, slots=True)
class LiveJudgedRule:
    """A live rule, with place and terms of the desired rule that is the same."""

    rule: Rule
    description: str
    id: str
    place: Place | None = None
    terms: Terms | None = None


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


@dataclass(frozen=True, slots=True)
class Today:
    """The day on which exceptions hold or have ended."""

    date: date

    def in_force(self, policy: str, exceptions: Iterable[PolicyException]) -> PolicyException | None:
        """Return the exception from a policy that holds."""
        return next((each for each in exceptions if each.policy == policy and self.date <= each.until), None)

    def ended(self, policy: str, exceptions: Iterable[PolicyException]) -> PolicyException | None:
        """Return an exception from a policy that holds no more."""
        return next((each for each in exceptions if each.policy == policy and self.date > each.until), None)


def exceptions_of(rule: JudgedRule | None, subject: Subject) -> tuple[PolicyException, ...]:
    """Return what is agreed for a rule: beside it, and beside its group."""
    return (*(rule.terms.exceptions if rule is not None and rule.terms else ()), *subject.exceptions)


def finding(
    policy: str,
    level: Literal["error", "warning"],
    message: str,
    subject: Subject,
    today: Today,
    rule: JudgedRule | None = None,
) -> Finding:
    """Make a finding about a rule, or about the group as a whole, with the exception that covers it."""
    exceptions = exceptions_of(rule, subject)
    exception = today.in_force(policy, exceptions)
    ended = today.ended(policy, exceptions)
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
    """Write a rule in a message; a live one with its id."""
    text = " ".join(describe_rule(rule.rule, subject.names).split())
    return f"{text} ({rule.id})" if isinstance(rule, LiveJudgedRule) else text
