"""Paths and plain documents -> desired state. Finds and reads the files; nothing else reads a desired-state file."""

import errno
import gc
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reconciler.loading.desired import desired_state
from reconciler.loading.document import YamlDocument, parse
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Budget, Issues, Source
from reconciler.loading.plain import PlainDocument, read_plain
from reconciler.loading.values import MAX_EXPANDED
from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError, Issue
from reconciler.model.files import parts_below
from reconciler.model.place import FilePlace
from reconciler.model.policies import Policies
from reconciler.model.problems import ProblemName

LARGE = 1 << 19
"""Bytes from which on input is read in pieces."""

__all__ = ["Defaults", "PlainDocument", "load", "load_documents", "no_garbage_collection"]


def load(
    paths: Sequence[str],
    defaults: Defaults,
    policies: Policies | None = None,
    *,
    documents: Sequence[PlainDocument] = (),
    processes: int = 1,
    follow_links: bool = False,
) -> DesiredState:
    """Load what files, folders and plain documents ask for together. Raises InputError with every issue of the run.

    The issues are in the order of their places. `policies` are those of a settings file, for which the files may define
    address groups. More than one of the `processes` can be used where this one may be forked: on Linux, and as long as
    it has no other threads. `follow_links` is as in `find_files`.
    """
    with no_garbage_collection():
        state = None if documents else load_large(paths, defaults, policies, processes, follow_links=follow_links)
        if state is not None:
            return state
        return load_documents(paths, defaults, policies, documents, follow_links=follow_links)[1]


def load_large(
    paths: Sequence[str], defaults: Defaults, policies: Policies | None, processes: int, *, follow_links: bool = False
) -> DesiredState | None:
    """Load what is large and right; None for anything else."""
    files = read_files(paths, at_least=LARGE, follow_links=follow_links)
    if files is None:
        return None
    from reconciler.loading.bulk.read import read_bulk  # noqa: PLC0415 - small input, which is soon read, needs none of it

    return read_bulk(files, defaults, policies, processes)


def load_documents(
    paths: Sequence[str],
    defaults: Defaults,
    policies: Policies | None = None,
    plain: Sequence[PlainDocument] = (),
    *,
    follow_links: bool = False,
) -> tuple[tuple[YamlDocument, ...], DesiredState]:
    """Load as `load` does, one document after the other, and keep the documents of the files."""
    documents, unreadable = read_documents(paths, follow_links=follow_links)
    data, not_plain = read_plain(plain)
    state, wrong = desired_state((*documents, *data), defaults, policies)
    places = {issue.place for issue in (*unreadable, *not_plain)}
    issues = (*unreadable, *not_plain, *(issue for issue in wrong if issue.place not in places))
    if issues:
        raise InputError(issues)
    return documents, state


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Hold the garbage collector while a million small objects are made that all stay: it would visit them in vain.

    Nothing here makes cycles except recursive aliases, which are refused.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


ENDINGS = (".yaml", ".yml")


def read_documents(
    paths: Sequence[str], *, follow_links: bool = False
) -> tuple[tuple[YamlDocument, ...], tuple[Issue, ...]]:
    """Read every document of the files and folders given, and all that is wrong with them as YAML."""
    files, not_found = find_files(paths, follow_links=follow_links)
    issues = Issues()
    for issue in not_found:
        issues.append(issue)
    sources = [source for file in files if (source := _read_file(file, issues)) is not None]
    values = Budget(MAX_EXPANDED)
    documents = tuple(document for source in sources for document in _parse(source, issues, values))
    return documents, issues.worded(sources)


def read_files(
    paths: Sequence[str], at_least: int, *, follow_links: bool = False
) -> tuple[tuple[str, bytes], ...] | None:
    """Read the files given as they are; None if they are smaller than `at_least` bytes together, or not just files."""
    files, not_found = find_files(paths, follow_links=follow_links)
    try:
        states = [Path(file).stat() for file in files]
        if not_found or not all(stat.S_ISREG(each.st_mode) for each in states):
            return None
        if sum(each.st_size for each in states) < at_least:
            return None
        return tuple((file, Path(file).read_bytes()) for file in files)
    except OSError:
        return None


def find_files(paths: Sequence[str], *, follow_links: bool = False) -> tuple[tuple[str, ...], tuple[Issue, ...]]:
    """List the files to read, each once, in the order given and sorted within a folder; paths stay as they were given.

    A folder stands for its `*.yaml` and `*.yml` files and those of its subfolders, without what is hidden. Whoever may
    write to a folder can put a link there, to a file that only the reader may read: unless `follow_links`, what leads
    out of the folder is an issue. A path that was given may be a link, or a pipe.
    """
    files: dict[tuple[int, int], str] = {}
    issues: list[Issue] = []
    for path in paths:
        before = len(issues)
        try:
            walk = _Walk(path, issues, follow_links=follow_links)
            for file in walk.files(path) if Path(path).is_dir() else [path]:
                status = Path(file).stat()
                files.setdefault((status.st_dev, status.st_ino), file)
            if Path(path).is_dir() and not walk.found and len(issues) == before:
                issues.append(_path_issue(path, ProblemName.NO_FILES, "the folder holds no *.yaml or *.yml file"))
        except (OSError, ValueError) as error:
            issues.append(_path_issue(getattr(error, "filename", None) or path, *_reason(error)))
    return tuple(files.values()), tuple(issues)


class _Walk:
    """Finds the YAML files below `root`; what is not to be read is noted in `issues`, and not opened."""

    def __init__(self, root: str, issues: list[Issue], *, follow_links: bool) -> None:
        self.found = 0
        self._root = root
        self._issues = issues
        self._follow_links = follow_links
        self._seen: set[tuple[int, int]] = set()

    def files(self, folder: str) -> Iterator[str]:
        """List the files of a folder and its subfolders; links are followed, but into no folder twice."""
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in self._seen:
            return
        self._seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            visible = sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
        for entry in visible:
            path = entry.name if folder == os.curdir else entry.path
            try:
                yield from self._files_of(entry, path)
            except OSError as error:
                self._refuse(path, *_reason(error))

    def _files_of(self, entry: os.DirEntry[str], path: str) -> Iterator[str]:
        is_yaml = entry.name.endswith(ENDINGS)
        if entry.is_symlink() and not is_yaml and not Path(path).is_dir():
            return
        if entry.is_symlink() and not self._follow_links and (where := self._out_of(path)):
            self._refuse(path, ProblemName.OUTSIDE_FOLDER, f"the link leads {where}, and is not read")
        elif entry.is_dir():
            yield from self.files(path)
        elif is_yaml and not stat.S_ISREG(entry.stat().st_mode):
            self._refuse(path, ProblemName.NOT_READABLE, "this is neither a file nor a folder")
        elif is_yaml:
            self.found += 1
            yield path

    def _out_of(self, path: str) -> str | None:
        """Say where a link leads that must not: also to what is hidden, as `.git/config`, which may hold a token."""
        parts = parts_below(path, self._root)
        if parts is None:
            return f"out of {self._root}"
        return "to what is hidden" if any(part.startswith(".") for part in parts) else None

    def _refuse(self, path: str, name: ProblemName, message: str) -> None:
        fix = "pass --follow-links if whoever may write to that folder may read all that you may read"
        self._issues.append(
            Issue(FilePlace(path, 1, 1), name, message, fix=fix if name is ProblemName.OUTSIDE_FOLDER else None)
        )


_NEVER_READ = frozenset(
    {ProblemName.NOT_FOUND, ProblemName.NOT_READABLE, ProblemName.NO_FILES, ProblemName.OUTSIDE_FOLDER}
)
"""Problems of a path that was not read, and of which no line is shown."""


def with_lines(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Add to issues that have none the line they are about: a later stage knows the place, and not the text.

    The files are read once more. A place in what is no regular file (a pipe was read up already) stays as it is.
    """
    sources: dict[str, Source | None] = {}
    return tuple(_with_line(issue, sources) for issue in issues)


def _with_line(issue: Issue, sources: dict[str, Source | None]) -> Issue:
    path = issue.place.source
    if issue.line is not None or issue.name in _NEVER_READ or not isinstance(issue.place, FilePlace):
        return issue
    if path not in sources:
        try:
            sources[path] = Source(path, Path(path).read_bytes()) if Path(path).is_file() else None
        except (OSError, ValueError):
            sources[path] = None
    source = sources[path]
    return issue if source is None else source.show(issue)


def _read_file(path: str, issues: Issues) -> Source | None:
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
            return Source(path, Path(path).read_bytes())
        issues.append(_path_issue(path, ProblemName.NOT_READABLE, "this is neither a file nor a folder"))
    except OSError as error:
        issues.append(_path_issue(path, *_reason(error)))
    return None


def _parse(source: Source, issues: Issues, values: Budget) -> list[YamlDocument]:
    before = len(issues)
    documents = parse(source, issues, values)
    if not documents and len(issues) == before:
        message = "the file is empty" if not source.data.strip() else "the file holds no document"
        issues.append(_path_issue(source.path, ProblemName.NO_DOCUMENT, message))
    return documents


def _path_issue(path: str, name: ProblemName, message: str) -> Issue:
    return Issue(FilePlace(path, 1, 1), name, message)


def _reason(error: OSError | ValueError) -> tuple[ProblemName, str]:
    if isinstance(error, FileNotFoundError):
        return ProblemName.NOT_FOUND, "there is no such file or folder"
    if isinstance(error, PermissionError):
        return ProblemName.NOT_READABLE, "no permission to read it"
    if isinstance(error, ValueError):
        # Python's words change from version to version.
        return ProblemName.NOT_READABLE, "it cannot be read: a path holds no such character"
    if error.errno == errno.ELOOP:
        return ProblemName.NOT_READABLE, "it cannot be read: the link leads to itself"
    return ProblemName.NOT_READABLE, f"it cannot be read: {error.strerror or error}"
