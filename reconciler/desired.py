"""Stage 2: documents -> desired state. Pure.

Defaults fill what a document leaves out, address groups are looked up in every file of the run, and each written rule
is expanded to the rules that it means (`loader.rule`). The JSON Schema judges the structure (`loader.structure`).
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from reconciler.document import Document, read_documents
from reconciler.errors import InputError, Issue
from reconciler.loader.address_groups import read_address_groups
from reconciler.loader.conflicts import find_conflicts
from reconciler.loader.group import Scope, read_group
from reconciler.loader.issues import Issues
from reconciler.loader.policies import read_policies_of
from reconciler.loader.report import report_malformed
from reconciler.loader.structure import is_document
from reconciler.loader.target import Defaults, read_targets
from reconciler.model.desired import DesiredGroup, DesiredState, Target
from reconciler.model.place import Place
from reconciler.model.policies import Policies

MAX_GROUPS = 100_000
"""Groups that a document may ask for, in all of its targets."""
_MAPPINGS = frozenset({"address_groups", "policies"})

__all__ = [
    "Defaults",
    "Note",
    "desired_state",
    "load",
    "load_documents",
    "no_garbage_collection",
    "unresolved_references",
]


class Note(NamedTuple):
    """Something worth knowing about the files that is not wrong."""

    place: Place
    message: str


def load(paths: Sequence[str], defaults: Defaults, policies: Policies | None = None) -> DesiredState:
    """Load what the files and folders ask for. Raises InputError with every issue of the run, in order of place.

    `policies` are those of a settings file, for which the files may define address groups.
    """
    with no_garbage_collection():
        return load_documents(paths, defaults, policies)[1]


def load_documents(
    paths: Sequence[str], defaults: Defaults, policies: Policies | None = None
) -> tuple[tuple[Document, ...], DesiredState]:
    """Load as `load` does, and keep the documents."""
    documents, unreadable = read_documents(paths)
    state, wrong = desired_state(documents, defaults, policies)
    places = {issue.place for issue in unreadable}
    issues = (*unreadable, *(issue for issue in wrong if issue.place not in places))
    if issues:
        raise InputError(tuple(sorted(issues, key=lambda issue: issue.place)))
    return documents, state


def desired_state(
    documents: Sequence[Document], defaults: Defaults, policies: Policies | None = None
) -> tuple[DesiredState, tuple[Issue, ...]]:
    """Turn documents into desired state, with all that is wrong in them."""
    issues = Issues()
    address_groups = read_address_groups(documents, issues)
    groups: list[DesiredGroup] = []
    written: list[tuple[Document, list[DesiredGroup]]] = []
    owners: dict[Target, set[str]] = {}
    for document in documents:
        scope = Scope(document, *_read_head(document, defaults, issues), address_groups, issues)
        found = [group for index, value in enumerate(_groups_of(document)) for group in read_group(scope, index, value)]
        for target in scope.targets:
            owners.setdefault(target, set()).update([scope.owner] if scope.owner else [])
        written.append((document, found))
        groups += found
    find_conflicts(written, issues)
    in_order = {target: index for index, target in enumerate(owners)}
    groups.sort(key=lambda group: in_order[group.target])
    frozen = {target: frozenset(names) for target, names in owners.items()}
    judged_by = read_policies_of(documents, address_groups, policies, issues)
    return DesiredState(tuple(groups), tuple(owners), frozen, judged_by), issues.worded()


def unresolved_references(state: DesiredState) -> tuple[Note, ...]:
    """Note each remote group that no file defines for its target: `plan` looks it up live."""
    defined = {(group.target, group.name) for group in state.groups}
    notes: dict[tuple[Target, str], Note] = {}
    for group in state.groups:
        for rule in group.rules or ():
            name = rule.remote_group
            if name is not None and (group.target, name) not in defined:
                message = f"no file defines the group `{name}` for {group.target}: it is looked up live"
                notes.setdefault((group.target, name), Note(rule.place, message))
    return tuple(notes.values())


def _read_head(document: Document, defaults: Defaults, issues: Issues) -> tuple[tuple[Target, ...], str | None]:
    """Read what stands above the groups: the targets and the owner."""
    value = document.value
    if not is_document(value):
        head = value
        if isinstance(value, dict):
            empty: dict[str, Any] = {"security_groups": [], "address_groups": {}, "policies": {}}
            head = {key: empty[key] if _is_body(key, part) else part for key, part in value.items()}
        report_malformed(document, (), "document", head, issues)
        return (), None
    groups = value.get("security_groups")
    targets = read_targets(document, defaults, issues) if groups is not None else ()
    if len(targets) * len(groups or ()) > MAX_GROUPS:
        message = f"{len(groups):,} groups for {len(targets):,} targets are over the limit of {MAX_GROUPS:,} in all"
        issues.add(document.source, document.key_place("targets"), message, "split the document")
        targets = ()
    return targets, value.get("owner")


def _is_body(key: str, part: Any) -> bool:
    return isinstance(part, list) if key == "security_groups" else key in _MAPPINGS and isinstance(part, dict)


def _groups_of(document: Document) -> list[Any]:
    groups = document.value.get("security_groups") if isinstance(document.value, dict) else None
    return groups if isinstance(groups, list) else []


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Hold the garbage collector while a million small objects are made that all stay: it would visit them in vain.

    Nothing here makes cycles except recursive aliases, which are refused.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
