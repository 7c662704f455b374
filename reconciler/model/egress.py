"""What the cloud has to say about egress: the set of rules that it gives new groups, and the port it keeps closed.

Facts of the live API (Luxembourg-2, November 2025): a v1 group created without rules got 39 egress rules, one for each
protocol and family that it knows, tcp and udp without port 25; and a rule that covers that port was refused with
"Opening egress port 25 for TCP or UDP traffic is prohibited", until support lifted the block for the account.
"""

from collections.abc import Collection

from reconciler.model.cloud import MAX_PORT
from reconciler.model.rule import EVERY_PROTOCOL, Ethertype, Rule

DEFAULT_EGRESS = "default-egress"
"""What `preset:` takes: the name of the cloud's own default egress set."""

SMTP_PORT = 25

_FAMILIES: tuple[Ethertype, ...] = ("IPv4", "IPv6")
_OF_BOTH = ("ah", "dccp", "egp", "esp", "gre", "igmp", "ospf", "pgm", "rsvp", "sctp", "udplite", "vrrp")
_OF_IPV6 = ("ipv6-encap", "ipv6-frag", "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "ipv6-route")

DEFAULT_EGRESS_RULES: tuple[Rule, ...] = (
    *(
        Rule("egress", family, protocol, low, high)
        for protocol in ("tcp", "udp")
        for family in _FAMILIES
        for low, high in ((1, SMTP_PORT - 1), (SMTP_PORT + 1, MAX_PORT))
    ),
    Rule("egress", "IPv4", "icmp"),
    *(Rule("egress", "IPv6", protocol) for protocol in _OF_IPV6),
    *(Rule("egress", family, protocol) for protocol in _OF_BOTH for family in _FAMILIES),
)
"""The rules of the preset, all without a description."""

_PRESET = frozenset(DEFAULT_EGRESS_RULES)


def preset_among(rules: Collection[tuple[Rule, str]]) -> frozenset[Rule]:
    """Return the rules of the preset where all of them are among these, given with their descriptions; else none.

    A rule with a description is none of the preset's.
    """
    if len(rules) < len(_PRESET):
        return frozenset()
    plain = {rule for rule, description in rules if not description}
    return _PRESET if plain >= _PRESET else frozenset()


def smtp_protocols(rule: Rule) -> tuple[str, ...]:
    """Return those of tcp and udp for which a rule lets traffic out to port 25."""
    if rule.direction != "egress":
        return ()
    if rule.protocol in EVERY_PROTOCOL:
        return ("tcp", "udp")
    if rule.protocol not in ("tcp", "udp"):
        return ()
    low, high = rule.port_range_min, rule.port_range_max
    return (rule.protocol,) if low is None or high is None or low <= SMTP_PORT <= high else ()
