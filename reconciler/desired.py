"""Stage 2: documents -> desired state. Pure.

Defaults fill what a document leaves out, address groups are looked up in every file of the run, and each written rule
is expanded to the rules that it means (`loader.rule`). The JSON Schema judges the structure (`loader.structure`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from reconciler.document import Document
from reconciler.errors import Issue
from reconciler.loader.address_groups import read_address_groups
from reconciler.loader.conflicts import find_conflicts
from reconciler.loader.group import Scope, read_group
from reconciler.loader.issues import Issues
from reconciler.loader.policies import read_policies_of
from reconciler.loader.remote import AddressGroup
from reconciler.loader.report import report_malformed
from reconciler.loader.source import Source
from reconciler.loader.structure import is_document
from reconciler.loader.target import Defaults, read_targets
from reconciler.model.desired import DesiredGroup, DesiredState, Target
from reconciler.model.place import Place
from reconciler.model.policies import Policies

MAX_GROUPS = 100_000
"""Groups that a document may ask for, in all of its targets."""
_MAPPINGS = frozenset({"address_groups", "policies"})


class Note(NamedTuple):
    """Something worth knowing about the files that is not wrong."""

    place: Place
    message: str


class Written(NamedTuple):
    """What one document asks for: its groups, each once for each of its targets."""

    source: Source
    targets: tuple[Target, ...]
    owner: str | None
    groups: Sequence[DesiredGroup]


def desired_state(
    documents: Sequence[Document], defaults: Defaults, policies: Policies | None = None
) -> tuple[DesiredState, tuple[Issue, ...]]:
    """Turn documents into desired state, with all that is wrong in them.

    `policies` are those of a settings file, for which the documents may define address groups.
    """
    issues = Issues()
    address_groups = read_address_groups(documents, issues)
    state = merge([read_document(document, defaults, address_groups, issues) for document in documents], issues)
    judged_by = read_policies_of(documents, address_groups, policies, issues)
    return replace(state, policies=judged_by), issues.worded()


def read_document(
    document: Document, defaults: Defaults, address_groups: Mapping[str, AddressGroup], issues: Issues
) -> Written:
    """Read what one document asks for, apart from the address groups and policies that it shares with the others."""
    targets, owner = _read_head(document, defaults, issues)
    scope = Scope(document, targets, owner, address_groups, issues)
    groups = [group for index, value in enumerate(_groups_of(document)) for group in read_group(scope, index, value)]
    return Written(document.source, targets, owner, groups)


def merge(written: Sequence[Written], issues: Issues) -> DesiredState:
    """Put together what the documents ask for, target by target."""
    find_conflicts([(each.source, each.groups) for each in written], issues)
    owners: dict[Target, set[str]] = {}
    for each in written:
        for target in each.targets:
            owners.setdefault(target, set()).update([each.owner] if each.owner else [])
    in_order = {target: index for index, target in enumerate(owners)}
    groups = sorted((group for each in written for group in each.groups), key=lambda group: in_order[group.target])
    frozen = {target: frozenset(names) for target, names in owners.items()}
    return DesiredState(tuple(groups), tuple(owners), frozen)


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
