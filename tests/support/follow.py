"""Follows the hints of issues to the letter, as a program would: what is no plain instruction is left to a person."""

import copy
import re
from typing import Any, NamedTuple

import yaml
from build import uuid

from reconciler.loading.load import Defaults, load
from reconciler.loading.plain import PlainDocument
from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError, Issue
from reconciler.model.place import Key, path_text
from reconciler.model.problems import ProblemName
from reconciler.model.rule import Rule

HEAD = {"project_id": 1, "region_id": 7}
OFFICE = {"office": ["10.0.0.0/8", "2001:db8::/32"]}
_ROUNDS = 8
_GUESS = re.compile(r"did you mean `([^`]+)`\?").fullmatch
_WRITE = re.compile(
    r"write (\[.*?\]|\"[^\"]*\"|[^ ,]+?)"
    r"(?: without the quotes| for this one address.*|, or \S+ for this one address|, or use .*)?"
).fullmatch
_ADD = re.compile(r"add (\w+): (\S+)").fullmatch


class Followed(NamedTuple):
    """What came of it: the state, None where a decision is left, and the hints that were followed, and those left."""

    state: DesiredState | None
    followed: tuple[str, ...]
    left: tuple[Issue, ...]


def issues_of(value: Any) -> tuple[Issue, ...] | DesiredState:
    try:
        return load([], Defaults(), documents=[PlainDocument("data", value)])
    except InputError as error:
        return error.issues


def follow(document: Any) -> Followed:
    """Load a document of plain data; where it is refused, do what the hints say and try again, until none says more."""
    value, followed = copy.deepcopy(document), []
    for _ in range(_ROUNDS):
        found = issues_of(value)
        if isinstance(found, DesiredState):
            return Followed(found, tuple(followed), ())
        done = [issue.fix or "" for issue in found if _edit(value, issue)]
        if not done:
            break
        followed += done
    return Followed(None, tuple(followed), found)


_IDS = {name: uuid(number) for number, name in enumerate(("web", "app", "sg-1"), 900)}


def admitted(state: DesiredState) -> list[Rule]:
    """The rules of all groups; a plan refuses those of remote groups that there are not."""
    rules = [each for group in state.groups for each in group.rules or ()]
    return [
        each.rule if each.remote_group is None else each.rule._replace(remote_group_id=_IDS[each.remote_group])
        for each in rules
        if each.remote_group is None or each.remote_group in _IDS
    ]


def _edit(value: Any, issue: Issue) -> bool:
    """Change the value as the hint of an issue says; tell whether it says anything definite."""
    fix = issue.fix or ""
    path = next((path for path in _paths(value) if path_text(*path) == str(issue.place).partition(": ")[2]), None)
    if not path:
        return False
    key, parent = path[-1], _at(value, path[:-1])
    guess, added, written = _GUESS(fix), _ADD(fix), _WRITE(fix)
    if fix.startswith("leave it out"):
        del parent[key]
    elif guess and issue.name is ProblemName.UNKNOWN_KEY:
        if guess[1] in parent:  # two keys are misspelled, and mean the same
            return False
        parent[guess[1]] = parent.pop(key)
    elif added:
        (parent[key] if isinstance(parent[key], dict) else parent)[added[1]] = yaml.safe_load(added[2])
    elif guess or (written and " if " not in fix and written[1] not in ("a", "one", "its", "it", "two", "the")):
        parent[key] = guess[1] if guess else yaml.safe_load(written[1]) if written else None
    else:
        return False
    return True


def _paths(value: Any, path: tuple[Key, ...] = ()) -> list[tuple[Key, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for step, part in inside for each in _paths(part, (*path, step)))]


def _at(value: Any, path: tuple[Key, ...]) -> Any:
    for step in path:
        value = value[step]
    return value
