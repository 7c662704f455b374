"""`sgctl init`: a repository, from nothing or from what is live."""

import os
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler import process, reading
from reconciler.cli import options
from reconciler.cli.log import current_log
from reconciler.cli.options import ConnectionOptions, TargetOptions
from reconciler.cli.output import refuse_output, refuse_way_out, write_groups
from reconciler.cli.parameters import option_set
from reconciler.cli.progress import Progress
from reconciler.cli.targets import known_target
from reconciler.importing.layout import SCHEMA, read_if_there
from reconciler.importing.run import ImportOptions
from reconciler.importing.text import target_lines
from reconciler.model.desired import DesiredState, Target
from reconciler.model.environment import API_KEY, PROJECT_ID, REGION_ID
from reconciler.model.errors import SgctlError, UsageError
from reconciler.model.published import SCHEMAS, published, schema_text
from reconciler.model.text import printable

GROUPS = Path("groups", "groups.yaml")
_IGNORED = Path(".gitignore")
_CI = {
    "none": {},
    "github": {
        **{
            f".github/workflows/{name}.yml": ("ci", f"github/{name}.yml")
            for name in ("plan", "apply", "drift", "refresh")
        },
        "requirements.in": ("ci", "requirements.in"),
        "rules.toml": ("starter", "rules.toml"),
    },
    "gitlab": {
        ".gitlab-ci.yml": ("ci", "gitlab/gitlab-ci.yml"),
        "report.py": ("ci", "gitlab/report.py"),
        "requirements.in": ("ci", "requirements.in"),
    },
}
"""The files for each CI: where they belong in a repository, and which published file they are."""


_NO_TARGET = "# project_id: 1337\n# region_id: 7\n"


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What a new repository begins with: live groups, or an example; and files for a CI."""

    folder: str
    import_: bool
    ci: str


_init = option_set(
    InitOptions,
    click.argument("folder", default=".", type=click.Path(file_okay=False)),
    click.option("--import", "import_", is_flag=True, help="Begin with the groups that are live, not with an example."),
    click.option(
        "--ci", type=click.Choice(list(_CI)), default="none", show_default=True, help="Add files for this CI, too."
    ),
)


@click.command("init")
@_init
@options.target_options("Project of the groups.", "Region of the groups.")
@options.connection
def command(wanted: InitOptions, target: TargetOptions, connection: ConnectionOptions) -> None:
    """Begin a repository: a file with groups, settings, the schema for editors, and what git ignores.

    FOLDER is the current one when left out, and is made where it is missing. No file that is there is changed, but for
    `.gitignore`, which gets the lines that it lacks: where any other is in the way, nothing is written.

    \b
      sgctl init firewall --project-id 1337 --region-id 7 --ci github
      sgctl init --import --project-id 1337 --region-id 7
    """
    source = known_target(target)
    folder = Path(wanted.folder)
    files = _published(wanted.ci)
    _refuse_what_is_there(folder, [GROUPS, *files])
    groups = _imported(source, connection) if wanted.import_ else _example(source.targets[0] if source else None)
    schema = Path(*[os.pardir] * (len(GROUPS.parts) - 1), SCHEMA).as_posix()
    files[GROUPS] = f"# yaml-language-server: $schema={schema}\n{groups}"
    before = read_if_there(str(folder / _IGNORED))
    files[_IGNORED] = with_lines(before, published("starter", "gitignore"))
    _write({path: text for path, text in files.items() if path != _IGNORED or text != before}, folder)
    _tell(wanted, folder, files, has_target=source is not None)


def _published(ci: str) -> dict[Path, str]:
    """Return the files that are the same for everybody."""
    files = {Path("sgctl.toml"): published("starter", "sgctl.toml"), SCHEMA: schema_text(SCHEMAS[0])}
    return files | {Path(there): published(*here) for there, here in _CI[ci].items()}


def _refuse_what_is_there(folder: Path, files: Iterable[Path]) -> None:
    there = [str(folder / path) for path in files if os.path.lexists(folder / path)]
    if there:
        raise UsageError(
            f"nothing was written, for this is there already: {', '.join(there)}",
            hint="Name another folder, or move these away. `sgctl import --into` adds live groups to files that exist.",
        )
    for path in (*files, _IGNORED):
        refuse_way_out(str(folder / path), folder, f"nothing was written: {folder / path}")
    refuse_output(str(folder / _IGNORED), f"nothing was written: {folder / _IGNORED}")


def _write(files: Mapping[Path, str], folder: Path) -> None:
    """Write all files or none: what is half there would be in the way the next time. `.gitignore` comes last."""
    written: list[Path] = []
    try:
        for path, text in files.items():
            write_groups(str(folder / path), text)
            written.append(folder / path)
    except BaseException:
        for done in written:
            done.unlink(missing_ok=True)
        raise


def _example(target: Target | None) -> str:
    where = "\n".join([*target_lines(target), ""]) if target else _NO_TARGET
    comment, _, rest = published("starter", "groups.yaml").partition("\n\n")
    return f"{comment}\n\n{where}{rest}"


def _imported(known: DesiredState | None, connection: ConnectionOptions) -> str:
    """Return the live groups as YAML; planning it has been seen to change nothing."""
    if known is None:
        raise UsageError(
            "--import needs to know a project and a region",
            hint=f"Pass --project-id and --region-id (or --project and --region), or set {PROJECT_ID} and {REGION_ID}.",
        )
    with options.connect(connection) as api, Progress("reading") as progress:
        target = reading.find_targets(known, api).targets[0]
        result = reading.import_groups(
            target, api, ImportOptions(), processes=process.usable_processes(), progress=progress.read
        )
    for note in result.notes:
        current_log().note(note)
    if not result.files:
        raise SgctlError(f"{target} has no security group to import", hint="Without --import, an example is written.")
    return "".join(file.text for file in result.files)


def with_lines(text: str, wanted: str) -> str:
    """Add to a text the lines that it lacks; comments only where something follows them."""
    lines = text.splitlines()
    missing = [line for line in wanted.splitlines() if line not in lines]
    if all(line.startswith("#") for line in missing):
        return text
    separator = "\n" if text and not text.endswith("\n") else ""
    return text + separator + "".join(f"{line}\n" for line in missing)


def _tell(wanted: InitOptions, folder: Path, files: Iterable[Path], *, has_target: bool) -> None:
    """Say what there is now, and what to do next."""
    for path in sorted(files):
        click.echo(f"wrote {printable(str(folder / path))}")
    steps = [f"cd {shlex.quote(wanted.folder)}"] if wanted.folder != "." else []
    if not has_target:
        steps.append(f"export {PROJECT_ID}=1337 {REGION_ID}=7  # or write both into {GROUPS}")
    if not os.environ.get(API_KEY):
        steps.append(f"export {API_KEY}=...")
    if wanted.ci != "none":
        click.echo(f"Replace git.example.com in the files for {wanted.ci}: it stands for where you keep sgctl.")
    click.echo("\n".join(["Next:", *(f"  {step}" for step in [*steps, "sgctl validate", "sgctl plan"])]))
