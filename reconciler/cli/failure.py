"""What a user sees when something went wrong, and the exit code it ends in."""

import os
import traceback
from collections.abc import Mapping

from reconciler.cli.log import Log, current_log
from reconciler.errors import InputError, SgctlError


def report(error: Exception, log: Log | None = None) -> int:
    """Write an error to stderr and return its exit code; without a log, as the command that runs asks for it."""
    log = log or current_log()
    if isinstance(error, InputError):
        log.issues(_with_lines(error))
    if isinstance(error, SgctlError):
        log.failed(error.message, error.hint, error.exit_code)
        return error.exit_code
    if os.environ.get("SGCTL_TRACEBACK"):
        log.line(_without_key("".join(traceback.format_exception(error)), os.environ))
    log.failed(
        f"this is a bug in sgctl: {type(error).__name__}",
        "please report it with what SGCTL_TRACEBACK=1 makes it say (read that before you post it).",
    )
    return 1


def _with_lines(error: InputError) -> InputError:
    """Add the lines of issues that were found when the files had been read already."""
    if all(issue.line is not None for issue in error.issues):
        return error
    from reconciler.document import with_lines  # noqa: PLC0415 - brings YAML

    return InputError(with_lines(error.issues))


def _without_key(text: str, environment: Mapping[str, str]) -> str:
    """Blank out the API key, should an exception of some library quote it."""
    from reconciler.cli.settings import api_key  # noqa: PLC0415 - only when something went wrong

    try:
        key = api_key(environment)
    except SgctlError:
        key = environment.get("GCORE_API_KEY") or ""
    return text.replace(key, "***") if key else text
