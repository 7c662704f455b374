"""`sgctl validate`."""

from typing import Any

import click

from reconciler.cli import EXIT_CODES, findings, options
from reconciler.cli.loading import load_files
from reconciler.loading.desired import unresolved_references
from reconciler.model.errors import GuardrailStop
from reconciler.model.text import count
from reconciler.policy.judge import judge_desired
from reconciler.render.findings import render_findings


@click.command("validate", epilog=EXIT_CODES)
@options.paths
@findings.report_options
@options.target_options
def command(paths: tuple[str, ...], project_id: int | None, region_id: int | None, **given: Any) -> None:
    """Check files offline: structure, rules, references, policies.

    PATHS are files or folders (*.yaml and *.yml, recursively); when left out, those of `sgctl.toml`, else the current
    folder. All errors are shown, each with its place.

    \b
      sgctl validate groups/
      sgctl validate web.yaml db.yaml
    """
    policies = findings.configured_policies()
    state = load_files(paths, project_id, region_id, policies)
    found = judge_desired(state, findings.today())
    findings.write_reports(found, "validate", given)
    for note in unresolved_references(state):
        click.echo(f"{note.place}: note: {note.message}", err=True)
    click.echo(render_findings(found), err=True, nl=False)
    rules = sum(len(group.rules or ()) for group in state.groups)
    size = ((len(state.groups), "group"), (rules, "rule"), (len(state.targets), "target"))
    click.echo(f"Valid: {', '.join(count(number, noun) for number, noun in size)}.")
    if stops := sum(each.stops for each in found):
        raise GuardrailStop(
            f"the files are valid, and break policies: {count(stops, 'error')}",
            hint="Change what the errors above name, or add a reviewed `exception` beside it.",
        )
