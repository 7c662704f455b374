"""Answers of the API -> typed values. Foreign JSON goes no further than this file and `fields.py`.

Accepted is every answer that a cloud of this kind can plausibly give: null where nothing is set, protocols without a
name, prefixes with host bits, names that no file may use, tags in the form of older answers. Anything else raises an
`ApiError` that says whose field it was and what was in it. Three facts behind the checks:

- Ids end up in paths, so they have to be UUIDs. Those of groups and rules are kept in lower case, as Neutron makes
  them; a remote group's as it came, for Neutron compares it as written, and one in capitals names another group.
- Ports are 0 to 65535 in the published description; ICMP types and codes travel in the same two fields.
- `ethertype` is accepted in any case by Neutron, which stores `IPv4` or `IPv6`.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from reconciler.api import fields
from reconciler.api.fields import MAX_SHORT_TEXT, MAX_TEXT, Implausible, is_lower_uuid
from reconciler.model.canonical import PUBLISHED_PROTOCOLS, canonical_rule, is_prefix
from reconciler.model.cloud import MAX_PORT
from reconciler.model.desired import Target
from reconciler.model.errors import ApiError
from reconciler.model.live import Instances, LiveGroup, LiveRule, Quota, Tag
from reconciler.model.rule import Rule
from reconciler.model.text import shown

_HINT = "If this stays so, the API has changed, or something stands between it and you."
_EVERYWHERE = frozenset({None, "", "0.0.0.0/0", "::/0"})
_TASK_ID = re.compile(r"[0-9A-Za-z_-]{1,64}").fullmatch


class Task(NamedTuple):
    """A task of v2. `state` is NEW, RUNNING, FINISHED or ERROR; `security_groups` are ids of those it created."""

    id: str
    state: str
    error: str | None
    security_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list of security groups, which has `count` in all; `groups` are as answered, `ids` are theirs."""

    count: int
    ids: list[str]
    groups: list[dict[str, Any]]


def parse_group(answer: Any, target: Target) -> LiveGroup:
    """Read one group. Raises `ApiError` where the answer is not a group with all of its rules and tags."""
    try:
        return _group(answer, target)
    except Implausible as wrong:
        raise ApiError(
            f"{target}: the API's answer about {_who(answer)} cannot be used: {wrong.sentence()}", hint=_HINT
        ) from None


def parse_page(answer: dict[str, Any], target: Target) -> Page:
    """Read a page of groups as far as every group has an id. Raises `ApiError` where it is none."""
    ids: list[str] = []
    try:
        count, groups = fields.number(answer.get("count")), fields.items(answer.get("results"), "results")
        try:
            for group in groups:
                ids.append(fields.uuid(fields.mapping(group).get("id"), "id"))  # noqa: PERF401 - its length says which was wrong
        except Implausible as wrong:
            raise wrong.within(f"results[{len(ids)}]") from None
    except Implausible as wrong:
        raise ApiError(
            f"{target}: the API answered something that is not a list of security groups: {wrong.sentence()}",
            hint=_HINT,
        ) from None
    return Page(count, ids, groups)


def has_rules(answer: Any) -> bool:
    """Tell whether an answer holds the group's rules; a list may leave them out, which is not the same as none."""
    return isinstance(answer, dict) and isinstance(answer.get("security_group_rules"), list)


def parse_instances(answer: dict[str, Any], target: Target, group_id: str) -> Instances:
    """Read the instances that a group is attached to; those without a name by their id.

    Raises `ApiError` where the answer does not say how many there are.
    """
    try:
        results = fields.items(answer.get("results"), "results")
        told = [each.get("name") or each.get("id") for each in results if isinstance(each, dict)]
        names = [name[:MAX_TEXT] for name in told if isinstance(name, str)]
        return Instances(max(fields.number(answer.get("count")), len(results)), tuple(sorted(names)))
    except Implausible as wrong:
        raise ApiError(
            f"{target}: the API did not say which instances group {group_id} is attached to: {wrong.sentence()}",
            hint=_HINT,
        ) from None


def parse_names(answer: dict[str, Any], what: str, field: str) -> tuple[int, dict[int, str]]:
    """Read a page of projects or regions: how many there are in all, and the names on it by id, of this `field`.

    Raises `ApiError`.
    """
    try:
        count, results = fields.number(answer.get("count")), fields.items(answer.get("results"), "results")
        objects = [fields.mapping(each, "results") for each in results]
        names = {fields.number(each.get("id"), "id"): fields.text(each.get(field), field) for each in objects}
        return count, {number: name for number, name in names.items() if number}
    except Implausible as wrong:
        raise ApiError(f"the API answered something that is not a list of {what}: {wrong.sentence()}", _HINT) from None


def parse_quotas(answer: dict[str, Any]) -> dict[int, Quota]:
    """Read the quotas of security groups by region. What is not as published is left out: nothing depends on it."""
    regions = answer.get("regional_quotas")
    found = {}
    for each in regions if isinstance(regions, list) else ():
        values = [each.get(name) for name in _QUOTA_FIELDS] if isinstance(each, dict) else []
        numbers = [value for value in values if fields.is_number(value)]
        if len(numbers) == len(_QUOTA_FIELDS):
            found[numbers[0]] = Quota(*numbers[1:])
    return found


_QUOTA_FIELDS = ("region_id", "firewall_count_limit", "firewall_count_usage")
"""The cloud calls security groups firewalls here, as in its errors."""


def new_group_id(answer: Any) -> str | None:
    """Read the id of a group that an answer is about; None where it names none."""
    try:
        return fields.uuid(fields.mapping(answer).get("id"), "id")
    except Implausible:
        return None


def parse_requested_rule(entry: dict[str, Any]) -> Rule | None:
    """Read the rule that a part of a request asked for, as the log of user actions keeps it; None where it is none."""
    get = entry.get
    try:
        return canonical_rule(
            fields.direction(get("direction")),
            fields.ethertype(get("ethertype")),
            fields.protocol(get("protocol")),
            fields.port(get("port_range_min"), "port_range_min"),
            fields.port(get("port_range_max"), "port_range_max"),
            fields.prefix(get("remote_ip_prefix")),
            fields.remote_group_id(get("remote_group_id")) if get("remote_group_id") else None,
        )
    except Implausible:
        return None


def parse_task_ids(answer: Any) -> tuple[str, ...] | None:
    """Read the ids of the tasks that a v2 write started; None where the answer names none."""
    ids = answer.get("tasks") if isinstance(answer, dict) else None
    if not isinstance(ids, list) or not all(isinstance(each, str) and _TASK_ID(each) for each in ids):
        return None
    return tuple(ids)


def parse_task(answer: dict[str, Any], task_id: str) -> Task:
    """Read a task. Raises `ApiError` where the answer is none."""
    field = "created_resources.security_groups"
    try:
        state, error = fields.text(answer.get("state"), "state"), answer.get("error")
        created = answer.get("created_resources")
        groups = None if created is None else fields.mapping(created, "created_resources").get("security_groups")
        ids = () if groups is None else tuple([fields.uuid(each, field) for each in fields.items(groups, field)])
    except Implausible as wrong:
        raise ApiError(
            f"the API's answer about task {task_id} cannot be used: {wrong.sentence()}", hint=_HINT
        ) from None
    return Task(task_id, state, error if error is None or isinstance(error, str) else json.dumps(error), ids)


def parse_task_types(answer: dict[str, Any]) -> tuple[str, ...]:
    """Read the types of the tasks in a list. Raises `ApiError` where the answer is no list of tasks."""
    try:
        tasks = fields.items(answer.get("results"), "results")
        return tuple([fields.text(fields.mapping(each, "results").get("task_type"), "task_type") for each in tasks])
    except Implausible as wrong:
        raise ApiError(
            f"the API answered something that is not a list of tasks: {wrong.sentence()}", hint=_HINT
        ) from None


def parse_moment(value: Any) -> datetime | None:
    """Read a time; one without a zone is in UTC. None where it is none: nothing is decided by it."""
    if type(value) is not str or len(value) > MAX_SHORT_TEXT:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _group(answer: Any, target: Target) -> LiveGroup:
    get = fields.mapping(answer).get
    rules: list[LiveRule] = []
    try:
        for rule in fields.items(get("security_group_rules"), "security_group_rules"):
            rules.append(_rule(rule))  # noqa: PERF401 - its length says which rule was wrong
    except Implausible as wrong:
        is_whole = wrong.field == "security_group_rules"
        raise wrong if is_whole else wrong.within(f"security_group_rules[{len(rules)}]") from None
    if len({rule.id for rule in rules}) != len(rules):
        first: dict[str, int] = {}
        number = next(number for number, rule in enumerate(rules) if first.setdefault(rule.id, number) != number)
        raise Implausible(f"security_group_rules[{number}].id", rules[number].id, "an id that no other rule has")
    name = get("name")
    if name is None:
        raise Implausible("name", name, "a text")
    return LiveGroup(
        target=target,
        id=fields.uuid(get("id"), "id"),
        name=fields.text(name, "name"),
        description=fields.text(get("description"), "description"),
        tags=_tags(answer),
        rules=tuple(rules),
        revision_number=fields.revision_number(get("revision_number")),
        updated_at=parse_moment(get("updated_at")),
    )


def _rule(answer: Any) -> LiveRule:
    """Read a rule. Usual values are tested in place: a call for each takes twice as long, 50,000 times in a fleet."""
    get = answer.get if type(answer) is dict else fields.mapping(answer).get
    direction, ethertype, protocol = get("direction"), get("ethertype"), get("protocol")
    low, high = get("port_range_min"), get("port_range_max")
    prefix, remote_group = get("remote_ip_prefix"), get("remote_group_id")
    rule_id, description = get("id"), get("description")
    rule = canonical_rule(
        direction if direction == "ingress" else fields.direction(direction),
        ethertype if ethertype == "IPv4" else fields.ethertype(ethertype),
        protocol if protocol == "tcp" or protocol is None else fields.protocol(protocol),
        low if type(low) is int and 0 <= low <= MAX_PORT else fields.port(low, "port_range_min"),
        high if type(high) is int and 0 <= high <= MAX_PORT else fields.port(high, "port_range_max"),
        prefix if type(prefix) is str and len(prefix) <= MAX_SHORT_TEXT else fields.prefix(prefix),
        fields.remote_group_id(remote_group) if remote_group else None,
    )
    if rule.remote_ip_prefix is not None:
        if not is_prefix(rule.remote_ip_prefix, rule.ethertype):
            raise Implausible("remote_ip_prefix", prefix, f"a prefix of {rule.ethertype}, or null")
        if remote_group:
            raise Implausible("remote_ip_prefix", prefix, "null beside a remote_group_id")
    return LiveRule(
        rule_id if type(rule_id) is str and is_lower_uuid(rule_id) else fields.uuid(rule_id, "id"),
        rule,
        description
        if type(description) is str and len(description) <= MAX_TEXT
        else fields.text(description, "description"),
        (rule.protocol is not None and rule.protocol not in PUBLISHED_PROTOCOLS)
        or (rule.remote_ip_prefix != prefix and _has_host_bits(rule, prefix)),
    )


def _has_host_bits(rule: Rule, prefix: str | None) -> bool:
    """Tell whether a prefix is spelled in a way that no request could: with bits set beyond its length."""
    if rule.remote_ip_prefix is None:
        return prefix not in _EVERYWHERE
    return "/" in (prefix or "") and rule.remote_ip_prefix.split("/")[0] != (prefix or "").lower().split("/")[0]


def _tags(answer: dict[str, Any]) -> tuple[Tag, ...]:
    """Read the tags: `tags_v2`, or in older answers `metadata`, an object or a list. One of them has to be there."""
    field = "metadata" if answer.get("tags_v2") is None and "metadata" in answer else "tags_v2"
    tags = answer.get(field)
    if field == "metadata" and type(tags) is dict:
        tags = [{"key": key, "value": value} for key, value in tags.items()]
    return tuple([_tag(tag, f"{field}[{number}]") for number, tag in enumerate(fields.items(tags, field))])


def _tag(answer: Any, field: str) -> Tag:
    get = fields.mapping(answer, field).get
    key, value, read_only = get("key"), get("value"), get("read_only")
    if key is None or value is None:
        raise Implausible(f"{field}.{'key' if key is None else 'value'}", None, "a text")
    if read_only is not None and type(read_only) is not bool:
        raise Implausible(f"{field}.read_only", read_only, "true or false")
    return Tag(fields.text(key, f"{field}.key"), fields.text(value, f"{field}.value"), bool(read_only))


def _who(answer: Any) -> str:
    """Name the group that an answer is about, as far as it can be told."""
    if not isinstance(answer, dict):
        return "a security group"
    name, group_id = answer.get("name"), new_group_id(answer)
    named = f"security group {shown(name)}" if isinstance(name, str) else "a security group"
    return f"{named} ({group_id})" if group_id else named
