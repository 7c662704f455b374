"""How live state differs from what the files say, and how much that matters. Read-only and pure.

The differences are those of a plan; the severity comes from the traffic that a group admits live and should not, or
should and does not, so a reordered or merged rule set is cosmetic, however many rules it touches.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from reconciler.drift.who import Who
from reconciler.model.desired import DesiredGroup, DesiredState, Target
from reconciler.model.errors import InputError, Issue
from reconciler.model.live import LiveGroup, LiveState
from reconciler.model.policies import Finding
from reconciler.model.text import count
from reconciler.planning.diff import Action, Difference, diff, names_of_remotes
from reconciler.planning.resolve import Match, resolve
from reconciler.policy.judge import judge_dates


class Severity(StrEnum):
    """How much a difference matters, the least first."""

    COSMETIC = "cosmetic"
    NARROWING = "narrowing"
    WIDENING = "widening"
    MISSING = "missing"


_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class DriftedGroup:
    """A group that differs. One that is not counted is below the severity that was asked for."""

    difference: Difference
    severity: Severity
    counted: bool


class UnmanagedGroup(NamedTuple):
    """A live group that no file names, and the number of its rules."""

    target: Target
    id: str
    name: str
    rules: int


class TargetDrift(NamedTuple):
    """What differs in one target, and nothing of what does not: a fleet is compared target by target."""

    drifted: tuple[DriftedGroup, ...]
    groups: int
    rules: int
    group_names: Mapping[str, str]
    unmanaged: tuple[UnmanagedGroup, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything that differs. `unmanaged` are live groups that no file names; they never count.

    `findings` are rules of the files past their date, or soon past it. `who` is what the API's log says, where it was
    asked.
    """

    drifted: tuple[DriftedGroup, ...]
    groups: int
    rules: int
    fail_on: Severity
    group_names: Mapping[str, str]
    unmanaged: tuple[UnmanagedGroup, ...] = ()
    findings: tuple[Finding, ...] = ()
    who: Who | None = None

    @property
    def counted(self) -> bool:
        """Whether anything that is listed counts, a rule past its date included: exit code 2."""
        return any(group.counted for group in self.drifted) or any(each.stops for each in self.findings)

    @property
    def by_severity(self) -> Mapping[Severity, int]:
        """The number of groups of each severity."""
        found = Counter(group.severity for group in self.drifted)
        return {severity: found[severity] for severity in _ORDER}

    @property
    def rules_missing(self) -> int:
        """Rules that the files ask for and that are not live."""
        return sum(len(group.difference.creates) for group in self.drifted)

    @property
    def rules_extra(self) -> int:
        """Rules that are live and that the files do not know."""
        return sum(len(group.difference.deletes) for group in self.drifted)


def find_drift(
    state: DesiredState, live: LiveState, fail_on: Severity = Severity.COSMETIC, today: date | None = None
) -> Drift:
    """Compare; with the date of `today`, also tell which rules are past theirs.

    Raises `InputError` where it is not clear which live group a desired one is.
    """
    parts = [compare_target(one, live[target], fail_on) for target, one in by_target(state).items()]
    return join_targets(parts, state, fail_on, today)


def by_target(state: DesiredState) -> dict[Target, DesiredState]:
    """Divide desired state into that of each target."""
    groups: dict[Target, list[DesiredGroup]] = {target: [] for target in state.targets}
    for group in state.groups:
        groups[group.target].append(group)
    return {target: replace(state, groups=tuple(here), targets=(target,)) for target, here in groups.items()}


def compare_target(state: DesiredState, groups: tuple[LiveGroup, ...], fail_on: Severity) -> TargetDrift:
    """Compare the desired state of one target with its live groups."""
    live = dict.fromkeys(state.targets, groups)
    matches, issues = resolve(state, live)
    differences = [difference for match in matches if not (difference := diff(match)).is_empty]
    return TargetDrift(
        drifted=tuple(_drifted(difference, fail_on) for difference in differences),
        groups=len(matches),
        rules=sum(len(match.live.rules) for match in matches if match.live and match.desired.rules is not None),
        group_names=names_of_remotes(differences, live),
        unmanaged=tuple(_unmanaged(matches, groups)),
        issues=issues,
    )


def join_targets(
    parts: Iterable[TargetDrift], state: DesiredState, fail_on: Severity, today: date | None = None
) -> Drift:
    """Put together what differs in the targets. Raises `InputError` with the issues of all of them."""
    parts = tuple(parts)
    if issues := tuple(issue for part in parts for issue in part.issues):
        raise InputError(issues)
    return Drift(
        drifted=tuple(each for part in parts for each in part.drifted),
        groups=sum(part.groups for part in parts),
        rules=sum(part.rules for part in parts),
        fail_on=fail_on,
        group_names={key: name for part in parts for key, name in part.group_names.items()},
        unmanaged=tuple(each for part in parts for each in part.unmanaged),
        findings=judge_dates(state, today) if today else (),
    )


def severity(difference: Difference) -> Severity:
    """Judge one difference. Its traffic is that of putting things right: what that closes should not be open."""
    if difference.action is Action.CREATE:
        return Severity.MISSING
    if difference.traffic.closes:
        return Severity.WIDENING
    if difference.traffic.opens:
        return Severity.NARROWING
    return Severity.COSMETIC


def _drifted(difference: Difference, fail_on: Severity) -> DriftedGroup:
    found = severity(difference)
    return DriftedGroup(difference, found, counted=_ORDER.index(found) >= _ORDER.index(fail_on))


def _unmanaged(matches: Iterable[Match], groups: Iterable[LiveGroup]) -> Iterator[UnmanagedGroup]:
    named = {match.live.id for match in matches if match.live is not None}
    for group in groups:
        if group.id not in named:
            yield UnmanagedGroup(group.target, group.id, group.name, len(group.rules))


def summarize_drift(drift: Drift) -> str:
    """Count what differs, in one line."""
    size = f"{count(drift.groups, 'group')}, {count(drift.rules, 'live rule')} compared"
    expired = sum(each.stops for each in drift.findings)
    past = f"{count(expired, 'rule')} past {'its' if expired == 1 else 'their'} date; " if expired else ""
    if not drift.drifted:
        return f"Drift: {past}{size}." if expired else f"No drift: {size}."
    severities = ", ".join(f"{number} {severity}" for severity, number in drift.by_severity.items() if number)
    counted = "" if drift.counted else f"; none counts, for --fail-on is {drift.fail_on}"
    return f"Drift: {count(len(drift.drifted), 'group')} ({severities}); {past}{size}{counted}."
