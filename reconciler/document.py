"""Stage 1: paths -> documents, each a plain value whose every part knows its place. The only reader of these files.

A document keeps its tree of nodes beside the plain value. Positions are found by walking the tree, and only where one
is needed.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yaml.error import YAMLError
from yaml.nodes import MappingNode, Node, SequenceNode

from reconciler.errors import Issue
from reconciler.loader.issues import Issues
from reconciler.loader.nodes import NodeParser
from reconciler.loader.scalars import MERGE
from reconciler.loader.source import Source
from reconciler.loader.values import ValueReader, expands_too_far
from reconciler.loader.yaml_problems import yaml_issue
from reconciler.model.place import Place

ENDINGS = (".yaml", ".yml")

Key = str | int
"""A step from a value to a part of it: a mapping's key or a list's index."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value as dictionaries, lists and scalars, and where each part of it stands."""

    source: Source
    value: Any
    node: Node
    _pairs: dict[int, dict[Key, tuple[Node, Node]]] = field(default_factory=dict, repr=False, compare=False)

    def place(self, *path: Key) -> Place:
        """Find where the value at a path begins; where the path leads nowhere, the last part of it that is there."""
        return self._place(self._find(path)[1])

    def key_place(self, *path: Key) -> Place:
        """Find where the last key of a path is written."""
        return self._place(self._find(path)[0])

    def item_places(self, *path: Key) -> list[Place]:
        """List the places of the items of the list at a path, all at once."""
        node, name = self._find(path)[1], self.source.path
        marks = [item.start_mark for item in node.value] if isinstance(node, SequenceNode) else []
        return [Place(name, mark.line + 1, mark.column + 1) for mark in marks]

    def _find(self, path: Sequence[Key]) -> tuple[Node, Node]:
        key = node = self.node
        for step in path:
            if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                key = node = node.value[step]
                continue
            pair = self._pairs_of(node).get(step) if isinstance(node, MappingNode) else None
            if pair is None:
                break
            key, node = pair
        return key, node

    def _pairs_of(self, node: MappingNode) -> dict[Key, tuple[Node, Node]]:
        """Index a mapping by key, once: one with a million keys may be asked for a thousand of them."""
        pairs = self._pairs.get(id(node))
        if pairs is None:
            pairs = {}
            for key, child in node.value:
                if key.tag is MERGE:
                    for part in child.value if isinstance(child, SequenceNode) else [child]:
                        merged = self._pairs_of(part) if isinstance(part, MappingNode) else {}
                        pairs = merged | pairs
                else:
                    pairs[str(key.value)] = (key, child)
            self._pairs[id(node)] = pairs
        return pairs

    def _place(self, node: Node) -> Place:
        return Place(self.source.path, node.start_mark.line + 1, node.start_mark.column + 1)


def read_documents(paths: Sequence[str]) -> tuple[tuple[Document, ...], tuple[Issue, ...]]:
    """Read every document of the files and folders given, and all that is wrong with them as YAML."""
    files, not_found = find_files(paths)
    issues = Issues()
    for issue in not_found:
        issues.append(issue)
    documents = tuple(document for file in files for document in _read_file(file, issues))
    return documents, issues.worded()


def read_files(paths: Sequence[str], at_least: int) -> tuple[tuple[str, bytes], ...] | None:
    """Read the files given as they are; None if they are smaller than `at_least` bytes together, or not just files."""
    files, not_found = find_files(paths)
    try:
        states = [Path(file).stat() for file in files]
        if not_found or not all(stat.S_ISREG(each.st_mode) for each in states):
            return None
        if sum(each.st_size for each in states) < at_least:
            return None
        return tuple((file, Path(file).read_bytes()) for file in files)
    except OSError:
        return None


def read_text(path: str, data: bytes) -> tuple[tuple[Document, ...], tuple[Issue, ...]]:
    """Read the documents of a text that is not in its file yet; places name the file all the same."""
    issues = Issues()
    return tuple(_parse(Source(path, data), issues)), issues.worded()


def find_files(paths: Sequence[str]) -> tuple[tuple[str, ...], tuple[Issue, ...]]:
    """List the files to read, each once, in the order given and sorted within a folder; paths stay as they were given.

    A folder stands for its `*.yaml` and `*.yml` files and those of its subfolders, without what is hidden.
    """
    files: dict[tuple[int, int], str] = {}
    issues = []
    for path in paths:
        try:
            found = list(_walk(path, set())) if Path(path).is_dir() else [path]
            if not found:
                issues.append(_path_issue(path, "the folder holds no *.yaml or *.yml file"))
            for file in found:
                status = Path(file).stat()
                files.setdefault((status.st_dev, status.st_ino), file)
        except (OSError, ValueError) as error:
            issues.append(_path_issue(getattr(error, "filename", None) or path, _reason(error)))
    return tuple(files.values()), tuple(issues)


def with_lines(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Add to issues that have none the line they are about: a later stage knows the place, and not the text.

    The files are read once more. A place in what is no regular file (a pipe was read up already) stays as it is.
    """
    sources: dict[str, Source | None] = {}
    return tuple(_with_line(issue, sources) for issue in issues)


def _with_line(issue: Issue, sources: dict[str, Source | None]) -> Issue:
    path = issue.place.path
    if issue.line is not None:
        return issue
    if path not in sources:
        try:
            sources[path] = Source(path, Path(path).read_bytes()) if Path(path).is_file() else None
        except (OSError, ValueError):
            sources[path] = None
    source = sources[path]
    return issue if source is None else source.issue(issue.place, issue.message, issue.fix, issue.related)


def _walk(folder: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    """List the YAML files of a folder and its subfolders; links are followed, but into no folder twice."""
    status = Path(folder).stat()
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in visible:
        path = entry.name if folder == os.curdir else entry.path
        if entry.is_dir():
            yield from _walk(path, seen)
        elif entry.name.endswith(ENDINGS):
            yield path


def _read_file(path: str, issues: Issues) -> list[Document]:
    try:
        mode = Path(path).stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            issues.append(_path_issue(path, "this is neither a file nor a folder"))
            return []
        source = Source(path, Path(path).read_bytes())
    except OSError as error:
        issues.append(_path_issue(path, _reason(error)))
        return []
    before = len(issues)
    documents = _parse(source, issues)
    if not documents and len(issues) == before:
        issues.append(
            _path_issue(path, "the file is empty" if not source.data.strip() else "the file holds no document")
        )
    return documents


def _parse(source: Source, issues: Issues) -> list[Document]:
    """Read the documents of a file, up to what cannot be read on from."""
    documents = []
    reader = ValueReader(source, issues)
    if source.data.startswith((b"\xff\xfe", b"\xfe\xff")):  # libyaml would read it, but places are counted in UTF-8
        issues.append(_path_issue(source.path, "the file is UTF-16, not UTF-8"))
        return []
    has_aliases = b"*" in source.data and b"&" in source.data
    try:
        for node in NodeParser(source.data.removeprefix(b"\xef\xbb\xbf")).nodes():
            endless = expands_too_far(node) if has_aliases else None
            if endless is not None:
                mark = endless[0].start_mark
                issues.add(source, Place(source.path, mark.line + 1, mark.column + 1), endless[1], "write it out")
                continue
            documents.append(Document(source, reader.read(node), node))
    except YAMLError as error:
        issues.append(yaml_issue(source, error))
    return documents


def _path_issue(path: str, message: str) -> Issue:
    return Issue(Place(path, 1, 1), message)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, ValueError):
        return "it cannot be read: a path holds no such character"  # Python's words change from version to version
    return f"it cannot be read: {error.strerror or error}"
