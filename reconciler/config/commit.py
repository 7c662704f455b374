"""The commit that is checked out where the files are, from git's own files: no program runs, so neither do hooks.

`gitrepository-layout(5)`: `HEAD` names a reference or a commit, a reference is a file or a line of `packed-refs`, and
`.git` may be a file that names the folder (a work tree or a submodule).
"""

import re
from pathlib import Path

from reconciler.config.config import repository_of
from reconciler.model.files import read_bounded
from reconciler.planning.plan import COMMIT

_REFERENCE = re.compile(r"refs/(?!.*\.\.)\S+")
_LIMIT = 16 * 2**20
"""Bytes of `packed-refs` at most."""


def commit_of(path: str) -> str:
    """Return the commit that is checked out around a file or folder; nothing where there is none that can be read.

    Files may have been edited since: it says what they were edited from.
    """
    try:
        start = Path(path).resolve()
        folder = _git_folder(repository_of(start if start.is_dir() else start.parent) / ".git")
        head = _read(folder / "HEAD")
        if not (reference := head.removeprefix("ref: ")) or reference == head:
            return head if COMMIT.fullmatch(head) else ""
        return _resolve(folder, reference) if _REFERENCE.fullmatch(reference) else ""
    except (OSError, ValueError):
        return ""


def _git_folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent / _read(path).removeprefix("gitdir: ")


def _resolve(folder: Path, reference: str) -> str:
    common = folder / _read(folder / "commondir") if (folder / "commondir").exists() else folder
    if (common / reference).exists():
        found = _read(common / reference)
        return found if COMMIT.fullmatch(found) else ""
    packed = (line.split(" ") for line in _read(common / "packed-refs").splitlines())
    return next((line[0] for line in packed if line[1:] == [reference] and COMMIT.fullmatch(line[0])), "")


def _read(path: Path) -> str:
    return read_bounded(str(path), _LIMIT).decode("utf-8").strip()
