"""`sgctl validate`."""

import click

from reconciler.cli import EXIT_CODES, options, settings
from reconciler.desired import load, unresolved_references
from reconciler.render.words import count


@click.command("validate", epilog=EXIT_CODES)
@options.paths
@options.target_options
def command(paths: tuple[str, ...], project_id: int | None, region_id: int | None) -> None:
    """Check files offline: structure, rules, references.

    PATHS are files or folders (*.yaml and *.yml, recursively); when left out, those of `sgctl.toml`, else the current
    folder. All errors are shown, each with its place.

    \b
      sgctl validate groups/
      sgctl validate web.yaml db.yaml
    """
    state = load(paths or (".",), settings.defaults(project_id, region_id))
    for note in unresolved_references(state):
        click.echo(f"{note.place}: note: {note.message}", err=True)
    rules = sum(len(group.rules or ()) for group in state.groups)
    size = ((len(state.groups), "group"), (rules, "rule"), (len(state.targets), "target"))
    click.echo(f"Valid: {', '.join(count(number, noun) for number, noun in size)}.")
