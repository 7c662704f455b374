"""`sgctl apply`."""

import sys
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import click
from click.core import ParameterSource

from reconciler.api.address import check_base_url
from reconciler.api.http import Http
from reconciler.api.reader import GcoreReader
from reconciler.api.writer import GcoreWriter
from reconciler.apply import Report, apply, check_stale, read_for
from reconciler.cli import EXIT_CODES, options, settings
from reconciler.cli.duration import DURATION
from reconciler.cli.planning import make, show
from reconciler.cli.progress import Progress
from reconciler.cli.savedplan import check_applicable, read_plan
from reconciler.clock import SystemClock
from reconciler.converge import Means, Result
from reconciler.errors import GuardrailStop, UsageError
from reconciler.model.plan import Plan
from reconciler.plan import replace_findings
from reconciler.render.outcome import render_report
from reconciler.stale import Stale


@click.command("apply", epilog=EXIT_CODES)
@options.paths
@click.option("--auto-approve", is_flag=True, help="Do not ask. Needed where there is no terminal.")
@click.option("--skip-stale", is_flag=True, help="With a saved plan: apply the groups that did not move since.")
@click.option(
    "--max-age", type=DURATION, default="24h", show_default=True, help="With a saved plan: how old it may be."
)
@options.plan_options
@options.target_options
@options.api_options
@click.pass_context
def command(
    context: click.Context,
    /,
    paths: tuple[str, ...],
    auto_approve: bool,
    skip_stale: bool,
    max_age: timedelta,
    **given: Any,
) -> None:
    """Carry out a saved plan exactly, or plan files, show the plan, ask, and carry it out.

    With a single .json file as PATHS that saved plan is sent, and nothing is asked: it was approved when it was saved.
    Every group is compared with its fingerprint first; where one moved, nothing is sent (3). After each group its live
    state is read back, and "applied" is said only of what was seen.

    \b
      sgctl apply plan.json
      sgctl apply groups/
      sgctl apply groups/ --auto-approve
    """
    if len(paths) == 1 and paths[0].endswith(".json"):
        _refuse_plan_options(context)
        plan = read_plan(paths[0])
        check_applicable(
            plan, paths[0], base_url=check_base_url(settings.base_url()), now=SystemClock().now(), max_age=max_age
        )
        with options.connect(**given) as (http, reader):
            _stop_at_guardrails(replace_findings(plan))
            stale = check_stale(
                plan, read_for(plan, _means(plan, http, reader), given["parallelism"]), skip_stale=skip_stale
            )
            _apply(plan, http, reader, stale, given)
        return
    if skip_stale:
        raise UsageError("--skip-stale goes with a saved plan", hint="A plan that is made now is not stale.")
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    if not auto_approve and not interactive:
        raise UsageError(
            "there is no terminal to ask on, and nothing was sent",
            hint="Pass --auto-approve, or save a plan with `sgctl plan --out FILE` and apply that.",
        )
    with options.connect(**given) as (http, reader):
        plan = make(paths, reader, given)
        show(plan, "text")
        _stop_at_guardrails(plan)
        if not plan.changes:
            return
        if not auto_approve:
            _ask()
            check_stale(plan, read_for(plan, _means(plan, http, reader), given["parallelism"]))
        _apply(plan, http, reader, (), given)


def _refuse_plan_options(context: click.Context) -> None:
    for name in options.PLANNING:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = next(parameter.opts[0] for parameter in context.command.params if parameter.name == name)
            raise UsageError(f"{flag} shapes a plan, and this one is saved already", hint="Pass it to `sgctl plan`.")


def _stop_at_guardrails(plan: Plan) -> None:
    if plan.stopped_by:
        reasons = "".join(f"\n  {finding.message}" for finding in plan.stopped_by)
        raise GuardrailStop(f"stopped by a guardrail; nothing was sent{reasons}", hint=options.way_out(plan))


def _ask() -> None:
    answer = click.prompt("Apply this plan? Only 'yes' is taken for a yes", default="no", show_default=False, err=True)
    if answer.strip() != "yes":
        raise UsageError("not approved; nothing was sent")


def _means(plan: Plan, http: Http, reader: GcoreReader, stopped: threading.Event | None = None) -> Means:
    clock = SystemClock()
    is_stopped = stopped.is_set if stopped is not None else bool
    return Means(reader, GcoreWriter(http, clock), clock, plan.api_version, stopped=is_stopped)


def _apply(plan: Plan, http: Http, reader: GcoreReader, stale: tuple[Stale, ...], given: Mapping[str, Any]) -> None:
    stopped = threading.Event()
    with Progress("applying", quiet=given["quiet"]) as progress:
        progress.start(len(plan.changes))

        def tell(result: Result) -> None:
            progress.step(result.change.difference.name)

        report = apply(
            plan,
            _means(plan, http, reader, stopped),
            stale,
            parallelism=given["parallelism"],
            progress=tell,
            stop=stopped.set,
        )
    _finish(report)


def _finish(report: Report) -> None:
    click.echo(render_report(report), nl=False)
    if report.error is not None:
        raise report.error
