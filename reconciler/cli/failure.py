"""What a user sees when something went wrong, and the exit code it ends in."""

import os
import shutil
import traceback

import click

from reconciler.errors import InputError, SgctlError
from reconciler.render.text import render_error, render_issue


def report(error: Exception) -> int:
    """Write an error to stderr and return its exit code."""
    if isinstance(error, InputError):
        width = shutil.get_terminal_size().columns
        for issue in error.issues:
            click.echo(render_issue(issue, width), err=True, nl=False)
    if isinstance(error, SgctlError):
        click.echo(render_error(error), err=True, nl=False)
        return error.exit_code
    if os.environ.get("SGCTL_TRACEBACK"):
        traceback.print_exception(error)
    click.echo(
        f"error: this is a bug in sgctl: {type(error).__name__}\n"
        "hint: please report it with what SGCTL_TRACEBACK=1 makes it say (read that before you post it).",
        err=True,
    )
    return 1
