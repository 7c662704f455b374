"""`sgctl validate`."""

import click

from reconciler.cli import options, settings
from reconciler.cli.log import tell
from reconciler.cli.options import ReportOptions, TargetOptions
from reconciler.cli.output import check_outputs, rewrite_groups, text_diff, write_reports
from reconciler.cli.targets import defaults_of, excluded_notes, load_files
from reconciler.loading.desired import unresolved_references
from reconciler.loading.load import read_sources
from reconciler.model.clock import SystemClock
from reconciler.model.errors import GuardrailStop, InputError, SgctlError
from reconciler.model.text import count, printable
from reconciler.policy.judge import judge_desired
from reconciler.policy.softened import judge_of
from reconciler.render.findings import render_findings


@click.command("validate")
@options.paths
@click.option("--fix", "fixing", is_flag=True, help="Rewrite host bits and quotes, where nothing else can be meant.")
@options.diff
@click.option(
    "--oversight", is_flag=True, help="List what the files look after and are judged by, to compare two branches."
)
@options.report
@options.policies_file
@options.target
def command(
    paths: tuple[str, ...],
    policies_file: str | None,
    report: ReportOptions,
    target: TargetOptions,
    *,
    fixing: bool,
    diff: bool,
    oversight: bool,
) -> None:
    """Check files offline: structure, rules, references, policies.

    PATHS are files or folders (*.yaml and *.yml, recursively); when left out, those of `sgctl.toml`, else the current
    folder. All errors are shown, each with its place.

    With --fix, prefixes with host bits and values that lack quotes, or have too many, are rewritten in place: comments
    and every other byte stay, and what cannot be shown to mean only that is left. --diff shows that and writes nothing.

    With --oversight, what a plan cannot show goes to stdout, a line each, for `diff` with those of another branch: the
    policies, limits and settings that hold, and which projects, groups, keys and exceptions there are.

    \b
      sgctl validate groups/
      sgctl validate web.yaml db.yaml
      sgctl validate --diff
      sgctl validate --oversight groups/ > oversight.txt
    """
    to_stdout = check_outputs(paths, walk=settings.walk(target.follow_links))
    if fixing or diff:
        _mend(paths, target, writing=not diff)
    state = load_files(paths, target, settings.policies())
    outside = settings.rulebook(policies_file)
    found = judge_desired(state, SystemClock().now().date(), outside)
    judge = judge_of("validate", state.policies, settings.limits(), outside)
    write_reports(found, "validate", report, judge)
    for text in (*excluded_notes(paths, target), *judge.notes):
        tell(text)
    for note in unresolved_references(state):
        click.echo(f"{note.place}: note: {note.message}", err=True)
    click.echo(render_findings(found), err=True, nl=False)
    if oversight:
        from reconciler.render.oversight import render_oversight  # noqa: PLC0415 - only where it is asked for

        click.echo(render_oversight(state, settings.config().without_limits, settings.limits()), nl=False)
    rules = sum(len(group.rules or ()) for group in state.groups)
    size = ((len(state.groups), "group"), (rules, "rule"), (len(state.targets), "target"))
    click.echo(f"Valid: {', '.join(count(number, noun) for number, noun in size)}.", err=to_stdout or oversight)
    if stops := sum(each.stops for each in found):
        raise GuardrailStop(
            f"the files are valid, and break policies: {count(stops, 'error')}",
            hint="Change what the errors above name, or add a reviewed `exception` beside it.",
        )


def _mend(paths: tuple[str, ...], target: TargetOptions, *, writing: bool) -> None:
    """Mend the files and show what was done. What is left, the caller meets when it loads them, or is raised here."""
    from reconciler.lint.mend import mend  # noqa: PLC0415 - only where files are mended

    sources, issues = read_sources(paths, walk=settings.walk(target.follow_links))
    found = mend(sources, issues, defaults_of(target), settings.policies())
    for path, (old, new) in found.files.items():
        if writing:
            rewrite_groups(path, old, new)
        else:
            click.echo(text_diff(path, old, new), nl=False)
    for each in found.mends:
        done = "fixed" if writing else "would fix"
        click.echo(printable(f"{each.issue.place}: {done}: {each.old} -> {each.new} [{each.issue.name}]"), err=True)
    if found.note:
        click.echo(f"note: {found.note}, or with fewer files at a time", err=True)
    if found.mends and not writing:
        if found.left:
            raise InputError(found.left)
        many = count(len(found.mends), "value")
        raise SgctlError(f"the files are wrong as they are; nothing was written, and --fix would mend {many}")
