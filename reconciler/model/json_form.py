"""Live groups, rules, findings and exceptions <-> JSON: one form for plan files, journals and reports. Pure.

What is read may have been written by anybody: readers raise `Fault` for all that the writers here would not write.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from operator import itemgetter
from typing import Any

from reconciler.model.canonical import canonical_rule, is_prefix
from reconciler.model.cloud import MAX_DESCRIPTION, MAX_PORT
from reconciler.model.desired import Target
from reconciler.model.ignore_rules import MAX_IGNORE_RULES, IgnoreRule
from reconciler.model.json_reading import (
    Fault,
    Json,
    T,
    each_of,
    flag,
    member,
    members,
    one_of,
    optional,
    text,
    uuid,
    whole,
)
from reconciler.model.live import LiveGroup, LiveRule, Tag, UnreadTarget
from reconciler.model.place import Place
from reconciler.model.place import read_place as parse_place
from reconciler.model.policies import Finding, PolicyException, Review
from reconciler.model.rule import Rule
from reconciler.model.text import is_uuid, shown

_UNUSUAL = re.compile(r"[^\n -~]")
"""What may be a control character beyond those that JSON itself writes as escapes (C1, bidi marks, lone surrogates)."""


def json_text(content: Any) -> str:
    """Write JSON with letters as they are, and with whatever a terminal or a CI runner could obey as escapes."""
    text = json.dumps(content, indent=1, ensure_ascii=False).replace("##", "#\\u0023")
    return _UNUSUAL.sub(lambda found: found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1], text)


def rule_to_json(rule: LiveRule) -> Json:
    """Write a live rule."""
    return {"id": rule.id, **rule.rule._asdict(), "description": rule.description, "irregular": rule.irregular}


def group_to_json(group: LiveGroup) -> Json:
    """Write a live group, without its target."""
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "revision_number": group.revision_number,
        "tags": [asdict(tag) for tag in group.tags],
        "rules": [rule_to_json(rule) for rule in group.rules],
    }


_RULE = itemgetter(*Rule._fields)
_LIVE_RULE = frozenset({"id", *Rule._fields, "description", "irregular"})
_GROUP = frozenset({"id", "name", "description", "revision_number", "tags", "rules"})
_TAG = frozenset({"key", "value", "read_only"})
_PROTOCOL = re.compile("[^\U0010ffff]{1,64}")


def _read_remote_group(content: Any) -> str:
    """Read the id of a live rule's remote group: the cloud keeps it as it was written, and it is part of no path."""
    if not is_uuid(text(content)):
        raise Fault(f"is {shown(content)}, not an id with hyphens")
    return str(content)


def read_rule(content: Json, read_remote_group: Callable[[Any], str] = _read_remote_group) -> Rule:
    """Read the fields that make a rule's identity, from an object that has them."""
    direction, ethertype, protocol, low, high, prefix, group = _RULE(content)
    if direction not in ("ingress", "egress"):
        raise Fault(f"is {shown(direction)}, neither ingress nor egress").within("direction")
    if ethertype not in ("IPv4", "IPv6"):
        raise Fault(f"is {shown(ethertype)}, neither IPv4 nor IPv6").within("ethertype")
    if protocol is not None and not (type(protocol) is str and _PROTOCOL.fullmatch(protocol)):
        raise Fault(f"is {shown(protocol)}, not a protocol").within("protocol")
    if low is not None or high is not None:
        member(content, "port_range_min", optional(_port))
        member(content, "port_range_max", optional(_port))
    if prefix is not None and not (type(prefix) is str and is_prefix(prefix, ethertype)):
        raise Fault(f"is {shown(prefix)}, not a prefix of {ethertype}").within("remote_ip_prefix")
    if group is not None:
        member(content, "remote_group_id", read_remote_group)
        if prefix is not None:
            raise Fault("has two remotes, a prefix and a group")
    rule = Rule(direction, ethertype, protocol, low, high, prefix, group)
    canonical = canonical_rule(direction, ethertype, protocol, low, high, prefix, None)
    if canonical != (*rule[:-1], None):
        field, known = next((name, value) for name, value in canonical._asdict().items() if value != content[name])
        raise Fault(f"is {shown(content[field])}, which is written {shown(known)}").within(field)
    return rule


def _port(content: Any) -> int:
    """Read a port, or the type or code of ICMP."""
    return whole(content, 0, MAX_PORT)


def read_live_rule(content: Any) -> LiveRule:
    """Read a live rule."""
    members(content, _LIVE_RULE)
    return LiveRule(
        member(content, "id", uuid),
        read_rule(content),
        member(content, "description", text),
        member(content, "irregular", flag),
    )


def read_live_group(content: Any, target: Target) -> LiveGroup:
    """Read a live group of a target, whose rules have an id each."""
    members(content, _GROUP)
    rules = member(content, "rules", each_of(read_live_rule))
    if len({rule.id for rule in rules}) != len(rules):
        raise Fault("has a rule id twice").within("rules")
    return LiveGroup(
        target=target,
        id=member(content, "id", uuid),
        name=member(content, "name", text),
        description=member(content, "description", text),
        tags=member(content, "tags", each_of(_read_tag)),
        rules=rules,
        revision_number=member(content, "revision_number", whole),
    )


def _read_tag(content: Any) -> Tag:
    members(content, _TAG)
    return Tag(member(content, "key", text), member(content, "value", text), member(content, "read_only", flag))


def target_to_json(target: Target) -> Json:
    """Write a target as JSON data, with its names where they are known."""
    names = {"project": target.project, "region": target.region}
    return {
        "project_id": target.project_id,
        "region_id": target.region_id,
        **{kind: name for kind, name in names.items() if name is not None},
    }


def unread_to_json(unread: UnreadTarget) -> Json:
    """Write a target that could not be read, with the reason."""
    return {**target_to_json(unread.target), "reason": unread.reason}


def entry_to_json(entry: IgnoreRule) -> Json:
    """Write an entry of `ignore_rules`."""
    return {
        "place": str(entry.place),
        "description": entry.description,
        "direction": entry.direction,
        "protocol": entry.protocol,
        "ports": [list(ports) for ports in entry.ports],
        "remote_group": entry.remote_group,
        "remote_group_ids": list(entry.remote_group_ids),
    }


_ENTRY = ("place", "description", "direction", "protocol", "ports", "remote_group", "remote_group_ids")


def read_entry(content: Any, *also: str) -> IgnoreRule:
    """Read an entry of `ignore_rules`, from an object that may have other members as well."""
    members(content, (*_ENTRY, *also))
    direction = content["direction"]
    if direction not in (None, "ingress", "egress"):
        raise Fault(f"is {shown(direction)}, neither ingress nor egress").within("direction")
    entry = IgnoreRule(
        place=member(content, "place", read_place),
        description=member(content, "description", optional(_read_glob)),
        direction=direction,
        protocol=member(content, "protocol", optional(text)),
        ports=member(content, "ports", each_of(_read_ports)),
        remote_group=member(content, "remote_group", optional(text)),
        remote_group_ids=member(content, "remote_group_ids", each_of(text)),
    )
    if str(entry) == "{}":
        raise Fault("matches every rule")
    return entry


def read_entries(content: Any) -> tuple[IgnoreRule, ...]:
    """Read the entries that hold for a group."""
    return few_of(read_entry)(content)


def few_of(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """Read a list with no more entries than a file may have: every rule is compared with each."""

    def read_list(content: Any) -> tuple[T, ...]:
        entries = each_of(read)(content)
        if len(entries) > MAX_IGNORE_RULES:
            raise Fault(f"has {len(entries)} entries, over the limit of {MAX_IGNORE_RULES}")
        return entries

    return read_list


def _read_glob(content: Any) -> str:
    if len(text(content)) > MAX_DESCRIPTION:
        raise Fault(f"is longer than {MAX_DESCRIPTION} characters")
    return str(content)


def _read_ports(content: Any) -> tuple[int, int]:
    low, high = each_of(_port)(content) if isinstance(content, list) and len(content) == 2 else (1, 0)
    if not 1 <= low <= high:
        raise Fault(f"is {shown(content)}, not a first and a last port")
    return low, high


def finding_to_json(finding: Finding) -> Json:
    """Write a finding."""
    return {
        "guardrail": finding.guardrail,
        "level": finding.level,
        "message": finding.message,
        "flag": finding.flag,
        "place": None if finding.place is None else str(finding.place),
        "group": finding.group,
        "exception": None if finding.exception is None else exception_to_json(finding.exception),
    }


_FINDING = frozenset({"guardrail", "level", "message", "flag", "place", "group", "exception"})
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EXCEPTION = frozenset({"policy", "reason", "until"})


class _Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"


def read_finding(content: Any) -> Finding:
    """Read a finding."""
    members(content, _FINDING)
    return Finding(
        member(content, "guardrail", text),
        member(content, "level", one_of(_Level)).value,
        member(content, "message", text),
        member(content, "flag", optional(text)),
        member(content, "place", optional(read_place)),
        member(content, "group", optional(text)),
        member(content, "exception", optional(read_exception)),
    )


def read_place(content: Any) -> Place:
    """Read what `str()` makes of a place: `path:line:column`, or the name of a document and a path in it."""
    written = text(content)
    place = parse_place(written)
    if not written or str(place) != written:
        raise Fault(f"is {shown(content)}, not a place written path:line:column")
    return place


def exception_to_json(exception: PolicyException) -> Json:
    """Write a reviewed exception."""
    return {"policy": exception.policy, "reason": exception.reason, "until": exception.until.isoformat()}


def read_exception(content: Any) -> PolicyException:
    """Read a reviewed exception."""
    members(content, _EXCEPTION)
    return PolicyException(
        member(content, "policy", text), member(content, "reason", text), member(content, "until", _read_day)
    )


def _read_day(content: Any) -> date:
    if _DAY.fullmatch(text(content)):
        with suppress(ValueError):
            return date.fromisoformat(content)
    raise Fault(f"is {shown(content)}, not a day")


def review_to_json(review: Review | None) -> Json:
    """Write what stands beside a rule; no key for the many that have nothing."""
    written: Json = {}
    if review is not None and review.expires is not None:
        written["expires"] = review.expires.isoformat()
    if review is not None and review.exceptions:
        written["exceptions"] = [exception_to_json(each) for each in review.exceptions]
    return written


def read_review(content: Json) -> Review | None:
    """Read what stands beside a rule, from the object that may hold it."""
    if "expires" not in content and "exceptions" not in content:
        return None
    return Review(
        member(content, "expires", _read_day) if "expires" in content else None,
        member(content, "exceptions", each_of(read_exception)) if "exceptions" in content else (),
    )
