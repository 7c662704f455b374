"""What the cloud puts in front of Neutron: the rules of a new group, egress to port 25, quotas, locks. Pure.

Seen on the live API are the rules, the sentences and the names `QuotaLimitExceed` and `firewall_count`. Not known are
the status of a quota refusal and the exception classes of the two others; here they are 400, `BadRequest`, `Conflict`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .knobs import DefaultRules, Knobs
from .neutron import DEFAULT_EGRESS, canonical_protocol
from .records import ApiError, RuleSpec

SMTP = 25
ANY_FAMILY = ("vrrp", "udplite", "sctp", "rsvp", "pgm", "ospf", "igmp", "gre", "esp", "egp", "dccp", "ah")
IPV6_ONLY = ("ipv6-route", "ipv6-opts", "ipv6-nonxt", "ipv6-icmp", "ipv6-frag", "ipv6-encap")

# The 39 rules that the live API gave a group created with v1 and without rules (Luxembourg-2, November 2025).
CLOUD_EGRESS = (
    *(RuleSpec("egress", family, name) for name in ANY_FAMILY for family in ("IPv4", "IPv6")),
    *(
        RuleSpec("egress", family, name, *ports)
        for name in ("udp", "tcp")
        for family in ("IPv4", "IPv6")
        for ports in ((1, SMTP - 1), (SMTP + 1, 65535))
    ),
    *(RuleSpec("egress", "IPv6", name) for name in IPV6_ONLY),
    RuleSpec("egress", "IPv4", "icmp"),
)


def rules_by_default(knobs: Knobs, asked: Sequence[RuleSpec]) -> Sequence[RuleSpec]:
    """Return the rules that come by themselves to a group that is created with v1."""
    if not knobs.default_egress:
        return ()
    if knobs.default_rules is DefaultRules.NEUTRON:
        return DEFAULT_EGRESS
    return () if asked else CLOUD_EGRESS


def check_egress(knobs: Knobs, created: Iterable[object]) -> None:
    """Raise ApiError (400) where a rule to be created opens egress to port 25 of TCP or UDP, and that is refused."""
    if knobs.refuse_port_25 and any(isinstance(rule, RuleSpec) and opens_smtp(rule) for rule in created):
        raise ApiError(400, "BadRequest", "Opening egress port 25 for TCP or UDP traffic is prohibited")


def opens_smtp(rule: RuleSpec) -> bool:
    """Return whether the rule admits egress to port 25 of TCP or UDP, every protocol and every port included."""
    if rule.direction != "egress":
        return False
    if canonical_protocol(rule.protocol, rule.ethertype) not in {None, "tcp", "udp"}:
        return False
    low, high = rule.port_range_min, rule.port_range_max
    return low is None or high is None or low <= SMTP <= high


def check_quota(knobs: Knobs, usage: int) -> None:
    """Raise ApiError (400) where one more group is over the quota of the region."""
    limit = knobs.firewall_quota
    if usage >= limit:
        raise ApiError(
            400,
            "QuotaLimitExceed",
            f"Quota limit exceeded: firewall_count, limit {limit}, usage {usage}, requested 1",
            info={"firewall_count": {"limit": limit, "usage": usage, "requested": 1}},
        )


def locked(resource: str) -> ApiError:
    """Return the refusal of a change while a task is at work on the same resource. It passes by itself."""
    return ApiError(
        409, "Conflict", f"Resource `{resource}` is already locked by another task. Please try again later."
    )
