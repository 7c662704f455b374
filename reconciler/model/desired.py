"""Desired state: what the files ask for, with the place of each thing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.model.place import Place
from reconciler.model.policies import Policies, PolicyException, Review
from reconciler.model.rule import Rule


class Target(NamedTuple):
    """A project in a region: the scope in which a group's name means something."""

    project_id: int
    region_id: int

    def __str__(self) -> str:
        return f"project {self.project_id}, region {self.region_id}"


@dataclass(frozen=True, slots=True)
class DesiredRule:
    """One rule after expansion. `remote_group` is a group's name as written; it becomes an id when live state is known.

    While `remote_group` is set, `rule.remote_group_id` is None. `review` is what reviewers agreed beside it.
    """

    rule: Rule
    description: str
    place: Place
    remote_group: str | None = None
    review: Review | None = None


@dataclass(frozen=True, slots=True)
class DesiredGroup:
    """One security group in one target. None means "not managed": what is left out of the file is left alone."""

    target: Target
    name: str
    place: Place
    id: str | None = None
    previous_name: str | None = None
    description: str | None = None
    tags: Mapping[str, str] | None = None
    rules: tuple[DesiredRule, ...] | None = None
    owner: str | None = None
    prevent_destroy: bool | None = None
    exceptions: tuple[PolicyException, ...] = ()


class Note(NamedTuple):
    """Something about the files that is not wrong, and that their writer may want to know."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All groups of a run, in the order written, target by target; and every target that a document names.

    `notes` are what may have been meant otherwise.
    """

    groups: tuple[DesiredGroup, ...]
    targets: tuple[Target, ...]
    owners: Mapping[Target, frozenset[str]]
    policies: Policies = field(default_factory=Policies)
    notes: tuple[Note, ...] = ()
