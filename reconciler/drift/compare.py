"""How live state differs from what the files say, and how much that matters. Read-only and pure.

The differences are those of a plan; the severity comes from the traffic that a group admits live and should not, or
should and does not, so a reordered or merged rule set is cosmetic, however many rules it touches.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from reconciler.drift.who import Who
from reconciler.model.desired import DesiredGroup, DesiredState, Target
from reconciler.model.errors import InputError, Issue
from reconciler.model.live import LiveGroup, LiveState, RefusedTarget, UnreadTarget
from reconciler.model.policies import Finding
from reconciler.model.text import count
from reconciler.planning.diff import Action, Difference, diff, names_of_remotes
from reconciler.planning.ignored import LeftToOthers, join_ignored, left_to_others
from reconciler.planning.orphans import (
    LikelyRename,
    UnmanagedGroup,
    find_renames,
    find_unmanaged,
    is_ours,
    rename_findings,
)
from reconciler.planning.resolve import resolve
from reconciler.policy.judge import judge_dates


class Severity(StrEnum):
    """How much a difference matters, the least first."""

    COSMETIC = "cosmetic"
    ORPHAN = "orphan"
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


class TargetDrift(NamedTuple):
    """What differs in one target, and nothing of what does not: a fleet is compared target by target."""

    drifted: tuple[DriftedGroup, ...]
    groups: int
    rules: int
    group_names: Mapping[str, str]
    orphans: tuple[UnmanagedGroup, ...]
    unmanaged: tuple[UnmanagedGroup, ...]
    renames: tuple[LikelyRename, ...]
    issues: tuple[Issue, ...]
    ignored: tuple[LeftToOthers, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """Everything that differs. `orphans` are live groups with our owner that no file names.

    `unmanaged` are the other live groups that no file names; they never count. `findings` are rules of the files past
    their date, or soon past it, and missing groups that may be orphans under another name. `refused` are targets that
    were to be looked through and refuse to be listed. `who` is what the API's log says, where it was asked.
    `unread` are targets of the files of which nothing is known, because they could not be read. `ignored` tells of the
    live rules that `ignore_rules` leaves to others: they are not among the `rules`, and never differ.
    """

    drifted: tuple[DriftedGroup, ...]
    groups: int
    rules: int
    fail_on: Severity
    group_names: Mapping[str, str]
    orphans: tuple[UnmanagedGroup, ...] = ()
    unmanaged: tuple[UnmanagedGroup, ...] = ()
    findings: tuple[Finding, ...] = ()
    who: Who | None = None
    refused: tuple[RefusedTarget, ...] = ()
    unread: tuple[UnreadTarget, ...] = ()
    ignored: tuple[LeftToOthers, ...] = ()

    @property
    def counted(self) -> bool:
        """Whether anything that is listed counts, a rule past its date included: exit code 2."""
        return (
            any(group.counted for group in self.drifted)
            or (bool(self.orphans) and self.counts_orphans)
            or any(each.stops for each in self.findings)
        )

    @property
    def counts_orphans(self) -> bool:
        """Whether orphans are severe enough to count."""
        return _counts(Severity.ORPHAN, self.fail_on)

    @property
    def by_severity(self) -> Mapping[Severity, int]:
        """The number of groups of each severity."""
        found = Counter({Severity.ORPHAN: len(self.orphans)}) + Counter(group.severity for group in self.drifted)
        return {severity: found[severity] for severity in _ORDER}

    @property
    def rules_ignored(self) -> int:
        """Live rules that are left to others."""
        return sum(each.rules for each in self.ignored)

    def of(self, target: Target) -> "Drift":
        """Return the part that is about one target."""
        return replace(
            self,
            drifted=tuple(each for each in self.drifted if each.difference.target == target),
            unmanaged=tuple(each for each in self.unmanaged if each.target == target),
            orphans=tuple(each for each in self.orphans if each.target == target),
            ignored=tuple(
                each._replace(by_target={target: each.by_target[target]})
                for each in self.ignored
                if target in each.by_target
            ),
        )

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


def look_everywhere(state: DesiredState, targets: Iterable[Target]) -> DesiredState:
    """Add targets that no file names, and take every owner of the files for ours in all of them.

    So a target that has lost its file still has orphans.
    """
    owners = frozenset[str]().union(*state.owners.values())
    everywhere = tuple(dict.fromkeys((*state.targets, *targets)))
    return replace(state, targets=everywhere, owners=dict.fromkeys(everywhere, owners))


def compare_target(
    state: DesiredState, groups: tuple[LiveGroup, ...], fail_on: Severity, *, whole: bool = True
) -> TargetDrift:
    """Compare the desired state of one target with its live groups.

    Only where the files are the `whole` of what there is, a live group that none of them names is an orphan.
    """
    live = dict.fromkeys(state.targets, groups)
    matches, issues = resolve(state, live)
    compared = [diff(match) for match in matches]
    differences = [difference for difference in compared if not difference.is_empty]
    ignored = left_to_others(compared)
    unmanaged = find_unmanaged(state.targets, live, matches)
    return TargetDrift(
        drifted=tuple(_drifted(difference, fail_on) for difference in differences),
        groups=len(matches),
        rules=sum(len(match.live.rules) for match in matches if match.live and match.desired.rules is not None)
        - sum(each.rules for each in ignored),
        group_names=names_of_remotes(differences, live),
        orphans=tuple(UnmanagedGroup.of(group) for group in unmanaged if whole and is_ours(group, state)),
        unmanaged=tuple(UnmanagedGroup.of(group) for group in unmanaged if not (whole and is_ours(group, state))),
        renames=find_renames(state, live, matches, matches) if whole else (),
        issues=issues,
        ignored=ignored,
    )


def join_targets(
    parts: Iterable[TargetDrift],
    state: DesiredState,
    fail_on: Severity,
    today: date | None = None,
    refused: Iterable[RefusedTarget] = (),
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
        orphans=tuple(each for part in parts for each in part.orphans),
        unmanaged=tuple(each for part in parts for each in part.unmanaged),
        findings=(
            *(judge_dates(state, today) if today else ()),
            *rename_findings((each for part in parts for each in part.renames), {}),
        ),
        refused=tuple(sorted(refused)),
        ignored=join_ignored(each for part in parts for each in part.ignored),
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
    return DriftedGroup(difference, found, counted=_counts(found, fail_on))


def _counts(found: Severity, fail_on: Severity) -> bool:
    return _ORDER.index(found) >= _ORDER.index(fail_on)


def summarize_drift(drift: Drift) -> str:
    """Count what differs, in one line."""
    size = f"{count(drift.groups, 'group')}, {count(drift.rules, 'live rule')} compared"
    if drift.ignored:
        size += f", {drift.rules_ignored} left to others"
    if drift.unread:
        size += f", {count(len(drift.unread), 'target')} not read"
    expired = sum(each.stops for each in drift.findings)
    past = f"{count(expired, 'rule')} past {'its' if expired == 1 else 'their'} date; " if expired else ""
    groups = len(drift.drifted) + len(drift.orphans)
    if not groups:
        return f"Drift: {past}{size}." if expired else f"No drift: {size}."
    severities = ", ".join(f"{number} {severity}" for severity, number in drift.by_severity.items() if number)
    counted = "" if drift.counted else f"; none counts, for --fail-on is {drift.fail_on}"
    return f"Drift: {count(groups, 'group')} ({severities}); {past}{size}{counted}."
