"""A journal -> what it proves: how groups were before an apply, which ones it created, which ones it deleted.

A journal is no signed document. What it says has to fit together: a group counts as created by the apply only if the
journal holds that it was not there before, that the request for it was sent to where such requests go, and that the
answer named it (or that it was found by its name after the answer was lost). Anything that does not fit is refused.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from reconciler.api.reader import v1_path
from reconciler.api.v2 import v2_path
from reconciler.applying.journal import FORMAT_VERSION
from reconciler.applying.journal_folder import journal_folder
from reconciler.model.desired import Target
from reconciler.model.errors import PlanFileError
from reconciler.model.files import PLAN_LIMIT, read_bounded
from reconciler.model.ignore_rules import IgnoreRule
from reconciler.model.json_form import read_entries, read_live_group, read_live_rule
from reconciler.model.json_reading import (
    Fault,
    Json,
    each_of,
    member,
    members,
    one_of,
    optional,
    positive,
    text,
    uuid,
    whole,
)
from reconciler.model.live import LiveGroup
from reconciler.model.text import printable, shown
from reconciler.planning.diff import Action, LostRule

Key = tuple[Target, str]
"""A group: its target and its id."""


@dataclass(frozen=True, slots=True)
class Before:
    """A group as it was before its first write; `line` is where the journal says so.

    With `is_hidden` it is not known as it was: it held the API key, which no journal keeps.
    """

    line: int
    action: Action
    target: Target
    name: str
    group: LiveGroup | None
    changed: frozenset[str]
    tags: tuple[str, ...]
    lost_rules: tuple[LostRule, ...]
    is_hidden: bool = False
    ignore_rules: tuple[IgnoreRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Journal:
    """What one journal tells: the first state of each group, in order, and the groups that were created and deleted.

    `path` is the file's name, for messages. `created` maps the id of each group that the journal proves to be ours to
    its name; those in `found` are known by name only. `deleted` holds the groups whose deletion was sent.
    """

    path: str
    base_url: str
    befores: tuple[Before, ...]
    created: Mapping[Key, str]
    found: frozenset[str]
    deleted: frozenset[Key]


_KNOWN = frozenset({"name", "description", "rules"})
_HEAD = ("kind", "at", "project_id", "region_id", "name")
_BEFORE = (*_HEAD, "action", "group", "changed", "tags", "lost_rules")
_WRITE = (*_HEAD, "group_id", "method", "path", "body", "status", "request_id", "problem")
_FOUND = (*_HEAD, "group_id")
_NAMES = ("project", "region")
"""Names of a project and a region, where they were known."""
_OPTIONAL = (*_NAMES, "hidden")
"""What every line may have besides."""
_ERROR = "error"
"""What the line of a write may have besides: it is for readers, and proves nothing."""
_IGNORED = "ignored"
"""What the line of a group may have besides: the entries of `ignore_rules` that held for it."""
_DONE = range(200, 300)


class _Kind(StrEnum):
    APPLY = "apply"
    BEFORE = "before"
    WRITE = "write"
    FOUND = "found"


class _Method(StrEnum):
    POST = "POST"
    PATCH = "PATCH"
    DELETE = "DELETE"


def loads(data: str, name: str) -> Journal:
    """Read a journal; `name` is the file's, for messages.

    Raises `PlanFileError`, with the line, when it is none or does not fit together.
    """
    _refuse_plan(data, name)
    evidence: _Evidence | None = None
    for number, line in _lines(data, name):
        try:
            kind = member(line, "kind", one_of(_Kind))
            if evidence is None:
                if kind is not _Kind.APPLY:
                    break
                evidence = _Evidence(name, member(line, "base_url", text))
            evidence.take(kind, number, line)
        except Fault as fault:
            raise PlanFileError(f"{name}:{number}:1: this line cannot be right: {printable(str(fault))}") from None
    if evidence is None:
        raise PlanFileError(f"{name} is not a journal of sgctl: it does not begin with the line of an apply")
    return evidence.journal()


def _refuse_plan(data: str, name: str) -> None:
    """Say what a plan is, to somebody who took one for a journal."""
    if data.startswith("{") and not data.startswith('{"kind"') and '"changes"' in data:
        with suppress(ValueError, RecursionError):
            if "changes" in json.loads(data):
                raise PlanFileError(
                    f"{name} is a saved plan and not a journal: it says what to change, and not how it was before",
                    hint="`sgctl rollback --last` takes the journal of the newest apply, kept in "
                    f"{journal_folder()}; `sgctl rollback` alone lists them.",
                )


def read_journal(path: str) -> Journal:
    """Read a journal file, as `loads` does; one that was cut short will do."""
    try:
        # A line cut in the middle may end in half a character.
        return loads(read_bounded(path, PLAN_LIMIT, or_pipe=True).decode("utf-8", "replace"), path)
    except OSError as error:
        raise PlanFileError(f"cannot read {path}: {error.strerror or error}") from None


@dataclass(slots=True)
class _Evidence:
    """What the lines up to here prove. `asked` are names whose creation was sent, `going` groups to be deleted.

    `made_now` are the groups created by the apply whose lines are being read.
    """

    path: str
    base_url: str
    befores: dict[Key, Before] = field(default_factory=dict)
    new: dict[Key, Before] = field(default_factory=dict)
    created: dict[Key, str] = field(default_factory=dict)
    asked: set[Key] = field(default_factory=set)
    going: set[Key] = field(default_factory=set)
    deleted: set[Key] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    made_now: set[Key] = field(default_factory=set)

    def journal(self) -> Journal:
        befores = sorted((*self.befores.values(), *self.new.values()), key=lambda before: before.line)
        return Journal(
            self.path, self.base_url, tuple(befores), self.created, frozenset(self.found), frozenset(self.deleted)
        )

    def take(self, kind: _Kind, number: int, line: Json) -> None:
        if kind is _Kind.APPLY:
            self._apply(line)
            return
        required = {_Kind.BEFORE: _BEFORE, _Kind.WRITE: _WRITE, _Kind.FOUND: _FOUND}[kind]
        also = {_Kind.WRITE: (_ERROR,), _Kind.BEFORE: (_IGNORED,)}.get(kind, ())
        members(line, required, (*_OPTIONAL, *also))
        ids = member(line, "project_id", positive), member(line, "region_id", positive)
        target = Target(*ids, *(member(line, key, text) if key in line else None for key in _NAMES))
        name = member(line, "name", text)
        if kind is _Kind.BEFORE:
            self._before(_before(number, line, target, name))
        elif kind is _Kind.WRITE:
            self._write(line, target, name)
        else:
            if (target, name) not in self.asked:
                raise Fault(f"was found, and nothing before says that {shown(name)} was to be created").within(
                    "group_id"
                )
            group_id = member(line, "group_id", uuid)
            self._prove((target, group_id), name)
            self.found.add(group_id)

    def _apply(self, line: Json) -> None:
        if member(line, "format_version", whole) != FORMAT_VERSION:
            raise Fault(f"is journal format {line['format_version']}; this sgctl knows {FORMAT_VERSION}")
        self.made_now.clear()
        if (base_url := member(line, "base_url", text)) != self.base_url:
            raise Fault(f"went to {base_url}, the first apply to {self.base_url}: keep a journal for each API")

    def _before(self, before: Before) -> None:
        if before.group is None:
            self.new.setdefault((before.target, before.name), before)
            return
        key = before.target, before.group.id
        if before.action is Action.DELETE:
            self.going.add(key)
        if key in self.made_now:
            raise Fault(f"is {key[1]}, which this apply created").within("group")
        if key not in self.created:
            self.befores.setdefault(key, before)

    def _write(self, line: Json, target: Target, name: str) -> None:
        method = member(line, "method", one_of(_Method))
        path = member(line, "path", text)
        group_id = member(line, "group_id", optional(uuid))
        is_done = member(line, "status", optional(_status)) in _DONE
        if method is _Method.POST and path in (v1_path(target), v2_path(target)):
            if (target, name) not in self.new or _name_in(line["body"]) != name:
                raise Fault(f"creates a group, and nothing before says that {shown(name)} was to be created")
            self.asked.add((target, name))
            if group_id is not None and is_done:
                self._prove((target, group_id), name)
            return
        key = (target, group_id or "")
        known = key in self.created or key in self.befores or (target, name) in self.new
        if group_id is None or not known:
            raise Fault("is a write to a group of which no line before tells")
        if not _is_path_of(path, target, group_id):
            raise Fault(f"is {shown(path)}, and the group is {group_id} of {target}").within("path")
        if method is _Method.DELETE and path == v1_path(target, group_id):
            if (target, group_id) not in self.going:
                raise Fault("deletes a group, and no line before says that it was to go")
            self.deleted.add((target, group_id))

    def _prove(self, key: Key, name: str) -> None:
        """Take a group for created, unless it was there before."""
        if key in self.befores or self.created.get(key, name) != name:
            raise Fault(f"is {key[1]}, which is another group").within("group_id")
        self.created[key] = name
        self.made_now.add(key)


def _status(content: Any) -> int:
    if type(content) is not int:
        raise Fault(f"is {shown(content)}, not a status")
    return content


def _name_in(body: Any) -> Any:
    """Find the name that a body gives a new group, on either version of the API."""
    group = body.get("security_group", body) if isinstance(body, dict) else None
    return group.get("name") if isinstance(group, dict) else None


def _is_path_of(path: str, target: Target, group_id: str) -> bool:
    """Tell whether a path is that of a group, or of rules in it."""
    own = v2_path(target, group_id)
    return path in (v1_path(target, group_id), own, f"{own}/rules") or path.startswith(f"{own}/rules/")


def _before(number: int, line: Json, target: Target, name: str) -> Before:
    action = member(line, "action", one_of(Action))
    group = member(line, "group", optional(partial(read_live_group, target=target)))
    changed = frozenset(member(line, "changed", each_of(text)))
    if (group is None) != (action is Action.CREATE):
        raise Fault("is null for groups to create, and for them only").within("group")
    if not changed <= _KNOWN:
        raise Fault(f"holds {shown(min(changed - _KNOWN))}, which cannot change").within("changed")
    if group is not None and group.name != name and "name" not in changed:
        raise Fault(f"is {shown(name)}, and the group is {shown(group.name)}").within("name")
    lost = member(line, "lost_rules", each_of(partial(_lost_rule, group=group, action=action)))
    tags = member(line, "tags", each_of(text))
    if len(set(tags)) != len(tags):
        raise Fault("has a key twice").within("tags")
    ignored = member(line, _IGNORED, read_entries) if _IGNORED in line else ()
    return Before(number, action, target, name, group, changed, tags, lost, bool(line.get("hidden")), ignored)


def _lost_rule(content: Any, group: LiveGroup | None, action: Action) -> LostRule:
    members(content, ("group_id", "group_name", "rule"))
    rule = member(content, "rule", read_live_rule)
    if group is None or action is not Action.DELETE or rule.rule.remote_group_id != group.id:
        raise Fault("does not go with the group").within("rule")
    return LostRule(member(content, "group_id", uuid), member(content, "group_name", text), rule)


def _lines(data: str, name: str) -> Iterator[tuple[int, Json]]:
    """Yield the lines with their numbers. One cut short ends an apply: it is the last, or another apply follows."""
    cut: int | None = None
    for number, line in enumerate(data.split("\n"), 1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            content = None
        if cut is not None and not (isinstance(content, dict) and content.get("kind") == "apply"):
            raise PlanFileError(f"{name}:{cut}:1: this line is not JSON")
        cut = number if content is None else None
        if content is not None:
            if not isinstance(content, dict):
                raise PlanFileError(f"{name}:{number}:1: this line is no JSON object")
            yield number, content
