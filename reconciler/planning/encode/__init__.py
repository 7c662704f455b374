"""One difference, two encoders: the requests of v1 (rule by rule) and of v2 (whole lists). Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from reconciler.model.desired import DesiredRule, Target
from reconciler.model.difference import Difference
from reconciler.model.plan import ApiVersion, Request
from reconciler.placeholder import is_placeholder, placeholder
from reconciler.planning.encode import v1, v2
from reconciler.planning.order import Order, order_of, safe_order


class _Encoder(Protocol):
    """What the modules `v1` and `v2` both offer."""

    @property
    def MAX_RULES_AT_CREATE(self) -> int: ...  # noqa: N802 - a constant of the module

    def create(self, difference: Difference, rules: Sequence[DesiredRule]) -> Request: ...

    def change_rules(
        self, target: Target, group_id: str, present: Sequence[DesiredRule], order: Order
    ) -> Iterable[Request]: ...

    def update(self, difference: Difference, group_id: str, order: Order, *, two_phase: bool) -> Iterable[Request]: ...


_ENCODERS: Mapping[ApiVersion, _Encoder] = {"v1": v1, "v2": v2}


def encode_create(version: ApiVersion, difference: Difference, ready: Collection[str]) -> tuple[Request, ...]:
    """Encode a group to create: the POST, then a PATCH with what had to wait.

    `ready` holds the placeholders of groups that exist by then; rules that refer to others, or to the group itself,
    wait for the PATCH, and so do rules past what one POST takes.
    """
    encoder = _ENCODERS[version]
    own = placeholder(difference.name)
    able = [rule for rule in difference.creates if not is_placeholder(to := rule.rule.remote_group_id) or to in ready]
    first = able[: encoder.MAX_RULES_AT_CREATE]
    posted = {id(rule) for rule in first}
    later = [rule for rule in difference.creates if id(rule) not in posted]
    create = encoder.create(difference, first)
    if not later:
        return (create,)
    order = safe_order(len(first), later)
    return create, *encoder.change_rules(difference.target, own, first, order)


def encode_update(
    version: ApiVersion, difference: Difference, *, two_phase: bool = False
) -> tuple[tuple[Request, ...], Order]:
    """Encode what changes in a live group, and tell the order, whose gaps a guardrail has to see.

    `two_phase` sends creates and deletes as requests of their own, which does not rely on the server's order.
    """
    assert difference.live is not None  # noqa: S101 - an update has a live side
    order = order_of(difference)
    encoder = _ENCODERS[version]
    requests = encoder.update(difference, difference.live.id, order, two_phase=two_phase)
    return tuple(requests), order
