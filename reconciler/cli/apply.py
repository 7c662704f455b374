"""`sgctl apply`."""

import sys
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from typing import Any

import click
from click.core import ParameterSource

from reconciler.api.address import check_base_url
from reconciler.applying.apply import check_stale, read_for
from reconciler.applying.lock import one_at_a_time
from reconciler.cli import EXIT_CODES, findings, options, settings
from reconciler.cli.carry import Stop, carry_out, context_of, reader_for
from reconciler.cli.log import current_log
from reconciler.cli.options import DURATION
from reconciler.cli.planning import limits, make, show
from reconciler.cli.savedplan import read_plan
from reconciler.model.clock import SystemClock
from reconciler.model.errors import GuardrailStop, UsageError
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import check_applicable
from reconciler.policy.judge import judge_again


@click.command("apply", epilog=EXIT_CODES)
@options.paths_or_plan
@click.option("--auto-approve", is_flag=True, help="Do not ask. Needed where there is no terminal.")
@click.option("--skip-stale", is_flag=True, help="With a saved plan: apply the groups that did not move since.")
@click.option(
    "--max-age", type=DURATION, default="24h", show_default=True, help="With a saved plan: how old it may be."
)
@click.option(
    "--journal", type=click.Path(), metavar="FILE", help="Append every write to this file, for `sgctl rollback FILE`."
)
@options.format_option
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
    stop = Stop()
    if len(paths) == 1 and paths[0].endswith(".json"):
        _refuse_plan_options(context)
        plan = read_plan(paths[0])
        check_applicable(
            plan, paths[0], base_url=check_base_url(settings.base_url()), now=SystemClock().now(), max_age=max_age
        )
        with options.connect(clock=stop.clock, **given) as (http, _), _turn(plan.base_url, stop):
            reader = reader_for(plan.api_version, http, stop)
            _stop_at_guardrails(_judged_again(plan, given["protect_ssh_from"]))
            live = read_for(plan, context_of(plan, http, reader, stop), given["parallelism"])
            stale = check_stale(plan, live, skip_stale=skip_stale)
            carry_out(plan, http, reader, stop, stale, given)
        return
    if any(path.endswith(".json") for path in paths):
        raise UsageError("a saved plan is applied alone", hint="Name one .json file and nothing else.")
    if skip_stale:
        raise UsageError("--skip-stale goes with a saved plan", hint="A plan that is made now is not stale.")
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    if not auto_approve and not interactive:
        raise UsageError(
            "there is no terminal to ask on, and nothing was sent",
            hint="Pass --auto-approve, or save a plan with `sgctl plan --out FILE` and apply that.",
        )
    with options.connect(clock=stop.clock, **given) as (http, _), ExitStack() as stack:
        if auto_approve:
            stack.enter_context(_turn(http.base_url, stop))
        reader = reader_for(given["api_version"], http, stop)
        plan = make(paths, reader, given)
        # Whoever asks for another format wants the outcome in it; the plan before it is for people.
        show(plan, "text", err=given["format_"] != "text")
        if plan.stopped_by:
            raise GuardrailStop("stopped by a guardrail; nothing was sent", hint=options.way_out(plan))
        if plan.changes and not auto_approve:
            _ask(plan)
            check_stale(plan, read_for(plan, context_of(plan, http, reader, stop), given["parallelism"]))
        if plan.changes or given["format_"] != "text":
            carry_out(plan, http, reader, stop, (), given)


def _judged_again(plan: Plan, protect_ssh_from: str | None) -> Plan:
    return judge_again(
        plan,
        limits(),
        policies=findings.configured_policies(),
        protect_ssh_from=findings.protected_address(protect_ssh_from),
        today=findings.today(),
    )


def _turn(base_url: str, stop: Stop) -> AbstractContextManager[None]:
    log = current_log()

    def tell(text: str) -> None:
        if log.is_json:
            log.event("waiting", message=text)
        elif not log.quiet:
            log.line(text)

    return one_at_a_time(base_url, stop.clock, tell)


def _refuse_plan_options(context: click.Context) -> None:
    for name in options.PLANNING:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = next(parameter.opts[0] for parameter in context.command.params if parameter.name == name)
            raise UsageError(f"{flag} shapes a plan, and this one is saved already", hint="Pass it to `sgctl plan`.")


def _stop_at_guardrails(plan: Plan) -> None:
    """Stop with the reasons: a saved plan is not shown once more."""
    if plan.stopped_by:
        reasons = "".join(f"\n  {finding.message}" for finding in plan.stopped_by)
        raise GuardrailStop(f"stopped by a guardrail; nothing was sent{reasons}", hint=options.way_out(plan))


def _ask(plan: Plan) -> None:
    question = f"Apply this plan to {plan.base_url}? Type 'yes'; anything else stops"
    if click.prompt(question, default="no", show_default=False, err=True).strip() != "yes":
        raise UsageError("not approved; nothing was sent")
