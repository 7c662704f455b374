"""`sgctl show`."""

import click

from reconciler.cli import EXIT_CODES, options
from reconciler.cli.completion import complete_plan_files
from reconciler.cli.planning import show
from reconciler.cli.savedplan import read_plan


@click.command("show", epilog=EXIT_CODES)
@click.argument("planfile", type=click.Path(), shell_complete=complete_plan_files)
@options.format_option
@click.option("--traffic-only", is_flag=True, help="Show only what the change opens and closes.")
def command(planfile: str, format_: str, traffic_only: bool) -> None:
    """Show a saved plan. Needs no network and no API key.

    \b
      sgctl show plan.json
    """
    show(read_plan(planfile), format_, only_traffic=traffic_only)
