"""The folder of the journals that applies keep without being asked, and which files in it are such journals.

The folder is `sgctl/journals` below `$XDG_STATE_HOME`, which is `~/.local/state` where it is unset or no absolute path
(XDG Base Directory Specification 0.8).
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from reconciler.model.environment import STATE_HOME

_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6}Z-\d{1,10}\.journal", re.ASCII).fullmatch
"""When the apply began, in UTC, and its process: names in order are journals in order."""


def journal_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Say where journals are kept."""
    named = environment.get(STATE_HOME, "")
    state = Path(named) if os.path.isabs(named) else Path(os.path.expanduser("~/.local/state"))  # noqa: PTH111, PTH117 - these never raise
    return state / "sgctl" / "journals"


def kept_journals(folder: Path) -> tuple[Path, ...]:
    """List the journals in the folder, the newest first; none where it is not there or not ours."""
    try:
        if folder.stat().st_uid != os.getuid():
            return ()
        return tuple(sorted((path for path in folder.iterdir() if _is_journal(path)), reverse=True))
    except (OSError, ValueError):
        return ()


def _is_journal(path: Path) -> bool:
    """Tell whether a file has the name of a journal of ours and is one's own: nothing else is ever removed."""
    if not _NAME(path.name):
        return False
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid()
