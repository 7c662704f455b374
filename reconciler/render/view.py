"""The view model that all formats share: a plan as titles and lines, with what each line means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, TypeVar

from reconciler.model.desired import DesiredRule
from reconciler.model.egress import DEFAULT_EGRESS, DEFAULT_EGRESS_RULES, SMTP_PORT, preset_among
from reconciler.model.live import LiveRule
from reconciler.model.place import Place
from reconciler.model.rule import describe_rule
from reconciler.model.text import count
from reconciler.planning.diff import Action, Difference, TagChange
from reconciler.planning.orphans import describe_orphans
from reconciler.planning.plan import Plan
from reconciler.policy.openings import Alarm, Opening, merge_openings, openings_of
from reconciler.render.findings import describe_finding
from reconciler.render.pairs import pair
from reconciler.traffic import Traffic, describe, describe_size
from reconciler.traffic.flow import Flow

Symbol = Literal["+", "~", "-", "!"]
"""Added, changed, removed, lost."""

Tone = Literal["change", "good", "bad", "uncounted"]
"""How a group is to be taken: as a change, as done, as a failure, or as something that does not count."""

_SYMBOLS: Mapping[Action, Symbol] = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}


@dataclass(frozen=True, slots=True)
class Perspective:
    """How a difference is told: as what a plan will do, or as how live state is wrong.

    `opened` and `closed` are the verbs for traffic that putting things right opens and closes; `loud` is the one of
    them that is marked where it is open to the world, or wide. `redescribed` is a note on rules with a new description.
    """

    words: Mapping[Action, str]
    opened: str
    closed: str
    loud: str
    redescribed: str = ""


PLAN = Perspective(
    {Action.CREATE: "create", Action.UPDATE: "update", Action.DELETE: "delete"},
    "opens",
    "closes",
    "opens",
    "a rule with a new description is missing for a moment: the cloud refuses it beside the old one",
)
DRIFT = Perspective({Action.CREATE: "missing", Action.UPDATE: "drifted"}, "lacks", "admits", "admits")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that changes: what it is, and a remark (a description, or the field that changes).

    `live` and `desired` are its two sides, for formats that show them beside each other; empty where there is none.
    """

    symbol: Symbol
    text: str
    remark: str = ""
    live: str = ""
    desired: str = ""


@dataclass(frozen=True, slots=True)
class TrafficLine:
    """What becomes reachable or stops being so, with its size; `alarm` says why an opening wants to be loud."""

    verb: str
    text: str
    size: str
    alarm: Alarm | Literal[""] = ""


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group: `unchanged` counts the rules that are folded away.

    `traffic` is None where no rule changes, and empty where the new rules admit the same traffic.
    """

    symbol: Symbol
    name: str
    title: str
    place: Place | None
    live_id: str
    lines: tuple[Line, ...]
    traffic: tuple[TrafficLine, ...] | None
    unchanged: int
    notes: tuple[str, ...]
    tone: Tone = "change"
    openings: tuple[Opening, ...] = ()


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about the whole: what a guardrail says, with its place where it has one."""

    message: str
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A plan, a drift report or the outcome of an apply."""

    kind: Literal["plan", "drift", "apply"]
    groups: tuple[GroupView, ...]
    summary: str
    stops: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def openings(self) -> tuple[Opening, ...]:
        """What is open to the world or wide: each once, with the groups where it is."""
        return merge_openings(opening for group in self.groups for opening in group.openings)


def view_plan(plan: Plan) -> View:
    """Describe a plan."""
    return View(
        "plan",
        groups=tuple(view_difference(change.difference, plan.group_names) for change in plan.changes),
        summary=summarize_plan(plan),
        stops=tuple(Remark(describe_finding(each), each.place) for each in plan.stopped_by),
        warnings=tuple(
            Remark(describe_finding(each), each.place) for each in plan.findings if each not in plan.stopped_by
        ),
        notes=(*plan.notes, *describe_orphans(plan.orphans)),
    )


def traffic_only(view: View) -> View:
    """Leave out what changes in files and rules, and keep what it means for traffic."""
    return replace(view, groups=tuple(replace(group, lines=(), unchanged=0) for group in view.groups))


def summarize_plan(plan: Plan) -> str:
    """Count what a plan does, in one line."""
    summary = plan.summary
    if not plan.changes:
        groups = count(plan.scope.groups, "group")
        return f"No changes. Live state is as desired: {groups}, {count(plan.scope.rules, 'rule')}."
    groups = f"create {count(summary.groups_to_create, 'group')}, update {summary.groups_to_update}"
    rules = f"create {count(summary.rules_to_create, 'rule')}, delete {summary.rules_to_delete}"
    if summary.rules_to_redescribe:
        rules += f", redescribe {summary.rules_to_redescribe}"
    return f"Plan: {groups}, delete {summary.groups_to_delete}; {rules}."


def view_difference(
    difference: Difference,
    names: Mapping[str, str],
    perspective: Perspective = PLAN,
    remark: str = "",
    tone: Tone = "change",
) -> GroupView:
    """Describe one group; `names` maps ids of remote groups to their names, `remark` ends the title."""
    title = f"{perspective.words[difference.action]} {difference.name} ({difference.target})"
    loud = difference.traffic.opens if perspective.loud == perspective.opened else difference.traffic.closes
    openings = openings_of(difference, loud, names)
    return GroupView(
        symbol=_SYMBOLS[difference.action],
        name=difference.name,
        title=f"{title}: {remark}" if remark else title,
        place=difference.place,
        live_id=difference.live.id if difference.live else "",
        lines=tuple(_lines(difference, names)),
        traffic=tuple(_traffic(difference, names, perspective, openings))
        if difference.creates or difference.deletes
        else None,
        unchanged=difference.unchanged,
        notes=(*_attached(difference), *_redescribed(difference, perspective), *difference.notes),
        tone=tone,
        openings=openings,
    )


def _attached(difference: Difference) -> Iterator[str]:
    if difference.instances is not None:
        verb = "attached to" if difference.action is Action.DELETE else "applies to"
        yield f"{verb} {count(difference.instances, 'instance')}"


def _redescribed(difference: Difference, perspective: Perspective) -> Iterator[str]:
    if difference.redescribes and perspective.redescribed:
        yield perspective.redescribed


def _traffic(
    difference: Difference, names: Mapping[str, str], perspective: Perspective, openings: tuple[Opening, ...]
) -> Iterator[TrafficLine]:
    traffic = difference.traffic
    alarms: dict[Flow, Alarm] = {flow: each.alarm for each in openings for flow in each.flows}
    sides: tuple[tuple[str, tuple[Flow, ...], tuple[DesiredRule | LiveRule, ...]], ...] = (
        (perspective.opened, traffic.opens, difference.creates),
        (perspective.closed, traffic.closes, difference.deletes),
    )
    for verb, flows, rules in sides:
        is_whole = bool(preset_among([(rule.rule, rule.description) for rule in rules]))
        preset = _preset_flows() if is_whole else frozenset()
        of_preset = preset if preset.issubset(flows) else frozenset()
        first = next((flow for flow in flows if flow in of_preset), None)
        for flow in flows:
            if flow is first:
                yield TrafficLine(verb, f"egress {_PRESET} to anywhere", _PRESET_TRAFFIC)
            elif flow not in of_preset:
                alarm = alarms.get(flow) if verb == perspective.loud else None
                yield TrafficLine(verb, describe(flow, names), describe_size(flow), alarm or "")


def _lines(difference: Difference, names: Mapping[str, str]) -> Iterator[Line]:
    if difference.previous_name is not None:
        yield _text_line("name", difference.previous_name, difference.name)
    if difference.description is not None:
        old = difference.description.old if difference.live else None
        yield _text_line("description", old, difference.description.new)
    for tag in difference.tags:
        yield _tag_line(tag)
    yield from _rule_lines(difference, names)


def _text_line(what: str, old: str | None, new: str) -> Line:
    if old is None:
        return Line("+", f"{what} {_quoted(new)}", desired=f"{what} {_quoted(new)}")
    sides = f"{what} {_quoted(old)}", f"{what} {_quoted(new)}"
    return Line("~", f"{what} {_quoted(old)} -> {_quoted(new)}", "", *sides)


def _tag_line(tag: TagChange) -> Line:
    old, new = f"tag {tag.key}={tag.old}", f"tag {tag.key}={tag.new}"
    if tag.old is None:
        return Line("+", new, desired=new)
    if tag.new is None:
        return Line("-", old, live=old)
    return Line("~", f"{old} -> {tag.new}", "", old, new)


def _rule_lines(difference: Difference, names: Mapping[str, str]) -> Iterator[Line]:
    def told(rule: DesiredRule | LiveRule) -> tuple[str, str]:
        text = describe_rule(rule.rule, names)
        return text, f"{text}  {_quoted(rule.description)}" if rule.description else text

    creates, creates_preset = _without_preset(difference.creates)
    deletes, deletes_preset = _without_preset(difference.deletes)
    pairing = pair(creates, deletes)
    for created in pairing.creates:
        text, side = told(created)
        yield Line("+", text, created.description, desired=side)
    if creates_preset:
        yield Line("+", _PRESET, _PRESET_SIZE, desired=f"{_PRESET}  {_PRESET_SIZE}")
    for changed in pairing.changed:
        text, side = told(changed.live)
        yield Line("~", text, _named(changed.change, names), side, told(changed.desired)[1])
    for each in difference.redescribes:
        change = f"description {_quoted(each.live[0].description)} -> {_quoted(each.desired.description)}"
        text, side = told(each.desired)
        yield Line("~", text, change, told(each.live[0])[1], side)
    for deleted in pairing.deletes:
        text, side = told(deleted)
        yield Line("-", text, deleted.description, live=side)
    if deletes_preset:
        yield Line("-", _PRESET, _PRESET_SIZE, live=f"{_PRESET}  {_PRESET_SIZE}")
    for lost in difference.lost_rules:
        text = f"lost in {lost.group_name}: {describe_rule(lost.rule.rule, names)}"
        yield Line("!", text, lost.rule.description, live=text)


_R = TypeVar("_R", DesiredRule, LiveRule)
_PRESET = f"preset {DEFAULT_EGRESS}"
_PRESET_SIZE = f"{len(DEFAULT_EGRESS_RULES)} rules"
_PRESET_TRAFFIC = f"{len(DEFAULT_EGRESS_RULES)} flows, not port {SMTP_PORT}"


def _without_preset(rules: tuple[_R, ...]) -> tuple[tuple[_R, ...], bool]:
    """Take out the rules of the preset, each once, where all of them are there; tell whether they are."""
    left = set(preset_among([(rule.rule, rule.description) for rule in rules]))
    if not left:
        return rules, False
    others = []
    for rule in rules:
        if rule.rule in left and not rule.description:
            left.discard(rule.rule)
        else:
            others.append(rule)
    return tuple(others), True


@cache
def _preset_flows() -> frozenset[Flow]:
    return frozenset(Traffic.of(DEFAULT_EGRESS_RULES).flows())


def _named(change: str, names: Mapping[str, str]) -> str:
    for group_id, name in names.items():
        change = change.replace(group_id, name)
    return change


def _quoted(text: str) -> str:
    return f'"{text}"'
