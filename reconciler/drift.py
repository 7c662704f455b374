"""The same differences as a plan's, read-only: how live state differs from what the files say. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.diff import diff
from reconciler.errors import InputError
from reconciler.live import LiveState
from reconciler.model.desired import DesiredState
from reconciler.model.difference import Difference
from reconciler.names import names_of_remotes
from reconciler.resolve import resolve


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs, group by group, and how much was compared."""

    differences: tuple[Difference, ...]
    groups: int
    rules: int
    group_names: Mapping[str, str]


def find_drift(state: DesiredState, live: LiveState) -> Drift:
    """Compare. Raises `InputError` where it is not clear which live group a desired one is."""
    matches, issues = resolve(state, live)
    if issues:
        raise InputError(issues)
    differences = tuple(difference for match in matches if not (difference := diff(match)).is_empty)
    return Drift(
        differences=differences,
        groups=len(matches),
        rules=sum(len(match.live.rules) for match in matches if match.live and match.desired.rules is not None),
        group_names=names_of_remotes(differences, live),
    )
