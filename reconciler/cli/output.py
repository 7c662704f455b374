"""Writing files that others may be reading, and that not everybody may read."""

import os
import tempfile
from pathlib import Path

from reconciler.model.errors import SgctlError


def write_atomically(path: str, text: str, mode: int = 0o600) -> None:
    """Replace a file as a whole: readers see the old text or the new, never a part.

    A link is followed. Raises `SgctlError` when the folder cannot be written to, and for what is no regular file: to
    replace a device or a pipe would be to remove it.
    """
    try:
        target = Path(path).resolve()
        if target.exists() and not target.is_file():
            raise SgctlError(f"cannot write {path}: it is not a regular file")
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                os.fchmod(stream.fileno(), mode)
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SgctlError(f"cannot write {path}: {error.strerror or error}") from None
