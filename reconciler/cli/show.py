"""`sgctl show`."""

import click

from reconciler.cli import options
from reconciler.cli.completion import complete_plan_files
from reconciler.cli.log import tell
from reconciler.cli.options import Look
from reconciler.cli.output import show_plan
from reconciler.policy.saved import judged_by, made_for, read_plan


@click.command("show")
@click.argument("planfile", type=click.Path(), shell_complete=complete_plan_files)
@options.format_option()
@options.plan_look
def command(planfile: str, format_: str, look: Look) -> None:
    """Show a saved plan; on stderr, in Markdown and in HTML also its API and its digest, and by what it was judged.

    Needs no network and no API key.

    \b
      sgctl show plan.json
    """
    plan = read_plan(planfile)
    told = made_for(plan), judged_by(plan)
    for each in told:
        tell(each)
    show_plan(plan, format_, look, told=told)
