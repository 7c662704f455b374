"""The address groups of a run: named sets of prefixes, visible in every file."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.document import Document
from reconciler.loader.issues import Issues
from reconciler.loader.prefix import read_prefix
from reconciler.loader.remote import AddressGroup
from reconciler.loader.report import report_malformed
from reconciler.loader.source import shown
from reconciler.loader.structure import is_address_group
from reconciler.model.place import Place


def read_address_groups(documents: Sequence[Document], issues: Issues) -> Mapping[str, AddressGroup]:
    """Read them all. The same name with the same prefixes may be there twice, with others it is an error."""
    groups: dict[str, AddressGroup] = {}
    places: dict[str, Place] = {}
    for document in documents:
        written = document.value.get("address_groups") if isinstance(document.value, dict) else None
        if not isinstance(written, dict):
            continue
        for name, prefixes in written.items():
            group = _read(document, name, prefixes, issues)
            if name not in groups:
                groups[name] = group
                places[name] = document.key_place("address_groups", name)
            elif set(groups[name].prefixes) != set(group.prefixes):
                place = document.key_place("address_groups", name)
                message = f"the address group {shown(name)} is defined twice, with different prefixes"
                other = ("the other", places[name])
                issues.add(document.source, place, message, "keep one of the two, or give one another name", (other,))
    return groups


def _read(document: Document, name: str, prefixes: Any, issues: Issues) -> AddressGroup:
    path = ("address_groups", name)
    if not name or not is_address_group(prefixes):
        report_malformed(document, path[:1], "address_groups", {name: prefixes}, issues)
        return AddressGroup(())
    read = [read_prefix(text) for text in prefixes]
    for index, prefix in enumerate(read):
        if prefix.problem:
            issues.add(document.source, document.place(*path, index), prefix.problem, prefix.fix)
    good = dict.fromkeys((prefix.family, prefix.canonical) for prefix in read if not prefix.problem)
    return AddressGroup(tuple(good))
