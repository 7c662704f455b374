"""The address groups of a run: lists that files hold, and published ones, which the lock beside a file holds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.loading.document import Document, YamlDocument
from reconciler.loading.issues import Issues
from reconciler.loading.list_lock import FIX, Lock, folder_of, locked_place, read_locks
from reconciler.loading.lists import ListSource, judge_list, read_list_source
from reconciler.loading.remote import AddressGroup, read_prefix
from reconciler.loading.report import report, report_malformed, report_notes
from reconciler.loading.structure import is_well_formed
from reconciler.loading.walk import LOCK_NAME
from reconciler.model.cloud import EVERYWHERE
from reconciler.model.place import Place
from reconciler.model.problems import ProblemName
from reconciler.model.text import shown

Locks = Mapping[str, tuple[Document, Lock]]


def read_address_groups(documents: Sequence[Document], issues: Issues) -> Mapping[str, AddressGroup]:
    """Read them all. The same name with the same prefixes may be there twice, with others it is an error."""
    groups: dict[str, AddressGroup] = {}
    places: dict[str, Place] = {}
    locks = read_locks(documents, issues)
    for document in documents:
        for name, prefixes in _address_groups_of(document).items():
            group = _read_address_group(document, name, prefixes, locks, issues)
            if name not in groups:
                groups[name] = group
                places[name] = document.key_place("address_groups", name)
            elif set(groups[name].prefixes) != set(group.prefixes):
                place = document.key_place("address_groups", name)
                message = f"the address group {shown(name)} is defined twice, with different prefixes"
                other = ("the other", places[name])
                issues.add(
                    place,
                    ProblemName.ADDRESS_GROUP_TWICE,
                    message,
                    "keep one of the two, or give one another name",
                    (other,),
                )
    return groups


def _address_groups_of(document: Document) -> Mapping[str, Any]:
    written = document.value.get("address_groups") if isinstance(document.value, dict) else None
    return written if isinstance(written, dict) else {}


def _read_address_group(document: Document, name: str, prefixes: Any, locks: Locks, issues: Issues) -> AddressGroup:
    path = ("address_groups", name)
    if not is_well_formed("address_groups", {name: prefixes}):
        report_malformed(document, path[:1], "address_groups", {name: prefixes}, issues)
        return AddressGroup(())
    if isinstance(prefixes, dict):
        return _read_published(document, name, prefixes, locks, issues)
    read = [read_prefix(text) for text in prefixes]
    report(document, path, (each.problem.below((index,)) for index, each in enumerate(read) if each.problem), issues)
    report_notes(document, path, (((index,), each.note) for index, each in enumerate(read) if each.note), issues)
    good = dict.fromkeys((prefix.family, prefix.canonical) for prefix in read if not prefix.problem)
    return AddressGroup(tuple(good))


def with_prefixes(value: Mapping[str, Any], address_groups: Mapping[str, AddressGroup]) -> Mapping[str, Any]:
    """Return a valid document with the prefixes of the lock in place of the sources of published address groups."""
    found = {
        name: [prefix or EVERYWHERE[family] for family, prefix in address_groups[name].prefixes]
        if isinstance(written, dict)
        else written
        for name, written in value.get("address_groups", {}).items()
    }
    return {**value, "address_groups": found} if found else value


class PublishedGroup(NamedTuple):
    """An address group that others publish, as a document names it."""

    document: YamlDocument
    name: str
    source: ListSource

    @property
    def place(self) -> Place:
        """Where it is named."""
        return self.document.key_place("address_groups", self.name)


def published_groups(documents: Sequence[YamlDocument], issues: Issues) -> Iterator[PublishedGroup]:
    """Yield the address groups that others publish; what is wrong with how they are written is an issue."""
    for document in documents:
        for name, written in _address_groups_of(document).items():
            if not isinstance(written, dict):
                continue
            if not is_well_formed("address_groups", {name: written}):
                report_malformed(document, ("address_groups",), "address_groups", {name: written}, issues)
                continue
            read = read_list_source(written)
            report(document, ("address_groups", name), read.problems, issues)
            if not read.problems:
                yield PublishedGroup(document, name, read.source)


def _read_published(
    document: Document, name: str, written: dict[str, Any], locks: Locks, issues: Issues
) -> AddressGroup:
    """Read the prefixes of a published list from the lock beside the file that names it."""
    source, problems = read_list_source(written)
    report(document, ("address_groups", name), problems, issues)
    place = document.key_place("address_groups", name)
    if problems:
        return AddressGroup(())
    lock_document, lock = locks.get(folder_of(document), (None, None))
    found = lock.lists.get(name) if lock is not None else None
    if found is None or lock is None or lock_document is None:
        message = f"the address group {shown(name)} is published by others, and not in {LOCK_NAME} beside this file"
        issues.add(place, ProblemName.LOCK_MISSING, message, FIX)
        return AddressGroup(())
    if name in lock.edited:
        return AddressGroup(())  # told already
    there = ("the lock", locked_place(lock_document, name))
    if found.source != source:
        message = f"the address group {shown(name)} has another source or other bounds than {LOCK_NAME} was made with"
        issues.add(place, ProblemName.LOCK_OUTDATED, message, FIX, (there,))
        return AddressGroup(())
    for problem in judge_list(found.prefixes, source).problems:
        issues.add(there[1], ProblemName.LOCK_EDITED, f"the address group {shown(name)}: {problem}", FIX)
    read = (read_prefix(prefix) for prefix in found.prefixes)
    return AddressGroup(tuple((each.family, each.canonical) for each in read if each.problem is None))
