"""`sgctl show`."""

import click

from reconciler.cli import EXIT_CODES
from reconciler.cli.planning import show
from reconciler.cli.savedplan import read_plan


@click.command("show", epilog=EXIT_CODES)
@click.argument("planfile", type=click.Path())
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(planfile: str, format_: str) -> None:
    """Show a saved plan. Needs no network and no API key.

    \b
      sgctl show plan.json
    """
    show(read_plan(planfile), format_)
