"""One apply at a time on this machine and API: two that plan at once would both create what is missing.

A lock of the operating system, which goes with the process however that ends. It is a courtesy between the jobs of one
machine, no guard: between machines the check of fingerprints and the read after each create tell what happened. Where
no lock can be had (a folder that is not ours, a file system without locks) an apply goes on without one.
"""

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.model.clock import Clock
from reconciler.model.errors import UsageError

PATIENCE = 600.0
"""Seconds that an apply waits for another one."""

_POLL = 0.2


@contextmanager
def one_at_a_time(
    base_url: str, clock: Clock, tell: Callable[[str], None], folder: Path | None = None
) -> Iterator[None]:
    """Hold the turn for one API; `tell` is given a sentence when somebody else has it.

    Raises `UsageError` when the other apply does not end.
    """
    descriptor = _open(base_url, folder)
    if descriptor is None:
        yield
        return
    try:
        _wait(descriptor, clock, tell)
        yield
    finally:
        os.close(descriptor)


def _open(base_url: str, folder: Path | None) -> int | None:
    name = hashlib.sha256(base_url.encode()).hexdigest()[:16] + ".lock"
    try:
        folder = folder or Path(tempfile.gettempdir()) / f"sgctl-{os.getuid()}"  # raises where none can be written
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return None
        return os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None


def _wait(descriptor: int, clock: Clock, tell: Callable[[str], None]) -> None:
    until = clock.monotonic() + PATIENCE
    is_told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not is_told:
                tell("another apply is under way on this machine; waiting for it")
                is_told = True
            if clock.monotonic() > until:
                raise UsageError(
                    f"another apply has been under way on this machine for {PATIENCE / 60:.0f} minutes; "
                    "nothing was sent",
                    hint="Look for its process, and run this one again when it has ended.",
                ) from None
            clock.sleep(_POLL)
        except OSError:
            return
        else:
            return
