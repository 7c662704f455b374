"""`sgctl show`."""

from dataclasses import replace

import click

from reconciler.cli import options
from reconciler.cli.completion import complete_plan_files
from reconciler.cli.options import Look
from reconciler.cli.output import read_plan, show_plan
from reconciler.policy.saved import judged_by


@click.command("show")
@click.argument("planfile", type=click.Path(), shell_complete=complete_plan_files)
@options.format_option()
@options.plan_look
def command(planfile: str, format_: str, look: Look) -> None:
    """Show a saved plan. Needs no network and no API key.

    \b
      sgctl show plan.json
    """
    plan = read_plan(planfile)
    if format_ != "json":  # which is the file as it is
        said = [note for note in judged_by(plan) if note not in plan.notes]
        plan = replace(plan, notes=(*plan.notes, *said))
    show_plan(plan, format_, look)
