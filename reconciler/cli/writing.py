"""The end of an import: the proven files are written, each as a whole. Nothing else of an import writes."""

import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from reconciler.errors import SgctlError
from reconciler.files import write_atomically
from reconciler.importing.layout import STDOUT, File

_MODE = 0o644
"""Rules are no secret: they go into a repository, and reviewers and CI read them."""


def write_files(files: Iterable[File], stdout: Callable[[str], object]) -> None:
    """Write the files; folders that are missing are made. Raises `SgctlError` where one cannot be written."""
    for file in files:
        if file.path == STDOUT:
            stdout(file.text)
            continue
        path = Path(file.path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _MODE
        except OSError as error:
            raise SgctlError(f"cannot write {file.path}: {error.strerror or error}") from None
        write_atomically(file.path, file.text, mode)
