"""The parts of a request, one check each: names, tags, ports, prefixes, whole rules.

Every check takes a value and the place where it stands, and raises ApiError (400) naming that place. A field nobody
published is refused too, so that a typing error in a client is found here; the cloud may be more patient.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from .neutron import NUMBERS, network_of
from .records import ApiError, RuleSpec

GROUP_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z 0-9._\-]{1,61}[a-zA-Z0-9._]")
TAG_KEY = re.compile(r"[^\s=]{1,255}")
TAG_VALUE = re.compile(r"(?=.{1,255}\Z)[^ \t\n\r\f\v]([^\t\n\r\f\v]*[^ \t\n\r\f\v])?", re.DOTALL)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
PROTOCOLS_V2 = frozenset(NUMBERS) | {"ipencap"}
PROTOCOLS_V1 = PROTOCOLS_V2 | {"any"}
MAX_DESCRIPTION = 255
MAX_PORT = 65535

TagPatch = Mapping[str, str | None]


def rule(value: Any, place: str, protocols: frozenset[str]) -> RuleSpec:
    """Return a rule to be created; what Neutron makes of it is `neutron.stored`'s business."""
    fields = object_of(value, place, set(RULE_FIELDS), required={"direction"})
    checked = {name: RULE_FIELDS[name](content, f"{place}.{name}") for name, content in fields.items()}
    protocol = checked.get("protocol")
    if protocol is not None and protocol not in protocols:
        raise refusal(f"{place}.protocol", f"{protocol!r} is not one of {', '.join(sorted(protocols))}")
    return RuleSpec(**checked)


def uuid(value: Any, place: str) -> str:
    """Return a UUID, in lower case."""
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise refusal(place, f"{shown(value)} is not a UUID")
    return value.lower()


def remote_group_of(value: Any, place: str) -> str:
    """Return a UUID as it is written: Neutron compares text, so in capitals it is no group."""
    uuid(value, place)
    return str(value)


def name_of(value: Any, place: str) -> str:
    """Return a group's name."""
    if not isinstance(value, str) or not GROUP_NAME.fullmatch(value):
        raise refusal(place, f"{shown(value)} does not match ^{GROUP_NAME.pattern}$")
    return value


def text_of(value: Any, place: str) -> str:
    """Return text."""
    if not isinstance(value, str):
        raise refusal(place, f"{shown(value)} is not a string")
    return value


def tags_of(value: Any, place: str) -> dict[str, str]:
    """Return the tags of a new group."""
    if not isinstance(value, dict):
        raise refusal(place, f"{shown(value)} is not an object")
    return {_tag_key(key, place): _tag_value(content, f"{place}.{key}") for key, content in value.items()}


def tag_patch(top: Mapping[str, Any]) -> tuple[TagPatch | None, bool]:
    """Return the merge patch under `tags`, and whether it is the null that removes all user tags."""
    if "tags" not in top:
        return None, False
    value = top["tags"]
    if value is None:
        return None, True
    return tag_patch_of(value, "tags"), False


def tag_patch_of(value: Any, place: str) -> TagPatch:
    """Return tags where null stands for a tag that is to go."""
    if not isinstance(value, dict):
        raise refusal(place, f"{shown(value)} is not an object")
    return {
        _tag_key(key, place): None if content is None else _tag_value(content, f"{place}.{key}")
        for key, content in value.items()
    }


def object_of(
    value: Any, place: str, known: AbstractSet[str], required: AbstractSet[str] = frozenset()
) -> dict[str, Any]:
    """Return an object that has the required fields and no unknown ones."""
    if not isinstance(value, dict):
        raise refusal(place, f"{shown(value)} is not an object")
    for name in value:
        if name not in known:
            raise refusal(f"{place}.{name}", f"unknown field; known are {', '.join(sorted(known))}")
    for name in sorted(required):
        if name not in value:
            raise refusal(f"{place}.{name}", "field required")
    return value


def list_of(value: Any, place: str, at_most: int | None) -> list[Any]:
    """Return a list that is not too long."""
    if not isinstance(value, list):
        raise refusal(place, f"{shown(value)} is not a list")
    if at_most is not None and len(value) > at_most:
        raise refusal(place, f"{len(value)} items, over the limit of {at_most}")
    return value


def shown(value: Any) -> str:
    """Return a value as a message shows it: JSON, and not too much of it."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def refusal(place: str, problem: str) -> ApiError:
    """Return the error that names a place and what is wrong there."""
    return ApiError(400, "ValidationError", f"{place}: {problem}", invalid_fields={place: [problem]})


def _tag_key(value: str, place: str) -> str:
    if not TAG_KEY.fullmatch(value):
        raise refusal(place, f"{shown(value)} is not a tag key: 1 to 255 characters, no whitespace, no '='")
    return value


def _tag_value(value: Any, place: str) -> str:
    if not isinstance(value, str) or not TAG_VALUE.fullmatch(value):
        raise refusal(
            place, f"{shown(value)} is not a tag value: text of 1 to 255 characters, no tabs, newlines, outer blanks"
        )
    return value


def rule_description(value: Any, place: str) -> str:
    """Return the description of a rule, or of a project, which has the same limit."""
    if len(text_of(value, place)) > MAX_DESCRIPTION:
        raise refusal(place, f"{len(value)} characters, over the limit of {MAX_DESCRIPTION}")
    return str(value)


def _port(value: Any, place: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_PORT:
        raise refusal(place, f"{shown(value)} is not an integer from 0 to {MAX_PORT}")
    return value


def _prefix(value: Any, place: str) -> str | None:
    if value is None:
        return None
    if "%" in text_of(value, place):
        raise refusal(place, f"{shown(value)} has a scope, which no IP network has")
    try:
        network_of(value)
    except ValueError as problem:
        raise refusal(place, f"{shown(value)} is not an IP network: {problem}") from None
    return str(value)


def _protocol(value: Any, place: str) -> str | None:
    return None if value is None else text_of(value, place)


def _one_of(*choices: str) -> Callable[[Any, str], str]:
    def check(value: Any, place: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise refusal(place, f"{shown(value)} is not one of {', '.join(choices)}")
        return value

    return check


RULE_FIELDS: Mapping[str, Callable[[Any, str], Any]] = {
    "direction": _one_of("egress", "ingress"),
    "ethertype": _one_of("IPv4", "IPv6"),
    "protocol": _protocol,
    "port_range_min": _port,
    "port_range_max": _port,
    "remote_ip_prefix": _prefix,
    "remote_group_id": remote_group_of,
    "description": rule_description,
}
