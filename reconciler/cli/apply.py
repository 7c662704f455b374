"""`sgctl apply`."""

import shutil
import sys
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from datetime import timedelta

import click
from click.core import ParameterSource

from reconciler import process, workflow
from reconciler.api.address import check_base_url
from reconciler.api.connection import Api
from reconciler.applying.apply import Interrupted
from reconciler.applying.journal import JournalFile
from reconciler.applying.journal_folder import journal_folder
from reconciler.applying.kept_journal import FolderJournal
from reconciler.applying.lock import one_at_a_time
from reconciler.applying.outcome import NoJournal, Result
from reconciler.applying.stale import Done, Stale
from reconciler.cli import options, settings
from reconciler.cli.log import Log, current_log, tell
from reconciler.cli.options import ConnectionOptions, Look, PlanChoices, TargetOptions
from reconciler.cli.output import STDOUT, check_outputs, show_plan
from reconciler.cli.parameters import DURATION, OutputFile, option_set
from reconciler.cli.plan import plan_files, protected_address, refuse_stopped
from reconciler.cli.progress import Progress
from reconciler.config.keys import KEYS
from reconciler.model.clock import StoppableClock, SystemClock, format_time
from reconciler.model.errors import UsageError
from reconciler.model.text import printable
from reconciler.model.version import __version__
from reconciler.planning.plan import Plan
from reconciler.planning.planfile import check_applicable
from reconciler.policy.judge_plan import judge_again
from reconciler.policy.saved import judged_by, made_for, read_plan
from reconciler.render.outcome import render_report
from reconciler.render.view import Made


@dataclass(frozen=True, slots=True)
class _Apply:
    auto_approve: bool
    skip_stale: bool
    max_age: timedelta
    digest: str | None
    journal: str | None
    no_journal: bool
    format_: str


_apply = option_set(
    _Apply,
    click.option("--auto-approve", is_flag=True, help="Do not ask. Needed where there is no terminal."),
    click.option("--skip-stale", is_flag=True, help="With a saved plan: apply the groups that did not move since."),
    click.option(
        "--max-age",
        type=DURATION,
        default=KEYS["max_age"].default,
        show_default=True,
        help="With a saved plan: how old it may be.",
    ),
    click.option("--digest", metavar="SHA256", help="With a saved plan: refuse any but that one, as `show` told it."),
    click.option(
        "--journal",
        type=OutputFile(),
        metavar="FILE",
        help="Append every write to this file, for `sgctl rollback FILE`, and not to one of its own.",
    ),
    click.option("--no-journal", is_flag=True, help="Keep no journal, for `sgctl rollback --last` either."),
    options.format_option(),
)


@click.command("apply")
@options.paths_or_plan
@_apply
@options.look
@options.plan
@options.target
@options.connection
@click.pass_context
def command(
    context: click.Context,
    /,
    paths: tuple[str, ...],
    chosen: _Apply,
    look: Look,
    choices: PlanChoices,
    target: TargetOptions,
    connection: ConnectionOptions,
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
    current_log().code_stands = True
    check_outputs(paths, walk=settings.walk(target.follow_links))
    if chosen.journal and chosen.no_journal:
        raise UsageError("--journal and --no-journal exclude each other")
    stop = threading.Event()
    if len(paths) == 1 and paths[0].endswith(".json"):
        _refuse_plan_options(context)
        _apply_saved(paths[0], chosen, look, choices, connection, stop)
        return
    _refuse_options_of_a_saved_plan(paths, chosen)
    with options.connect(connection, StoppableClock(stop)) as connected, ExitStack() as turn:
        api = connected.for_apply(connection.api_version)
        if chosen.auto_approve:
            turn.enter_context(one_at_a_time_here(api))
        plan = plan_files(paths, api, choices, target, connection)
        # Whoever asks for another format wants the outcome in it; the plan before it is for people.
        show_plan(plan, "text", look, err=chosen.format_ != "text" or chosen.journal == STDOUT)
        refuse_stopped(plan, "stopped by a guardrail; nothing was sent")
        settled: Sequence[Stale | Done] = ()
        if plan.changes and not chosen.auto_approve:
            _ask(plan)
            turn.enter_context(one_at_a_time_here(api))
            settled = _check_stale(plan, api)
        if plan.changes or chosen.format_ != "text":
            _carry_out(plan, api, settled, chosen, look, stop)


def _refuse_plan_options(context: click.Context) -> None:
    for name in options.PLAN_PARAMETERS:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = next(parameter.opts[0] for parameter in context.command.params if parameter.name == name)
            raise UsageError(f"{flag} shapes a plan, and this one is saved already", hint="Pass it to `sgctl plan`.")


def _refuse_options_of_a_saved_plan(paths: Sequence[str], chosen: _Apply) -> None:
    if any(path.endswith(".json") for path in paths):
        raise UsageError("a saved plan is applied alone", hint="Name one .json file and nothing else.")
    if chosen.skip_stale:
        raise UsageError("--skip-stale goes with a saved plan", hint="A plan that is made now is not stale.")
    if chosen.digest is not None:
        raise UsageError("--digest goes with a saved plan", hint="A plan that is made now was reviewed by nobody.")
    if not chosen.auto_approve and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "there is no terminal to ask on, and nothing was sent",
            hint="Pass --auto-approve, or save a plan with `sgctl plan --out FILE` and apply that.",
        )


def _apply_saved(
    path: str,
    chosen: _Apply,
    look: Look,
    choices: PlanChoices,
    connection: ConnectionOptions,
    stop: threading.Event,
) -> None:
    """Apply a plan file, once today's guardrails have judged it again."""
    plan = read_plan(path)
    clock = StoppableClock(stop)
    base_url = check_base_url(settings.base_url())
    check_applicable(plan, path, base_url=base_url, now=clock.now(), max_age=chosen.max_age, reviewed=chosen.digest)
    with options.connect(connection, clock) as api, one_at_a_time_here(api):
        plan = judge_again(
            plan,
            settings.limits(),
            policies=settings.policies(),
            outside=settings.rulebook(choices.policies_file),
            protect_ssh_from=protected_address(choices.protect_ssh_from),
            today=clock.now().date(),
        )
        reasons = "".join(f"\n  {finding.message}" for finding in plan.stopped_by)  # it is not shown once more
        refuse_stopped(plan, f"stopped by a guardrail; nothing was sent{reasons}")
        tell(made_for(plan))
        tell(judged_by(plan))
        for found in plan.findings:
            if found.stops:
                tell(f"lifted: {found.message}")
        _carry_out(plan, api, _check_stale(plan, api, skip_stale=chosen.skip_stale), chosen, look, stop)


def _check_stale(plan: Plan, api: Api, *, skip_stale: bool = False) -> tuple[Stale | Done, ...]:
    with Progress("reading", len({change.difference.target for change in plan.changes})) as progress:
        return workflow.check_stale(plan, api, skip_stale=skip_stale, progress=progress.read)


def _ask(plan: Plan) -> None:
    click.echo(f"Apply this plan to {plan.base_url}? Type 'yes'; anything else stops: ", nl=False, err=True)
    answer = b""
    try:
        answer = sys.stdin.buffer.readline()
    finally:
        if not answer.endswith(b"\n"):  # Ctrl-C or the end of input: what is said of it begins a line
            click.echo(err=True)
    if answer.strip() != b"yes":
        raise UsageError("not approved; nothing was sent")


def one_at_a_time_here(api: Api) -> AbstractContextManager[None]:
    """Hold the turn for an API on this machine, and say on stderr when somebody else has it."""
    return one_at_a_time(api.base_url, api.clock, lambda text: tell(text, "waiting"))


def _carry_out(
    plan: Plan, api: Api, settled: Sequence[Stale | Done], chosen: _Apply, look: Look, stop: threading.Event
) -> None:
    """Apply a plan and say how it ended. Raises the error that the outcome amounts to.

    The first Ctrl-C, SIGTERM or SIGHUP finishes the requests under way and begins no further one; the second abandons
    them.
    """
    with _recorder(plan, chosen) as recorder, Progress("applying", len(plan.changes)) as progress:

        def tell(result: Result) -> None:
            progress.step(result.change.difference.name)

        current_log().on_lock = lambda wait: progress.locked(_name_of(wait.path, plan), wait)
        try:
            with process.stop_on_signals(stop):
                report = workflow.apply(
                    plan, api, settled=settled, recorder=recorder, stopped=stop.is_set, progress=tell
                )
        except Interrupted as interrupted:
            report = interrupted.report
    try:
        text = render_report(
            report,
            chosen.format_,
            shutil.get_terminal_size().columns,
            names=plan.group_names,
            expand=look.expand,
            made=Made(
                format_time(api.clock.now()), plan.base_url, __version__, plan.origin.commit if plan.origin else ""
            ),
            page_url=look.page_url or "",
        )
        click.echo(text, nl=False, err=chosen.journal == STDOUT)
    except KeyboardInterrupt:
        current_log().warning("interrupted: the report is not whole, and what was applied stays applied")
    finally:  # also where nobody reads the report
        _tell_journal(recorder.path)
        if report.error is not None:
            raise report.error


def _name_of(path: str, plan: Plan) -> str:
    """Name the group that a request is about by its path; one that this plan creates is known by its id at most."""
    for change in plan.changes:
        live = change.difference.live
        if live is not None and live.id in path:
            return change.difference.name
    project_id, region_id, *rest = path.split("/")[4:]
    return f"group {rest[0]}" if rest else f"project {project_id}, region {region_id}"


def _recorder(plan: Plan, chosen: _Apply) -> AbstractContextManager[JournalFile | FolderJournal | NoJournal]:
    """Say who keeps the journal. One that was asked for stops an apply when it cannot be written; the other never does.

    Without the first, an apply that somebody wants to be kept would go on unseen; the second is there in case.
    """
    if chosen.no_journal:
        return nullcontext(NoJournal())
    log = current_log()
    if chosen.journal is None:
        return journal_of(plan, log)
    base_url, version = plan.base_url, plan.api_version
    return JournalFile(chosen.journal, SystemClock(), base_url=base_url, api_version=version, hide=log.secrets.hide)


def journal_of(plan: Plan, log: Log) -> FolderJournal:
    """Return the journal that is kept where none was asked for."""
    base_url, version = plan.base_url, plan.api_version
    return FolderJournal(
        journal_folder(), SystemClock(), log.warning, base_url=base_url, api_version=version, hide=log.secrets.hide
    )


def _tell_journal(path: str | None) -> None:
    log = current_log()
    if path is None or path == STDOUT or log.quiet:
        return
    if log.is_json:
        log.event("journal", path=path)
    else:
        log.line(printable(f"journal: {path}"))
