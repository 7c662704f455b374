"""When an apply gives up: so many groups failed one after the other that the next ones would only fail as well.

A group at which the API fails takes half a minute of tries, so a few of them are enough; one that is refused takes two
requests, so it may be many. One at which it leaves writes unanswered takes nearly a minute: a target in which it has
done nothing yet is given up at once then, another one when that happens twice in a row. What fails in one project and
region stops nothing elsewhere, as long as it does not fail in many of them.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from reconciler.applying.outcome import Result, Status
from reconciler.model.desired import Target
from reconciler.planning.diff import Action

LEAST_BROKEN = 5
"""Groups in a row at which the API may fail until all tries are used up; as many as are at once, if those are more."""
MOST_FAILED = 1000
"""Groups in a row that may fail in any way, most of them because they are refused."""
MOST_TARGETS = 5
"""Targets in which groups fail in a row before others are not tried either."""

MOST_SILENT = 2
"""Targets in which the API leaves writes without an answer before others are not tried either."""


@dataclass(slots=True)
class _Row:
    """Groups of one action that failed one after the other: how many, at how many the API failed, and where."""

    failed: int = 0
    broken: int = 0
    targets: set[Target] = field(default_factory=set)


class Patience:
    """Counts, action by action, the groups that failed since the last one that was applied."""

    def __init__(self, parallelism: int) -> None:
        self._limits = (max(LEAST_BROKEN, parallelism), MOST_FAILED)
        self._rows: defaultdict[Action, _Row] = defaultdict(_Row)
        self._silent: Counter[Target] = Counter()
        self._well: set[Target] = set()
        self._given_up: set[Target] = set()

    def ended(self, action: Action, target: Target) -> str:
        """Say why nothing further is to be sent of that action in a target; empty where something is."""
        if target in self._given_up or len(self._given_up) >= MOST_SILENT:
            return "the API left what was sent before it without an answer"
        row = self._rows[action]
        counted = zip((row.broken, row.failed), self._limits, strict=True)
        limit = next((limit for number, limit in counted if number >= limit), None)
        if limit is None or (target not in row.targets and len(row.targets) < MOST_TARGETS):
            return ""
        return f"{limit:,} groups or more before it failed in a row"

    def note(self, result: Result) -> None:
        """Take note of how a change ended."""
        difference = result.change.difference
        if result.status is Status.APPLIED:
            self._well.add(difference.target)
            del self._silent[difference.target]
            self._rows[difference.action] = _Row()
            return
        row = self._rows[difference.action]
        row.failed += 1
        row.broken += result.is_broken
        row.targets.add(difference.target)
        if result.is_silent:
            self._silent[difference.target] += 1
            if self._silent[difference.target] > (difference.target in self._well):
                self._given_up.add(difference.target)
