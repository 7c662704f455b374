"""Which `policies` are well-formed: the quick twin of that part of the schema."""

from collections.abc import Collection, Mapping
from typing import Any

from reconciler.loading.structure import RULE, Check, is_tag_key

POLICY_LEVELS = frozenset({"error", "warning", "off"})


def is_policies(value: Any) -> bool:
    """Judge the whole section."""
    return value.__class__ is dict and all(key in POLICIES and POLICIES[key](part) for key, part in value.items())


def is_level(value: Any) -> bool:
    """Judge a policy's level."""
    return value.__class__ is str and value in POLICY_LEVELS


def is_policy_flow(value: Any) -> bool:
    """Judge an entry of `must_allow` or `must_deny`."""
    return _is_mapping(value, _FLOW, ("group", "direction"))


def _is_mapping(value: Any, keys: Mapping[str, Check], required: Collection[str] = ()) -> bool:
    return (
        value.__class__ is dict
        and all(key in value for key in required)
        and all(key in keys and keys[key](part) for key, part in value.items())
    )


def _policy(settings: Mapping[str, Check], required: Collection[str] = ()) -> Check:
    """Make the check of a policy. One whose settings all have defaults may be a level alone."""
    keys = {"level": is_level, **settings}

    def check(value: Any) -> bool:
        return _is_mapping(value, keys, required) or (not required and is_level(value))

    return check


def _number(most: int) -> Check:
    return lambda value: value.__class__ is int and 0 <= value <= most


def _some(check: Check) -> Check:
    return lambda value: value.__class__ is list and bool(value) and all(map(check, value))


def _text(value: Any) -> bool:
    return value.__class__ is str and value != ""


def _flows(value: Any) -> bool:
    return value.__class__ is list and all(map(is_policy_flow, value))


def _protocol(value: Any) -> bool:
    return value is not None and RULE["protocol"](value)


def _tag_key(value: Any) -> bool:
    return value.__class__ is str and is_tag_key(value)


def _tags(value: Any) -> bool:
    if value.__class__ is list:
        return bool(value) and all(map(_tag_key, value))
    return (
        value.__class__ is dict and bool(value) and all(is_tag_key(key) and _text(part) for key, part in value.items())
    )


_RULE_KEYS = (
    "direction",
    "ethertype",
    "protocol",
    "ports",
    "icmp_type",
    "icmp_code",
    "remote_ip_prefix",
    "remote_ip_prefixes",
    "remote_address_group",
    "remote_group",
    "remote_group_id",
)
_FLOW: Mapping[str, Check] = {
    "group": RULE["remote_group"],
    "level": is_level,
    "description": _text,
    **{key: RULE[key] for key in _RULE_KEYS},
}
_DIRECTIONS = _some(RULE["direction"])
POLICIES: Mapping[str, Check] = {
    "world_open_management": _policy({"ports": RULE["ports"]}),
    "world_open_any_port": _policy({"max_ports": _number(65535)}),
    "mass_delete": is_level,
    "expires": _policy({"warn_days": _number(3650)}),
    "must_allow": _flows,
    "must_deny": _flows,
    "allowed_prefixes": _policy({"prefixes": _some(_text), "directions": _DIRECTIONS}, ("prefixes",)),
    "max_prefix_size": _policy({"ipv4": _number(32), "ipv6": _number(128), "directions": _DIRECTIONS}),
    "rule_description": _policy({"pattern": _text}),
    "required_tags": _policy({"tags": _tags}, ("tags",)),
    "forbidden_protocols": _policy({"protocols": _some(_protocol), "directions": _DIRECTIONS}, ("protocols",)),
}
"""The policies, and how each is judged."""
