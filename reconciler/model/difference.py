"""What differs between a desired group and its live one: data for people and for the plan, without any request."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.desired import DesiredRule, Target
from reconciler.model.live import LiveGroup, LiveRule
from reconciler.model.place import Place
from reconciler.model.terms import PolicyException
from reconciler.traffic.difference import SAME, TrafficDifference


class Action(StrEnum):
    """What a plan does with a group."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class TextChange:
    """A text attribute that changes."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag that is added (`old` is None), removed (`new` is None) or given another value."""

    key: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Redescription:
    """The same rule with another description: the API can only delete the rule and create it again.

    `live` holds several rules where the cloud has several that mean the same; all of them give way to the one.
    """

    live: tuple[LiveRule, ...]
    desired: DesiredRule


@dataclass(frozen=True, slots=True)
class LostRule:
    """A rule of a group outside the plan that the cloud deletes because it refers to a group to be deleted."""

    group_id: str
    group_name: str
    rule: LiveRule


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything about one group that a plan changes; nothing that it leaves alone.

    `live` is the group as it was read, None for one to create. `name` is the name that the group has in the end.
    `traffic` is what the change of rules opens and closes, `unchanged` counts the managed rules that stay as they are,
    and `instances` those that the group is attached to, where that was asked for. `exceptions` stand beside the group.
    """

    action: Action
    target: Target
    name: str
    live: LiveGroup | None
    place: Place | None = None
    previous_name: str | None = None
    description: TextChange | None = None
    tags: tuple[TagChange, ...] = ()
    creates: tuple[DesiredRule, ...] = ()
    redescribes: tuple[Redescription, ...] = ()
    deletes: tuple[LiveRule, ...] = ()
    unchanged: int = 0
    lost_rules: tuple[LostRule, ...] = ()
    traffic: TrafficDifference = SAME
    instances: int | None = None
    notes: tuple[str, ...] = ()
    exceptions: tuple[PolicyException, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether an update would change nothing."""
        return self.action is Action.UPDATE and not (
            self.previous_name or self.description or self.tags or self.changes_rules
        )

    @property
    def changes_rules(self) -> bool:
        """Tell whether any rule is created, deleted or described anew."""
        return bool(self.creates or self.redescribes or self.deletes)
