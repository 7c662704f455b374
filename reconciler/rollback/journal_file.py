"""A journal on disk: appended to, readable by its owner only, and on the disk before anything is said of a write."""

import errno
import json
import os
import threading
from types import TracebackType
from typing import Self

from reconciler.applying.outcome import Write
from reconciler.clock import Clock
from reconciler.errors import SgctlError
from reconciler.live_json import Json
from reconciler.model.plan import ApiVersion, Change
from reconciler.rollback import journal


class JournalFile:
    """Keeps the journal of one apply (a `Recorder`); several threads may use it. Close it, or use it with `with`.

    Raises `SgctlError` when the file cannot be written: an apply that was to be kept must not go on unseen.
    """

    def __init__(self, path: str, clock: Clock, *, base_url: str, api_version: ApiVersion) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._error(error) from None
        try:
            os.fchmod(self._descriptor, 0o600)
            self._end_cut_line()
            self._append(journal.begin_line(clock.now(), base_url, api_version))
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
        with self._lock:
            os.close(self._descriptor)
            self._descriptor = -1  # no other file may get what a thread still has to say

    def begin(self, change: Change) -> None:
        """Keep a group as it was read."""
        self._append(journal.before_line(self._clock.now(), change))

    def wrote(self, write: Write) -> None:
        """Keep a write."""
        self._append(journal.write_line(write))

    def found(self, change: Change, group_id: str) -> None:
        """Keep that a new group was found by its name."""
        self._append(journal.found_line(self._clock.now(), change, group_id))

    def _append(self, line: Json) -> None:
        data = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
        try:
            with self._lock:
                while data:
                    data = data[os.write(self._descriptor, data) :]
                self._sync()
        except OSError as error:
            raise self._error(error) from None

    def _sync(self) -> None:
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a pipe or a terminal has nothing to sync
                raise

    def _end_cut_line(self) -> None:
        """An earlier apply that was killed may have left a line without its end."""
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def _error(self, error: OSError) -> SgctlError:
        return SgctlError(
            f"cannot write the journal {self._path}: {error.strerror or error}", hint="No further write is sent."
        )
