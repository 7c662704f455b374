"""Live state: what the API answered, in canonical form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from reconciler.model.desired import Kind, NamedTarget, Target
from reconciler.model.rule import Rule

OWNER_TAG = "sgctl-owner"
"""The tag that says whose files name a group."""

PROTECTION_TAG = "sgctl-prevent-destroy"
"""The tag that keeps `prevent_destroy: true` known after the group has left the files."""

RESERVED_TAGS = frozenset({OWNER_TAG, PROTECTION_TAG})
"""Tags that `tags:` in a file neither sets nor removes."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a live group. Read-only tags belong to the cloud and are never sent back."""

    key: str
    value: str
    read_only: bool = False


class Quota(NamedTuple):
    """How many security groups a region may hold, and how many it holds, over all projects of an account."""

    limit: int
    used: int


class Instances(NamedTuple):
    """The instances that a group is attached to: how many, and the names that the API told of them."""

    number: int
    names: tuple[str, ...] = ()


class LiveRule(NamedTuple):
    """A rule that exists, with its id; a description of null is the empty one.

    A tuple rather than a dataclass, which takes three times as long to make: there are 50,000 of them in a fleet.
    `irregular` marks a rule that no request could spell as the API does (a protocol without a published name, a prefix
    with host bits): it can be kept and deleted, but not sent.
    """

    id: str
    rule: Rule
    description: str
    irregular: bool = False


@dataclass(frozen=True, slots=True)
class LiveGroup:
    """A security group that exists, with all of its rules.

    `updated_at` is for people: no plan, journal or fingerprint has it, and groups are equal without it.
    """

    target: Target
    id: str
    name: str
    description: str
    tags: tuple[Tag, ...]
    rules: tuple[LiveRule, ...]
    revision_number: int
    updated_at: datetime | None = field(default=None, compare=False)

    @property
    def owner(self) -> str | None:
        """The value of the ownership tag, if the group carries one."""
        return next((tag.value for tag in self.tags if tag.key == OWNER_TAG), None)


class Directory(NamedTuple):
    """The names of the projects and regions that a key can see, by id; empty where the list was not read."""

    projects: Mapping[int, str] = {}
    regions: Mapping[int, str] = {}

    def of(self, kind: Kind) -> Mapping[int, str]:
        """Return the names of projects, or of regions."""
        return self.projects if kind == "project" else self.regions

    def of_target(self, target: Target) -> tuple[str | None, str | None]:
        """Return the names of a project and a region, None where there is none."""
        return self.projects.get(target.project_id), self.regions.get(target.region_id)

    def by_name(self, target: Target) -> Target:
        """Return how a document writes a target by its names; by an id where there is no name, or several have it."""
        project, region = self._only(self.projects, target.project_id), self._only(self.regions, target.region_id)
        numbers = 0 if project else target.project_id, 0 if region else target.region_id
        return NamedTarget(*numbers, project, region)

    @staticmethod
    def _only(names: Mapping[int, str], number: int) -> str | None:
        name = names.get(number)
        return name if [*names.values()].count(name or "") == 1 else None

    def name(self, target: Target) -> Target:
        """Return the same target with the names that are known of it."""
        project, region = self.of_target(target)
        return Target(target.project_id, target.region_id, project or target.project, region or target.region)


class UnreadTarget(NamedTuple):
    """A target of the files that could not be read, while others could, and why."""

    target: Target
    reason: str


class RefusedTarget(NamedTuple):
    """A target that the API does not list to this key: with 403, or with 404 where there is no such pair."""

    target: Target
    status: int


LiveState = Mapping[Target, tuple[LiveGroup, ...]]
"""Every group of every target that was read, in the API's order."""

ABSENT = "absent"
"""The fingerprint of a group that does not exist: its name is free."""


def fingerprint(group: LiveGroup | None) -> str:
    """Digest id, name, description, tags, revision number and every rule with its id; `absent` for no group."""
    if group is None:
        return ABSENT
    content = [
        group.id,
        group.name,
        group.description,
        sorted([tag.key, tag.value, tag.read_only] for tag in group.tags),
        group.revision_number,
        sorted([rule.id, *rule.rule, rule.description] for rule in group.rules),
    ]
    from hashlib import sha256  # noqa: PLC0415 - loads OpenSSL, which what stays offline need not

    return "sha256:" + sha256(json.dumps(content).encode()).hexdigest()
