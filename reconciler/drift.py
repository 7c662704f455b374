"""The same differences as a plan's, read-only: how live state differs from what the files say. Pure."""

from dataclasses import dataclass

from reconciler.diff import diff
from reconciler.errors import InputError
from reconciler.live import LiveState
from reconciler.model.desired import DesiredState
from reconciler.model.difference import Difference
from reconciler.resolve import resolve


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs, group by group, and how much was compared."""

    differences: tuple[Difference, ...]
    groups: int
    rules: int


def find_drift(state: DesiredState, live: LiveState) -> Drift:
    """Compare. Raises `InputError` where it is not clear which live group a desired one is."""
    matches, issues = resolve(state, live)
    if issues:
        raise InputError(issues)
    return Drift(
        differences=tuple(difference for match in matches if not (difference := diff(match)).is_empty),
        groups=len(matches),
        rules=sum(len(match.live.rules) for match in matches if match.live and match.desired.rules is not None),
    )
