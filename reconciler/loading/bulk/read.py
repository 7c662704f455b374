"""Stages 1 and 2 for large input: in pieces, which keeps the memory low, and on several processors.

The order of things is that of `desired_state`: first what all documents share, then each for itself, then the whole.
Whatever is out of the ordinary ends in None: this way is quick, the other one says what is wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from reconciler.loading.bulk.forks import map_in_forks
from reconciler.loading.bulk.pieces import SMALLEST, Cut, cut
from reconciler.loading.desired import MAX_ALL_RULES, Written, count_rules, in_order, merge, read_document
from reconciler.loading.document import YamlDocument, read_text
from reconciler.loading.head import MAX_GROUPS, Defaults
from reconciler.loading.issues import Budget, Issues
from reconciler.loading.policies import read_policies_of
from reconciler.loading.rule_sets import read_shared
from reconciler.loading.rules import MAX_EXPANSIONS, Shared
from reconciler.loading.values import MAX_EXPANDED
from reconciler.model.desired import DesiredGroup, DesiredRule, DesiredState, Target
from reconciler.model.place import FilePlace, UsedPlace
from reconciler.model.policies import Policies
from reconciler.model.rule import Rule

_SHARED = frozenset({"address_groups", "rule_sets", "policies"})
"""Keys of a document that hold for all documents."""


_POSITION = attrgetter("place.line", "place.column")
"""Where a group or a rule stands in its file."""


def _position(rule: DesiredRule) -> tuple[Any, int]:
    """Return where a rule stands in the file of its group; the whole place, and 0, where it is of a rule set."""
    return (rule.place, 0) if isinstance(rule.place, UsedPlace) else _POSITION(rule)


class _Text(NamedTuple):
    """A file. `shares` tells whether it may hold what all documents share."""

    path: str
    data: bytes
    cut: Cut | None
    shares: bool


class _Piece(NamedTuple):
    text: _Text
    data: bytes


def read_bulk(
    files: Sequence[tuple[str, bytes]],
    defaults: Defaults,
    policies: Policies | None,
    processes: int,
    *,
    smallest: int = SMALLEST,
) -> DesiredState | None:
    """Read files, each given with its path, that are large and right; None for any others.

    `smallest` is the size, in bytes, of what is worth being read for itself.
    """
    if sum(len(data) for _, data in files) < 2 * smallest:
        return None
    texts = [_look_at(path, data, smallest) for path, data in files]
    pieces = [_Piece(text, data) for text in texts for data in (text.cut.pieces if text.cut else [text.data])]
    sharing = _read_sharing(texts) if len(pieces) > 1 else None
    if sharing is None:
        return None
    issues = Issues()
    shared = read_shared(sharing, issues)
    judged_by = read_policies_of(sharing, shared.address_groups, policies, issues)
    if len(issues):
        return None
    work = partial(_read_piece, defaults=defaults, shared=shared, share=len(pieces))
    written = map_in_forks(work, pieces, processes, pack=_pack, unpack=_unpack)
    if written is None:
        return None
    state = merge([each for piece in written for each in piece], issues)
    notes = in_order((*issues.notes, *(note for piece in written for each in piece for note in each.notes)))
    is_too_much = len(state.groups) > MAX_GROUPS or count_rules(state.groups) > MAX_ALL_RULES
    return None if len(issues) or is_too_much else replace(state, policies=judged_by, notes=notes)


def _look_at(path: str, data: bytes, smallest: int) -> _Text:
    return _Text(path, data, cut(data, smallest), any(word.encode() in data for word in _SHARED))


def _read_sharing(texts: Sequence[_Text]) -> list[YamlDocument] | None:
    """Read the documents that may hold what all share; they are read once more with their groups."""
    documents: list[YamlDocument] = []
    for text in texts:
        if text.shares:
            data = text.cut.rest if text.cut else text.data
            if len(data) > SMALLEST:
                return None  # it would be read twice
            found, issues = read_text(text.path, data)
            if issues:
                return None
            documents += found
    return documents


def _read_piece(piece: _Piece, defaults: Defaults, shared: Shared, share: int) -> list[Written] | None:
    """Read the documents of a piece; None if anything about them is not as it should be.

    It is one of `share` pieces, and may come to no more than its share of what a run may.
    """
    text = piece.text
    documents, wrong = read_text(text.path, piece.data, Budget(MAX_EXPANDED // share))
    if wrong or not documents:
        return None
    if text.cut and not (len(documents) == 1 and text.cut.fits(documents[0].node)):
        return None
    issues = Issues()
    expansions = Budget(MAX_EXPANSIONS // share)
    written = [read_document(document, defaults, shared, issues, expansions) for document in documents]
    if (
        expansions.is_spent
        or len(issues)
        or not (text.shares or all(_SHARED.isdisjoint(document.value) for document in documents))
    ):
        return None
    return written


def _pack(documents: Sequence[Written]) -> list[Any]:
    return [
        (
            each.targets,
            each.owner,
            [pack_group(group) for group in each.groups[:: len(each.targets) or 1]],
            each.notes,
            each.names,
        )
        for each in documents
    ]


def _unpack(documents: Sequence[Any]) -> list[Written]:
    return [
        Written(targets, owner, [each for group in groups for each in unpack_group(group, targets)], *rest)
        for targets, owner, groups, *rest in documents
    ]


def pack_group(group: DesiredGroup) -> tuple[Any, ...]:
    """Make a group plain, apart from its target: the groups of a document are the same in all of its targets."""
    rules = None
    if group.rules is not None:
        rules = [
            (*rule.rule, rule.description, *_position(rule), rule.remote_group, rule.review, rule.address_group)
            for rule in group.rules
        ]
    return (
        group.name,
        (group.place.source, *_POSITION(group)),
        group.id,
        group.previous_name,
        group.description,
        group.tags,
        rules,
        group.owner,
        group.prevent_destroy,
        group.exceptions,
        group.ignore_rules,
        group.rules_of,
    )


def unpack_group(packed: tuple[Any, ...], targets: Iterable[Target]) -> list[DesiredGroup]:
    """Undo `pack_group`, for each target of the document."""
    name, (path, *position), group_id, previous_name, description, tags, packed_rules, *others = packed
    rules = None
    if packed_rules is not None:
        rules = tuple(
            [
                DesiredRule(
                    Rule(*fields),
                    text,
                    FilePlace(path, line, column) if column else line,
                    remote_group,
                    review,
                    address_group,
                )
                for *fields, text, line, column, remote_group, review, address_group in packed_rules
            ]
        )
    place = FilePlace(path, *position)
    return [
        DesiredGroup(target, name, place, group_id, previous_name, description, tags, rules, *others)
        for target in targets
    ]
