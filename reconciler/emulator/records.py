"""The emulator's own values: what a group, a rule and a refusal are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class EmulatorError(Exception):
    """The emulator cannot start or go on: a bad seed, faults or state file. The text names the file and the place."""


class ApiError(Exception):
    """An answer other than success.

    `status` is the HTTP status, `kind` goes out as ``exception_class``, and the details are further fields of the
    answer: ``info`` about a quota, ``invalid_fields`` about a request that is not valid.
    """

    def __init__(self, status: int, kind: str, message: str, **details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.details = details


@dataclass(frozen=True, slots=True)
class Target:
    """One project in one region; groups of one target cannot refer to another's."""

    project_id: int
    region_id: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a group; read-only ones belong to the cloud."""

    key: str
    value: str
    read_only: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the tag as the API answers it."""
        return {"key": self.key, "value": self.value, "read_only": self.read_only}


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as somebody asked for it: no identity yet."""

    direction: str
    ethertype: str | None = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    description: str | None = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A live rule. The fields are those of the published answer, in its spelling."""

    id: str
    security_group_id: str
    direction: str
    ethertype: str | None
    protocol: str | None
    port_range_min: int | None
    port_range_max: int | None
    remote_ip_prefix: str | None
    remote_group_id: str | None
    description: str | None
    created_at: str
    updated_at: str
    revision_number: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the rule as the API answers it."""
        return {
            "id": self.id,
            "security_group_id": self.security_group_id,
            "direction": self.direction,
            "ethertype": self.ethertype,
            "protocol": self.protocol,
            "port_range_min": self.port_range_min,
            "port_range_max": self.port_range_max,
            "remote_ip_prefix": self.remote_ip_prefix,
            "remote_group_id": self.remote_group_id,
            "description": self.description,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "revision_number": self.revision_number,
        }

    @staticmethod
    def of(spec: RuleSpec, rule_id: str, group_id: str, now: str) -> Rule:
        """Return a rule made from what was asked for."""
        return Rule(
            id=rule_id,
            security_group_id=group_id,
            direction=spec.direction,
            ethertype=spec.ethertype,
            protocol=spec.protocol,
            port_range_min=spec.port_range_min,
            port_range_max=spec.port_range_max,
            remote_ip_prefix=spec.remote_ip_prefix,
            remote_group_id=spec.remote_group_id,
            description=spec.description,
            created_at=now,
            updated_at=now,
        )


@dataclass(frozen=True, slots=True)
class Group:
    """A live security group with its rules, in the order in which they were added."""

    id: str
    target: Target
    name: str
    description: str
    region: str
    tags: tuple[Tag, ...]
    rules: tuple[Rule, ...]
    created_at: str
    updated_at: str
    revision_number: int = 1

    def head_json(self) -> dict[str, Any]:
        """Everything the API answers about the group but its rules."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "project_id": self.target.project_id,
            "region_id": self.target.region_id,
            "region": self.region,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "revision_number": self.revision_number,
            "tags_v2": [tag.as_json() for tag in self.tags],
        }

    @staticmethod
    def from_json(head: Mapping[str, Any], rules: list[dict[str, Any]]) -> Group:
        """Return the group that `head_json` and the rules' `as_json` describe."""
        return Group(
            id=head["id"],
            target=Target(head["project_id"], head["region_id"]),
            name=head["name"],
            description=head["description"],
            region=head["region"],
            tags=tuple(Tag(**tag) for tag in head["tags_v2"]),
            rules=tuple(Rule(**rule) for rule in rules),
            created_at=head["created_at"],
            updated_at=head["updated_at"],
            revision_number=head["revision_number"],
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One moment in a group's life: what was just done to one rule, and every rule the group held after it.

    `action` is ``initial`` (what the group held when its rules were first touched, or was created with), ``create``,
    ``delete``, or ``foreign`` for a change of somebody else's that the fault plan made.
    """

    group_id: str
    action: str
    rule_id: str | None
    rules: tuple[Rule, ...]


@dataclass(slots=True)
class RequestRecord:
    """One request as it arrived, and how it ended. `status` is None when no answer was sent (yet)."""

    sequence: int
    request_id: str
    method: str
    path: str
    query: str
    body: str
    status: int | None = None
    faults: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the record for `GET /emulator/requests`."""
        return {
            "sequence": self.sequence,
            "request_id": self.request_id,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "body": self.body,
            "status": self.status,
            "faults": list(self.faults),
        }


def encoded(value: object) -> bytes:
    """Return a value as compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
