"""Stage 2: documents, of YAML or of plain data -> desired state. Pure.

Defaults fill what a document leaves out, address groups and rule sets are looked up in every file of the run, and each
written rule is expanded to the rules that it means (`rule`). The JSON Schema judges the structure (`structure`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from reconciler.loading.document import Document, YamlDocument
from reconciler.loading.group import Scope, read_group
from reconciler.loading.head import MAX_GROUPS, Defaults, read_head
from reconciler.loading.issues import Budget, Issues
from reconciler.loading.list_lock import is_lock
from reconciler.loading.policies import read_policies_of
from reconciler.loading.rule_sets import read_shared
from reconciler.loading.rules import MAX_EXPANSIONS, RuleScope, Shared
from reconciler.model.desired import DesiredGroup, DesiredState, NameUse, Note, Target
from reconciler.model.errors import Issue
from reconciler.model.policies import Policies
from reconciler.model.problems import ProblemName
from reconciler.model.text import is_uuid, shown


class Written(NamedTuple):
    """What one document asks for: its groups, each once for each of its targets."""

    targets: tuple[Target, ...]
    owner: str | None
    groups: Sequence[DesiredGroup]
    notes: tuple[Note, ...] = ()
    names: tuple[NameUse, ...] = ()


def desired_state(
    documents: Sequence[Document],
    defaults: Defaults,
    policies: Policies | None = None,
    issues: Issues | None = None,
) -> tuple[DesiredState, tuple[Issue, ...]]:
    """Turn documents into desired state, with all that is wrong in them.

    `policies` are those of a settings file, for which the documents may define address groups. `issues` take what is
    wrong, where that is more than a person would read.
    """
    issues = Issues() if issues is None else issues
    shared = read_shared(documents, issues)
    state = merge(_read_documents(documents, defaults, shared, issues), issues)
    judged_by = read_policies_of(documents, shared.address_groups, policies, issues)
    sources = (document.source for document in documents if isinstance(document, YamlDocument))
    return replace(state, policies=judged_by, notes=in_order(issues.notes)), issues.worded(sources)


MAX_ALL_RULES = 400_000
"""Rules that a run may ask for, in all targets: what a plan of nothing but creations has time and memory for."""


def _read_documents(documents: Sequence[Document], defaults: Defaults, shared: Shared, issues: Issues) -> list[Written]:
    """Read the documents, up to one with which they ask for too much together."""
    written: list[Written] = []
    expansions, groups, rules = Budget(MAX_EXPANSIONS), Budget(MAX_GROUPS), Budget(MAX_ALL_RULES)
    for document in documents:
        found = read_document(document, defaults, shared, issues, expansions)
        written.append(found)
        groups.take(len(found.groups))
        rules.take(count_rules(found.groups))
        for left, name, what in (
            (expansions, ProblemName.TOO_MANY_RULES, "rules and prefixes when expanded, repetitions included"),
            (groups, ProblemName.TOO_MANY_GROUPS, "groups in all targets"),
            (rules, ProblemName.TOO_MANY_RULES, "rules in all targets"),
        ):
            if left.is_spent:
                message = f"up to the end of this document the files come to more than {left.most:,} {what}"
                issues.add(document.place(), name, f"{message}, over the limit", "split the files into several runs")
                return written
    return written


def count_rules(groups: Sequence[DesiredGroup]) -> int:
    """Count the rules of groups, each in its target."""
    return sum([len(group.rules) for group in groups if group.rules])


def read_document(
    document: Document,
    defaults: Defaults,
    shared: Shared,
    issues: Issues,
    expansions: Budget,
) -> Written:
    """Read what one document asks for, apart from what it shares with the others.

    `expansions` are those that the documents of the run may still come to.
    """
    if is_lock(document):
        return Written((), None, ())
    before = len(issues.notes)
    targets, owner, names, ignored = read_head(document, defaults, issues)
    scope = Scope(targets, owner, RuleScope(document, shared, issues, expansions), ignored)
    groups: list[DesiredGroup] = []
    rules = 0
    for index, value in enumerate(_groups_of(document)):
        found = read_group(scope, index, value)
        groups += found
        rules += count_rules(found)
        if rules > MAX_ALL_RULES:
            break  # whoever counts those of all documents tells it
    return Written(targets, owner, groups, tuple(issues.notes[before:]), names)


def merge(written: Sequence[Written], issues: Issues) -> DesiredState:
    """Put together what the documents ask for, target by target."""
    find_conflicts([group for each in written for group in each.groups], issues)
    owners: dict[Target, set[str]] = {}
    for each in written:
        for target in each.targets:
            owners.setdefault(target, set()).update([each.owner] if each.owner else [])
    in_order = {target: index for index, target in enumerate(owners)}
    groups = sorted((group for each in written for group in each.groups), key=lambda group: in_order[group.target])
    frozen = {target: frozenset(here) for target, here in owners.items()}
    names = tuple(dict.fromkeys(use for each in written for use in each.names))
    return DesiredState(tuple(groups), tuple(owners), frozen, names=names)


def in_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Put notes in the order of their places, each once."""
    return tuple(sorted(dict.fromkeys(notes), key=lambda note: note.place.order))


def unresolved_references(state: DesiredState) -> tuple[Note, ...]:
    """Note each remote group that no file defines for its target: `plan` looks it up live."""
    defined = {(group.target, group.name) for group in state.groups}
    notes: dict[tuple[Target, str], Note] = {}
    for group in state.groups:
        for rule in group.rules or ():
            name = rule.remote_group
            if name is not None and (group.target, name) not in defined:
                message = f"no file defines the group `{name}` for {group.target}: it is looked up live"
                if is_uuid(name):
                    message = f"`remote_group` takes a group's name, and this is an id: write `remote_group_id: {name}`"
                notes.setdefault((group.target, name), Note(rule.place, message))
    return tuple(notes.values())


def _groups_of(document: Document) -> list[Any]:
    groups = document.value.get("security_groups") if isinstance(document.value, dict) else None
    return groups if isinstance(groups, list) else []


def find_conflicts(groups: Sequence[DesiredGroup], issues: Issues) -> None:
    """Report each group whose id, name or previous name another group of its target has taken."""
    names = _find_same_groups(groups, issues)
    previous: dict[tuple[Target, str], DesiredGroup] = {}
    for group in groups:
        if group.previous_name is None:
            continue
        key = (group.target, group.previous_name)
        other = names.get(key) or previous.setdefault(key, group)
        if other is not group:
            taken = f"`previous_name` {shown(group.previous_name)} belongs to another group of the files"
            related = ("the other", other.place)
            issues.add(
                group.place,
                ProblemName.PREVIOUS_NAME_TAKEN,
                taken,
                "leave previous_name out, or remove the other",
                (related,),
            )


def _find_same_groups(groups: Sequence[DesiredGroup], issues: Issues) -> dict[tuple[Target, str], DesiredGroup]:
    """Report groups that are there twice, and return all by name. Two of one name are told apart by their ids."""
    names: dict[tuple[Target, str], DesiredGroup] = {}
    ids: dict[tuple[Target, str], DesiredGroup] = {}
    for group in groups:
        same_name = names.setdefault((group.target, group.name), group)
        same_id = ids.setdefault((group.target, group.id), group) if group.id is not None else group
        if same_id is not group:
            message, other = f"the group with the id {group.id} is there twice", same_id
        elif same_name is not group and None in {group.id, same_name.id}:
            message, other = f"the group {shown(group.name)} is there twice", same_name
        else:
            continue
        fix = "keep one of the two, or tell them apart with `id`"
        issues.add(group.place, ProblemName.GROUP_TWICE, message, fix, (("the other", other.place),))
    return names
