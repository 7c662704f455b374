"""`sgctl audit`."""

from typing import Any

import click

from reconciler.api.live import read_live
from reconciler.cli import EXIT_CODES, findings, options, settings
from reconciler.cli.progress import Progress
from reconciler.loading.load import find_files, load
from reconciler.model.clock import SystemClock, format_time
from reconciler.model.desired import DesiredState, Target
from reconciler.model.errors import GuardrailStop, UsageError
from reconciler.model.json_form import finding_to_json, json_text
from reconciler.model.policies import Policies
from reconciler.model.text import count
from reconciler.policy.judge import Audit, audit
from reconciler.render.findings import render_findings, summarize_findings
from reconciler.render.junit import junit

FORMAT_VERSION = 1


@click.command("audit", epilog=EXIT_CODES)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "sarif", "junit"]),
    default="text",
    show_default=True,
    help="How to write the result.",
)
@findings.report_options
@options.target_options
@options.api_options
def command(paths: tuple[str, ...], format_: str, **given: Any) -> int:
    """Judge every live group by the policies, also those that no file names. Read-only.

    PATHS say which projects and regions are read, and bring policies and reviewed exceptions. Without any files,
    --project-id and --region-id say it. Exits with 5 when a policy with the level error is broken.

    \b
      sgctl audit groups/
      sgctl audit --project-id 1337 --region-id 7 --format sarif > audit.sarif
    """
    state = _state(paths, given)
    with options.connect(**given) as (_, reader), Progress("reading", quiet=given["quiet"]) as progress:
        progress.start(len(state.targets))
        live = read_live(reader, state.targets, parallelism=given["parallelism"], progress=progress.read)
    found = audit(state, live, findings.today())
    findings.write_reports(found.findings, "audit", given)
    click.echo(_render(found, format_, reader.base_url), nl=False)
    if any(each.stops for each in found.findings):
        raise GuardrailStop("a policy is broken by what is live", hint="Each finding says what to do about it.")
    return 0


def _state(paths: tuple[str, ...], given: Any) -> DesiredState:
    """Load the files; where there are none, take the one target that flags or environment name."""
    defaults = settings.defaults(given["project_id"], given["region_id"])
    policies = findings.configured_policies()
    chosen = paths or settings.config().paths or (".",)
    if paths or find_files(chosen)[0]:
        return load(chosen, defaults, policies)
    project, region = defaults.fill("project_id"), defaults.fill("region_id")
    if project is None or region is None:
        raise UsageError(
            "nothing to audit: there are no files, and no project and region",
            hint="Pass files, or --project-id and --region-id.",
        )
    return DesiredState((), (Target(project, region),), {}, policies or Policies())


def _render(found: Audit, format_: str, base_url: str) -> str:
    if format_ == "sarif":
        return findings.sarif_text(found.findings, "audit")
    if format_ == "junit":
        return junit(found.findings, "audit")
    if format_ == "json":
        report = {
            "format_version": FORMAT_VERSION,
            "checked_at": format_time(SystemClock().now()),
            "base_url": base_url,
            "groups": found.groups,
            "rules": found.rules,
            "findings": [finding_to_json(each) for each in found.findings],
        }
        return json_text(report) + "\n"
    size = f"{count(found.groups, 'group')}, {count(found.rules, 'live rule')}"
    summary = click.style(f"Audited {size}: {summarize_findings(found.findings)}.", bold=True)
    return render_findings(found.findings) + summary + "\n"
