"""`sgctl plan`, and how `apply` and `rollback` plan as well."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address

import click

from reconciler import workflow
from reconciler.api.connection import Api
from reconciler.cli import options, settings
from reconciler.cli.options import ConnectionOptions, Look, PlanChoices, ReportOptions, TargetOptions
from reconciler.cli.output import check_outputs, show_plan, write_plan, write_reports
from reconciler.cli.parameters import OutputFile, option_set
from reconciler.cli.progress import Progress
from reconciler.cli.targets import excluded_notes, load_files, refuse_partial_prune, sees_all
from reconciler.config.commit import commit_of
from reconciler.model.environment import SSH_CONNECTION
from reconciler.model.errors import ApiError, ExitCode, GuardrailStop, UsageError
from reconciler.model.live import UnreadTarget
from reconciler.model.version import __version__
from reconciler.planning.plan import Origin, Plan, PlanOptions
from reconciler.policy.damage import GAP, MASS_DELETE, MASS_REWRITE
from reconciler.policy.saved import judge_of_plan


@dataclass(frozen=True, slots=True)
class _Output:
    out: str | None
    detailed_exitcode: bool
    format_: str


_output = option_set(
    _Output,
    click.option("--out", type=OutputFile(), metavar="FILE", help="Save the plan, for `sgctl apply FILE`."),
    click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes."),
    options.format_option(),
)


@click.command("plan")
@options.paths
@_output
@options.plan_look
@options.report
@options.plan
@options.target
@options.connection
def command(
    paths: tuple[str, ...],
    output: _Output,
    look: Look,
    report: ReportOptions,
    choices: PlanChoices,
    target: TargetOptions,
    connection: ConnectionOptions,
) -> int:
    """Show what would change, and change nothing.

    PATHS are files or folders (*.yaml and *.yml, recursively); the current folder when left out. With --out the plan is
    saved, also when a guardrail stops it, and `sgctl apply FILE` sends exactly that.

    \b
      sgctl plan
      sgctl plan groups/ --out plan.json --detailed-exitcode
      sgctl plan --group 'web-*' --format json
    """
    to_stdout = check_outputs(paths, walk=settings.walk(target.follow_links))
    with options.connect(connection) as api:
        plan = plan_files(paths, api, choices, target, connection, partial=True)
    if output.out is not None and not plan.unread:
        write_plan(output.out, plan)
    if report.sarif or report.junit:
        write_reports(plan.findings, "plan", report, judge_of_plan(plan), plan.lifted)
    show_plan(plan, output.format_, look, err=to_stdout)
    refuse_unread(plan.unread, "No plan was saved." if output.out is not None else None)
    refuse_stopped(plan, "the plan was stopped by a guardrail")
    return ExitCode.DIFFERENCES if output.detailed_exitcode and plan.changes else ExitCode.DONE


def plan_files(
    paths: Sequence[str],
    api: Api,
    choices: PlanChoices,
    target: TargetOptions,
    connection: ConnectionOptions,
    *,
    partial: bool = False,
) -> Plan:
    """Load the files, read live state and plan; `partial` is as in `workflow.plan`.

    Raises `UsageError` where pruning would not see everything.
    """
    if choices.prune:
        refuse_partial_prune(settings.config(), paths, walk=settings.walk(target.follow_links))
    plan_with = plan_options(choices, connection)
    state = load_files(paths, target, plan_with.policies)
    if not choices.prune:
        plan_with = replace(plan_with, whole=sees_all(paths, state, target))
    with Progress("reading", len(state.targets)) as progress:
        plan = workflow.plan(
            state, api, plan_with, show_instances=choices.show_instances, partial=partial, progress=progress.read
        )
    notes = (*excluded_notes(paths, target), *plan.notes)
    return replace(plan, origin=Origin(__version__, commit_of(paths[0])), notes=notes)


def plan_options(choices: PlanChoices, connection: ConnectionOptions) -> PlanOptions:
    """Build the options of a plan from those of the command line and the settings."""
    guardrails = {
        MASS_DELETE: choices.allow_mass_delete,
        MASS_REWRITE: choices.allow_mass_rewrite,
        GAP: choices.allow_gap,
    }
    return PlanOptions(
        api_version=connection.api_version,
        two_phase=choices.two_phase,
        prune=choices.prune,
        take_over=choices.take_over,
        groups=choices.groups,
        lifted=frozenset((*(name for name, is_lifted in guardrails.items() if is_lifted), *choices.lift)),
        limits=settings.limits(),
        policies=settings.policies(),
        outside=settings.rulebook(choices.policies_file),
        protect_ssh_from=protected_address(choices.protect_ssh_from),
    )


def protected_address(given: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Read `--protect-ssh-from`. Raises `UsageError` for no address, or where there is no SSH session to tell it."""
    text = given
    if given == "auto":
        words = environment.get(SSH_CONNECTION, "").split()
        if not words:
            raise UsageError(
                f"--protect-ssh-from auto: this is no SSH session ({SSH_CONNECTION} is not set)",
                hint="Pass the address that you connect from.",
            )
        text = words[0]
    if text is None:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        raise UsageError(f"--protect-ssh-from {text!r}: this is no IP address") from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def refuse_unread(unread: Sequence[UnreadTarget], hint: str | None = None) -> None:
    """Say what a report lacks, after it was shown. Raises `ApiError` where it lacks anything."""
    if unread:
        reasons = "".join(f"\n  {each.target}: {each.reason}" for each in unread)
        raise ApiError(f"not everything could be read, and nothing is known of{reasons}", hint=hint)


def refuse_stopped(plan: Plan, message: str) -> None:
    """Say how to go on from a plan that guardrails stop. Raises `GuardrailStop` for such a plan."""
    if not plan.stopped_by:
        return
    flags = {finding.flag for finding in plan.stopped_by}
    if None in flags:
        hint = "Change what they name, and plan again; each says how."
    else:
        hint = f"If all of this is meant, plan again with {' and '.join(sorted(filter(None, flags)))}."
    raise GuardrailStop(message, hint)
