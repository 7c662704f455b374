"""Request bodies -> records, refusing whatever the published description does not allow.

Stricter than the cloud in one respect: a field or query parameter nobody published is refused (422) rather than
ignored, so that a typing error in a client is found here.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, NoReturn

from .neutron import NUMBERS
from .records import ApiError, RuleSpec

GROUP_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z 0-9._\-]{1,61}[a-zA-Z0-9._]")
TAG_KEY = re.compile(r"[^\s=]{1,255}")
TAG_VALUE = re.compile(r"(?=.{1,255}\Z)[^ \t\n\r\f\v]([^\t\n\r\f\v]*[^ \t\n\r\f\v])?", re.DOTALL)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
PROTOCOLS_V2 = frozenset(NUMBERS) | {"ipencap"}
PROTOCOLS_V1 = PROTOCOLS_V2 | {"any"}
MAX_DESCRIPTION = 255
MAX_PORT = 65535
MAX_RULES_IN_BODY = 250
MAX_CHANGED_RULES = 500

TagPatch = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Creation:
    """A group to be created. `rules` is None where the request left them out."""

    name: str
    description: str = ""
    tags: Mapping[str, str] | None = None
    rules: tuple[RuleSpec, ...] | None = None
    instances: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deletion:
    """A `delete` entry of `changed_rules`."""

    rule_id: str


@dataclass(frozen=True, slots=True)
class ChangeV1:
    """A v1 PATCH. `wipe_tags` stands for ``tags: null``."""

    entries: tuple[RuleSpec | Deletion, ...] = ()
    name: str | None = None
    tags: TagPatch | None = None
    wipe_tags: bool = False


@dataclass(frozen=True, slots=True)
class ChangeV2:
    """A v2 PATCH: `rules` is the whole list, None where it was left out."""

    name: str | None = None
    description: str | None = None
    tags: TagPatch | None = None
    wipe_tags: bool = False
    rules: tuple[RuleSpec, ...] | None = None


def parse(body: bytes) -> Any:
    """Return the JSON value of a request body. Raises ApiError (400) for all else, NaN and repeated keys included."""
    try:
        return json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise ApiError(400, "BadRequest", f"The request body is not JSON: {problem}") from None


def creation_v1(body: Any) -> Creation:
    """Return the body of POST /cloud/v1/securitygroups/..."""
    top = _object(body, "body", {"security_group", "instances"}, required={"security_group"})
    place = "security_group"
    group = _object(top[place], place, {"name", "description", "tags", "security_group_rules"}, required={"name"})
    rules = _list(group.get("security_group_rules", []), f"{place}.security_group_rules", MAX_RULES_IN_BODY)
    instances = _list(top.get("instances", []), "instances", None)
    return Creation(
        name=_name(group["name"], f"{place}.name"),
        description=_text(group.get("description", ""), f"{place}.description"),
        tags=_tags(group.get("tags", {}), f"{place}.tags"),
        rules=tuple(
            rule(item, f"{place}.security_group_rules[{number}]", PROTOCOLS_V1) for number, item in enumerate(rules)
        ),
        instances=tuple(_text(item, f"instances[{number}]") for number, item in enumerate(instances)),
    )


def change_v1(body: Any) -> ChangeV1:
    """Return the body of PATCH /cloud/v1/securitygroups/..."""
    top = _object(body, "body", {"changed_rules", "name", "tags"})
    entries = _list(top.get("changed_rules", []), "changed_rules", MAX_CHANGED_RULES)
    tags, wipe = _tag_patch(top)
    return ChangeV1(
        entries=tuple(_entry(item, f"changed_rules[{number}]") for number, item in enumerate(entries)),
        name=_name(top["name"], "name") if "name" in top else None,
        tags=tags,
        wipe_tags=wipe,
    )


def creation_v2(body: Any) -> Creation:
    """Return the body of POST /cloud/v2/security_groups/..."""
    top = _object(body, "body", {"name", "description", "tags", "rules"}, required={"name"})
    return Creation(
        name=_name(top["name"], "name"),
        description=_text(top.get("description", ""), "description"),
        tags=_tags(top.get("tags", {}), "tags"),
        rules=_rules_v2(top["rules"]) if "rules" in top else None,
    )


def change_v2(body: Any) -> ChangeV2:
    """Return the body of PATCH /cloud/v2/security_groups/..."""
    top = _object(body, "body", {"name", "description", "tags", "rules"})
    tags, wipe = _tag_patch(top)
    return ChangeV2(
        name=_name(top["name"], "name") if "name" in top else None,
        description=_text(top["description"], "description") if "description" in top else None,
        tags=tags,
        wipe_tags=wipe,
        rules=_rules_v2(top["rules"]) if "rules" in top else None,
    )


def copy_name(body: Any) -> str:
    """Return the body of POST .../copy."""
    return _name(_object(body, "body", {"name"}, required={"name"})["name"], "name")


def rule_v2(body: Any) -> RuleSpec:
    """Return the body of POST /cloud/v2/security_groups/.../rules."""
    return rule(body, "body", PROTOCOLS_V2)


def rule(value: Any, place: str, protocols: frozenset[str]) -> RuleSpec:
    """One rule to be created; what Neutron makes of it is `neutron.stored`'s business."""
    fields = _object(value, place, set(_RULE_FIELDS), required={"direction"})
    checked = {name: _RULE_FIELDS[name](content, f"{place}.{name}") for name, content in fields.items()}
    protocol = checked.get("protocol")
    if protocol is not None and protocol not in protocols:
        raise _refusal(f"{place}.protocol", f"{protocol!r} is not one of {', '.join(sorted(protocols))}")
    return RuleSpec(**checked)


def uuid(value: Any, place: str) -> str:
    """Return a UUID, in lower case."""
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise _refusal(place, f"{_shown(value)} is not a UUID")
    return value.lower()


def _entry(value: Any, place: str) -> RuleSpec | Deletion:
    action = value.get("action") if isinstance(value, dict) else None
    if action == "create":
        return rule({name: item for name, item in value.items() if name != "action"}, place, PROTOCOLS_V1)
    if action == "delete":
        names = {"action", "security_group_rule_id"}
        fields = _object(value, place, names, required=names)
        return Deletion(uuid(fields["security_group_rule_id"], f"{place}.security_group_rule_id"))
    raise _refusal(f"{place}.action", f"{_shown(action)} is not one of create, delete")


def _rules_v2(value: Any) -> tuple[RuleSpec, ...]:
    items = _list(value, "rules", MAX_RULES_IN_BODY)
    return tuple(rule(item, f"rules[{number}]", PROTOCOLS_V2) for number, item in enumerate(items))


def _tags(value: Any, place: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _refusal(place, f"{_shown(value)} is not an object")
    return {_tag_key(key, place): _tag_value(content, f"{place}.{key}") for key, content in value.items()}


def _tag_patch(top: Mapping[str, Any]) -> tuple[TagPatch | None, bool]:
    if "tags" not in top:
        return None, False
    value = top["tags"]
    if value is None:
        return None, True
    if not isinstance(value, dict):
        raise _refusal("tags", f"{_shown(value)} is neither an object nor null")
    return {
        _tag_key(key, "tags"): None if content is None else _tag_value(content, f"tags.{key}")
        for key, content in value.items()
    }, False


def _tag_key(value: str, place: str) -> str:
    if not TAG_KEY.fullmatch(value):
        raise _refusal(place, f"{_shown(value)} is not a tag key: 1 to 255 characters, no whitespace, no '='")
    return value


def _tag_value(value: Any, place: str) -> str:
    if not isinstance(value, str) or not TAG_VALUE.fullmatch(value):
        raise _refusal(
            place, f"{_shown(value)} is not a tag value: text of 1 to 255 characters, no tabs, newlines, outer blanks"
        )
    return value


def _name(value: Any, place: str) -> str:
    if not isinstance(value, str) or not GROUP_NAME.fullmatch(value):
        raise _refusal(place, f"{_shown(value)} does not match ^{GROUP_NAME.pattern}$")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise _refusal(place, f"{_shown(value)} is not a string")
    return value


def _rule_description(value: Any, place: str) -> str:
    if len(_text(value, place)) > MAX_DESCRIPTION:
        raise _refusal(place, f"{len(value)} characters, over the limit of {MAX_DESCRIPTION}")
    return str(value)


def _port(value: Any, place: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_PORT:
        raise _refusal(place, f"{_shown(value)} is not an integer from 0 to {MAX_PORT}")
    return value


def _prefix(value: Any, place: str) -> str | None:
    if value is None:
        return None
    if "%" in _text(value, place):
        raise _refusal(place, f"{_shown(value)} has a scope, which no IP network has")
    try:
        ipaddress.ip_network(value)
    except ValueError as problem:
        raise _refusal(place, f"{_shown(value)} is not an IP network: {problem}") from None
    return str(value)


def _protocol(value: Any, place: str) -> str | None:
    return None if value is None else _text(value, place)


def _one_of(*choices: str) -> Callable[[Any, str], str]:
    def check(value: Any, place: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise _refusal(place, f"{_shown(value)} is not one of {', '.join(choices)}")
        return value

    return check


_RULE_FIELDS: Mapping[str, Callable[[Any, str], Any]] = {
    "direction": _one_of("egress", "ingress"),
    "ethertype": _one_of("IPv4", "IPv6"),
    "protocol": _protocol,
    "port_range_min": _port,
    "port_range_max": _port,
    "remote_ip_prefix": _prefix,
    "remote_group_id": uuid,
    "description": _rule_description,
}


def _object(
    value: Any, place: str, known: AbstractSet[str], required: AbstractSet[str] = frozenset()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refusal(place, f"{_shown(value)} is not an object")
    for name in value:
        if name not in known:
            raise _refusal(f"{place}.{name}", f"unknown field; known are {', '.join(sorted(known))}")
    for name in sorted(required):
        if name not in value:
            raise _refusal(f"{place}.{name}", "field required")
    return value


def _list(value: Any, place: str, at_most: int | None) -> list[Any]:
    if not isinstance(value, list):
        raise _refusal(place, f"{_shown(value)} is not a list")
    if at_most is not None and len(value) > at_most:
        raise _refusal(place, f"{len(value)} items, over the limit of {at_most}")
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _refusal(place: str, problem: str) -> ApiError:
    return ApiError(422, "ValidationError", f"{place}: {problem}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key is repeated in one object")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
