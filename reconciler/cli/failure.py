"""What a user sees when something went wrong, and the exit code it ends in."""

import os
import traceback

from reconciler.cli.log import Log, current_log
from reconciler.errors import InputError, SgctlError


def report(error: Exception, log: Log | None = None) -> int:
    """Write an error to stderr and return its exit code; without a log, as the command that runs asks for it."""
    log = log or current_log()
    if isinstance(error, InputError):
        log.issues(error)
    if isinstance(error, SgctlError):
        log.failed(error.message, error.hint, error.exit_code)
        return error.exit_code
    if os.environ.get("SGCTL_TRACEBACK"):
        traceback.print_exception(error)
    log.failed(
        f"this is a bug in sgctl: {type(error).__name__}",
        "please report it with what SGCTL_TRACEBACK=1 makes it say (read that before you post it).",
    )
    return 1
