"""Live state: what the API answered, in canonical form."""

from dataclasses import dataclass

from reconciler.model.desired import Target
from reconciler.model.rule import Rule

OWNER_TAG = "sgctl-owner"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a live group. Read-only tags belong to the cloud and are never sent back."""

    key: str
    value: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class LiveRule:
    """A rule that exists, with its id; a description of null is the empty one."""

    id: str
    rule: Rule
    description: str


@dataclass(frozen=True, slots=True)
class LiveGroup:
    """A security group that exists, with all of its rules."""

    target: Target
    id: str
    name: str
    description: str
    tags: tuple[Tag, ...]
    rules: tuple[LiveRule, ...]
    revision_number: int

    @property
    def owner(self) -> str | None:
        """The value of the ownership tag, if the group carries one."""
        return next((tag.value for tag in self.tags if tag.key == OWNER_TAG), None)
