"""Desired groups <-> plain tuples: a pipe between processes takes those several times as quickly as objects."""

from collections.abc import Iterable
from typing import Any

from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.place import Place
from reconciler.model.rule import Rule


def pack_group(group: DesiredGroup) -> tuple[Any, ...]:
    """Make a group plain, apart from its target: the groups of a document are the same in all of its targets."""
    rules = None
    if group.rules is not None:
        rules = [
            (*rule.rule, rule.description, rule.place.line, rule.place.column, rule.remote_group, rule.terms)
            for rule in group.rules
        ]
    return (
        group.name,
        tuple(group.place),
        group.id,
        group.previous_name,
        group.description,
        group.tags,
        rules,
        group.owner,
        group.prevent_destroy,
        group.exceptions,
    )


def unpack_group(packed: tuple[Any, ...], targets: Iterable[Target]) -> list[DesiredGroup]:
    """Undo `pack_group`, for each target of the document."""
    name, (path, *position), group_id, previous_name, description, tags, packed_rules, *others = packed
    rules = None
    if packed_rules is not None:
        rules = tuple(
            [
                DesiredRule(Rule(*fields), text, Place(path, line, column), remote_group, terms)
                for *fields, text, line, column, remote_group, terms in packed_rules
            ]
        )
    place = Place(path, *position)
    return [
        DesiredGroup(target, name, place, group_id, previous_name, description, tags, rules, *others)
        for target in targets
    ]
