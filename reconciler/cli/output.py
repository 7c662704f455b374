"""What several commands read and write: files that others may be reading, plans, and findings for a CI."""

import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

import click

from reconciler.cli.options import ReportOptions
from reconciler.model.errors import PlanFileError, SgctlError
from reconciler.model.files import PLAN_LIMIT, read_bounded
from reconciler.model.policies import Finding
from reconciler.planning.plan import Plan

PUBLIC = 0o644
"""The mode of what anybody may read: it says no more than a repository or the log of a CI."""


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


def write_groups(path: str, text: str) -> None:
    """Write desired state; its folder is made where it is missing, and the mode of a file that is there stays.

    Raises `SgctlError` where it cannot be written.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(Path(path).stat().st_mode) if Path(path).exists() else PUBLIC
    except OSError as error:
        raise SgctlError(f"cannot write {path}: {error.strerror or error}") from None
    write_atomically(path, text, mode)


def rewrite_groups(path: str, old: bytes, new: bytes) -> None:
    """Replace a file of desired state that still is as it was read. Raises `SgctlError` where it is not."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise SgctlError(f"cannot rewrite {path}: it is no regular file")
        if Path(path).read_bytes() != old:
            raise SgctlError(f"{path} changed while it was read; it was not rewritten", hint="Run the command again.")
    except OSError as error:
        raise SgctlError(f"cannot rewrite {path}: {error.strerror or error}") from None
    write_groups(path, new.decode("utf-8"))


def read_plan(path: str) -> Plan:
    """Read a plan file. Raises `PlanFileError` when it cannot be read, is not a plan, or was edited."""
    from reconciler.api.backend import BACKENDS  # noqa: PLC0415 - only for saved plans
    from reconciler.planning import planfile  # noqa: PLC0415 - the same

    try:
        data = read_bounded(path, PLAN_LIMIT, or_pipe=True)
    except OSError as error:
        raise PlanFileError(f"cannot read {path}: {error.strerror or error}") from None
    return planfile.loads(data, path, BACKENDS)


def show_plan(plan: Plan, format_: str, *, traffic_only: bool = False, err: bool = False) -> None:
    """Write a plan to stdout, or to stderr where stdout is for something else."""
    from reconciler.model.json_form import json_text  # noqa: PLC0415 - only for plans
    from reconciler.planning import planfile  # noqa: PLC0415 - the same
    from reconciler.render import view  # noqa: PLC0415 - the same
    from reconciler.render.formats import render  # noqa: PLC0415 - the same

    if format_ == "json":
        click.echo(json_text(planfile.to_json(plan)))
        return
    shown = view.traffic_only(view.view_plan(plan)) if traffic_only else view.view_plan(plan)
    click.echo(render(shown, format_, shutil.get_terminal_size().columns), nl=False, err=err)


def write_reports(
    findings: Sequence[Finding], command: str, report: ReportOptions, lifted: Collection[str] = ()
) -> None:
    """Write the reports that were asked for."""
    if report.sarif:
        write_atomically(report.sarif, sarif_text(findings, command, lifted), PUBLIC)
    if report.junit:
        from reconciler.render.junit import junit  # noqa: PLC0415 - only where it is asked for

        write_atomically(report.junit, junit(findings, command, lifted), PUBLIC)


def sarif_text(findings: Sequence[Finding], command: str, lifted: Collection[str] = ()) -> str:
    """Return the findings as a SARIF log."""
    from reconciler.model.json_form import json_text  # noqa: PLC0415 - only where it is asked for
    from reconciler.render.sarif import sarif  # noqa: PLC0415 - the same

    return json_text(sarif(findings, command, str(Path.cwd()), lifted)) + "\n"
