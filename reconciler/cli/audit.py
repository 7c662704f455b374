"""`sgctl audit`."""

from collections.abc import Sequence
from dataclasses import replace

import click

from reconciler import reading
from reconciler.cli import options, settings
from reconciler.cli.log import tell
from reconciler.cli.options import ConnectionOptions, ReportOptions, TargetOptions
from reconciler.cli.output import check_outputs, sarif_text, write_reports
from reconciler.cli.progress import Progress
from reconciler.cli.targets import excluded_notes, known_target, load_files, sees_all
from reconciler.loading.walk import find_files
from reconciler.model.clock import SystemClock, format_time
from reconciler.model.desired import DesiredState
from reconciler.model.errors import ExitCode, GuardrailStop, UsageError
from reconciler.model.json_form import finding_to_json, json_text, target_to_json
from reconciler.model.policies import Limits, Policies
from reconciler.model.problems import ProblemName
from reconciler.model.text import count
from reconciler.planning.orphans import ORPHAN, describe_refused
from reconciler.policy.audit import Audit
from reconciler.policy.softened import Judge, judge_of
from reconciler.policy.unused import UNATTACHED
from reconciler.render.findings import render_findings, render_openings, summarize_findings
from reconciler.render.junit import junit

FORMAT_VERSION = 1


@click.command("audit")
@options.paths_as_given
@options.format_option("text", "json", "sarif", "junit")
@options.report
@options.policies_file
@options.all_targets
@click.option("--unattached", is_flag=True, help="Tell of groups that no instance has, too; a request a group.")
@options.target
@options.connection
def command(
    paths: tuple[str, ...],
    format_: str,
    policies_file: str | None,
    all_targets: bool,
    unattached: bool,
    report: ReportOptions,
    target: TargetOptions,
    connection: ConnectionOptions,
) -> int:
    """Judge every live group by the policies, also those that no file names. Read-only.

    PATHS say which projects and regions are read, and bring policies and reviewed exceptions. Without any files,
    --project-id and --region-id say it. A live group that carries the `owner` of the files and stands in none of them
    is a warning. With --all-targets all of this holds for every project and region that the key can see. Exits with 5
    when a policy with the level error is broken.

    \b
      sgctl audit groups/
      sgctl audit --project-id 1337 --region-id 7 --format sarif > audit.sarif
    """
    to_stdout = check_outputs(paths or settings.default_paths(), walk=settings.walk(target.follow_links))
    state, outside = _load(paths, target, optional=all_targets), settings.rulebook(policies_file)
    chosen = paths or settings.default_paths()
    whole = sees_all(chosen, state, target)
    without = ([] if whole else [ORPHAN]) + ([] if unattached else [UNATTACHED])
    judge = judge_of("audit", state.policies, Limits(), outside, without)
    for text in (*excluded_notes(chosen, target), *judge.notes):
        tell(text)
    with options.connect(connection) as api, Progress("reading", len(state.targets)) as progress:
        also = api.list_targets() if all_targets else ()
        progress.total = len({*state.targets, *also})
        found = reading.audit(
            state, api, outside=outside, also=also, unattached=unattached, whole=whole, progress=progress.read
        )
    write_reports(found.findings, "audit", report, judge)
    click.echo(_render(found, format_, api.base_url, judge), nl=False, err=to_stdout)
    if any(each.stops for each in found.findings):
        raise GuardrailStop("a policy is broken by what is live", hint="Each finding says what to do about it.")
    return ExitCode.DONE


def _load(paths: Sequence[str], target: TargetOptions, *, optional: bool) -> DesiredState:
    """Load the files; where there are none, take the one target that flags or environment name; `optional`, or none."""
    chosen, policies = paths or settings.default_paths(), settings.policies()
    files, issues = find_files(chosen, walk=settings.walk(target.follow_links))
    if paths or files or any(issue.name is not ProblemName.NO_FILES for issue in issues):
        return load_files(chosen, target, policies)
    known = known_target(target)
    if known is None and not optional:
        raise UsageError(
            "nothing to audit: there are no files, and no project and region",
            hint="Pass files, or --project-id and --region-id.",
        )
    return replace(known or DesiredState((), (), {}), policies=policies or Policies())


def _render(found: Audit, format_: str, base_url: str, judge: Judge) -> str:
    if format_ == "sarif":
        return sarif_text(found.findings, "audit", judge)
    if format_ == "junit":
        return junit(found.findings, "audit", (), judge)
    notes = [*describe_refused(found.refused)]
    if found.unknown:
        notes.append(f"whether any instance has it is not known of {count(found.unknown, 'group')}")
    if format_ == "json":
        report = {
            "format_version": FORMAT_VERSION,
            "checked_at": format_time(SystemClock().now()),
            "base_url": base_url,
            "groups": found.groups,
            "rules": found.rules,
            "open_to_the_world": [
                {
                    "traffic": each.text,
                    "groups": [{**target_to_json(target), "name": name} for target, name in each.groups],
                }
                for each in found.openings
            ],
            "findings": [finding_to_json(each) for each in found.findings],
            "notes": [*judge.notes, *notes],
        }
        return json_text(report) + "\n"
    size = f"{count(found.groups, 'group')}, {count(found.rules, 'live rule')}"
    summary = click.style(f"Audited {size}: {summarize_findings(found.findings)}.", bold=True)
    told = "".join(f"note: {note}\n" for note in notes)
    return render_findings(found.findings) + told + render_openings(found.openings) + summary + "\n"
