"""Whether the flows of a question are allowed, by which rules, and what is nearest where they are not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.model.desired import Target
from reconciler.model.errors import UsageError
from reconciler.model.place import Place
from reconciler.model.rule import Direction, Rule
from reconciler.planning.group_view import StateView, ViewedGroup, ViewedRule
from reconciler.trace.nearest import Near, Sought, find_nearest
from reconciler.trace.question import Question
from reconciler.traffic import Flow, Traffic, covers, overlaps

_OTHER: dict[Direction, Direction] = {"ingress": "egress", "egress": "ingress"}


class NotThere(UsageError):
    """There is no such group here."""


class NotManaged(UsageError):
    """The files name the group, and leave its rules alone."""


@dataclass(frozen=True, slots=True)
class TraceCheck:
    """One end of a flow: the groups there, and what their rules say, alike in all of the targets.

    `rules` admit what was asked, one alone or several together; `asked` and `missing` are flows. Where something is
    missing, `nearest` says in words what comes closest. `wanted` is the rule that would admit it all, and `place` where
    a file has the first of the groups.
    """

    targets: tuple[Target, ...]
    groups: tuple[str, ...]
    asked: tuple[Flow, ...]
    far: tuple[str, ...]
    missing: tuple[Flow, ...]
    rules: tuple[ViewedRule, ...]
    nearest: tuple[Near, ...]
    wanted: Rule
    place: Place | None

    @property
    def allowed(self) -> bool:
        """Whether all that was asked is admitted."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class TraceAnswer:
    """The checks of every target; security groups only admit, so a flow needs each of its ends to let it pass."""

    checks: tuple[TraceCheck, ...]

    @property
    def allowed(self) -> bool:
        """Whether every check admits what was asked."""
        return all(check.allowed for check in self.checks)

    @property
    def rules(self) -> tuple[ViewedRule, ...]:
        """The rules that allow it; none where it is refused."""
        return tuple(rule for check in self.checks for rule in check.rules) if self.allowed else ()


def trace(view: StateView, near: Sequence[str], question: Question) -> TraceAnswer:
    """Answer a question about interfaces that are in all of the groups `near`.

    Raises `UsageError` for a group that is not there or not managed, and where targets disagree.
    """
    targets = _targets(view, near)
    for name in question.far:
        _found(view, name)
    there = defaultdict[Target, list[ViewedGroup]](list)
    for group in view.groups:
        there[group.target].append(group)
    answers = [
        TraceAnswer(tuple(_checks(replace(view, groups=tuple(there[target])), target, near, question)))
        for target in targets
    ]
    if len({answer.allowed for answer in answers}) > 1:
        verdicts = "; ".join(
            f"{'allowed' if answer.allowed else 'refused'} in {target}"
            for target, answer in zip(targets, answers, strict=True)
        )
        live = "live, " if view.is_live else ""
        raise UsageError(
            f"{live}targets disagree: {verdicts}", hint="Say which is meant with --project-id and --region-id."
        )
    return TraceAnswer(tuple(_merge_alike(check for answer in answers for check in answer.checks)))


def _merge_alike(checks: Iterable[TraceCheck]) -> Iterator[TraceCheck]:
    """Make one check of those that differ in their target only: a document may be for several."""
    targets: dict[TraceCheck, tuple[Target, ...]] = {}
    for check in checks:
        alike = replace(check, targets=())
        targets[alike] = targets.get(alike, ()) + check.targets
    return (replace(check, targets=found) for check, found in targets.items())


def _targets(view: StateView, near: Sequence[str]) -> tuple[Target, ...]:
    found = [{group.target for group in _found(view, name)} for name in near]
    common = set.intersection(*found)
    if not common:
        raise NotThere(f"no target has all of these groups: {', '.join(near)}")
    return tuple(dict.fromkeys(group.target for group in view.groups if group.target in common))


def _found(view: StateView, name: str) -> tuple[ViewedGroup, ...]:
    found = view.find(name)
    if not found:
        from reconciler.model.text import did_you_mean  # noqa: PLC0415 - compares words, only for an error

        guess = did_you_mean(name, dict.fromkeys(group.name for group in view.groups))
        where = "no live group is named" if view.is_live else "no file defines the group"
        hint = guess or ("Its id will do as well." if view.is_live else "With --live, the API is asked instead.")
        raise NotThere(f"{where} {name!r}", hint=hint)
    return found


def _checks(view: StateView, target: Target, near: Sequence[str], question: Question) -> Iterator[TraceCheck]:
    here = tuple(_in_target(view, name, target) for name in near)
    there = tuple(_in_target(view, name, target) for name in question.far)
    far = frozenset(group.key for group in there)
    yield _check(view, here, Sought(question.flow, far, addressed=question.anywhere or bool(question.address)))
    if there:
        # The other end sees the same flow the other way round; the addresses of `near` are nobody's to know.
        flow = question.flow._replace(direction=_OTHER[question.flow.direction], remote_ip_prefix=None)
        yield _check(view, there, Sought(flow, frozenset(group.key for group in here), addressed=False))


def _in_target(view: StateView, name: str, target: Target) -> ViewedGroup:
    found = view.find(name)
    if not found:
        raise NotThere(f"the group {name!r} is not in {target}")
    if len(found) > 1:
        ids = ", ".join(group.id or group.key for group in found)
        raise UsageError(f"{len(found)} groups are named {name!r} in {target}: {ids}", hint="Give the id instead.")
    if found[0].rules is None:
        where = f" ({found[0].place})" if found[0].place else ""
        raise NotManaged(
            f"the files do not manage the rules of {name!r}{where}", hint="With --live, the API is asked instead."
        )
    return found[0]


def _check(view: StateView, groups: tuple[ViewedGroup, ...], sought: Sought) -> TraceCheck:
    rules = tuple(rule for group in groups for rule in group.rules or ())
    seen = [(rule, seen) for rule in rules if (seen := sought.see(rule.rule)) is not None]
    asked = sought.asked
    missing = Traffic.of((asked,)).difference(Traffic.of(each for _, each in seen)).flows()
    return TraceCheck(
        targets=(groups[0].target,),
        groups=tuple(group.name for group in groups),
        asked=Traffic.of((asked,)).flows(),
        far=tuple(sorted(view.names[key] for key in sought.far)),
        missing=missing,
        rules=() if missing else tuple(_admitting(seen, asked)),
        nearest=find_nearest(rules, sought, missing, view.names) if missing else (),
        wanted=asked,
        place=groups[0].place,
    )


def _admitting(seen: Iterable[tuple[ViewedRule, Rule]], asked: Rule) -> list[ViewedRule]:
    """List the rules that admit it all; where none does alone, those that do together."""
    seen = list(seen)
    alone = [rule for rule, each in seen if covers(each, asked)]
    return alone or [rule for rule, each in seen if overlaps(each, asked)]
