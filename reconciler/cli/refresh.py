"""`sgctl refresh`: the address groups that others publish, fetched into the lock beside the files."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.api.lists import fetch_list
from reconciler.cli import options, settings
from reconciler.cli.output import write_groups
from reconciler.loading.address_groups import PublishedGroup, published_groups
from reconciler.loading.issues import Issues
from reconciler.loading.list_lock import (
    ListChange,
    Lock,
    LockedList,
    compare_lists,
    folder_of,
    lock_text,
    read_locks,
)
from reconciler.loading.lists import (
    FILE,
    GCORE_LISTS,
    MAX_LIST,
    ListSource,
    ReadList,
    count_within,
    describe_size,
    judge_list,
    parse_list,
)
from reconciler.loading.load import read_documents
from reconciler.loading.walk import LOCK_NAME, Walk
from reconciler.model.clock import Clock, SystemClock
from reconciler.model.cloud import DEFAULT_TIMEOUT, MAX_RULES
from reconciler.model.errors import ExitCode, InputError, SgctlError
from reconciler.model.files import GROUPS_LIMIT, parts_below, read_bounded
from reconciler.model.problems import ProblemName
from reconciler.model.text import count, printable, shown


@click.command("refresh")
@options.paths
@click.option("--check", is_flag=True, help="Write nothing; exit with 2 where the lock is not what is published.")
@click.option("--accept", is_flag=True, help="Take lists of which more than half changed.")
@options.follow_links
def command(paths: tuple[str, ...], *, check: bool, accept: bool, follow_links: bool) -> int:
    """Fetch the address groups that others publish into sgctl.lock.yaml, beside the files that name them.

    PATHS are files or folders; the current folder when left out. No API key is needed, and none is sent. The lock is
    what `validate`, `plan` and `drift` read: commit it, and review what came and went. Where any list cannot be
    fetched, is empty, or has what is no prefix or a too wide one, nothing is written.

    \b
      sgctl refresh groups/
      sgctl refresh --check
      sgctl refresh --accept
    """
    walk = settings.walk(follow_links)
    documents, unreadable = read_documents(paths, walk=walk)
    issues = Issues()
    found = tuple(published_groups(documents, issues))
    told = Issues()
    locks = {folder: (read.name, lock or Lock({})) for folder, (read, lock) in read_locks(documents, told).items()}
    unreadable += tuple(each for each in told.worded() if each.name is ProblemName.LOCK_UNREADABLE)
    if unreadable or len(issues):
        raise InputError((*unreadable, *issues.worded()))
    fetched = _refresh(found, locks, _Fetcher(SystemClock(), settings.base_url(), walk))
    for each in fetched:
        _show(each)
        if each.change.is_large and not (accept or check):
            message = f"{_counted(each.change)} of {each.change.before}: more than half changed at once"
            fix = "look at what did, and pass --accept to take it"
            issues.add(each.group.place, ProblemName.LIST_CHANGED, message, fix)
        if each.problem is not None:
            issues.add(each.group.place, *each.problem)
    if len(issues):
        raise InputError(issues.worded(document.source for document in documents))
    texts = _texts(fetched, locks, paths)
    for path, text in texts.items():
        if not check:
            write_groups(path, text)
        click.echo(printable(f"{'would write' if check else 'wrote'} {path}"))
    if not found:
        click.echo("No address group of these files is published by others.")
    elif not texts:
        click.echo("Every lock is what is published.")
    return ExitCode.DIFFERENCES if check and texts else ExitCode.DONE


_Problem = tuple[ProblemName, str]


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A list as it is now, or why it is not taken: the name of the problem, and its words."""

    group: PublishedGroup
    locked: LockedList
    change: ListChange
    repeated: int = 0
    problem: _Problem | None = None


Locks = Mapping[str, tuple[str, Lock]]
"""The locks that are there by their folders, with the path of each as it was given."""

_LONGEST = 50.0
"""Seconds that fetching and reading may take in all: whoever publishes a list says how quickly it comes."""
_MOST_BYTES = 2**28
"""Bytes that the lists of a run may come to."""
_MOST_PREFIXES = 400_000
"""Prefixes that they may come to: as many as a run takes rules."""


class _Fetcher:
    """Fetches and reads each list once, as long as there is time and room."""

    def __init__(self, clock: Clock, base_url: str, walk: Walk) -> None:
        self.today = clock.now().date().isoformat()
        self._clock = clock
        self._base_url = base_url
        self._walk = walk
        self._until = clock.monotonic() + _LONGEST
        self._published: dict[str, bytes | _Problem] = {}
        self._read: dict[ListSource, ReadList | _Problem] = {}
        self._bytes = self._prefixes = 0

    def read(self, group: PublishedGroup) -> ReadList | _Problem:
        """Return a list as published, or why it could not be read."""
        if group.list not in self._read:
            try:
                self._read[group.list] = self._judge(group)
            except SgctlError as error:
                self._read[group.list] = _worded(error)
        return self._read[group.list]

    def _judge(self, group: PublishedGroup) -> ReadList | _Problem:
        data = self._fetch(group, self._time_for_a_try())
        if not isinstance(data, bytes):
            return data
        try:
            read = judge_list(parse_list(data, group.source), group.source)
        except ValueError as error:
            return ReadList((), 0, (str(error),))
        self._prefixes += len(read.prefixes)
        if self._prefixes > _MOST_PREFIXES:
            raise _too_many(f"{_MOST_PREFIXES:,} prefixes")
        return read

    def _fetch(self, group: PublishedGroup, time: float) -> bytes | _Problem:
        source = group.source
        url = self._base_url + GCORE_LISTS[source.source][0] if source.source in GCORE_LISTS else source.source
        if source.source != FILE and url in self._published:
            return self._published[url]
        if self._bytes > _MOST_BYTES:
            raise _too_many(f"{_MOST_BYTES >> 20} MiB")
        if source.source == FILE:
            data = self._read_file(group.folder, source.path)
        else:
            data = self._published[url] = self._ask(url, time)
        self._bytes += len(data) if isinstance(data, bytes) else 0
        return data

    def _ask(self, url: str, time: float) -> bytes | _Problem:
        try:
            return fetch_list(url, self._clock, MAX_LIST, time)
        except SgctlError as error:
            return _worded(error)

    def _time_for_a_try(self) -> float:
        """Say how many seconds a try may take: half of what is left, for there may be a second one."""
        left = (self._until - self._clock.monotonic()) / 2
        if left <= 0:
            raise SgctlError(f"the lists before took {_LONGEST:.0f} s, and it was not read", "Refresh fewer files.")
        return min(DEFAULT_TIMEOUT, left)

    def _read_file(self, folder: str, path: str) -> bytes | _Problem:
        """Read a list from a file below the root of the files."""
        there = os.path.join(folder, path)  # noqa: PTH118 - keeps the path as it is written
        root = self._walk.root if parts_below(folder, self._walk.root) is not None else folder
        parts = parts_below(there, root)
        if not self._walk.follow_links and (parts is None or any(part.startswith(".") for part in parts)):
            return ProblemName.OUTSIDE_FOLDER, f"{shown(path)} leads out of {root}, or to what is hidden"
        try:
            return read_bounded(there, MAX_LIST, below=None if self._walk.follow_links else os.path.realpath(root))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a path"
            return ProblemName.LIST_UNREACHABLE, f"cannot read {shown(path)}: {reason}"


def _worded(error: SgctlError) -> _Problem:
    return ProblemName.LIST_UNREACHABLE, f"{error.message}{'. ' + error.hint if error.hint else ''}"


def _too_many(what: str) -> SgctlError:
    return SgctlError(
        f"the lists of this run come to more than {what}, over the limit", "Refresh fewer files at a time."
    )


def _refresh(groups: Sequence[PublishedGroup], locks: Locks, fetcher: _Fetcher) -> tuple[_Fetched, ...]:
    fetched: dict[tuple[str, str], _Fetched] = {}
    for group in groups:
        key = folder_of(group.document), group.name
        if key not in fetched:
            old = locks[key[0]][1].lists.get(group.name) if key[0] in locks else None
            fetched[key] = _fetch(group, old, fetcher)
    return tuple(fetched.values())


def _fetch(group: PublishedGroup, old: LockedList | None, fetcher: _Fetcher) -> _Fetched:
    read = fetcher.read(group)
    if isinstance(read, ReadList) and read.problems:
        message = f"the list of {shown(group.name)} is refused: {'; '.join(read.problems)}"
        read = ProblemName.LIST_REFUSED, message
    if not isinstance(read, ReadList):
        return _Fetched(group, LockedList(group.source, fetcher.today, ()), compare_lists(None, ()), 0, read)
    change = compare_lists(old, read.prefixes)
    is_same = old is not None and not change.came and not change.went
    day = old.refreshed if old is not None and is_same else fetcher.today
    return _Fetched(group, LockedList(group.source, day, read.prefixes), change, read.repeated)


_MOST = 20


def _show(fetched: _Fetched) -> None:
    if fetched.problem is not None:
        return
    prefixes, change = fetched.locked.prefixes, fetched.change
    repeated = f", {count(fetched.repeated, 'repetition')} left out" if fetched.repeated else ""
    within = f", {inner:,} within others" if (inner := count_within(prefixes)) else ""
    what = f"{_counted(change)}, {len(prefixes):,} in all" if change.came or change.went else "as it was"
    click.echo(printable(f"{fetched.group.name} ({fetched.group.source}): {what}{repeated}{within}"))
    for sign, moved in (("+", change.came), ("-", change.went)):
        for prefix in moved[:_MOST]:
            click.echo(f"  {sign} {prefix}")
        if len(moved) > _MOST:
            click.echo(f"  {sign} and {len(moved) - _MOST:,} more")
    if (size := describe_size(prefixes, MAX_RULES)) is not None:
        click.echo(printable(f"{fetched.group.place}: note: {size}"), err=True)


def _counted(change: ListChange) -> str:
    came = [f"{count(len(change.came), 'prefix')} came"] if change.came else []
    went = (
        [f"{len(change.went):,} went" if came else f"{count(len(change.went), 'prefix')} went"] if change.went else []
    )
    return ", ".join([*came, *went])


def _texts(fetched: Sequence[_Fetched], locks: Locks, paths: Sequence[str]) -> dict[str, str]:
    """Return the locks that are not as they should be, by path.

    What no file of the run names goes from a lock where its whole folder was read.
    """
    names: dict[str, str] = {}
    lists: dict[str, dict[str, LockedList]] = {}
    for folder, (name, lock) in locks.items():
        is_whole = any(Path(path).is_dir() and parts_below(folder, path) is not None for path in paths)
        names[folder], lists[folder] = name, {} if is_whole else dict(lock.lists)
    for each in fetched:
        folder = folder_of(each.group.document)
        names.setdefault(folder, str(Path(each.group.folder, LOCK_NAME)))
        lists.setdefault(folder, {})[each.group.name] = each.locked
    texts = {}
    for folder, wanted in lists.items():
        path, text = names[folder], lock_text(wanted)
        if not _holds(path, text):
            texts[path] = text
    return texts


def _holds(path: str, text: str) -> bool:
    """Tell whether a file holds a text; what is no file, such as a pipe, does not."""
    try:
        return read_bounded(path, GROUPS_LIMIT) == text.encode()
    except OSError:
        return False
