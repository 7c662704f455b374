"""The address groups of a run: lists that files hold, and published ones, which the lock beside a file holds."""

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.loading.document import Document
from reconciler.loading.issues import Issues
from reconciler.loading.list_lock import FIX, Lock, folder_of, locked_place, read_locks
from reconciler.loading.lists import FILE, ListSource, judge_list, read_list_source
from reconciler.loading.remote import AddressGroup, read_prefix
from reconciler.loading.report import report, report_malformed, report_notes
from reconciler.loading.structure import check_of, is_well_formed
from reconciler.loading.values import is_own_key
from reconciler.loading.walk import LOCK_NAME
from reconciler.model.cloud import EVERYWHERE
from reconciler.model.files import resolved
from reconciler.model.place import Place
from reconciler.model.problems import ProblemName
from reconciler.model.text import alike, shown

Locks = Mapping[str, tuple[Document, Lock | None]]
KEEP_ONE = "keep one of the two, or give one another name"
REFRESH_BOTH = "run `sgctl refresh` with both files, and commit what it writes"


def read_address_groups(documents: Sequence[Document], issues: Issues) -> Mapping[str, AddressGroup]:
    """Read them all. The same name with the same prefixes may be there twice, with others it is an error.

    What cannot be read is an issue, and has no prefixes.
    """
    groups: dict[str, AddressGroup] = {}
    places: dict[str, Place] = {}
    locks = read_locks(documents, issues)
    published = {(id(each.document), each.name): each for each in published_groups(documents, issues)}
    sources = Counter(name for _, name in published)
    for document in documents:
        for name in names_of_slips(document, "address_groups"):
            groups.setdefault(name, AddressGroup(()))
        for name, written in _address_groups_of(document).items():
            if isinstance(written, dict):
                found = published.get((id(document), name))
                group = _read_locked(found, locks, issues) if found is not None else None
            else:
                group = _read_list(document, name, written, issues)
            if group is None:
                groups.setdefault(name, AddressGroup(()))
            elif name not in places:
                groups[name], places[name] = group, document.key_place("address_groups", name)
            elif set(groups[name].prefixes) != set(group.prefixes):
                message = f"the address group {shown(name)} is defined twice, with different prefixes"
                place, other = document.key_place("address_groups", name), (("the other", places[name]),)
                fix = REFRESH_BOTH if sources[name] > 1 else KEEP_ONE
                issues.add(place, ProblemName.ADDRESS_GROUP_TWICE, message, fix, other)
    return groups


def names_of_slips(document: Document, key: str) -> Iterator[str]:
    """Yield the names that a document defines under a misspelling of `key`, which is an error: one is enough."""
    known = check_of("document").properties()
    for other, part in document.value.items() if isinstance(document.value, dict) else ():
        if isinstance(part, dict) and other not in known and not is_own_key(other):
            from reconciler.loading.spellings import Ours, find_spelling  # noqa: PLC0415 - only for an error

            spelling = find_spelling("Document", other, part, has_remote=False)
            if spelling == Ours(key) or (spelling is None and alike(other, (key,))):
                yield from part


def _address_groups_of(document: Document) -> Mapping[str, Any]:
    written = document.value.get("address_groups") if isinstance(document.value, dict) else None
    return written if isinstance(written, dict) else {}


def _read_list(document: Document, name: str, prefixes: Any, issues: Issues) -> AddressGroup | None:
    path = ("address_groups", name)
    if not is_well_formed("address_groups", {name: prefixes}):
        report_malformed(document, path[:1], "address_groups", {name: prefixes}, issues)
        return None
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

    document: Document
    name: str
    source: ListSource

    @property
    def place(self) -> Place:
        """Where it is named."""
        return self.document.key_place("address_groups", self.name)

    @property
    def folder(self) -> str:
        """Where its lock is, and where the path of a list in a file begins; as the path of the document is written."""
        return posixpath.normpath(posixpath.dirname(self.document.name))

    @property
    def list(self) -> ListSource:
        """The source, without the folder that the path of a list in a file begins in."""
        source = self.source
        return source._replace(path=resolved(self.folder, source.path)) if source.source == FILE else source


def published_groups(documents: Sequence[Document], issues: Issues) -> Iterator[PublishedGroup]:
    """Yield the address groups that others publish; what is wrong with how they are written is an issue.

    So is a name that is there twice, from different sources.
    """
    first: dict[str, PublishedGroup] = {}
    for document in documents:
        for name, written in _address_groups_of(document).items():
            if not isinstance(written, dict):
                continue
            if not is_well_formed("address_groups", {name: written}):
                report_malformed(document, ("address_groups",), "address_groups", {name: written}, issues)
                continue
            read = read_list_source(written)
            report(document, ("address_groups", name), read.problems, issues)
            if read.problems:
                continue
            group = PublishedGroup(document, name, read.source)
            other = first.setdefault(name, group)
            if other.list == group.list:
                yield group
            else:
                message = f"the address group {shown(name)} is defined twice, with different sources or bounds"
                related = (("the other", other.place),)
                issues.add(group.place, ProblemName.ADDRESS_GROUP_TWICE, message, KEEP_ONE, related)


def _read_locked(group: PublishedGroup, locks: Locks, issues: Issues) -> AddressGroup | None:
    """Read the prefixes of a published list from the lock beside the file that names it."""
    name = group.name
    lock_document, lock = locks.get(folder_of(group.document), (group.document, Lock({})))
    if lock is None or name in lock.edited:
        return None  # told already
    found = lock.lists.get(name)
    if found is None:
        message = f"the address group {shown(name)} is published by others, and not in {LOCK_NAME} beside this file"
        issues.add(group.place, ProblemName.LOCK_MISSING, message, FIX)
        return None
    there = ("the lock", locked_place(lock_document, name))
    if found.source != group.source:
        message = f"the address group {shown(name)} has another source or other bounds than {LOCK_NAME} was made with"
        issues.add(group.place, ProblemName.LOCK_OUTDATED, message, FIX, (there,))
        return None
    for problem in judge_list(found.prefixes, group.source).problems:
        issues.add(there[1], ProblemName.LOCK_EDITED, f"the address group {shown(name)}: {problem}", FIX)
    read = (read_prefix(prefix) for prefix in found.prefixes)
    return AddressGroup(tuple((each.family, each.canonical) for each in read if each.problem is None))
