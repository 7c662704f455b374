"""What files and live state say to one question, which of the two counts, and what brings them together. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.desired import Target
from reconciler.model.errors import UsageError
from reconciler.planning.group_view import StateView
from reconciler.trace.answer import NotManaged, NotThere, TraceAnswer, TraceCheck, trace
from reconciler.trace.question import Question


class SideName(StrEnum):
    """Who is asked."""

    DESIRED = "desired"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Side:
    """What one side says. `answer` is None where it has no such group or leaves its rules alone; `problem` says so."""

    view: StateView
    answer: TraceAnswer | None
    problem: str = ""
    hint: str | None = None

    @property
    def name(self) -> SideName:
        """Who it is."""
        return SideName.LIVE if self.view.is_live else SideName.DESIRED

    @property
    def names(self) -> Mapping[str, str]:
        """The names of groups by key, for the rules in the answer."""
        return self.view.names

    @property
    def allowed(self) -> bool | None:
        """Whether it admits what was asked: nothing where no live group is there, None where the files do not say."""
        if self.answer is not None:
            return self.answer.allowed
        return False if self.name is SideName.LIVE else None

    @property
    def targets(self) -> frozenset[Target]:
        """Where it has the groups."""
        return frozenset(target for check in (self.answer.checks if self.answer else ()) for target in check.targets)

    @property
    def refusing(self) -> tuple[TraceCheck, ...]:
        """The ends at which it is refused."""
        return tuple(check for check in self.answer.checks if not check.allowed) if self.answer else ()


class Mend(StrEnum):
    """What would make both sides allow it, or both refuse it."""

    APPLY = "apply"
    """The files allow it: applying them makes live state do so."""
    CLOSE_OR_WRITE = "close or write"
    """Only live state allows it: applying the files ends that, and a rule in them would keep it."""
    WRITE = "write"
    """Neither allows it: a rule in the files, applied, would."""


def ask(view: StateView, near: Sequence[str], question: Question) -> Side:
    """Ask one side. Raises `UsageError` for what `trace` does, but for a group that this side does not have."""
    try:
        return Side(view, trace(view, near, question))
    except (NotThere, NotManaged) as error:
        return Side(view, None, error.message, error.hint)


def deciding(sides: Sequence[Side]) -> Side:
    """Choose the side whose verdict counts: live state decides about traffic now; where it was not asked, the files.

    Raises `UsageError` where no side has such a group, and where live state has it in some of the files' targets only.
    """
    if all(side.answer is None for side in sides):
        hints = [side.hint for side in sides if side.hint]
        hint = next((hint for hint in hints if "did you mean" in hint), hints[-1] if hints else None)
        raise UsageError("; ".join(side.problem for side in sides), hint=hint)
    desired, live = sides[0], sides[-1]
    if live.answer is not None and (lacking := desired.targets - live.targets):
        where = "; ".join(map(str, sorted(lacking)))
        raise UsageError(
            f"live, targets disagree: no such group in {where}",
            hint="Say which is meant with --project-id and --region-id.",
        )
    return live


def mend(sides: Sequence[Side]) -> Mend | None:
    """Say what to do; None where all is allowed, or only a person can know."""
    verdicts = {side.name: side.allowed for side in sides}
    desired, live = verdicts.get(SideName.DESIRED), verdicts.get(SideName.LIVE)
    if desired is None:
        return None
    if desired:
        return Mend.APPLY if live is False else None
    return Mend.CLOSE_OR_WRITE if live else Mend.WRITE


def groups_to_apply(sides: Sequence[Side]) -> tuple[str, ...]:
    """Name the groups to apply to mend it: those where it is refused, and those they refer to that are not live."""
    desired = next(side for side in sides if side.name is SideName.DESIRED)
    live = next((side for side in sides if side.name is SideName.LIVE), None)
    checks = desired.answer.checks if desired.answer else ()
    if live is None or live.answer is not None:
        refusing = live.refusing if live is not None and desired.allowed else desired.refusing
        checks = tuple(check for check in checks if check.groups in {each.groups for each in refusing})
    found = dict.fromkeys(name for check in checks for name in check.groups)
    there = {group.name for group in live.view.groups} if live is not None else set()
    waiting = list(found)
    while waiting:
        for group in desired.view.find(waiting.pop()):
            keys = (rule.rule.remote_group_id for rule in group.rules or ())
            for name in (desired.names.get(key) for key in keys if key is not None):
                if live is not None and name is not None and name not in found and name not in there:
                    found[name] = None
                    waiting.append(name)
    return tuple(found)
