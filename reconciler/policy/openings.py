"""Openings that want to be seen: to the world, or wide. Each once, with all groups where it is. Pure.

The banners of every format, the notification and the audit are made of these; what open to the world means is settled
in `traffic.exposure`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reconciler.model.desired import Target
from reconciler.model.live import LiveState
from reconciler.model.naming import name_with_targets
from reconciler.model.text import count
from reconciler.planning.diff import Difference
from reconciler.traffic import (
    Exposure,
    Flow,
    Traffic,
    describe,
    describe_exposure,
    describe_size,
    exposures,
    may_be_world,
    wide,
)

Alarm = Literal["open to the world", "wide"]
"""Why an opening wants to be seen, the worse first."""

_NAMED = 10
"""Groups that a banner names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is open, how much that is, and in which groups.

    `text` has the exceptions, which are what was open before or is left out; `whole` and `most` are text and size
    without them. `flows` are those of one group that make it up.
    """

    alarm: Alarm
    text: str
    size: str
    whole: str
    most: str
    groups: tuple[tuple[Target, str], ...]
    flows: tuple[Flow, ...] = ()

    @property
    def where(self) -> str:
        """The groups with their targets: `db, web (project 1, regions 7 and 8)`; most of many are counted."""
        number = f"{len(self.groups)} groups: " if len(self.groups) > _NAMED else ""
        return number + name_with_targets(self.groups, _NAMED)


def openings_of(difference: Difference, flows: Sequence[Flow], names: Mapping[str, str]) -> tuple[Opening, ...]:
    """Find in one group what of its opened flows wants to be seen; in drift, those are what the files do not admit.

    Wide is said of groups that exist: what a new one admits is all new, and 10.0.0.0/8 is common there.
    """
    groups = ((difference.target, difference.name),)
    found = list(_exposed(exposures(flows, difference.kept_rules), names, groups))
    if difference.live is not None:
        seen = {flow for each in found for flow in each.flows}
        found += [
            _opening("wide", flow, names, groups)
            for flow in flows
            if flow.direction == "ingress" and flow not in seen and wide(flow)
        ]
    return tuple(found)


def live_openings(live: LiveState) -> tuple[Opening, ...]:
    """Find what is open to the world in live groups."""
    found: list[Opening] = []
    for target, groups in live.items():
        names = {group.id: group.name for group in groups}
        for group in sorted(groups, key=lambda each: each.name):
            rules = [rule.rule for rule in group.rules]
            if may_be_world(rules):
                found += _exposed(exposures(Traffic.of(rules).flows()), names, ((target, group.name),))
    return merge_openings(found)


def merge_openings(openings: Iterable[Opening]) -> tuple[Opening, ...]:
    """Put the same openings of several groups together, also where their exceptions differ; the worst come first."""
    by_kind: dict[tuple[Alarm, str], list[Opening]] = {}
    for each in openings:
        by_kind.setdefault((each.alarm, each.whole), []).append(each)
    merged = (_merge(same) for same in by_kind.values())
    return tuple(sorted(merged, key=lambda each: each.alarm == "wide"))


def _merge(same: Sequence[Opening]) -> Opening:
    first = same[0]
    groups = tuple(dict.fromkeys(group for each in same for group in each.groups))
    if any(each.text != first.text for each in same):
        first = replace(first, text=f"{first.whole}, with exceptions that differ", size=f"at most {first.most}")
    return replace(first, groups=groups, flows=())


def _exposed(
    found: Iterable[Exposure], names: Mapping[str, str], groups: tuple[tuple[Target, str], ...]
) -> Iterator[Opening]:
    for exposure in found:
        if len(exposure.flows) == 1:
            yield _opening("open to the world", exposure.flows[0], names, groups)
        else:
            text = describe_exposure(exposure, names)
            size = count(len(exposure.flows), "flow")
            yield Opening("open to the world", text, size, text, size, groups, exposure.flows)


def _opening(alarm: Alarm, flow: Flow, names: Mapping[str, str], groups: tuple[tuple[Target, str], ...]) -> Opening:
    whole = flow._replace(except_remotes=())
    texts = (describe(flow, names), describe_size(flow), describe(whole, names), describe_size(whole))
    return Opening(alarm, *texts, groups, (flow,))
