"""What comes nearest to a flow that is refused: the same from elsewhere, something else from there, another family."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from reconciler.model.rule import PORT_PROTOCOLS, Rule, describe_rule
from reconciler.planning.group_view import ViewedRule
from reconciler.traffic import Flow, Traffic, covers, describe, describe_service, overlaps
from reconciler.traffic.extent import ADDRESS_BITS, prefix_span

_MOST = 3
"""Rules that a sentence names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Near:
    """A sentence about rules that nearly admit what was asked, and those rules, nearest first."""

    message: str
    rules: tuple[ViewedRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Sought:
    """The flow as one end sees it. `far` are the keys of the groups that the other end is a member of.

    `addressed` tells whether the far address is known (the flow's prefix); else only the membership is.
    """

    flow: Rule
    far: frozenset[str]
    addressed: bool

    @property
    def asked(self) -> Rule:
        """The flow with its remote: the prefix, or as a group the members at the other end."""
        return self.flow if self.addressed else self.flow._replace(remote_group_id=min(self.far))

    def see(self, rule: Rule) -> Rule | None:
        """Put a rule as it counts here; None where it does not count at all.

        A rule for a far group admits its members whatever their address. One for another group does not count: whether
        an address belongs to it is not known.
        """
        if rule.remote_group_id is None:
            return rule
        if rule.remote_group_id not in self.far:
            return None
        return rule._replace(remote_group_id=None)


def find_nearest(
    rules: Sequence[ViewedRule], sought: Sought, missing: Sequence[Flow], names: Mapping[str, str]
) -> tuple[Near, ...]:
    """Say what is nearest to what is missing."""
    flow = sought.flow
    rules = [rule for rule in rules if rule.rule.direction == flow.direction]
    if not rules:
        return (Near(f"there is no {flow.direction} rule at all"),)
    same = [rule for rule in rules if rule.rule.ethertype == flow.ethertype]
    found = (
        _in_part(same, sought, missing, names),
        _from_elsewhere(same, sought, names),
        _other_services(same, sought, names),
        _other_family(rules, sought),
    )
    near = tuple(each for each in found if each is not None)
    return near or _anything(rules, sought, names)


def place_of(rule: ViewedRule) -> str:
    """Say where a rule is: its place, its live id, or both; and the preset that it is a part of."""
    known = [str(rule.place)] if rule.place else []
    known += [f"{what} {name}" for what, name in (("id", rule.id), ("preset", rule.preset)) if name]
    known += [f"left to others by {rule.ignored}"] if rule.ignored else []
    return ", ".join(known)


def _in_part(
    rules: Iterable[ViewedRule], sought: Sought, missing: Sequence[Flow], names: Mapping[str, str]
) -> Near | None:
    partly = [rule for rule in rules if (seen := sought.see(rule.rule)) is not None and overlaps(seen, sought.asked)]
    if not partly:
        return None
    allowed = _list(partly, lambda each: describe_rule(each.rule, names))
    refused = "; ".join(describe(flow, names) for flow in islice(missing, _MOST))
    more = f" and {len(missing) - _MOST} more" if len(missing) > _MOST else ""
    return Near(f"a part is allowed, by {allowed}; refused is {refused}{more}", tuple(partly))


def _from_elsewhere(rules: Iterable[ViewedRule], sought: Sought, names: Mapping[str, str]) -> Near | None:
    """Find rules that admit the services, from other remotes."""
    flow, way = sought.flow, _way(sought.flow)
    found = [rule for rule in rules if covers(_anywhere(rule.rule), _anywhere(flow))]
    found.sort(key=lambda each: _distance(each.rule, flow))
    if not found:
        return None
    what = f"{flow.direction} {_service(flow)} is allowed {way}"
    listed = _list(found, lambda each: _remote(each.rule, names), only=True)
    return Near(f"{what} {listed}{_hinge(found, sought, names)}", tuple(found))


def _hinge(found: Iterable[ViewedRule], sought: Sought, names: Mapping[str, str]) -> str:
    """Say what is not known and would decide: whose an address is, or which addresses a group's members have."""
    groups = sorted({names.get(key, key) for rule in found if (key := rule.rule.remote_group_id)})
    if groups and sought.addressed:
        listed = " or ".join(groups)
        option = "--from-group" if sought.flow.direction == "ingress" else "--to-group"
        return f"; if the address belongs to a member of {listed}, say so with {option}"
    if not sought.addressed and any(rule.rule.remote_ip_prefix for rule in found):
        far = " and ".join(sorted(names.get(key, key) for key in sought.far))
        return f"; the addresses of the members of {far} are not known here"
    return ""


def _other_services(rules: Iterable[ViewedRule], sought: Sought, names: Mapping[str, str]) -> Near | None:
    """Find rules that admit the remote, for other services."""
    asked = _any_service(sought.asked)
    found = [
        rule for rule in rules if (seen := sought.see(rule.rule)) is not None and covers(_any_service(seen), asked)
    ]
    found.sort(key=lambda each: _service_distance(each.rule, sought.flow))
    if not found:
        return None
    listed = _list(found, lambda each: _service(each.rule), only=True)
    return Near(
        f"{_way(sought.flow)} {_remote(sought.asked, names)}, {sought.flow.direction} is allowed for {listed}",
        tuple(found),
    )


def _other_family(rules: Iterable[ViewedRule], sought: Sought) -> Near | None:
    """Find rules that would admit the flow if it were of the other family."""
    flow = sought.flow
    if sought.addressed and flow.remote_ip_prefix is not None:
        return None
    other: Rule = flow._replace(
        ethertype="IPv6" if flow.ethertype == "IPv4" else "IPv4",
        protocol={"icmp": "ipv6-icmp", "ipv6-icmp": "icmp"}.get(flow.protocol or "", flow.protocol),
    )
    twin = Sought(other, sought.far, sought.addressed)
    found = [rule for rule in rules if (seen := twin.see(rule.rule)) is not None and covers(seen, twin.asked)]
    if not found:
        return None
    where = _list(found, lambda _: "")
    return Near(f"the same is allowed for {other.ethertype} {where}, not for {flow.ethertype}", tuple(found))


def _anything(rules: Sequence[ViewedRule], sought: Sought, names: Mapping[str, str]) -> tuple[Near, ...]:
    """Fall back on the one rule that is least unlike what was asked."""
    flow = sought.flow
    first = min(rules, key=lambda each: (*_service_distance(each.rule, flow), _distance(each.rule, flow)))
    only = _list((first,), lambda each: describe_rule(each.rule, names))
    return (Near(f"another service and another remote: {only}", (first,)),)


def _list(rules: Sequence[ViewedRule], words: Callable[[ViewedRule], str], *, only: bool = False) -> str:
    """Name the first few rules with their places: `A (web.yaml:3:9), B (web.yaml:4:9) and 2 more only`."""
    if len(rules) == 1:
        return " ".join(f"{words(rules[0])} {'only' if only else ''} ({place_of(rules[0])})".split())
    shown = [" ".join(f"{words(rule)} ({place_of(rule)})".split()) for rule in rules[:_MOST]]
    more = [f"{len(rules) - _MOST} more"] if len(rules) > _MOST else []
    *some, last = [*shown, *more]
    return f"{', '.join(some)} and {last}{' only' if only else ''}"


def _way(flow: Rule) -> str:
    return "from" if flow.direction == "ingress" else "to"


def _anywhere(rule: Rule) -> Rule:
    return rule._replace(remote_ip_prefix=None, remote_group_id=None)


def _any_service(rule: Rule) -> Rule:
    return rule._replace(protocol=None, port_range_min=None, port_range_max=None)


def _service(rule: Rule) -> str:
    return ", ".join(describe_service(flow) for flow in Traffic.of((_anywhere(rule),)).flows())


def _remote(rule: Rule, names: Mapping[str, str]) -> str:
    if rule.remote_group_id is not None:
        return f"members of group {names.get(rule.remote_group_id, rule.remote_group_id)}"
    if rule.remote_ip_prefix is None:
        return "anywhere"
    bits = ADDRESS_BITS[rule.ethertype]
    return rule.remote_ip_prefix.removesuffix(f"/{bits}")


def _distance(rule: Rule, flow: Rule) -> int:
    """Count the bits in which a rule's prefix and the asked one differ: the fewer, the nearer; groups come last."""
    if rule.remote_ip_prefix is None or flow.remote_ip_prefix is None:
        return ADDRESS_BITS[flow.ethertype] + (1 if rule.remote_group_id else 0)
    if rule.ethertype != flow.ethertype:
        return ADDRESS_BITS[flow.ethertype] + 2
    mine, asked = (prefix_span(each, flow.ethertype)[0][1] for each in (rule.remote_ip_prefix, flow.remote_ip_prefix))
    return (mine ^ asked).bit_length()


def _service_distance(rule: Rule, flow: Rule) -> tuple[int, int]:
    """Same protocol before another; then the ports between the two ranges."""
    if rule.protocol != flow.protocol:
        return 1, 0
    if rule.protocol not in PORT_PROTOCOLS or rule.port_range_min is None or flow.port_range_min is None:
        return 0, 0
    low, high = rule.port_range_min, rule.port_range_max or rule.port_range_min
    first, last = flow.port_range_min, flow.port_range_max or flow.port_range_min
    return 0, max(low - last, first - high, 0)
