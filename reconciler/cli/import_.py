"""`sgctl import`."""

from dataclasses import replace

import click

from reconciler import process, reading
from reconciler.cli import options, settings
from reconciler.cli.log import current_log
from reconciler.cli.options import ConnectionOptions, TargetOptions
from reconciler.cli.output import check_outputs, write_groups
from reconciler.cli.parameters import OutputFile, option_set
from reconciler.cli.progress import Progress
from reconciler.cli.targets import known_target
from reconciler.importing.layout import STDOUT
from reconciler.importing.run import Import, ImportOptions
from reconciler.importing.terraform import HandOver, Resource, hand_over, read_state
from reconciler.model.desired import Target
from reconciler.model.environment import PROJECT_ID, REGION_ID
from reconciler.model.errors import SgctlError, UsageError
from reconciler.model.files import PLAN_LIMIT, read_bounded
from reconciler.model.text import count, printable

_import = option_set(
    ImportOptions,
    click.argument("names", nargs=-1, metavar="[NAME]..."),
    click.option(
        "--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Only groups with this tag; repeatable: with all."
    ),
    click.option("--out", type=OutputFile(), metavar="FILE", help="Write to this file instead of stdout."),
    click.option(
        "--split", type=click.Path(file_okay=False), metavar="DIR", help="Write one file a group to this folder."
    ),
    click.option(
        "--into",
        multiple=True,
        type=click.Path(),
        metavar="PATH",
        help="A file or folder that may name groups already: only what is missing there is written; repeatable.",
    ),
    click.option("--address-groups", is_flag=True, help="Give sets of prefixes that several rules share a name."),
    click.option("--factor", is_flag=True, help="Give lists of rules that several groups repeat a name."),
    click.option(
        "--names",
        "by_name",
        is_flag=True,
        help="Write `project` and `region` by name, not by id; an id where several have that name.",
    ),
    click.option(
        "--ignore",
        "ignored",
        multiple=True,
        metavar="GLOB",
        help="Leave rules whose description fits to others, and write that as `ignore_rules`; repeatable.",
    ),
    options.follow_links,
)


_terraform = click.option(
    "--terraform",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Tell which groups this Terraform state manages as well, and print what makes it let go of them.",
)


@click.command("import")
@_import
@_terraform
@options.target_options("Project to import from.", "Region to import from.")
@options.connection
def command(wanted: ImportOptions, terraform: str | None, target: TargetOptions, connection: ConnectionOptions) -> None:
    """Write live groups as YAML, in the short form that a person would have written.

    NAME is a group's name or a glob; all groups when left out. The text is loaded and planned before it is written:
    unless that plan is empty, nothing is written. A FILE or DIR that exists is only added to: groups that it (or a PATH
    of --into) names are left out, and no byte of it changes.

    Two managers of one group undo each other's changes: with --terraform, the `removed` blocks that make Terraform
    forget the imported groups, and destroy nothing, go to stdout.

    \b
      sgctl import --project-id 1337 --region-id 7 --out groups.yaml
      sgctl import 'web-*' --tag env=prod
      sgctl import --split groups/ --address-groups --factor
      sgctl import --into groups/ --out groups/new.yaml
      sgctl import --ignore 'k8s-*' --out groups.yaml
      sgctl import --out groups.yaml --terraform terraform.tfstate > removed.tf
    """
    check_outputs([terraform] if terraform is not None else [])  # a file of --into is added to
    wanted = replace(wanted, walk=settings.walk(wanted.follow_links))
    if wanted.out == STDOUT:
        wanted = replace(wanted, out=None)
    if wanted.out is not None and wanted.split is not None:
        raise UsageError("--out and --split exclude each other: one file, or one a group")
    if terraform is not None and wanted.out is None and wanted.split is None:
        raise UsageError("--terraform prints to stdout, so the groups need a file", hint="Pass --out or --split.")
    resources = read_terraform(terraform) if terraform is not None else ()
    known = known_target(target)
    if known is None:
        raise UsageError(
            "import needs to know a project and a region",
            hint=f"Pass --project-id and --region-id (or --project and --region), or set {PROJECT_ID} and {REGION_ID}.",
        )
    processes = process.usable_processes()
    with options.connect(connection) as api, Progress("reading") as progress:
        source = reading.find_targets(known, api).targets[0]
        result = reading.import_groups(source, api, wanted, processes=processes, progress=progress.read)
    for file in result.files:
        if file.path == STDOUT:
            click.echo(file.text, nl=False)
        else:
            write_groups(file.path, file.text)
    _tell(result, source)
    if terraform is not None:
        _tell_terraform(hand_over(resources, result.chosen), terraform)


def read_terraform(path: str) -> tuple[Resource, ...]:
    """Read a Terraform state. Raises `SgctlError` where it cannot be read, or is none."""
    try:
        return read_state(read_bounded(path, PLAN_LIMIT, or_pipe=True), printable(path))
    except OSError as error:
        raise SgctlError(f"cannot read {path}: {error.strerror or error}") from None


def _tell_terraform(found: HandOver, path: str) -> None:
    """Say on stderr which groups Terraform manages as well, and write to stdout what makes it let go of them."""
    log = current_log()
    if not found.groups:
        log.note(f"{path} manages none of these groups")
        return
    for group, addresses in found.groups:
        managed = f"group {group.name} is managed by Terraform as well: {', '.join(addresses)}"
        log.warning(managed)
    way_out = (
        "take these resources out of the configuration, and put the blocks that go to stdout into it (Terraform 1.7 or"
        f" newer); for older versions: {found.command}"
    )
    log.note(way_out)
    click.echo(found.blocks, nl=False)


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
    done = f"{count(result.groups, 'group')}, {count(result.rules, 'rule')} written as {result.written_rules}"
    told = f"Imported from {target}: {done}{'; ' if known else ''}{known}. Planning them shows no changes."
    if result.shared_sets:
        told += f"\n{count(result.shared_sets, 'set')} of prefixes in several rules: --address-groups would name them."
    if result.shared_rules:
        told += (
            f"\n{count(result.shared_rules, 'list')} of rules in several groups: --factor would make rule sets of them."
        )
    return told
