"""Desired state: what the files ask for, with the place of each thing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reconciler.model.ignore_rules import IgnoreRule
from reconciler.model.place import Place
from reconciler.model.policies import Policies, PolicyException, Review
from reconciler.model.rule import Rule

Kind = Literal["project", "region"]
"""What a name or an id is of."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A project in a region: the scope in which a group's name means something.

    `project` and `region` are their names where they are known, for people: targets with the same ids are equal.
    """

    project_id: int
    region_id: int
    project: str | None = field(default=None, compare=False)
    region: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"project {named(self.project, self.project_id)}, region {named(self.region, self.region_id)}"

    @property
    def short(self) -> str:
        """The target in few words: `1337/7`, or with names `production (1337)/Luxembourg-2 (76)`."""
        return f"{named(self.project, self.project_id)}/{named(self.region, self.region_id)}"


def named(name: str | None, number: int) -> str:
    """Write a project or a region: `production (1337)`, or what of it is known."""
    if name is None:
        return str(number)
    return f"{name} ({number})" if number else name


@dataclass(frozen=True, slots=True, order=True)
class NamedTarget(Target):
    """A target as a file writes it, with the name of a project or a region that is still to be looked up.

    An id that is not known yet is 0, which no project has. It is equal to what is written in the same way only.
    """

    project: str | None = None
    region: str | None = None


class NameUse(NamedTuple):
    """A name of a project or a region that is to be looked up.

    `source` is the option or variable that says so, None for the document at `place`. `number` is the id that it has
    to be, where `number_source` gives one as well; should they differ, that is wrong at `place`.
    """

    kind: Kind
    name: str
    source: str | None
    place: Place | None = None
    number: int | None = None
    number_source: str = ""


@dataclass(frozen=True, slots=True)
class DesiredRule:
    """One rule after expansion. `remote_group` is a group's name as written; it becomes an id when live state is known.

    While `remote_group` is set, `rule.remote_group_id` is None. `review` is what reviewers agreed beside it, and
    `address_group` names the set that its prefix is of.
    """

    rule: Rule
    description: str
    place: Place
    remote_group: str | None = None
    review: Review | None = None
    address_group: str | None = None


@dataclass(frozen=True, slots=True)
class DesiredGroup:
    """One security group in one target. None means "not managed": what is left out of the file is left alone.

    Live rules that match one of `ignore_rules` are others', and are left alone as well. `rules_of` is the id of the
    group that the rules say they belong to: rules copied from an answer of the API do.
    """

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
    ignore_rules: tuple[IgnoreRule, ...] = ()
    rules_of: str | None = None


class Note(NamedTuple):
    """Something about the files that is not wrong, and that their writer may want to know."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All groups of a run, in the order written, target by target; and every target that a document names.

    `notes` are what may have been meant otherwise. `names` are those of projects and regions that are still to be
    looked up; without any, all targets have their ids.
    """

    groups: tuple[DesiredGroup, ...]
    targets: tuple[Target, ...]
    owners: Mapping[Target, frozenset[str]]
    policies: Policies = field(default_factory=Policies)
    notes: tuple[Note, ...] = ()
    names: tuple[NameUse, ...] = ()
