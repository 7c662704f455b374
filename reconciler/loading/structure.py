"""Which documents are well-formed: the quick twin of `schemas/security-groups.schema.json`.

The schema is the truth, and a property test holds both to the same verdict. Each function looks at one fragment and
says yes or no; what is wrong with a fragment is worded from the schema (`structure_problems`).
"""

import re
from collections.abc import Callable, Container, Mapping
from typing import Any

from reconciler.model.canonical import PUBLISHED_PROTOCOLS
from reconciler.model.cloud import MAX_NAME, MAX_RULE_DESCRIPTION
from reconciler.model.policies import EXCEPTABLE

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_EXCEPTION = frozenset({"policy", "reason", "until"})


def is_date(value: Any) -> bool:
    """Judge the form of a date; whether the calendar has it is no matter of structure."""
    return value.__class__ is str and _DATE(value) is not None


def is_exceptions(value: Any) -> bool:
    """Judge `exception`: one, or a list of them."""
    if value.__class__ is list:
        return bool(value) and all(map(is_exception, value))
    return is_exception(value)


def is_exception(value: Any) -> bool:
    """Judge one exception."""
    return (
        value.__class__ is dict
        and value.keys() == _EXCEPTION
        and value["policy"].__class__ is str
        and value["policy"] in EXCEPTABLE
        and value["reason"].__class__ is str
        and value["reason"] != ""
        and is_date(value["until"])
    )


READ_ONLY_FIELDS = ("id", "created_at", "updated_at", "revision_number", "security_group_id")
"""Fields of a rule in an API answer that say nothing about what is desired."""

PROTOCOLS = PUBLISHED_PROTOCOLS | {"any", "icmpv6"}

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z 0-9._\-]{1,61}[a-zA-Z0-9._]").fullmatch
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}").fullmatch
_NUMBER = re.compile(r"0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5]").fullmatch
_RANGE = re.compile(r"[1-9][0-9]{0,4}-[1-9][0-9]{0,4}").fullmatch
_TAG_KEY = re.compile(r"[^\s=]{1,255}").fullmatch
_TAG_VALUE = re.compile(r"[^ \t\n\r\f\v](?:[^\t\n\r\f\v]{0,253}[^ \t\n\r\f\v])?").fullmatch

Check = Callable[[Any], bool]


def is_document(value: Any) -> bool:
    """Judge a document's head; the groups, address groups and policies in it are fragments of their own."""
    return (
        value.__class__ is dict
        and ("security_groups" in value or "address_groups" in value or "policies" in value)
        and all(key in _HEAD and _HEAD[key](part) for key, part in value.items())
    )


def is_target(value: Any) -> bool:
    """Judge an entry of `targets`."""
    return value.__class__ is dict and bool(value) and all(key in _TARGET and _id(part) for key, part in value.items())


def is_address_group(value: Any) -> bool:
    """Judge the prefixes of an address group; whether they are prefixes is no matter of structure."""
    return value.__class__ is list and bool(value) and all(map(_text, value))


def is_group(value: Any) -> bool:
    """Judge a security group; the rules in it are fragments of their own."""
    return (
        value.__class__ is dict
        and "name" in value
        and all(key in _GROUP and _GROUP[key](part) for key, part in value.items())
        and ("id" in value or _NAME(value["name"]) is not None)
    )


def is_rule(value: Any) -> bool:
    """Judge a rule."""
    if value.__class__ is not dict or "direction" not in value:
        return False
    for key, part in value.items():
        check = RULE.get(key)
        if check is None or not check(part):
            return False
    return True


def well_formed_part(rule: Any) -> dict[str, Any]:
    """Take the keys of a malformed rule that are right by themselves, so that more of it can be judged at once."""
    if rule.__class__ is not dict:
        return {}
    return {key: part for key, part in rule.items() if key in RULE and RULE[key](part)}


def _id(value: Any) -> bool:
    return value.__class__ is int and value >= 1


def _anything(_value: Any) -> bool:
    return True


def _is_list(value: Any) -> bool:
    return value.__class__ is list


def _is_mapping(value: Any) -> bool:
    return value.__class__ is dict


def _targets(value: Any) -> bool:
    return value.__class__ is list and bool(value) and all(map(is_target, value))


def _text(value: Any) -> bool:
    return value.__class__ is str and value != ""


def _group_name(value: Any) -> bool:
    """Judge the name of a group with an id: the cloud has groups of every name, the empty one included."""
    return value.__class__ is str and len(value) <= MAX_NAME


def _name(value: Any) -> bool:
    return value.__class__ is str and 1 <= len(value) <= MAX_NAME


def _string(value: Any) -> bool:
    return value.__class__ is str


def _boolean(value: Any) -> bool:
    return value.__class__ is bool


def _uuid(value: Any) -> bool:
    return value.__class__ is str and _UUID(value) is not None


def _tag_value(value: Any) -> bool:
    return value.__class__ is str and _TAG_VALUE(value) is not None


def is_tag(key: str, value: Any) -> bool:
    """Judge a tag."""
    return is_tag_key(key) and _tag_value(value)


def is_tag_key(key: str) -> bool:
    """Judge the key of a tag."""
    return _TAG_KEY(key) is not None


def _tags(value: Any) -> bool:
    return value.__class__ is dict and all(is_tag(key, part) for key, part in value.items())


def _direction(value: Any) -> bool:
    return value.__class__ is str and value in {"ingress", "egress"}


def _one_ethertype(value: Any) -> bool:
    return value.__class__ is str and value in {"IPv4", "IPv6"}


def _ethertype(value: Any) -> bool:
    return value is None or _one_ethertype(value) or _some(value, _one_ethertype)


def _protocol(value: Any) -> bool:
    return value is None or (value.__class__ is str and (value in PROTOCOLS or _NUMBER(value) is not None))


def _range_end(value: Any) -> bool:
    return value is None or (value.__class__ is int and 0 <= value <= 65535)


def _octet(value: Any) -> bool:
    return value.__class__ is int and 0 <= value <= 255


def _one_port(value: Any) -> bool:
    if value.__class__ is int:
        return bool(1 <= value <= 65535)
    return value.__class__ is str and _RANGE(value) is not None


def _ports(value: Any) -> bool:
    return _one_port(value) or _some(value, _one_port)


def _address_groups(value: Any) -> bool:
    return _text(value) or _some(value, _text)


def _texts(value: Any) -> bool:
    return _some(value, _text)


def _null_or_text(value: Any) -> bool:
    return value is None or (value.__class__ is str and value != "")


def _null_or_uuid(value: Any) -> bool:
    return value is None or _uuid(value)


def _description(value: Any) -> bool:
    return value is None or (value.__class__ is str and len(value) <= MAX_RULE_DESCRIPTION)


def _some(value: Any, check: Check) -> bool:
    return value.__class__ is list and bool(value) and all(map(check, value))


_HEAD: Mapping[str, Check] = {
    "project_id": _id,
    "region_id": _id,
    "targets": _targets,
    "owner": _tag_value,
    "address_groups": _is_mapping,
    "security_groups": _is_list,
    "policies": _is_mapping,
}
_TARGET = frozenset({"project_id", "region_id"})
_GROUP: Mapping[str, Check] = {
    "id": _uuid,
    "name": _group_name,
    "previous_name": _name,
    "description": _string,
    "tags": _tags,
    "rules": _is_list,
    "prevent_destroy": _boolean,
    "exception": is_exceptions,
}
RULE: Mapping[str, Check] = {
    "direction": _direction,
    "ethertype": _ethertype,
    "protocol": _protocol,
    "port_range_min": _range_end,
    "port_range_max": _range_end,
    "remote_ip_prefix": _null_or_text,
    "remote_group_id": _null_or_uuid,
    "description": _description,
    "ports": _ports,
    "icmp_type": _octet,
    "icmp_code": _octet,
    "remote_ip_prefixes": _texts,
    "remote_address_group": _address_groups,
    "remote_group": _name,
    "expires": is_date,
    "exception": is_exceptions,
} | dict.fromkeys(READ_ONLY_FIELDS, _anything)
"""How the value of each key of a rule is judged."""

KEYS: Mapping[str, Container[str]] = {"document": _HEAD, "security_group": _GROUP, "rule": RULE}
"""The keys of each kind of fragment."""

ITEM_CHECKS: Mapping[str, Check] = {
    "targets": is_target,
    "ethertype": _one_ethertype,
    "ports": _one_port,
    "remote_ip_prefixes": _text,
    "remote_address_group": _text,
}
"""How the items of a list are judged, by the key of the list."""
