"""The journal of an apply: every write and what it was sent against, as JSON lines.

Four kinds of lines, each with `at`, the time in UTC:

    apply    an apply begins: format_version, base_url, api_version
    before   before the first write to a group: action, project_id, region_id, name; `group`, the live group as it was
             read, null for one to create; `changed`, which of name, description and rules the plan changes; `tags`, the
             keys of the tags it changes; `lost_rules`, rules of other groups that go with a group to be deleted;
             `ignored`, the entries of `ignore_rules`, where there are any
    write    a write as it went: project_id, region_id, name, group_id, method, path, body, status, request_id, problem,
             `error`: what an error answer says (exception_class, message, request_id, info, invalid_fields), else null
    found    a group to create that was found by its name, because the answer was lost: group_id

A process that is killed leaves at most one line cut short. The API key is in none of them: where live data repeats it,
it is replaced, and the line has `hidden`, which is true. `journal_reading` reads it.
"""

import errno
import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reconciler.applying.outcome import Write
from reconciler.model.clock import Clock, format_moment
from reconciler.model.errors import SgctlError
from reconciler.model.json_form import entry_to_json, group_to_json, rule_to_json, target_to_json
from reconciler.model.json_reading import Json
from reconciler.planning.diff import Difference
from reconciler.planning.encode import ApiVersion
from reconciler.planning.plan import Change

FORMAT_VERSION = 1


def begin_line(at: datetime, base_url: str, api_version: str) -> Json:
    """Say that an apply begins."""
    return _line("apply", at, format_version=FORMAT_VERSION, base_url=base_url, api_version=api_version)


def before_line(at: datetime, change: Change) -> Json:
    """Keep a group as it was read."""
    difference = change.difference
    return _line(
        "before",
        at,
        **_head(change),
        action=str(difference.action),
        group=None if difference.live is None else group_to_json(difference.live),
        changed=sorted(_changed(difference)),
        tags=[tag.key for tag in difference.tags],
        lost_rules=[
            {"group_id": lost.group_id, "group_name": lost.group_name, "rule": rule_to_json(lost.rule)}
            for lost in difference.lost_rules
        ],
        **({"ignored": [entry_to_json(each.entry) for each in difference.ignored]} if difference.ignored else {}),
    )


def write_line(write: Write) -> Json:
    """Keep a write."""
    return _line(
        "write",
        write.at,
        **_head(write.change),
        group_id=write.group_id,
        method=write.request.method,
        path=write.request.path,
        body=write.request.body,
        status=write.status,
        request_id=write.request_id,
        problem=write.problem,
        error=write.details.to_json() or None if write.problem else None,
    )


def found_line(at: datetime, change: Change, group_id: str) -> Json:
    """Keep that a new group was found by its name."""
    return _line("found", at, **_head(change), group_id=group_id)


def _line(kind: str, at: datetime, **fields: Any) -> Json:
    return {"kind": kind, "at": format_moment(at), **fields}


def _head(change: Change) -> Json:
    return {**target_to_json(change.difference.target), "name": change.difference.name}


def _changed(difference: Difference) -> Iterator[str]:
    if difference.previous_name is not None:
        yield "name"
    if difference.description is not None:
        yield "description"
    if difference.changes_rules:
        yield "rules"


STDOUT = "-"
_BEGINNING = b'{"kind":"apply"'


def _open(path: str) -> int:
    """Open a journal to be added to; a pipe may take one as well. Raises `OSError` for a link or a device.

    The file is for its owner alone: it holds live groups.
    """
    if path == STDOUT:
        return os.dup(1)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NOCTTY
    if Path(path).exists() and not (Path(path).is_file() or Path(path).is_fifo()):
        raise OSError(errno.EINVAL, "it is no regular file", path)
    descriptor = os.open(path, flags, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fchmod(descriptor, 0o600)
    return descriptor


class JournalFile:
    """Keeps the journal of one apply (a `Recorder`); several threads may use it. Close it, or use it with `with`.

    `-` is stdout. `hide` returns a text without the API key.

    Raises `SgctlError` when the file cannot be written: an apply that was to be kept must not go on unseen.
    """

    def __init__(
        self,
        path: str,
        clock: Clock,
        *,
        base_url: str,
        api_version: ApiVersion,
        hide: Callable[[str], str] = lambda text: text,
    ) -> None:
        self.path = path
        self._clock = clock
        self._hide = hide
        self._lock = threading.Lock()
        self._disk = threading.Lock()
        self._lines = 0
        self._safe_lines = 0
        self._broken: OSError | None = None
        try:
            self._descriptor = _open(path)
        except OSError as error:
            raise self._error(error) from None
        try:
            self._end_cut_line()
            self._append(begin_line(clock.now(), base_url, api_version))
        except BaseException as error:
            os.close(self._descriptor)
            if isinstance(error, OSError):
                raise self._error(error) from None
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was kept is on the disk already."""
        with self._lock, self._disk:
            os.close(self._descriptor)
            self._descriptor = -1  # no other file may get what a thread still has to say

    def begin(self, change: Change) -> None:
        """Keep a group as it was read."""
        self._append(before_line(self._clock.now(), change))

    def wrote(self, write: Write) -> None:
        """Keep a write."""
        self._append(write_line(write))

    def found(self, change: Change, group_id: str) -> None:
        """Keep that a new group was found by its name."""
        self._append(found_line(self._clock.now(), change, group_id))

    def _append(self, line: Json) -> None:
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        if (hidden := self._hide(text)) != text:
            text = hidden[:-1] + ',"hidden":true}'
        data = f"{text}\n".encode(errors="backslashreplace")  # half a surrogate pair, as JSON writes it
        try:
            with self._lock:
                self._write(data)
                self._lines += 1
                number = self._lines
            self._sync(number)
        except OSError as error:
            raise self._error(error) from None

    def _write(self, data: bytes) -> None:
        """Write a line, or end the journal: nothing may follow half a line."""
        if self._broken is not None:
            raise self._broken
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            self._broken = error
            raise

    def _sync(self, line: int) -> None:
        """Bring a line to the disk, with those of other threads that were written by then: it takes milliseconds."""
        with self._disk:
            if self._safe_lines >= line:
                return
            written = self._lines
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                if error.errno != errno.EINVAL:  # a pipe or a terminal has nothing to sync
                    self._broken = error  # the next one may succeed, without what this one lost
                    raise
            self._safe_lines = written

    def _end_cut_line(self) -> None:
        """An earlier apply that was killed may have left a line without its end."""
        status = os.fstat(self._descriptor)
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        if size and not _BEGINNING.startswith(os.pread(self._descriptor, len(_BEGINNING), 0)):
            raise OSError(errno.EINVAL, "the file holds something else than a journal")
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def _error(self, error: OSError) -> SgctlError:
        return SgctlError(
            f"cannot write the journal {self.path}: {error.strerror or error}", hint="No further write is sent."
        )
