"""`sgctl import`."""

import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from reconciler.api.live import read_live
from reconciler.cli import EXIT_CODES, options, settings
from reconciler.cli.loading import usable_processes
from reconciler.cli.log import current_log
from reconciler.cli.output import write_atomically
from reconciler.cli.progress import Progress
from reconciler.importing.layout import STDOUT, File
from reconciler.importing.run import Import, ImportOptions, find_existing, import_groups
from reconciler.model.desired import Target
from reconciler.model.errors import SgctlError, UsageError
from reconciler.model.text import printable


@click.command("import", epilog=EXIT_CODES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Only groups with this tag; repeatable: with all."
)
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write to this file instead of stdout.")
@click.option("--split", type=click.Path(file_okay=False), metavar="DIR", help="Write one file a group to this folder.")
@click.option(
    "--into",
    multiple=True,
    type=click.Path(),
    metavar="PATH",
    help="A file or folder that may name groups already: only what is missing there is written; repeatable.",
)
@click.option("--address-groups", is_flag=True, help="Give sets of prefixes that several rules share a name.")
@click.option("--project-id", type=click.IntRange(min=1), help="Project to import from.")
@click.option("--region-id", type=click.IntRange(min=1), help="Region to import from.")
@options.api_options
def command(project_id: int | None, region_id: int | None, address_groups: bool, **given: Any) -> None:
    """Write live groups as YAML, in the short form that a person would have written.

    NAME is a group's name or a glob; all groups when left out. The text is loaded and planned before it is written:
    unless that plan is empty, nothing is written. A FILE or DIR that exists is only added to: groups that it (or a PATH
    of --into) names are left out, and no byte of it changes.

    \b
      sgctl import --project-id 1337 --region-id 7 --out groups.yaml
      sgctl import 'web-*' --tag env=prod
      sgctl import --split groups/ --address-groups
      sgctl import --into groups/ --out groups/new.yaml
    """
    out = given["out"] if given["out"] != STDOUT else None
    wanted = ImportOptions(given["names"], given["tags"], out, given["split"], given["into"], address_groups)
    if wanted.out is not None and wanted.split is not None:
        raise UsageError("--out and --split exclude each other: one file, or one a group")
    target = _target(project_id, region_id)
    with options.connect(**given) as (_, reader), Progress("reading", quiet=given["quiet"]) as progress:
        live = read_live(reader, [target], parallelism=given["parallelism"], progress=progress.read)
    result = import_groups(live, target, wanted, find_existing(wanted), processes=usable_processes())
    write_files(result.files, lambda text: click.echo(text, nl=False))
    _tell(result, target)


def _target(project_id: int | None, region_id: int | None) -> Target:
    """Find the project and the region to import from. Raises `UsageError` where one is missing."""
    defaults = settings.defaults(project_id, region_id)
    project_id, region_id = defaults.fill("project_id"), defaults.fill("region_id")
    if project_id is None or region_id is None:
        raise UsageError(
            "import needs to know a project and a region",
            hint="Pass --project-id and --region-id, or set GCORE_CLOUD_PROJECT_ID and GCORE_CLOUD_REGION_ID.",
        )
    return Target(project_id, region_id)


def _tell(result: Import, target: Target) -> None:
    """Say on stderr what was left out and, unless -q, what was done."""
    log = current_log()
    for note in result.notes:
        if log.is_json:
            log.event("note", "warning", message=note)
        else:
            log.line(f"note: {printable(note)}")
    if log.is_json and not log.quiet:
        files = [file.path for file in result.files]
        log.event("imported", files=files, groups=result.groups, rules=result.rules, known=result.known)
    elif not log.quiet:
        log.line(_summary(result, target))


def _summary(result: Import, target: Target) -> str:
    known = f"{result.known} named by the files already" if result.known else ""
    if not result.files:
        return f"Nothing to add for {target}{': ' if known else ''}{known}."
    done = f"{_count(result.groups, 'group')}, {_count(result.rules, 'rule')} written as {result.written_rules}"
    told = f"Imported from {target}: {done}{'; ' if known else ''}{known}. Planning them shows no changes."
    if result.shared_sets:
        told += f"\n{_count(result.shared_sets, 'set')} of prefixes in several rules: --address-groups would name them."
    return told


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


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
