"""Reading files that somebody else may have put there: only what is a file, never more than a bound, never for ever."""

import errno
import os
import select
import stat
from pathlib import Path

from reconciler.model.clock import SystemClock

KEY_LIMIT = 64 * 2**10
SETTINGS_LIMIT = 4 * 2**20
STATE_LIMIT = 2**20
PLAN_LIMIT = 512 * 2**20
CERTIFICATES_LIMIT = 4 * 2**20
GROUPS_LIMIT = 256 * 2**20
"""Bytes of a key, of settings (or a schema), of what `drift` reported last, of a plan or a journal, of CA certificates,
and of a file of desired state, at most."""


PIPE_SECONDS = 30.0
"""Seconds within which all has to come through a pipe: what a shell substitutes may ask a vault first."""


def read_bounded(path: str, limit: int, *, or_pipe: bool = False, below: str | None = None) -> bytes:
    """Read a regular file of at most `limit` bytes; with `or_pipe` also what a shell substitutes for a command.

    With `below`, the path of a folder from the root and without links, only a file that stands there is read, and in no
    hidden folder of it: the path may lead elsewhere since it was looked at, so it counts what was opened. Raises
    `OSError`, whose `strerror` says why, for another file, a larger one, and for a device, a folder or a socket, which
    is not opened. A file of /proc that claims to be empty and a file that grows are bounded too.
    """
    # Opening a pipe does not wait for somebody to write.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        is_pipe = or_pipe and stat.S_ISFIFO(status.st_mode)
        if not stat.S_ISREG(status.st_mode) and not is_pipe:
            raise OSError(errno.EINVAL, "it is no regular file", path)
        if below is not None and not _is_within(descriptor, path, below):
            raise OSError(errno.EINVAL, f"a link leads out of {below}, or to what is hidden there", path)
        if is_pipe:
            data = _read_pipe(descriptor, path, limit + 1)
        else:
            data = file.read(limit + 1) if status.st_size <= limit else b""
    if len(data) > limit or status.st_size > limit:
        raise OSError(errno.EFBIG, f"it is larger than {_size(limit)}, which no such file is", path)
    return data


def _read_pipe(descriptor: int, path: str, most: int) -> bytes:
    """Read a pipe to its end, or so many bytes; raises `OSError` where its writer takes too long, or does not come."""
    monotonic = SystemClock().monotonic
    until = monotonic() + PIPE_SECONDS
    pipe = select.poll()
    pipe.register(descriptor, select.POLLIN)
    parts: list[bytes] = []
    while most > 0:
        if not pipe.poll(max(0.0, until - monotonic()) * 1000):
            raise OSError(errno.ETIMEDOUT, f"it is a pipe, and its end did not come within {PIPE_SECONDS:g} s", path)
        parts.append(os.read(descriptor, min(most, 2**20)))
        if not parts[-1]:
            break
        most -= len(parts[-1])
    return b"".join(parts)


def parts_below(path: str, folder: str) -> tuple[str, ...] | None:
    """Return the parts of a path, links resolved, below a folder; None where it leads out of it."""
    resolved, root = os.path.realpath(path), os.path.realpath(folder)
    if os.path.commonpath((resolved, root)) != root:
        return None
    return Path(os.path.relpath(resolved, root)).parts


def strays(path: str, root: str) -> bool:
    """Tell whether a path is below a folder by its name, and in truth elsewhere, or in what is hidden there.

    What the name itself says may be hidden, but for the files of git: a CI puts other branches into such folders, and
    no link may lead there.
    """
    name, top = os.path.abspath(path), os.path.abspath(root)  # noqa: PTH100 - resolve() follows links
    if not Path(name).is_relative_to(top):
        return False
    parts, named = parts_below(path, root), {*Path(name).relative_to(top).parts} - {".git"}
    return parts is None or any(part.startswith(".") and part not in named for part in parts)


def _is_within(descriptor: int, path: str, folder: str) -> bool:
    """Tell whether what was opened by a path is in a folder, and in no hidden one there, as `.git/config`.

    Where the system does not tell what was opened, it is what the path leads to now.
    """
    try:
        opened = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - its text, beside a path
    except OSError:
        opened = os.path.realpath(path)
    is_below = os.path.commonpath((opened, folder)) == folder
    return is_below and not any(part.startswith(".") for part in Path(os.path.relpath(opened, folder)).parts)


def read_as_named(path: str, limit: int) -> bytes:
    """Read a regular file that is no link, in folders that are none either. Raises what `read_bounded` raises."""
    folder = os.path.abspath(Path(path).parent)  # noqa: PTH100 - resolve() follows links
    return read_bounded(path, limit, below=folder)


def resolved(folder: str, path: str = "") -> str:
    """Return the one spelling of a path that begins in a folder: from the root, links resolved."""
    return os.path.realpath(Path(folder, path))


def _size(limit: int) -> str:
    return f"{limit >> 20} MiB" if limit >= 2**20 else f"{limit >> 10} KiB"
