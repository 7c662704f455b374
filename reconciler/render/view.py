"""The view model that all formats share: a plan as titles and lines, with what each line means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.describe import describe_rule
from reconciler.model.difference import Action, Difference
from reconciler.model.plan import Plan
from reconciler.render.pairs import pair
from reconciler.traffic.describe import describe, describe_size, world_open

Symbol = Literal["+", "~", "-", "!"]
"""Added, changed, removed, lost."""

_SYMBOLS: Mapping[Action, Symbol] = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}


@dataclass(frozen=True, slots=True)
class Perspective:
    """How a difference is told: as what a plan will do, or as how live state is wrong.

    `opened` and `closed` are the verbs for traffic that putting things right opens and closes; `loud` is the one of
    them that is marked where it is open to the world.
    """

    words: Mapping[Action, str]
    opened: str
    closed: str
    loud: str


PLAN = Perspective(
    {Action.CREATE: "create", Action.UPDATE: "update", Action.DELETE: "delete"}, "opens", "closes", "opens"
)
DRIFT = Perspective({Action.CREATE: "missing", Action.UPDATE: "drifted"}, "lacks", "admits", "admits")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that changes: what it is, and a remark (a description, or the field that changes)."""

    symbol: Symbol
    text: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class TrafficLine:
    """What becomes reachable or stops being so, with its size; `world_open` is an opening that wants to be loud."""

    verb: str
    text: str
    size: str
    world_open: bool


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group: `unchanged` counts the rules that are folded away.

    `traffic` is None where no rule changes, and empty where the new rules admit the same traffic.
    """

    symbol: Symbol
    name: str
    title: str
    place: str
    live_id: str
    lines: tuple[Line, ...]
    traffic: tuple[TrafficLine, ...] | None
    unchanged: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanView:
    """A whole plan."""

    groups: tuple[GroupView, ...]
    summary: str
    stops: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def view_plan(plan: Plan) -> PlanView:
    """Describe a plan."""
    return PlanView(
        groups=tuple(view_difference(change.difference, plan.group_names) for change in plan.changes),
        summary=summarize(plan),
        stops=tuple(finding.message for finding in plan.stopped_by),
        warnings=tuple(finding.message for finding in plan.findings if finding not in plan.stopped_by),
        notes=plan.notes,
    )


def summarize(plan: Plan) -> str:
    """Count what a plan does, in one line."""
    summary = plan.summary
    if not plan.changes:
        groups = count(plan.scope.groups, "group")
        return f"No changes. Live state is as desired: {groups}, {count(plan.scope.rules, 'rule')}."
    groups = f"{count(summary.groups_to_create, 'group')} to create, {summary.groups_to_update} to update"
    rules = f"{count(summary.rules_to_create, 'rule')} to create, {summary.rules_to_delete} to delete"
    if summary.rules_to_redescribe:
        rules += f", {summary.rules_to_redescribe} to describe anew"
    return f"Plan: {groups}, {summary.groups_to_delete} to delete; {rules}."


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def view_difference(
    difference: Difference, names: Mapping[str, str], perspective: Perspective = PLAN, remark: str = ""
) -> GroupView:
    """Describe one group; `names` maps ids of remote groups to their names, `remark` ends the title."""
    title = f"{perspective.words[difference.action]} {difference.name} ({difference.target})"
    return GroupView(
        symbol=_SYMBOLS[difference.action],
        name=difference.name,
        title=f"{title}: {remark}" if remark else title,
        place=str(difference.place or ""),
        live_id=difference.live.id if difference.live else "",
        lines=tuple(_lines(difference, names)),
        traffic=tuple(_traffic(difference, names, perspective)) if difference.creates or difference.deletes else None,
        unchanged=difference.unchanged,
        notes=(*_attached(difference), *difference.notes),
    )


def _attached(difference: Difference) -> Iterator[str]:
    if difference.instances is not None:
        yield f"attached to {count(difference.instances, 'instance')}"


def _traffic(difference: Difference, names: Mapping[str, str], perspective: Perspective) -> Iterator[TrafficLine]:
    traffic = difference.traffic
    for verb, flows in ((perspective.opened, traffic.opens), (perspective.closed, traffic.closes)):
        for flow in flows:
            is_loud = verb == perspective.loud and flow.direction == "ingress" and world_open(flow)
            yield TrafficLine(verb, describe(flow, names), describe_size(flow), is_loud)


def _lines(difference: Difference, names: Mapping[str, str]) -> Iterator[Line]:
    if difference.previous_name is not None:
        yield Line("~", f"name {_quoted(difference.previous_name)} -> {_quoted(difference.name)}")
    if difference.description is not None:
        old, new = difference.description.old, difference.description.new
        change = f"{_quoted(old)} -> {_quoted(new)}" if difference.live else _quoted(new)
        yield Line("~" if difference.live else "+", f"description {change}")
    for tag in difference.tags:
        if tag.old is None:
            yield Line("+", f"tag {tag.key}={tag.new}")
        elif tag.new is None:
            yield Line("-", f"tag {tag.key}={tag.old}")
        else:
            yield Line("~", f"tag {tag.key}={tag.old} -> {tag.new}")
    yield from _rule_lines(difference, names)


def _rule_lines(difference: Difference, names: Mapping[str, str]) -> Iterator[Line]:
    pairing = pair(difference.creates, difference.deletes)
    for created in pairing.creates:
        yield Line("+", describe_rule(created.rule, names), created.description)
    for changed in pairing.changed:
        yield Line("~", describe_rule(changed.live.rule, names), _named(changed.change, names))
    for redescribed in difference.redescribes:
        change = f"description {_quoted(redescribed.live[0].description)} -> {_quoted(redescribed.desired.description)}"
        yield Line("~", describe_rule(redescribed.desired.rule, names), change)
    for deleted in pairing.deletes:
        yield Line("-", describe_rule(deleted.rule, names), deleted.description)
    for lost in difference.lost_rules:
        yield Line("!", f"lost in {lost.group_name}: {describe_rule(lost.rule.rule, names)}", lost.rule.description)


def _named(change: str, names: Mapping[str, str]) -> str:
    for group_id, name in names.items():
        change = change.replace(group_id, name)
    return change


def _quoted(text: str) -> str:
    return f'"{text}"'
