"""`sgctl validate`."""

import click

from reconciler.cli import options, settings
from reconciler.cli.options import ReportOptions, TargetOptions
from reconciler.cli.output import check_outputs, write_reports
from reconciler.cli.targets import load_files
from reconciler.loading.desired import unresolved_references
from reconciler.model.clock import SystemClock
from reconciler.model.errors import GuardrailStop
from reconciler.model.text import count
from reconciler.policy.judge import judge_desired
from reconciler.render.findings import render_findings


@click.command("validate")
@options.paths
@options.report
@options.policies_file
@options.target
def command(paths: tuple[str, ...], policies_file: str | None, report: ReportOptions, target: TargetOptions) -> None:
    """Check files offline: structure, rules, references, policies.

    PATHS are files or folders (*.yaml and *.yml, recursively); when left out, those of `sgctl.toml`, else the current
    folder. All errors are shown, each with its place.

    \b
      sgctl validate groups/
      sgctl validate web.yaml db.yaml
    """
    to_stdout = check_outputs(paths, follow_links=target.follow_links)
    state = load_files(paths, target, settings.policies())
    found = judge_desired(state, SystemClock().now().date(), settings.rulebook(policies_file))
    write_reports(found, "validate", report)
    for note in unresolved_references(state):
        click.echo(f"{note.place}: note: {note.message}", err=True)
    click.echo(render_findings(found), err=True, nl=False)
    rules = sum(len(group.rules or ()) for group in state.groups)
    size = ((len(state.groups), "group"), (rules, "rule"), (len(state.targets), "target"))
    click.echo(f"Valid: {', '.join(count(number, noun) for number, noun in size)}.", err=to_stdout)
    if stops := sum(each.stops for each in found):
        raise GuardrailStop(
            f"the files are valid, and break policies: {count(stops, 'error')}",
            hint="Change what the errors above name, or add a reviewed `exception` beside it.",
        )
