"""The lock of address groups that others publish: a file beside those that name them, and all that is read offline.

`sgctl refresh` writes it, sorted and with a prefix a line, so that people review it and git merges it: what two
branches did to different groups merges by itself, and what they did to one group differently meets in its digest.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.loading.document import Document
from reconciler.loading.issues import Issues
from reconciler.loading.lists import ListSource, read_list_source
from reconciler.loading.structure import is_well_formed
from reconciler.loading.walk import LOCK_NAME
from reconciler.model.files import resolved
from reconciler.model.place import Place
from reconciler.model.problems import ProblemName
from reconciler.model.text import shown

_GROUPS = "locked_address_groups"
_HEAD = "# What `sgctl refresh` fetched. Review it, and do not edit it: change the address group, and run that again.\n"
_VERSION = 1
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_PLAIN_NAME = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z][a-z0-9_-]*", re.IGNORECASE).fullmatch
FIX = "run `sgctl refresh`, and commit what it writes"


class LockedList(NamedTuple):
    """The prefixes of one address group, sorted; `refreshed` is the day on which they came to be these."""

    source: ListSource
    refreshed: str
    prefixes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What a hand-made change does not match: of the source and the prefixes, not of the day."""
        source = json.dumps(self.source.written, sort_keys=True)
        from hashlib import sha256  # noqa: PLC0415 - loads OpenSSL, and only a run with a lock needs it

        return sha256("\n".join([source, *self.prefixes, ""]).encode()).hexdigest()


class Lock(NamedTuple):
    """A lock as read; `edited` are the groups whose digest is not theirs."""

    lists: Mapping[str, LockedList]
    edited: frozenset[str] = frozenset()


def is_lock(document: Document) -> bool:
    """Tell whether a document is a lock, by the name of its file."""
    return posixpath.basename(document.name) == LOCK_NAME


def folder_of(document: Document) -> str:
    """Return the folder in which the lock of a document's address groups is, however the document's path is spelled."""
    return resolved(posixpath.dirname(document.name))


def read_locks(documents: Iterable[Document], issues: Issues) -> dict[str, tuple[Document, Lock | None]]:
    """Read the locks among the documents of a run, by their folders; one that is no lock is an issue, and None."""
    locks: dict[str, tuple[Document, Lock | None]] = {}
    for document in documents:
        if not is_lock(document):
            continue
        lock = read_lock(document.value)
        if lock is None:
            message = "this is no lock as `sgctl refresh` writes it"
            fix = "take it from git as it was, or remove it; then run `sgctl refresh`"
            issues.add(document.place(), ProblemName.LOCK_UNREADABLE, message, fix)
        for name in sorted(lock.edited) if lock else ():
            place = document.place(_GROUPS, name, "digest")
            message = f"the address group {shown(name)} of this lock was edited: its digest is another one"
            issues.add(place, ProblemName.LOCK_EDITED, message, FIX)
        locks[folder_of(document)] = (document, lock)
    return locks


def locked_place(document: Document, name: str) -> Place:
    """Return where a lock names an address group."""
    return document.key_place(_GROUPS, name)


def read_lock(value: Any) -> Lock | None:
    """Read the content of a lock; None where it is none."""
    if (
        not isinstance(value, dict)
        or value.keys() != {"format_version", _GROUPS}
        or value["format_version"] != _VERSION
    ):
        return None
    if not isinstance(value[_GROUPS], dict):
        return None
    lists: dict[str, LockedList] = {}
    edited = set()
    for name, written in value[_GROUPS].items():
        source = {k: v for k, v in written.items() if k not in _OWN} if isinstance(written, dict) else {}
        if not isinstance(written, dict) or not written.keys() >= _OWN or not is_well_formed("published_list", source):
            return None
        prefixes, refreshed = written["prefixes"], written["refreshed"]
        if not (isinstance(prefixes, list) and is_well_formed("prefixes", prefixes)):
            return None
        if not (isinstance(refreshed, str) and _DATE(refreshed)):
            return None
        lists[name] = LockedList(read_list_source(source).source, refreshed, tuple(prefixes))
        if written["digest"] != lists[name].digest:
            edited.add(name)
    return Lock(lists, frozenset(edited))


_OWN = frozenset({"refreshed", "digest", "prefixes"})


def lock_text(lists: Mapping[str, LockedList]) -> str:
    """Write a lock."""
    lines = [_HEAD + f"format_version: {_VERSION}", f"{_GROUPS}:" if lists else f"{_GROUPS}: {{}}"]
    for name, each in sorted(lists.items()):
        lines.append(f"  {name if _PLAIN_NAME(name) else _quoted(name)}:")
        lines += [
            f"    {key}: {_quoted(value) if isinstance(value, str) else value}"
            for key, value in each.source.written.items()
        ]
        lines += [f'    refreshed: "{each.refreshed}"', f'    digest: "{each.digest}"', "    prefixes:"]
        lines += [f'      - "{prefix}"' if prefix.startswith(":") else f"      - {prefix}" for prefix in each.prefixes]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Quote a text as JSON does; but what is beyond 16 bits stands for itself, for YAML has no pairs of surrogates."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)


class ListChange(NamedTuple):
    """How one list differs from the locked one, of which there may be none."""

    came: tuple[str, ...]
    went: tuple[str, ...]
    before: int

    @property
    def is_large(self) -> bool:
        """Whether more than half of what was there went, or more came than half of it."""
        return self.before > 0 and 2 * max(len(self.came), len(self.went)) > self.before


def compare_lists(old: LockedList | None, prefixes: Sequence[str]) -> ListChange:
    """Tell what came and what went."""
    before = dict.fromkeys(old.prefixes if old else ())
    after = dict.fromkeys(prefixes)
    return ListChange(
        tuple(each for each in after if each not in before),
        tuple(each for each in before if each not in after),
        len(before),
    )
