"""What OpenStack Neutron does to a security group rule, and when it refuses one.

The facts are Neutron's `neutron/db/securitygroups_db.py`: `_validate_port_range`, `_validate_ethertype_and_protocol`,
`_validate_ip_prefix`, `_make_canonical_ipv6_icmp_protocol` and `_rule_to_key`, and what a real Neutron 29 answered to
2,900 random rules. Every function here is pure.
"""

from __future__ import annotations

import ipaddress
import socket
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
    if ports == ALL_PORTS:
        ports = (None, None)
    prefix = _canonical_prefix(rule.remote_ip_prefix) if rule.remote_ip_prefix else None
    return rule.direction, rule.ethertype, protocol, *ports, rule.remote_group_id, prefix


def canonical_protocol(protocol: str | None, ethertype: str | None) -> str | None:
    """Return one spelling for a protocol: its name where it has one. None is every protocol, and `0` is another."""
    if protocol is None or protocol == "any":
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
    if protocol is not None and protocol not in NUMBERS and not (protocol.isdecimal() and int(protocol) <= 255):
        raise _bad(
            "SecurityGroupRuleInvalidProtocol",
            f"Security group rule protocol {protocol} not supported. Only protocol values"
            f" (None, 'any', {', '.join(map(repr, sorted(NUMBERS)))}) and integer representations [0 to 255] are"
            " supported.",
        )
    return protocol


def _stored_ports(protocol: str | None, low: int | None, high: int | None) -> tuple[int | None, int | None]:
    if (low, high) in {(None, None), ALL_PORTS}:
        return None, None  # before anything is checked, so with every protocol
    if protocol is None:
        raise _bad("SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given.")
    if protocol in WITH_PORTS:
        if low == 0 or high == 0:
            raise _bad("SecurityGroupInvalidPortValue", "Invalid value for port 0")
        if low is None or high is None or low > high:
            raise _bad(
                "SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max"
            )
        return low, high
    if protocol in WITH_TYPE_AND_CODE:
        for field, bound, value in (("type", "min", low), ("code", "max", high)):
            if value is not None and not 0 <= value <= 255:
                problem = f"Invalid value for ICMP {field} (port_range_{bound}) {value}. It must be 0 to 255."
                raise _bad("SecurityGroupInvalidIcmpValue", problem)
        if low is None:
            problem = f"ICMP code (port-range-max) {high} is provided but ICMP type (port-range-min) is missing."
            raise _bad("SecurityGroupMissingIcmpType", problem)
        return low, high
    raise _bad(
        "SecurityGroupInvalidProtocolForPort",
        f"Invalid protocol {protocol} for port range, only supported for TCP, UDP, UDPLITE, SCTP and DCCP.",
    )


@lru_cache(maxsize=65536)
def network_of(prefix: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return a prefix as a network; a bare address is a network of one. Raises ValueError, for host bits too."""
    return ipaddress.ip_network(prefix)


def _stored_prefix(prefix: str | None, ethertype: str | None) -> str | None:
    if prefix is None:
        return None
    network = network_of(prefix)
    if f"IPv{network.version}" != ethertype:
        raise _bad("SecurityGroupRuleParameterConflict", f"Conflicting value ethertype {ethertype} for CIDR {prefix}")
    if isinstance(network, ipaddress.IPv6Network):
        # As the C library writes it, which keeps the dots of an embedded IPv4 address: ::ffff:10.0.0.0/104.
        return f"{socket.inet_ntop(socket.AF_INET6, network.network_address.packed)}/{network.prefixlen}"
    return str(network)


@lru_cache(maxsize=65536)
def _canonical_prefix(prefix: str) -> str | None:
    """Neutron compares text: a mask is added and an address written its short way, but host bits stay."""
    try:
        text = str(network_of(prefix))
    except ValueError:
        try:
            text = str(ipaddress.ip_interface(prefix))
        except ValueError:
            return prefix
    return None if text in EVERYWHERE else text


def _bad(kind: str, message: str) -> ApiError:
    return ApiError(400, kind, message)
