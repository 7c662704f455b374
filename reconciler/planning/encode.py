"""Stage 5, its end: a difference -> the requests that make the change, in the words of one version of the API.

Pure: an `Encoder` knows paths and bodies, and has no way to send anything.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from reconciler.model.desired import DesiredRule, Target
from reconciler.model.live import LiveRule
from reconciler.model.placeholder import is_placeholder, placeholder
from reconciler.model.rule import Rule
from reconciler.planning.diff import Difference
from reconciler.planning.order import Order, order_of, safe_order

ApiVersion = Literal["v1", "v2"]


@dataclass(frozen=True, slots=True)
class Request:
    """One write: `body` is sent as it stands, but for placeholders of groups that the plan creates."""

    method: Literal["POST", "PATCH", "DELETE"]
    path: str
    body: Mapping[str, Any] | None = None


class Encoder(Protocol):
    """How one version of the API writes a change down."""

    @property
    def version(self) -> ApiVersion:
        """What the version is called on the command line and in plan files."""

    @property
    def max_rules_at_create(self) -> int:
        """How many rules a group may be created with."""

    def create(self, difference: Difference, rules: Sequence[DesiredRule]) -> Request:
        """Create a group with these of its rules."""

    def change_rules(
        self, difference: Difference, group_id: str, present: Sequence[DesiredRule], order: Order
    ) -> Iterable[Request]:
        """Change the rules of a group that holds the `present` ones, and nothing else."""

    def update(self, difference: Difference, group_id: str, order: Order, *, two_phase: bool) -> Iterable[Request]:
        """Change name, description, tags and rules of a group; `two_phase` sends creates and deletes by themselves."""

    def delete(self, target: Target, group_id: str) -> Request:
        """Delete a group."""

    def notes(self, difference: Difference) -> tuple[str, ...]:
        """Say what about these requests a reviewer would not expect."""

    def replaces_rules(self, request: Request) -> bool:
        """Tell whether a request replaces all rules of a group, and with them what others did since the last read."""


def encode_create(encoder: Encoder, difference: Difference, ready: Collection[str]) -> tuple[Request, ...]:
    """Encode a group to create: the POST, then a PATCH with what had to wait.

    `ready` holds the placeholders of groups that exist by then; rules that refer to others, or to the group itself,
    wait for the PATCH, and so do rules past what one POST takes.
    """
    own = placeholder(difference.name)
    able = [rule for rule in difference.creates if not is_placeholder(to := rule.rule.remote_group_id) or to in ready]
    first = able[: encoder.max_rules_at_create]
    posted = {id(rule) for rule in first}
    later = [rule for rule in difference.creates if id(rule) not in posted]
    create = encoder.create(difference, first)
    if not later:
        return (create,)
    order = safe_order(len(first), later)
    return create, *encoder.change_rules(difference, own, first, order)


def encode_update(
    encoder: Encoder, difference: Difference, *, two_phase: bool = False
) -> tuple[tuple[Request, ...], Order]:
    """Encode what changes in a live group, and tell the order, whose gaps a guardrail has to see.

    `two_phase` sends creates and deletes as requests of their own, which does not rely on the server's order.
    """
    assert difference.live is not None  # noqa: S101 - an update has a live side
    order = order_of(difference)
    requests = encoder.update(difference, difference.live.id, order, two_phase=two_phase)
    return tuple(requests), order


def rule_body(rule: Rule, description: str) -> dict[str, Any]:
    """Write a rule as a request takes it: what is not set is absent, for `remote_group_id` must never be null."""
    fields = {key: value for key, value in rule._asdict().items() if value is not None}
    return {**fields, "description": description}


def described(rule: DesiredRule | LiveRule) -> dict[str, Any]:
    """Write a desired or a live rule as a request takes it."""
    return rule_body(rule.rule, rule.description)


def tag_patch(difference: Difference) -> dict[str, str | None]:
    """JSON Merge Patch of the tags that change (RFC 7386): null removes one key."""
    return {tag.key: tag.new for tag in difference.tags}


def attributes(difference: Difference, *, with_description: bool) -> dict[str, Any]:
    """Name, tags and (v2) description, as far as they change."""
    body: dict[str, Any] = {}
    if difference.previous_name is not None:
        body["name"] = difference.name
    if with_description and difference.description is not None:
        body["description"] = difference.description.new
    if difference.tags:
        body["tags"] = tag_patch(difference)
    return body


def new_group(difference: Difference) -> dict[str, Any]:
    """Name, description and tags of a group to create."""
    body: dict[str, Any] = {"name": difference.name}
    if difference.description is not None:
        body["description"] = difference.description.new
    if difference.tags:
        body["tags"] = tag_patch(difference)
    return body
