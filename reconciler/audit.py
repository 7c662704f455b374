"""Live groups judged by the policies, whether a file names them or not. Read-only and pure."""

from dataclasses import dataclass
from datetime import date

from reconciler.errors import InputError
from reconciler.live import LiveState
from reconciler.model.desired import DesiredState
from reconciler.model.plan import Finding
from reconciler.policy.judge import judge_live
from reconciler.resolve import resolve


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found, and in how much."""

    findings: tuple[Finding, ...]
    groups: int
    rules: int


def audit(state: DesiredState, live: LiveState, today: date) -> Audit:
    """Judge. The files bring policies, places and exceptions.

    Raises `InputError` where it is not clear which live group a desired one is.
    """
    matches, issues = resolve(state, live)
    if issues:
        raise InputError(issues)
    groups = [group for groups in live.values() for group in groups]
    findings = judge_live(matches, live, state.policies, today)
    return Audit(findings, len(groups), sum(len(group.rules) for group in groups))
