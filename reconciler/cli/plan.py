"""`sgctl plan`."""

from typing import Any

import click

from reconciler.cli import EXIT_CODES, options
from reconciler.cli.findings import report_options, write_reports
from reconciler.cli.output import write_atomically
from reconciler.cli.planning import make, show
from reconciler.model.errors import GuardrailStop
from reconciler.planning import planfile


@click.command("plan", epilog=EXIT_CODES)
@options.paths
@click.option("--out", type=click.Path(), metavar="FILE", help="Save the plan, for `sgctl apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@options.format_option
@click.option("--traffic-only", is_flag=True, help="Show only what the change opens and closes.")
@report_options
@options.plan_options
@options.target_options
@options.api_options
def command(
    paths: tuple[str, ...], out: str | None, detailed_exitcode: bool, format_: str, traffic_only: bool, **given: Any
) -> int:
    """Show what would change, and change nothing.

    PATHS are files or folders (*.yaml and *.yml, recursively); the current folder when left out. With --out the plan is
    saved, also when a guardrail stops it, and `sgctl apply FILE` sends exactly that.

    \b
      sgctl plan
      sgctl plan groups/ --out plan.json --detailed-exitcode
      sgctl plan --group 'web-*' --format json
    """
    with options.connect(**given) as (_, reader):
        plan = make(paths, reader, given)
    if out is not None:
        write_atomically(out, planfile.dumps(plan))
    write_reports(plan.findings, "plan", given, plan.lifted)
    show(plan, format_, only_traffic=traffic_only)
    if plan.stopped_by:
        raise GuardrailStop("the plan was stopped by a guardrail", hint=options.way_out(plan))
    return 2 if detailed_exitcode and plan.changes else 0
