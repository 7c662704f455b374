"""The journal that an apply keeps without being asked: how many there are, and never at the price of the apply."""

import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.applying.journal import JournalFile
from reconciler.applying.journal_folder import kept_journals
from reconciler.applying.outcome import Write
from reconciler.model.clock import Clock
from reconciler.model.errors import SgctlError
from reconciler.planning.encode import ApiVersion
from reconciler.planning.plan import Change

KEPT = 50
"""Journals that stay; older ones are removed when a new one begins."""


class FolderJournal:
    """Keeps the journal of one apply in a file of its own, made before the first write (a `Recorder`).

    It never stops the apply, for nobody asked for it: where it cannot be written, `warn` is told so once, and nothing
    more is kept. `path` is None as long as there is no file.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        warn: Callable[[str], None],
        *,
        base_url: str,
        api_version: ApiVersion,
        hide: Callable[[str], str] = lambda text: text,
    ) -> None:
        self.path: str | None = None
        self._folder = folder
        self._clock = clock
        self._warn = warn
        self._open_file = partial(JournalFile, clock=clock, base_url=base_url, api_version=api_version, hide=hide)
        self._lock = threading.Lock()
        self._file: JournalFile | None = None
        self._is_given_up = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_given_up = True
            if self._file is not None:
                self._file.close()

    def begin(self, change: Change) -> None:
        """Keep a group as it was read."""
        self._keep(lambda file: file.begin(change))

    def wrote(self, write: Write) -> None:
        """Keep a write."""
        self._keep(lambda file: file.wrote(write))

    def found(self, change: Change, group_id: str) -> None:
        """Keep that a new group was found by its name."""
        self._keep(lambda file: file.found(change, group_id))

    def _keep(self, add: Callable[[JournalFile], None]) -> None:
        try:
            with self._lock:
                if self._is_given_up:
                    return
                self._file = file = self._file or self._open()
            add(file)
        except (OSError, ValueError, SgctlError) as error:
            with self._lock:
                if self._is_given_up:
                    return
                self._is_given_up = True
            reason = error.message if isinstance(error, SgctlError) else f"{self._folder}: {_reason(error)}"
            self._warn(f"{'the journal ends here' if self.path else 'no journal is kept of this apply'}: {reason}")

    def _open(self) -> JournalFile:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._folder.stat().st_uid != os.getuid():
            raise OSError(errno.EPERM, "the folder belongs to another user")
        began = self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        path = str(self._folder / f"{began}-{os.getpid()}.journal")
        file = self._open_file(path)
        self.path = path
        others = [each for each in kept_journals(self._folder) if each.name != Path(path).name]
        for old in others[KEPT - 1 :]:  # never this one, though others may be from a clock that was ahead
            with suppress(OSError):
                old.unlink()
        return file


def _reason(error: OSError | ValueError) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else "no path holds such a character"
