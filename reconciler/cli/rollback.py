"""`sgctl rollback`."""

import click

from reconciler import workflow
from reconciler.applying.journal_reading import read_journal
from reconciler.cli import options
from reconciler.cli.options import ConnectionOptions, PlanChoices
from reconciler.cli.output import check_outputs, show_plan, write_atomically
from reconciler.cli.plan import plan_options, refuse_stopped
from reconciler.planning import planfile


@click.command("rollback")
@click.argument("journal", type=click.Path())
@click.option("--out", type=options.OutputFile(), metavar="FILE", help="Save the plan, for `sgctl apply FILE`.")
@options.format_option()
@options.rollback_plan
@options.connection
def command(journal: str, out: str | None, format_: str, choices: PlanChoices, connection: ConnectionOptions) -> None:
    """Plan the way back to the state before an apply, and change nothing.

    JOURNAL is what `sgctl apply --journal` kept; one that was cut short will do. The plan restores what the apply
    changed, deletes the groups that it created, and creates those again that it deleted (with new ids). Review it, save
    it with --out, and carry it out with `sgctl apply FILE`.

    \b
      sgctl rollback apply.journal
      sgctl rollback apply.journal --out back.json && sgctl apply back.json
    """
    to_stdout = check_outputs([journal])
    kept = read_journal(journal)
    with options.connect(connection) as api:
        plan = workflow.rollback(kept, api, plan_options(choices, connection))
    if out is not None:
        write_atomically(out, planfile.dumps(plan))
    show_plan(plan, format_, err=to_stdout)
    refuse_stopped(plan, "the plan was stopped by a guardrail")
