"""Rules as a person writes them in a seed or a fault plan: taken as they are, whatever the API would say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .records import EmulatorError, Rule

RULE_TYPES: Mapping[str, tuple[type, ...]] = {
    "id": (str,),
    "security_group_id": (str,),
    "direction": (str,),
    "ethertype": (str, type(None)),
    "protocol": (str, type(None)),
    "port_range_min": (int, type(None)),
    "port_range_max": (int, type(None)),
    "remote_ip_prefix": (str, type(None)),
    "remote_group_id": (str, type(None)),
    "remote_group": (str,),
    "description": (str, type(None)),
    "created_at": (str,),
    "updated_at": (str,),
    "revision_number": (int,),
}


def check_raw_rule(entry: Any, place: str) -> None:
    """Refuse, with EmulatorError, unknown keys, wrong types and a missing direction."""
    if not isinstance(entry, Mapping):
        raise EmulatorError(f"{place}: must be an object")
    for name, value in entry.items():
        if name not in RULE_TYPES:
            raise EmulatorError(f"{place}.{name}: unknown key; known are {', '.join(sorted(RULE_TYPES))}")
        if not isinstance(value, RULE_TYPES[name]) or isinstance(value, bool):
            raise EmulatorError(f"{place}.{name}: {value!r} is of the wrong type")
    if "direction" not in entry:
        raise EmulatorError(f"{place}.direction: missing")


def raw_rule(
    entry: Mapping[str, Any], place: str, group_id: str, ids: Mapping[str, str], new_id: Callable[[], str], now: str
) -> Rule:
    """Return a live rule exactly as written, with what was left out filled in.

    `ids` are the groups' ids by name, for `remote_group`. Raises EmulatorError.
    """
    check_raw_rule(entry, place)
    remote = entry.get("remote_group_id")
    if "remote_group" in entry:
        remote = ids.get(entry["remote_group"])
        if remote is None:
            raise EmulatorError(f"{place}.remote_group: no group {entry['remote_group']!r} in that project and region")
    return Rule(
        id=entry.get("id") or new_id(),
        security_group_id=group_id,
        direction=entry["direction"],
        ethertype=entry.get("ethertype", "IPv4"),
        protocol=entry.get("protocol"),
        port_range_min=entry.get("port_range_min"),
        port_range_max=entry.get("port_range_max"),
        remote_ip_prefix=entry.get("remote_ip_prefix"),
        remote_group_id=remote,
        description=entry.get("description", ""),
        created_at=entry.get("created_at", now),
        updated_at=entry.get("updated_at", now),
        revision_number=entry.get("revision_number", 0),
    )
