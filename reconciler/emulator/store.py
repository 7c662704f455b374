"""Everything the emulator keeps: groups, attached instances, the history of every rule, the requests it got."""

# ruff: noqa: S608 - statements are put together from fixed pieces of this file; every value is bound

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from .catalog import region_name
from .neutron import DEFAULT_EGRESS
from .records import ApiError, Group, RequestRecord, Rule, RuleSpec, Step, Target, encoded
from .schema import open_database

DEFAULT_NAME = "default"


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


def random_id() -> str:
    """Return a fresh UUID."""
    return str(uuid.uuid4())


class Store:
    """The state, in a SQLite file or in memory. `clock` and `new_id` are where all times and identities come from.

    Raises EmulatorError when the file cannot be used. Any thread may use it; one operation runs at a time.
    `history` and `requests` only ever grow; they live in memory, whatever the state file.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self.clock = clock
        self.new_id = new_id
        self.history: list[Step] = []
        self.requests: list[RequestRecord] = []
        self.database = open_database(path)
        self._lock = threading.RLock()
        self._depth = 0
        self._with_history: set[str] = set()
        self._with_default: set[Target] = set()

    def close(self) -> None:
        """End the use of the state file."""
        with self._lock:
            self.database.close()

    def now(self) -> str:
        """Return the time as the API writes it in groups and rules: seconds, UTC."""
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")

    def is_empty(self) -> bool:
        """Return whether there are no groups yet, the default ones included."""
        return not self.rows("SELECT 1 FROM groups LIMIT 1")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become visible together, or not at all when an exception leaves it."""
        with self._lock:
            if self._depth:
                yield
                return
            self._depth += 1
            self.database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.database.execute("ROLLBACK")
                self._with_default.clear()
                raise
            else:
                self.database.execute("COMMIT")
            finally:
                self._depth -= 1

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        """Return the rows that a SELECT finds."""
        with self._lock:
            return self.database.execute(statement, values).fetchall()

    def insert(self, group: Group) -> None:
        """Add a new group; its rules are the first entry of its history."""
        with self.transaction():
            self.insert_silently([group])
            self.record([Step(group.id, "initial", None, group.rules)])

    def insert_silently(self, groups: Iterable[Group]) -> None:
        """Add groups whose history begins with their first change."""
        groups = tuple(groups)
        rows = (
            (group.id, group.target.project_id, group.target.region_id, group.name, *pieces(group)) for group in groups
        )
        statement = "INSERT INTO groups (id, project_id, region_id, name, head, rules) VALUES (?, ?, ?, ?, ?, ?)"
        with self.transaction():
            self.database.executemany(statement, rows)
            self._note_remotes(groups)

    def save(self, group: Group, before: Group, steps: Sequence[Step] = ()) -> None:
        """Replace a group; `steps` are the single rule changes that led from `before` to it."""
        head, rules = pieces(group)
        with self.transaction():
            statement = "UPDATE groups SET name = ?, head = ?, rules = ? WHERE id = ?"
            self.database.execute(statement, (group.name, head, rules, group.id))
            self._note_remotes([group])
            if group != before:
                self.database.execute("INSERT OR REPLACE INTO previous VALUES (?, ?, ?)", (group.id, *pieces(before)))
            if steps and before.id not in self._with_history:
                self.record([Step(before.id, "initial", None, before.rules)])
            self.record(steps)

    def _note_remotes(self, groups: Iterable[Group]) -> None:
        """Keep which groups the rules of each refer to, so that they are found without reading all rules."""
        pairs = {(group.id, rule.remote_group_id) for group in groups for rule in group.rules}
        self.database.executemany(
            "INSERT OR IGNORE INTO remotes VALUES (?, ?)", [pair for pair in pairs if pair[1] is not None]
        )

    def remove(self, group: Group) -> None:
        """Take a group away, with what is attached to it."""
        with self.transaction():
            self.database.execute("DELETE FROM groups WHERE id = ?", (group.id,))

    def record(self, steps: Iterable[Step]) -> None:
        """Append to the history."""
        for step in steps:
            self._with_history.add(step.group_id)
            self.history.append(step)

    def group(self, target: Target, group_id: str) -> Group | None:
        """Return the group of that id in the target, or None."""
        self.ensure_default(target)
        return next(iter(self._select("AND id = ?", target, group_id)), None)

    def existing(self, target: Target, group_id: str | None) -> Group:
        """Return the group of that id. Raises ApiError (404)."""
        group = self.group(target, group_id) if group_id is not None else None
        if group is None:
            raise no_such_group(group_id)
        return group

    def group_json(self, target: Target, group_id: str) -> bytes:
        """Return the group of that id as the API answers it. Raises ApiError (404)."""
        statement = "SELECT head, rules FROM groups WHERE id = ? AND project_id = ? AND region_id = ?"
        self.ensure_default(target)
        rows = self.rows(statement, (group_id, target.project_id, target.region_id))
        if not rows:
            raise no_such_group(group_id)
        return joined(*rows[0])

    def groups(self, target: Target, name: str | None = None) -> list[Group]:
        """All groups of the target (of one name), oldest first."""
        self.ensure_default(target)
        return self._select("AND name = ?", target, name) if name is not None else self._select("", target)

    def exists(self, target: Target, group_id: str) -> bool:
        """Whether the target has a group of that id."""
        statement = "SELECT 1 FROM groups WHERE id = ? AND project_id = ? AND region_id = ?"
        return bool(self.rows(statement, (group_id, target.project_id, target.region_id)))

    def name_taken(self, target: Target, name: str, but_id: str | None = None) -> bool:
        """Whether another group of the target has that name."""
        return any(group.id != but_id for group in self.groups(target, name))

    def count_of_region(self, region_id: int) -> int:
        """Return how many groups a region holds, over all projects, which is what the cloud has a quota for."""
        ((count,),) = self.rows("SELECT count(*) FROM groups WHERE region_id = ?", (region_id,))
        return int(count)

    def group_with_rule(self, target: Target, rule_id: str) -> Group | None:
        """Return the group of the target that holds that rule, or None."""
        found = self._select("AND instr(rules, ?) > 0", target, rule_id.encode())
        return next((group for group in found if any(rule.id == rule_id for rule in group.rules)), None)

    def before(self, group: Group) -> Group:
        """Return the group as it was before its last change; as it is where it never changed."""
        rows = self.rows("SELECT head, rules FROM previous WHERE group_id = ?", (group.id,))
        return Group.from_json(*map(json.loads, rows[0])) if rows else group

    def referring(self, group: Group) -> list[Group]:
        """Return the other groups with rules whose remote is that group."""
        known = "AND id <> ? AND id IN (SELECT group_id FROM remotes WHERE remote_group_id = ?)"
        found = self._select(known, group.target, group.id, group.id)
        return [other for other in found if any(rule.remote_group_id == group.id for rule in other.rules)]

    def page(
        self,
        target: Target,
        *,
        limit: int,
        offset: int,
        name: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        with_rules: bool = True,
    ) -> bytes:
        """Return a page of the target's groups as the API answers it. `tags` maps a key to a value, None for any."""
        self.ensure_default(target)
        where, values = _filter(target, name, tags or {})
        pick = "head, rules" if with_rules else "head, NULL"
        ((count,),) = self.rows(f"SELECT count(*) FROM groups WHERE {where}", values)
        statement = f"SELECT {pick} FROM groups WHERE {where} ORDER BY sequence LIMIT ? OFFSET ?"
        rows = self.rows(statement, (*values, limit, offset))
        results = b",".join([joined(head, rules) for head, rules in rows])
        return b'{"count":%d,"results":[%b]}' % (count, results)

    def attach(self, group_id: str, instances: Iterable[tuple[str, str]]) -> None:
        """Note that instances (id, name) use a group."""
        with self.transaction():
            for instance_id, name in instances:
                row = (group_id, instance_id, name)
                self.database.execute("INSERT OR REPLACE INTO instances VALUES (?, ?, ?)", row)

    def instances(self, group_id: str) -> list[tuple[str, str]]:
        """Return the instances (id, name) that use a group."""
        statement = "SELECT instance_id, name FROM instances WHERE group_id = ? ORDER BY rowid"
        return self.rows(statement, (group_id,))

    def detach(self, group_id: str, instance_id: str) -> bool:
        """Note that an instance no longer uses a group; return whether it did."""
        with self.transaction():
            statement = "DELETE FROM instances WHERE group_id = ? AND instance_id = ?"
            return self.database.execute(statement, (group_id, instance_id)).rowcount > 0

    def instance_groups(self, target: Target, instance_id: str) -> list[tuple[str, str]]:
        """Return the groups (id, name) of the target that an instance uses."""
        statement = (
            "SELECT groups.id, groups.name FROM groups JOIN instances ON groups.id = group_id"
            " WHERE project_id = ? AND region_id = ? AND instance_id = ? ORDER BY groups.sequence"
        )
        return self.rows(statement, (target.project_id, target.region_id, instance_id))

    def ensure_default(self, target: Target) -> None:
        """Make the target's `default` group where it is missing (Neutron `_ensure_default_security_group`)."""
        with self._lock:
            if target in self._with_default:
                return
            self._with_default.add(target)
            if not self._select("AND name = ?", target, DEFAULT_NAME):
                self.insert_silently([self._default_group(target)])

    def _default_group(self, target: Target) -> Group:
        group_id, now = self.new_id(), self.now()
        specs = [
            *DEFAULT_EGRESS,
            *(RuleSpec("ingress", family, remote_group_id=group_id) for family in ("IPv4", "IPv6")),
        ]
        return Group(
            id=group_id,
            target=target,
            name=DEFAULT_NAME,
            description="Default security group",
            region=region_name(target.region_id),
            tags=(),
            rules=tuple(Rule.of(spec, self.new_id(), group_id, now) for spec in specs),
            created_at=now,
            updated_at=now,
        )

    def _select(self, condition: str, target: Target, *values: object) -> list[Group]:
        statement = (
            f"SELECT head, rules FROM groups WHERE project_id = ? AND region_id = ? {condition} ORDER BY sequence"
        )
        rows = self.rows(statement, (target.project_id, target.region_id, *values))
        return [Group.from_json(json.loads(head), json.loads(rules)) for head, rules in rows]


def no_such_group(group_id: str | None) -> ApiError:
    """Return the refusal for an id that no group has."""
    return ApiError(404, "SecurityGroupNotFound", f"Security group {group_id} does not exist")


def pieces(group: Group) -> tuple[bytes, bytes]:
    """Return a group's head and its rules, the two pieces of JSON text in which it is kept."""
    return encoded(group.head_json()), encoded([rule.as_json() for rule in group.rules])


def joined(head: bytes, rules: bytes | None) -> bytes:
    """Put the pieces together; without rules the answer has no such key."""
    return head if rules is None else b'%b,"security_group_rules":%b}' % (head[:-1], rules)


def _filter(target: Target, name: str | None, tags: Mapping[str, str | None]) -> tuple[str, list[Any]]:
    where = ["project_id = ?", "region_id = ?"]
    conditions: list[Any] = [target.project_id, target.region_id]
    if name is not None:
        where.append("name = ?")
        conditions.append(name)
    for tag, value in tags.items():
        wanted = "json_extract(value, '$.key') = ?" + (
            "" if value is None else " AND json_extract(value, '$.value') = ?"
        )
        where.append(f"EXISTS (SELECT 1 FROM json_each(CAST(head AS TEXT), '$.tags_v2') WHERE {wanted})")
        conditions += [tag] if value is None else [tag, value]
    return " AND ".join(where), conditions
