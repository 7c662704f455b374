"""What several commands read and write: files that others may be reading, plans, and findings for a CI."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import settings
from reconciler.cli.log import current_log
from reconciler.cli.options import Look, ReportOptions
from reconciler.cli.parameters import OutputFile
from reconciler.config.config import repository_of
from reconciler.model.environment import API_KEY_FILE
from reconciler.model.errors import SgctlError, UsageError
from reconciler.model.files import PLAN_LIMIT, strays
from reconciler.model.policies import Finding
from reconciler.model.text import printable

if TYPE_CHECKING:
    from reconciler.loading.walk import Walk
    from reconciler.planning.plan import Plan
    from reconciler.policy.softened import Judge

PUBLIC = 0o644
"""The mode of what anybody may read: it says no more than a repository or the log of a CI."""


STDOUT = "-"


def check_outputs(inputs: Sequence[str] = (), *, walk: "Walk | None" = None) -> bool:
    """Refuse outputs of the command that runs that would destroy something, and tell whether one of them is stdout.

    `inputs` are the files and folders that the run reads; its settings, the file of the API key and the journals that
    were kept are known. An output is never one of those, nor another output, a device, a folder or a link. Raises
    `UsageError`.
    """
    context = click.get_current_context()
    given = [
        (each.opts[0], str(context.params[each.name or ""]), each.type)
        for each in context.command.params
        if isinstance(each.type, OutputFile) and context.params.get(each.name or "")
    ]
    named = [*inputs, *filter(None, [context.params.get("policies_file")])]
    read = _read_by_this_run(named, walk=walk or settings.walk()) if given else {}
    written: dict[str, str] = {}
    for option, path, type_ in given:
        if path == STDOUT and type_.is_kept:
            raise UsageError(f"{option}: this file is read again the next time, and cannot be stdout")
        if path != STDOUT:
            refuse_output(path, f"{option} {path}")
            if (found := _identity(path)) in read:
                raise UsageError(
                    f"{option} {path}: it would overwrite {read[found]}",
                    hint="Name another file; nothing was read or sent.",
                )
        other = written.setdefault(path if path == STDOUT else os.path.realpath(path), option)
        if other != option:
            raise UsageError(f"{option} and {other} name the same file", hint="Name one file for each.")
    return STDOUT in written


def refuse_output(path: str, name: str) -> None:
    """Refuse to write to what is there and is no regular file, and through a folder that is a link out of here.

    Whoever may write to a repository can put such a link into it. Raises `UsageError`, which calls the file `name`.
    """
    with suppress(OSError):
        refuse_way_out(path, repository_of(Path.cwd()), name)
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return  # there is nothing, or whoever writes will say what is wrong
    if stat.S_ISLNK(mode):
        raise UsageError(f"{name}: it is a link, and a link is not written through", hint="Name the file itself.")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{name}: it is not a regular file", hint="Name a file; `-` is stdout.")


def refuse_way_out(path: str, root: Path, name: str) -> None:
    """Refuse a file that stands below a folder by its name, and elsewhere in truth. Raises `UsageError`."""
    if strays(str(Path(path).parent), str(root)):
        raise UsageError(f"{name}: a folder on the way there is a link that leads out", hint="Name the place itself.")


def _read_by_this_run(inputs: Sequence[str], *, walk: "Walk") -> dict[tuple[int, int] | None, str]:
    """List what is read: each file with how it came to be."""
    from reconciler.applying.journal_folder import journal_folder, kept_journals  # noqa: PLC0415 - only for outputs
    from reconciler.loading.walk import find_files  # noqa: PLC0415 - brings YAML, which `sgctl show` need not load

    files = dict.fromkeys(find_files(inputs, walk=walk)[0], "an input of this run")
    if (file := settings.config().file) is not None:
        files[file] = "the settings"
    files |= {path: f"the file in {name}" for name in (API_KEY_FILE, "SSL_CERT_FILE") if (path := os.environ.get(name))}
    files |= {str(path): "a journal of an apply" for path in kept_journals(journal_folder())}
    found = {_identity(path): what for path, what in files.items()}
    return {identity: what for identity, what in found.items() if identity is not None}


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - beside lstat
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def write_atomically(path: str, text: str | Iterable[str], mode: int = 0o600) -> None:
    """Replace a file as a whole: readers see the old text or the new, never a part. `-` is stdout.

    A large text may come in pieces, none of which ends within a value.

    Raises `SgctlError` when the folder cannot be written to, for a text that holds the API key, and for a link and what
    is no regular file: to replace a device or a pipe would be to remove it.
    """
    pieces = (text,) if isinstance(text, str) else text
    if path == STDOUT:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    refuse_output(path, f"cannot write {path}")
    try:
        import tempfile  # noqa: PLC0415 - brings compressors and random numbers, and only what writes a file needs it

        target = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
        descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                os.fchmod(stream.fileno(), mode)
                stream.writelines(_without_key(pieces, path))
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SgctlError(f"cannot write {path}: {error.strerror or error}") from None


def _without_key(pieces: Iterable[str], path: str) -> Iterator[str]:
    secrets = current_log().secrets
    for piece in pieces:
        if secrets.are_in(piece):
            raise SgctlError(
                f"{path} would hold the API key, and was not written",
                hint="A name, a description or a tag repeats it. Make a new key, and find out who put it there.",
            )
        yield piece


def write_groups(path: str, text: str) -> None:
    """Write desired state; its folder is made where it is missing, and the mode of a file that is there stays.

    Raises `SgctlError` where it cannot be written.
    """
    refuse_output(path, f"cannot write {path}")
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
    write_groups(os.path.realpath(path), new.decode("utf-8"))  # what was read through a link


def text_diff(path: str, old: bytes, new: bytes) -> str:
    """Return what would change in a file as a unified diff, fit to print."""
    from difflib import unified_diff  # noqa: PLC0415 - only where files are mended

    before, after = (data.decode("utf-8", "replace").splitlines() for data in (old, new))
    lines = unified_diff(before, after, path, path, lineterm="")
    return "".join(f"{printable(line, keep_length=True)}\n" for line in lines)


def write_plan(path: str, plan: "Plan") -> None:
    """Write a plan file that `read_plan` takes. Raises what `write_atomically` raises, and for a larger one."""
    from reconciler.planning import planfile  # noqa: PLC0415 - only where a plan is saved

    write_atomically(path, _bounded(planfile.iterdumps(plan), path))


def _too_large() -> str:
    return f"the plan comes to more than {PLAN_LIMIT >> 20} MiB, which `sgctl apply` would not read"


def _bounded(pieces: Iterable[str], path: str) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece.encode())
        if size > PLAN_LIMIT:
            raise SgctlError(
                f"{_too_large()}: {path} was not written",
                hint="Plan part of it at a time: fewer files, or some groups with --group. Nothing was sent.",
            )
        yield piece


def show_plan(plan: "Plan", format_: str, look: Look, *, told: Sequence[str] = (), err: bool = False) -> None:
    """Write a plan to stdout, or with `err` to stderr where stdout is for something else.

    What was `told` on stderr of a saved plan are notes of what people read without it.
    """
    from reconciler.planning import planfile  # noqa: PLC0415 - only for plans
    from reconciler.render.formats import render  # noqa: PLC0415 - the same
    from reconciler.render.plan import traffic_only, view_plan  # noqa: PLC0415 - the same

    if format_ == "json":
        size = 0
        for piece in planfile.iterdumps(plan):
            size += len(piece.encode())
            click.echo(piece, nl=False, err=err)
        if size > PLAN_LIMIT:
            current_log().warning(f"{_too_large()}: this is only for other programs to read")
        return
    import shutil  # noqa: PLC0415 - brings compressors

    shown = traffic_only(view_plan(plan)) if look.traffic_only else view_plan(plan)
    shown = replace(shown, page_url=look.page_url or "")
    if format_ in ("markdown", "html"):
        shown = replace(shown, notes=(*told, *shown.notes))
    if format_ == "html":
        from reconciler.graph import change_graphs  # noqa: PLC0415 - the same

        drawn = change_graphs((change.difference for change in plan.changes), plan.group_names)
        shown = replace(shown, graphs=drawn)
    click.echo(render(shown, format_, shutil.get_terminal_size().columns, expand=look.expand), nl=False, err=err)


def write_reports(
    findings: Sequence[Finding], command: str, report: ReportOptions, judge: "Judge", lifted: Collection[str] = ()
) -> None:
    """Write the reports that were asked for, without the API key as all that is for people to read."""
    hide = current_log().secrets.hide
    if report.sarif:
        write_atomically(report.sarif, hide(sarif_text(findings, command, judge, lifted)), PUBLIC)
    if report.junit:
        from reconciler.render.junit import junit  # noqa: PLC0415 - only where it is asked for

        write_atomically(report.junit, hide(junit(findings, command, lifted, judge)), PUBLIC)


def sarif_text(findings: Sequence[Finding], command: str, judge: "Judge", lifted: Collection[str] = ()) -> str:
    """Return the findings as a SARIF log."""
    from reconciler.model.json_form import json_text  # noqa: PLC0415 - only where it is asked for
    from reconciler.render.sarif import sarif  # noqa: PLC0415 - the same

    return json_text(sarif(findings, command, str(Path.cwd()), lifted, judge)) + "\n"
