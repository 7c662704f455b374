"""Paths and plain documents -> desired state. Finds and reads the files; nothing else reads a desired-state file."""

import gc
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reconciler.loading.desired import desired_state
from reconciler.loading.document import YamlDocument, parse
from reconciler.loading.foreign import foreign_documents
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Budget, Issues, Source
from reconciler.loading.plain import PlainDocument, read_plain
from reconciler.loading.values import MAX_EXPANDED
from reconciler.loading.walk import LOCK_NAME, WALK, Walk, path_issue, reason_of, walk_paths
from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError, Issue
from reconciler.model.files import GROUPS_LIMIT, read_as_named, read_bounded
from reconciler.model.place import FilePlace, position_of
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
    walk: Walk = WALK,
) -> DesiredState:
    """Load what files, folders and plain documents ask for together. Raises InputError with every issue of the run.

    The issues are in the order of their places. `policies` are those of a settings file, for which the files may define
    address groups. More than one of the `processes` can be used where this one may be forked: on Linux, and as long as
    it has no other threads. `walk` is as in `find_files`.
    """
    with no_garbage_collection():
        state = None if documents else load_large(paths, defaults, policies, processes, walk=walk)
        if state is not None:
            return state
        return load_documents(paths, defaults, policies, documents, walk=walk)[1]


def load_large(
    paths: Sequence[str], defaults: Defaults, policies: Policies | None, processes: int, *, walk: Walk = WALK
) -> DesiredState | None:
    """Load what is large and right; None for anything else."""
    files = read_files(paths, at_least=LARGE, walk=walk)
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
    walk: Walk = WALK,
) -> tuple[tuple[YamlDocument, ...], DesiredState]:
    """Load as `load` does, one document after the other, and keep the documents of the files."""
    documents, unreadable = read_documents(paths, walk=walk)
    data, not_plain = read_plain(plain)
    state, wrong = desired_state((*documents, *data), defaults, policies)
    issues = all_issues((*unreadable, *not_plain), wrong)
    if issues:
        raise InputError(issues)
    return documents, state


_CUT_SHORT = frozenset(
    {
        ProblemName.NOT_FOUND,
        ProblemName.NOT_READABLE,
        ProblemName.NOT_UTF_8,
        ProblemName.MERGE_CONFLICT,
        ProblemName.YAML_SYNTAX,
        ProblemName.CONTROL_CHARACTER,
        ProblemName.HIDDEN_BREAK,
        ProblemName.TAB_INDENT,
        ProblemName.NOT_CLOSED,
        ProblemName.UNKNOWN_ALIAS,
        ProblemName.RECURSIVE,
        ProblemName.TOO_DEEP,
        ProblemName.TOO_LARGE,
    }
)
"""Problems of a file with which some of its documents, or all, were not read."""


def all_issues(as_yaml: Sequence[Issue], as_desired: Sequence[Issue]) -> tuple[Issue, ...]:
    """Put together the issues of both stages: of one place, the first stage says what is wrong.

    Where that is a lock, it is not missing; and what a file defines that was not read to its end is not known.
    """
    places = {issue.place for issue in as_yaml}
    paths = (place.path for place in places if isinstance(place, FilePlace))
    known = {ProblemName.LOCK_MISSING} if any(Path(path).name == LOCK_NAME for path in paths) else set()
    if not _CUT_SHORT.isdisjoint(issue.name for issue in as_yaml):
        known |= {ProblemName.UNKNOWN_ADDRESS_GROUP, ProblemName.UNKNOWN_RULE_SET}
    return (*as_yaml, *(issue for issue in as_desired if issue.place not in places and issue.name not in known))


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


def read_documents(paths: Sequence[str], *, walk: Walk = WALK) -> tuple[tuple[YamlDocument, ...], tuple[Issue, ...]]:
    """Read every document of the files and folders given, and all that is wrong with them as YAML."""
    return parse_sources(*read_sources(paths, walk=walk))


FoundSource = tuple[Source, bool]
"""A file as read, and whether it was found in a folder rather than named."""


def read_sources(paths: Sequence[str], *, walk: Walk = WALK) -> tuple[list[FoundSource], Issues]:
    """Read the files and those of the folders given, as they are, with what cannot be read."""
    files, not_found = walk_paths(paths, walk=walk)
    issues = Issues()
    for issue in not_found:
        issues.append(issue)
    read = ((_read_file(file, folder, issues, walk), folder is not None) for file, folder in files.items())
    return [(source, was_found) for source, was_found in read if source is not None], issues


def parse_sources(sources: Sequence[FoundSource], issues: Issues) -> tuple[tuple[YamlDocument, ...], tuple[Issue, ...]]:
    """Read the documents of files, with all that is wrong with them as YAML, and the issues given."""
    values = Budget(MAX_EXPANDED)
    documents = tuple(
        document for source, found in sources for document in _parse(source, issues, values, was_found=found)
    )
    return documents, issues.worded(source for source, _ in sources)


def read_files(paths: Sequence[str], at_least: int, *, walk: Walk = WALK) -> tuple[tuple[str, bytes], ...] | None:
    """Read the files given as they are; None if they are smaller than `at_least` bytes together, or not just files."""
    files, not_found = walk_paths(paths, walk=walk)
    try:
        states = [Path(file).stat() for file in files]
        if not_found or not all(stat.S_ISREG(each.st_mode) for each in states):
            return None
        if sum(each.st_size for each in states) < at_least:
            return None
        return tuple((file, _read(file, folder, walk)) for file, folder in files.items())
    except OSError:
        return None


_NEVER_READ = frozenset(
    {
        ProblemName.NOT_FOUND,
        ProblemName.NOT_READABLE,
        ProblemName.NO_FILES,
        ProblemName.OUTSIDE_FOLDER,
        ProblemName.NOT_OURS,
    }
)
"""Problems of a path, of which no line is shown."""


def with_lines(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Add to issues that have none the line they are about: a later stage knows the place, and not the text.

    The files are read once more, and may be others by now: an issue of what is reached by a link, or is no regular file
    (a pipe was read up already), stays as it is.
    """
    sources: dict[str, Source | None] = {}
    return tuple(_with_line(issue, sources) for issue in issues)


def _with_line(issue: Issue, sources: dict[str, Source | None]) -> Issue:
    path = issue.place.source
    if issue.line is not None or issue.name in _NEVER_READ or position_of(issue.place) is None:
        return issue
    if path not in sources:
        try:
            sources[path] = Source(path, read_as_named(path, GROUPS_LIMIT))
        except (OSError, ValueError):
            sources[path] = None
    source = sources[path]
    return issue if source is None else source.show(issue)


def _read_file(path: str, folder: str | None, issues: Issues, walk: Walk) -> Source | None:
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
            return Source(path, _read(path, folder, walk))
        issues.append(path_issue(path, ProblemName.NOT_READABLE, "this is neither a file nor a folder"))
    except OSError as error:
        issues.append(path_issue(path, *reason_of(error)))
    return None


def _read(path: str, folder: str | None, walk: Walk) -> bytes:
    """Read a file that was found in a folder, or named: since then its name may have become a link."""
    return read_bounded(path, GROUPS_LIMIT, or_pipe=folder is None, below=None if walk.follow_links else folder)


def _parse(source: Source, issues: Issues, values: Budget, *, was_found: bool) -> list[YamlDocument]:
    """Read the documents of a file. What `was_found` in a folder, rather than named, may be another tool's."""
    own = issues.alike()
    documents = parse(source, own, values)
    is_judged = Path(source.path).name != LOCK_NAME
    is_whole = not len(own) or bool(documents)
    foreign = foreign_documents(source, documents, is_whole=is_whole, was_found=was_found) if is_judged else ()
    if foreign and len(foreign) >= len(documents):
        issues.append(foreign[0])
        return []
    issues.take(own)
    for issue in foreign:
        issues.append(issue)
    if not documents and not len(own):
        message = "the file is empty" if not source.data.strip() else "the file holds no document"
        issues.append(path_issue(source.path, ProblemName.NO_DOCUMENT, message))
    lines = {issue.place for issue in foreign}
    return [document for document in documents if document.place() not in lines]
