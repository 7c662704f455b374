"""Groups from a file, taken as they are: `guide.SEED` tells what may stand in it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .catalog import region_name
from .fields import UUID
from .files import load, raw_rule
from .records import EmulatorError, Group, Tag, Target
from .store import Store

GROUP_KEYS = frozenset(
    {
        "project_id",
        "region_id",
        "region",
        "id",
        "name",
        "description",
        "tags",
        "tags_v2",
        "rules",
        "security_group_rules",
        "instances",
        "created_at",
        "updated_at",
        "revision_number",
    }
)


def load_seed(store: Store, source: str | Path | Mapping[str, Any]) -> int:
    """Put the groups of a file (or of its content) into the store, all or none; return how many.

    Raises EmulatorError, naming file and place.
    """
    place = "seed" if isinstance(source, Mapping) else str(source)
    content = source if isinstance(source, Mapping) else load(source)
    written = content.get("groups", content.get("results")) if isinstance(content, Mapping) else None
    if not isinstance(written, list):
        raise EmulatorError(f"{place}: must be an object with a list `groups`")
    for name in content:
        if name not in {"groups", "results", "count"}:
            raise EmulatorError(f"{place}: {name}: unknown key; known is groups")
    entries = [(f"{place}: groups[{index}]", entry) for index, entry in enumerate(written)]
    heads = [_head(entry, where, store) for where, entry in entries]
    ids: dict[Target, dict[str, str]] = defaultdict(dict)
    for (_, entry), (target, group_id) in zip(entries, heads, strict=True):
        ids[target][entry["name"]] = group_id
    groups, attached = [], []
    for (where, entry), (target, group_id) in zip(entries, heads, strict=True):
        groups.append(_group(entry, where, target, group_id, ids[target], store))
        attached.append((group_id, _instances(entry.get("instances", []), f"{where}.instances")))
    taken = {group_id for (group_id,) in store.rows("SELECT id FROM groups")}
    for (where, _), group in zip(entries, groups, strict=True):
        if group.id in taken:
            raise EmulatorError(f"{where}.id: there is already a group with id {group.id}")
        taken.add(group.id)
    with store.transaction():
        store.insert_silently(groups)
        for group_id, instances in attached:
            store.attach(group_id, instances)
    return len(groups)


def _head(entry: Any, place: str, store: Store) -> tuple[Target, str]:
    if not isinstance(entry, Mapping):
        raise EmulatorError(f"{place}: must be an object")
    for name in entry:
        if name not in GROUP_KEYS:
            raise EmulatorError(f"{place}.{name}: unknown key; known are {', '.join(sorted(GROUP_KEYS))}")
    target = Target(_typed(entry, "project_id", int, place), _typed(entry, "region_id", int, place))
    _typed(entry, "name", str, place)
    group_id = _typed(entry, "id", str, place, store.new_id() if "id" not in entry else None)
    if not UUID.fullmatch(group_id) or group_id != group_id.lower():
        raise EmulatorError(f"{place}.id: {group_id!r} is not a UUID in small letters")
    return target, group_id


def _group(
    entry: Mapping[str, Any], place: str, target: Target, group_id: str, ids: Mapping[str, str], store: Store
) -> Group:
    key = "rules" if "rules" in entry else "security_group_rules"
    written = entry.get(key, [])
    if not isinstance(written, list):
        raise EmulatorError(f"{place}.{key}: must be a list")
    now = store.now()
    rules = tuple(
        raw_rule(rule, f"{place}.{key}[{number}]", group_id, ids, store.new_id, now)
        for number, rule in enumerate(written)
    )
    if len({rule.id for rule in rules}) < len(rules):
        raise EmulatorError(f"{place}.{key}: two rules have the same id")
    return Group(
        id=group_id,
        target=target,
        name=entry["name"],
        description=_typed(entry, "description", str, place, ""),
        region=_typed(entry, "region", str, place, region_name(target.region_id)),
        tags=_tags(entry.get("tags", entry.get("tags_v2", {})), f"{place}.tags"),
        rules=rules,
        created_at=_typed(entry, "created_at", str, place, now),
        updated_at=_typed(entry, "updated_at", str, place, now),
        revision_number=_typed(entry, "revision_number", int, place, 1),
    )


def _tags(value: Any, place: str) -> tuple[Tag, ...]:
    if isinstance(value, Mapping):
        value = [{"key": key, "value": content} for key, content in value.items()]
    if not isinstance(value, list):
        raise EmulatorError(f"{place}: must be an object or a list of key, value and read_only")
    for tag in value:
        if not isinstance(tag, Mapping) or not {"key", "value"} <= set(tag) <= {"key", "value", "read_only"}:
            raise EmulatorError(f"{place}: {tag!r} is not an object of key, value and read_only")
        if not isinstance(tag["key"], str) or not isinstance(tag["value"], str):
            raise EmulatorError(f"{place}: key and value of {tag!r} must be text")
    return tuple(Tag(tag["key"], tag["value"], tag.get("read_only") is True) for tag in value)


def _instances(value: Any, place: str) -> list[tuple[str, str]]:
    if not isinstance(value, list):
        raise EmulatorError(f"{place}: must be a list")
    found = []
    for item in value:
        instance = {"name": item} if isinstance(item, str) else item
        if not isinstance(instance, Mapping) or not isinstance(instance.get("name"), str):
            raise EmulatorError(f"{place}: {item!r} is neither a name nor an object with id and name")
        name = instance["name"]
        # The same name is the same machine in every group that lists it.
        found.append((str(instance.get("id") or uuid.uuid5(uuid.NAMESPACE_DNS, name)), name))
    return found


def _typed(entry: Mapping[str, Any], key: str, wanted: type, place: str, default: Any = None) -> Any:
    value = entry.get(key, default)
    if not isinstance(value, wanted) or isinstance(value, bool):
        problem = "missing" if key not in entry else f"{value!r} is not {'a number' if wanted is int else 'text'}"
        raise EmulatorError(f"{place}.{key}: {problem}")
    return value
