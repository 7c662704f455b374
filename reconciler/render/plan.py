"""A plan as a view: what differs in each group, line by line, and what that means for traffic."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from functools import cache
from typing import Literal, TypeVar

from reconciler.model.desired import DesiredRule
from reconciler.model.egress import DEFAULT_EGRESS, DEFAULT_EGRESS_RULES, SMTP_PORT, preset_among
from reconciler.model.live import LiveRule, UnreadTarget
from reconciler.model.policies import Finding
from reconciler.model.rule import describe_remote, describe_rule
from reconciler.model.text import count
from reconciler.planning.diff import Action, Difference
from reconciler.planning.ignored import ignored_in_group
from reconciler.planning.plan import Plan
from reconciler.policy.openings import Alarm, Opening, merge_openings, openings_of
from reconciler.render.condense import in_order, reaches
from reconciler.render.pairs import changed_aspects, describe_change, pair
from reconciler.render.view import (
    PLAN,
    GroupRef,
    GroupView,
    Line,
    Made,
    Perspective,
    Reach,
    Symbol,
    Tone,
    TrafficLine,
    View,
)
from reconciler.traffic import Traffic, describe, describe_size, world_open
from reconciler.traffic.describe import describe_flow_remote
from reconciler.traffic.flow import Flow

SYMBOLS: Mapping[Action, Symbol] = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}


def view_plan(plan: Plan) -> View:
    """Describe a plan."""
    groups = tuple(view_difference(change.difference, plan.group_names) for change in plan.changes)
    stopping = plan.stopped_by
    others = set(plan.findings).difference(stopping)
    return View(
        "plan",
        groups=groups,
        summary=summarize_plan(plan),
        stops=stopping,
        warnings=(*unread_findings(plan.unread), *(each for each in plan.findings if each in others)),
        notes=plan.notes,
        orphans=plan.orphans,
        exposed=exposed(groups, PLAN),
        refused=refused(groups, PLAN),
        made=Made(plan.created_at, plan.base_url, *(astuple(plan.origin) if plan.origin else ())),
    )


def unread_findings(unread: Iterable[UnreadTarget]) -> tuple[Finding, ...]:
    """Say which targets are missing in a report, and why."""
    return tuple(
        Finding("unread", "warning", f"{each.target} is missing here, it could not be read: {each.reason}")
        for each in unread
    )


def exposed(groups: Sequence[GroupView], perspective: Perspective) -> tuple[Reach, ...]:
    """Collect what is open to the world, or wide."""
    refs = {(group.ref.target, group.name): group.ref for group in groups}
    found = []
    for each in merge_openings(opening for group in groups for opening in group.openings):
        is_world, remote = each.alarm == "open to the world", each.text.partition(" from ")[2]
        line = TrafficLine(perspective.loud, each.text, each.size, each.alarm, is_world, remote)
        found.append(Reach(line, tuple(refs[group] for group in each.groups)))
    return in_order(found)


def refused(groups: Sequence[GroupView], perspective: Perspective) -> tuple[Reach, ...]:
    """Collect the traffic that somebody had, or should have, and is refused."""
    return reaches(groups, lambda line: line.verb == perspective.quiet)


def traffic_only(view: View) -> View:
    """Leave out what changes in files and rules, and keep what it means for traffic."""
    return replace(view, groups=tuple(replace(group, lines=(), unchanged=0) for group in view.groups))


def summarize_plan(plan: Plan) -> str:
    """Count what a plan does, in one line."""
    summary = plan.summary
    if not plan.changes:
        groups = count(plan.scope.groups, "group")
        others = f"; {plan.scope.ignored_rules} left to others" if plan.scope.ignored_rules else ""
        return f"No changes. Live state is as desired: {groups}, {count(plan.scope.rules, 'rule')}{others}."
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
    openings = _openings(difference, names, perspective)
    return GroupView(
        symbol=SYMBOLS[difference.action],
        word=perspective.words[difference.action],
        ref=GroupRef(difference.name, difference.target, difference.place),
        live_id=difference.live.id if difference.live else "",
        remark=remark,
        lines=tuple(_lines(difference, names, perspective)),
        traffic=tuple(_traffic(difference, names, perspective, openings))
        if difference.creates or difference.deletes
        else None,
        unchanged=difference.unchanged,
        instances=difference.instances,
        instance_names=difference.instance_names,
        remarks=(
            *_redescribed(difference, perspective),
            *difference.notes,
            *(
                ignored_in_group(difference) if perspective is PLAN else ()
            ),  # a drift report tells of all groups at once
        ),
        tone=tone,
        openings=openings,
    )


def _redescribed(difference: Difference, perspective: Perspective) -> Iterator[str]:
    if difference.redescribes and perspective.redescribed:
        yield perspective.redescribed
    for each in difference.redescribes:
        if len(each.live) > 1:
            ids = ", ".join(rule.id for rule in each.live)
            yield f"{len(each.live)} live rules mean the same and become one: {ids}"


def view_end(difference: Difference, names: Mapping[str, str]) -> GroupView:
    """Describe of one group what the end of a report tells: what it opened to many, and what it refuses."""
    openings = _openings(difference, names, PLAN)
    return GroupView(
        symbol=SYMBOLS[difference.action],
        word=PLAN.words[difference.action],
        ref=GroupRef(difference.name, difference.target, difference.place),
        traffic=tuple(_traffic_side(difference, names, PLAN, PLAN.quiet, {})),
        openings=openings,
    )


def _openings(difference: Difference, names: Mapping[str, str], perspective: Perspective) -> tuple[Opening, ...]:
    loud = difference.traffic.opens if perspective.loud == perspective.opened else difference.traffic.closes
    return openings_of(difference, loud, names)


def _traffic(
    difference: Difference, names: Mapping[str, str], perspective: Perspective, openings: tuple[Opening, ...]
) -> Iterator[TrafficLine]:
    alarms: dict[Flow, Alarm] = {flow: each.alarm for each in openings for flow in each.flows}
    for verb in (perspective.opened, perspective.closed):
        yield from _traffic_side(difference, names, perspective, verb, alarms if verb == perspective.loud else {})


def _traffic_side(
    difference: Difference,
    names: Mapping[str, str],
    perspective: Perspective,
    verb: str,
    alarms: Mapping[Flow, Alarm],
) -> Iterator[TrafficLine]:
    rules: tuple[DesiredRule | LiveRule, ...] = difference.deletes
    flows = difference.traffic.closes
    if verb == perspective.opened:
        rules, flows = difference.creates, difference.traffic.opens
    is_whole = bool(preset_among([(rule.rule, rule.description) for rule in rules]))
    preset = _preset_flows() if is_whole else frozenset()
    of_preset = preset if preset.issubset(flows) else frozenset()
    first = next((flow for flow in flows if flow in of_preset), None)
    for flow in flows:
        if flow is first:
            yield TrafficLine(verb, f"egress {_PRESET} to anywhere", _PRESET_TRAFFIC)
        elif flow not in of_preset:
            text, remote = describe(flow, names), describe_flow_remote(flow, names)
            yield TrafficLine(verb, text, describe_size(flow), alarms.get(flow, ""), world_open(flow), remote)


def _lines(difference: Difference, names: Mapping[str, str], perspective: Perspective) -> Iterator[Line]:
    if difference.previous_name is not None:
        yield _value_line("name ", _quoted(difference.previous_name), _quoted(difference.name), perspective)
    if difference.description is not None:
        old = _quoted(difference.description.old) if difference.live else None
        yield _value_line("description ", old, _quoted(difference.description.new), perspective)
    for tag in difference.tags:
        yield _value_line(f"tag {tag.key}=", tag.old, tag.new, perspective)
    yield from _rule_lines(difference, names, perspective)


def _value_line(what: str, old: str | None, new: str | None, perspective: Perspective) -> Line:
    """Describe a value of a group: `old` is live, `new` desired, None where that side has none."""
    if old is None:
        return Line("+", f"{what}{new}", desired=f"{what}{new}")
    if new is None:
        return Line("-", f"{what}{old}", live=f"{what}{old}")
    change = _arrow(old, new, perspective)
    return Line("~", f"{what}{change}", "", f"{what}{old}", f"{what}{new}", change)


def _arrow(live: str, desired: str, perspective: Perspective) -> str:
    return f"{desired} -> {live}" if perspective.from_desired else f"{live} -> {desired}"


def _rule_lines(difference: Difference, names: Mapping[str, str], perspective: Perspective) -> Iterator[Line]:
    creates, creates_preset = _without_preset(difference.creates)
    deletes, deletes_preset = _without_preset(difference.deletes)
    pairing = pair(creates, deletes)
    for created in pairing.creates:
        yield _rule_line("+", created, names)
    if creates_preset:
        yield Line("+", _PRESET, _PRESET_SIZE, desired=f"{_PRESET}  {_PRESET_SIZE}")
    for changed in pairing.changed:
        yield _changed_line(changed.live, changed.desired, names, perspective)
    for each in difference.redescribes:
        yield _changed_line(each.live[0], each.desired, names, perspective)
    for deleted in pairing.deletes:
        yield _rule_line("-", deleted, names)
    if deletes_preset:
        yield Line("-", _PRESET, _PRESET_SIZE, live=f"{_PRESET}  {_PRESET_SIZE}")
    for lost in difference.lost_rules:
        where = lost.group_name if lost.group_id in names else f"{lost.group_name} ({lost.group_id})"
        text = f"lost in {where}: {describe_rule(lost.rule.rule, names)}"
        yield Line("!", text, lost.rule.description, live=f"lost in {where}: {_side(lost.rule, names)}")


def _rule_line(symbol: Literal["+", "-"], rule: DesiredRule | LiveRule, names: Mapping[str, str]) -> Line:
    sides = ("", _side(rule, names)) if symbol == "+" else (_side(rule, names), "")
    remote = describe_remote(rule.rule, names)
    return Line(symbol, describe_rule(rule.rule, names), rule.description, *sides, remote=remote)


def _changed_line(live: LiveRule, desired: DesiredRule, names: Mapping[str, str], perspective: Perspective) -> Line:
    sides = (desired.rule, live.rule) if perspective.from_desired else (live.rule, desired.rule)
    change = describe_change(*sides, changed_aspects(live, desired), names)
    described = desired.description
    words = [*change.words]
    if live.description != described:
        described = f"description {_arrow(_quoted(live.description), _quoted(described), perspective)}"
        words.append(described)
    return Line(
        "~", change.text, described, _side(live, names), _side(desired, names), "; ".join(words), remote=change.remote
    )


def _side(rule: DesiredRule | LiveRule, names: Mapping[str, str]) -> str:
    text = describe_rule(rule.rule, names)
    return f"{text}  {_quoted(rule.description)}" if rule.description else text


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


def _quoted(text: str) -> str:
    return f'"{text}"'
