"""The view model that all formats share: titles and lines, with what each line means. Renderers decide nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from reconciler.graph import Graph
from reconciler.model.desired import Target
from reconciler.model.json_form import target_to_json
from reconciler.model.place import Place
from reconciler.model.policies import Finding
from reconciler.model.text import count, listed
from reconciler.planning.diff import Action
from reconciler.planning.orphans import UnmanagedGroup
from reconciler.policy.openings import Alarm, Opening

MOST_INSTANCES = 200
"""Instances of a group that are named; JSON has all."""

Symbol = Literal["+", "~", "-", "!"]
"""Desired only, different on the two sides, live only, lost."""

Tone = Literal["change", "good", "bad", "uncounted"]
"""How a group is to be taken: as a change, as done, as a failure, or as something that does not count."""


@dataclass(frozen=True, slots=True)
class Perspective:
    """How a difference is told: as what a plan does, or as how live state is wrong.

    `marks` is how a symbol is written, and `legend` explains that where it does not explain itself. `opened` and
    `closed` are the verbs for traffic that putting things right opens and closes; `loud` is the one of them that is
    marked where it is open to the world, or wide, and `refused` heads the traffic of the other one, which somebody had
    or should have. `stop` is what a finding does that is an error. `from_desired` tells that a changed value is written
    `desired -> live`. `redescribed` is a note on rules with a new description.
    """

    words: Mapping[Action, str]
    marks: Mapping[Symbol, str]
    opened: str
    closed: str
    loud: str
    refused: str
    stop: str
    legend: str = ""
    from_desired: bool = False
    redescribed: str = ""

    @property
    def is_signed(self) -> bool:
        """Whether the marks are the symbols themselves, as in a diff."""
        return self.marks["+"] == "+"

    @property
    def quiet(self) -> str:
        """The verb of traffic that is refused."""
        return self.closed if self.loud == self.opened else self.opened


PLAN = Perspective(
    words={Action.CREATE: "create", Action.UPDATE: "update", Action.DELETE: "delete"},
    marks={"+": "+", "~": "~", "-": "-", "!": "!"},
    opened="opens",
    closed="closes",
    loud="opens",
    refused="no longer admitted",
    stop="stopped",
    redescribed="a rule with a new description is missing for a moment: the cloud refuses it beside the old one",
)
DRIFT = Perspective(
    words={Action.CREATE: "missing", Action.UPDATE: "drifted"},
    marks={"+": "missing live", "~": "changed live", "-": "added live", "!": "lost"},
    opened="lacks",
    closed="admits",
    loud="admits",
    refused="refused live, and the files admit it",
    stop="counts",
    legend=(
        "added live: no file has it; missing live: only the files have it; changed live: file -> live; "
        "admits: what live lets through and the files do not; lacks: the reverse"
    ),
    from_desired=True,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that differs: what it is, and a remark, such as the description of a rule.

    `live` and `desired` are its two sides, for formats that show them beside each other; empty where there is none.
    `change` says field by field how they differ, which `text` does as well. `remote` is the end of `text` that names
    the remote of a rule.
    """

    symbol: Symbol
    text: str
    remark: str = ""
    live: str = ""
    desired: str = ""
    change: str = ""
    remote: str = ""


@dataclass(frozen=True, slots=True)
class TrafficLine:
    """What becomes reachable or stops being so, with its size; `alarm` says why an opening wants to be loud.

    `is_world` tells that it is the traffic of everybody, whether that is opened or closed. `remote` is the end of
    `text` that names the remote.
    """

    verb: str
    text: str
    size: str
    alarm: Alarm | Literal[""] = ""
    is_world: bool = False
    remote: str = ""


class GroupRef(NamedTuple):
    """A group by name and target; `place` is where a file asks for it."""

    name: str
    target: Target
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did to a group; `times` is when, or from when to when where it was done to several, or again."""

    word: str
    text: str
    times: tuple[str, ...]

    def __str__(self) -> str:
        """Write it on one line."""
        return f"{self.word}: {' to '.join(self.times)}, {self.text}"


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group, or with `members` several that differ alike: `unchanged` counts the rules that are folded away.

    `word` says what is or was done to it, and `remark` ends the title. `traffic` is None where no rule changes, and
    empty where the new rules admit the same traffic; `openings` are what of it wants to be seen. `instances` counts
    those that it is attached to, where known, and `instance_names` are theirs where they are shown. `changed_at` is
    when its live side was changed last, or from when to when those of its members were, and `deeds` is who did that.
    With `is_again` all members were told of before, and this is what some of them have beside that.
    """

    symbol: Symbol
    word: str
    ref: GroupRef
    live_id: str = ""
    remark: str = ""
    lines: tuple[Line, ...] = ()
    traffic: tuple[TrafficLine, ...] | None = None
    unchanged: int = 0
    instances: int | None = None
    instance_names: tuple[str, ...] = ()
    changed_at: tuple[str, ...] = ()
    deeds: tuple[Deed, ...] = ()
    remarks: tuple[str, ...] = ()
    tone: Tone = "change"
    openings: tuple[Opening, ...] = ()
    members: tuple[GroupRef, ...] = ()
    is_again: bool = False

    @property
    def name(self) -> str:
        """The group's name."""
        return self.ref.name

    @property
    def place(self) -> Place | None:
        """Where a file asks for it."""
        return self.ref.place

    @property
    def title(self) -> str:
        """What is done to which group: `update web (project 1, region 7)`, `update 38 groups`."""
        what = f"{self.name} ({self.ref.target})"
        if self.members:
            what = f"{len(self.members)} of these groups" if self.is_again else count(len(self.members), "group")
        return f"{self.word} {what}: {self.remark}" if self.remark else f"{self.word} {what}"

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is to be said of it beside its lines."""
        verb = "attached to" if self.symbol == "-" else "applies to"
        named = ": " + listed(self.instance_names, MOST_INSTANCES) if self.instance_names else ""
        attached = () if self.instances is None else (f"{verb} {count(self.instances, 'instance')}{named}",)
        changed = (f"changed live at {' to '.join(self.changed_at)}",) if self.changed_at else ()
        return (*attached, *changed, *map(str, self.deeds), *self.remarks)


@dataclass(frozen=True, slots=True)
class Reach:
    """Traffic that is open to the world (or wide), or refused to somebody: said once, with its groups."""

    line: TrafficLine
    groups: tuple[GroupRef, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, and the groups that it went wrong with: `status` is failed, left or stale."""

    status: str
    reason: str
    hint: str
    groups: tuple[GroupRef, ...]


class Made(NamedTuple):
    """When a content was made (ISO 8601, UTC), for which API, by which version, from which commit; "" if unknown."""

    at: str
    base_url: str = ""
    version: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A plan, a drift report or the outcome of an apply.

    What matters most is said once more at the end: `exposed` is what is open to the world, the worst first, and
    `refused` what somebody can no longer reach; then `warnings`, `stops`, `failures`, and `summary` in one line.
    `graphs` draw the change, for formats that show pictures, and `page_url` is where the same is as a page, for formats
    that link to it. `orphans` are live groups of ours that no file names, and drift says whether they count.
    """

    kind: Literal["plan", "drift", "apply"]
    groups: tuple[GroupView, ...]
    summary: str
    stops: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    exposed: tuple[Reach, ...] = ()
    refused: tuple[Reach, ...] = ()
    failures: tuple[Failure, ...] = ()
    orphans: tuple[UnmanagedGroup, ...] = ()
    orphans_count: bool = False
    perspective: Perspective = field(default=PLAN)
    made: Made | None = None
    graphs: tuple[Graph, ...] = ()
    page_url: str = ""


def end_to_json(view: View) -> dict[str, list[dict[str, Any]]]:
    """Write what is open to the world and what is refused as JSON data: each traffic once, with its groups."""
    return {
        name: [
            {
                "traffic": reach.line.text,
                "size": reach.line.size,
                "alarm": reach.line.alarm or None,
                "groups": [{**target_to_json(ref.target), "name": ref.name} for ref in reach.groups],
            }
            for reach in reaches
        ]
        for name, reaches in (("exposed_traffic", view.exposed), ("refused_traffic", view.refused))
    }
