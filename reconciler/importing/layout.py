"""Which text goes into which file. Reads what is there, and writes nothing."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.importing.text import GroupText, address_groups_text, document_text, rule_sets_text
from reconciler.importing.written import ImportedGroups
from reconciler.model.desired import Target
from reconciler.model.errors import SgctlError
from reconciler.model.files import PLAN_LIMIT, SETTINGS_LIMIT, read_bounded
from reconciler.model.naming import free_name

STDOUT = "-"
SUFFIX = ".yaml"
SCHEMA = Path("schemas", "security-groups.schema.json")
ADDRESS_GROUPS = "address-groups"
RULE_SETS = "rule-sets"
_SCHEMA_ID = re.compile(rb'"\$id": "[^"]*security-groups\.schema\.json"')
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 100


class File(NamedTuple):
    """A file to write, or stdout; `added` is the part of its text that is new."""

    path: str
    text: str
    added: str


def one_file(target: Target, written: ImportedGroups, out: str | None) -> list[File]:
    """Put everything into one file; one that exists gets a further document, and keeps every byte it has."""
    if out is None:
        text = document_text(target, written.groups, written.address_groups, None, written.ignored, written.rule_sets)
        return [File(STDOUT, text, text)]
    before = read_if_there(out)
    if not before.strip():
        text = document_text(
            target,
            written.groups,
            written.address_groups,
            modeline(Path(out).parent),
            written.ignored,
            written.rule_sets,
        )
        return [File(out, text, text)]
    text = document_text(target, written.groups, written.address_groups, None, written.ignored, written.rule_sets)
    separator = "---\n" if before.endswith("\n") else "\n---\n"
    return [File(out, before + separator + text, text)]


def file_per_group(target: Target, written: ImportedGroups, folder: str) -> list[File]:
    """Put each group into a file of its own, named after it; files that are there are left alone."""
    here = Path(folder).iterdir() if Path(folder).is_dir() else ()
    taken = {path.stem.casefold(): 1 for path in here if path.suffix.casefold() == SUFFIX}
    schema = modeline(Path(folder))
    files = []
    if written.address_groups:
        text = address_groups_text(written.address_groups, schema)
        files.append(_new_file(folder, ADDRESS_GROUPS, taken, text))
    if written.rule_sets:
        files.append(_new_file(folder, RULE_SETS, taken, rule_sets_text(written.rule_sets, schema)))
    return files + [
        _new_file(folder, _safe(group), taken, document_text(target, [group], modeline=schema, ignored=written.ignored))
        for group in written.groups
    ]


def modeline(folder: Path) -> str | None:
    """Point editors to the schema, where it lies in a `schemas` folder beside or above the file."""
    start = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow links, and ".." would then mislead
    for steps, parent in enumerate((start, *start.parents)):
        if _is_schema(parent / SCHEMA):
            relative = Path(*[os.pardir] * steps, SCHEMA)
            return f"# yaml-language-server: $schema={relative.as_posix()}"
    return None


def _is_schema(path: Path) -> bool:
    try:
        return _SCHEMA_ID.search(read_bounded(str(path), SETTINGS_LIMIT)) is not None
    except (OSError, ValueError):
        return False


def read_if_there(path: str) -> str:
    """Read a file that is to be added to; empty where there is none. Raises `SgctlError` where it is not to be read."""
    try:
        return read_bounded(path, PLAN_LIMIT).decode("utf-8") if Path(path).is_file() else ""
    except OSError as error:
        raise SgctlError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SgctlError(f"{path} is not UTF-8 text, and is not overwritten") from None


def _new_file(folder: str, name: str, taken: dict[str, int], text: str) -> File:
    return File(str(Path(folder, free_name(name, taken) + SUFFIX)), text, text)


def _safe(group: GroupText) -> str:
    """Make a file name of a group's name: no folder, nothing hidden, nothing that a shell would have to quote."""
    return _UNSAFE.sub("-", group.name)[:_LONGEST].strip("-.") or "group"


def texts(files: Iterable[File]) -> Sequence[tuple[str, str]]:
    """Return the path and the whole text of each file."""
    return [(file.path, file.text) for file in files]
