"""What OpenStack Neutron does to a security group rule, and when it refuses one.

The facts are Neutron's `neutron/db/securitygroups_db.py`: `_validate_port_range`, `_validate_ethertype_and_protocol`,
`_validate_ip_prefix`, `_make_canonical_ipv6_icmp_protocol` and `_rule_to_key`. Every function here is pure.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from functools import lru_cache

from .records import ApiError, Rule, RuleSpec

MAX_RULES = 250

NUMBERS = {
    "icmp": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "egp": 8,
    "udp": 17,
    "dccp": 33,
    "ipv6-encap": 41,
    "ipv6-route": 43,
    "ipv6-frag": 44,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ospf": 89,
    "vrrp": 112,
    "pgm": 113,
    "sctp": 132,
    "udplite": 136,
}
NAMES = {str(number): name for name, number in NUMBERS.items()}
WITH_PORTS = frozenset({"tcp", "udp", "udplite", "sctp", "dccp"})
WITH_TYPE_AND_CODE = frozenset({"icmp", "ipv6-icmp"})
IPV6_ONLY = frozenset({"ipv6-encap", "ipv6-frag", "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "ipv6-route"})
EVERYWHERE = frozenset({"0.0.0.0/0", "::/0"})
ALL_PORTS = (1, 65535)

DEFAULT_EGRESS = (RuleSpec("egress", "IPv4"), RuleSpec("egress", "IPv6"))
ALLOW_ALL = (RuleSpec("ingress", "IPv4"), RuleSpec("ingress", "IPv6"), *DEFAULT_EGRESS)

Key = tuple[str, str | None, str | None, int | None, int | None, str | None, str | None]


def stored(spec: RuleSpec) -> RuleSpec:
    """Return the rule as Neutron would store it.

    Raises ApiError (400) where Neutron refuses the combination of its fields.
    """
    if spec.remote_group_id is not None and spec.remote_ip_prefix is not None:
        raise _bad(
            "SecurityGroupRemoteGroupAndRemoteIpPrefix", "Only remote_ip_prefix or remote_group_id may be given."
        )
    protocol = _stored_protocol(spec.protocol, spec.ethertype)
    if protocol in IPV6_ONLY and spec.ethertype != "IPv6":
        raise _bad(
            "SecurityGroupEthertypeConflictWithProtocol",
            f"Invalid ethertype {spec.ethertype} for protocol {protocol}.",
        )
    low, high = _stored_ports(protocol, spec.port_range_min, spec.port_range_max)
    return replace(
        spec,
        protocol=protocol,
        port_range_min=low,
        port_range_max=high,
        remote_ip_prefix=_stored_prefix(spec.remote_ip_prefix, spec.ethertype),
    )


def key(rule: Rule | RuleSpec) -> Key:
    """Return what Neutron compares to find a duplicate. The description is no part of it."""
    protocol = canonical_protocol(rule.protocol, rule.ethertype)
    ports: tuple[int | None, int | None] = (rule.port_range_min, rule.port_range_max)
    if ports == ALL_PORTS and protocol in WITH_PORTS:
        ports = (None, None)
    prefix = _canonical_prefix(rule.remote_ip_prefix) if rule.remote_ip_prefix else None
    return rule.direction, rule.ethertype, protocol, *ports, rule.remote_group_id, prefix


def canonical_protocol(protocol: str | None, ethertype: str | None) -> str | None:
    """One spelling for a protocol: its name where it has one. None is every protocol."""
    if protocol is None or protocol in {"any", "0"}:
        return None
    name = NAMES.get(protocol, protocol)
    if name == "icmpv6" or (name == "icmp" and ethertype == "IPv6"):
        return "ipv6-icmp"
    return name


def _stored_protocol(protocol: str | None, ethertype: str | None) -> str | None:
    if protocol == "any":
        return None
    if protocol in {"icmp", "icmpv6"} and ethertype == "IPv6":
        return "ipv6-icmp"
    return protocol


def _stored_ports(protocol: str | None, low: int | None, high: int | None) -> tuple[int | None, int | None]:
    if low is None and high is None:
        return None, None
    if protocol is None:
        raise _bad("SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.")
    if protocol in WITH_PORTS:
        if low == 0 or high == 0:
            raise _bad("SecurityGroupInvalidPortValue", "Invalid value for port 0.")
        if low is None or high is None or low > high:
            raise _bad("SecurityGroupInvalidPortRange", "port_range_min must be <= port_range_max, and both be given.")
        return (None, None) if (low, high) == ALL_PORTS else (low, high)
    if protocol in WITH_TYPE_AND_CODE:
        for field, value in (("type", low), ("code", high)):
            if value is not None and not 0 <= value <= 255:
                raise _bad("SecurityGroupInvalidIcmpValue", f"Invalid value for ICMP {field} {value}: 0 to 255.")
        if low is None:
            raise _bad("SecurityGroupMissingIcmpType", f"ICMP code {high} is given without an ICMP type.")
        return low, high
    raise _bad("SecurityGroupInvalidProtocolForPort", f"Protocol {protocol} takes no ports.")


def _stored_prefix(prefix: str | None, ethertype: str | None) -> str | None:
    if prefix is None:
        return None
    network = ipaddress.ip_network(prefix)
    if f"IPv{network.version}" != ethertype:
        raise _bad("SecurityGroupRuleParameterConflict", f"Conflicting value ethertype {ethertype} for CIDR {prefix}.")
    return str(network)


@lru_cache(maxsize=65536)
def _canonical_prefix(prefix: str) -> str | None:
    """Neutron compares text: a mask is added and an address written its short way, but host bits stay."""
    try:
        text = str(ipaddress.ip_interface(prefix))
    except ValueError:
        return prefix
    return None if text in EVERYWHERE else text


def _bad(kind: str, message: str) -> ApiError:
    return ApiError(400, kind, message)
