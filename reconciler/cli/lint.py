"""`sgctl lint`."""

from dataclasses import replace

import click

from reconciler import reading
from reconciler.cli import options, settings
from reconciler.cli.options import ConnectionOptions, TargetOptions
from reconciler.cli.output import rewrite_groups, text_diff
from reconciler.cli.progress import Progress
from reconciler.cli.targets import defaults_of, warned
from reconciler.lint import Fixed, Kind, fix, lint
from reconciler.loading.load import load_documents
from reconciler.model.desired import DesiredState
from reconciler.model.errors import ExitCode
from reconciler.model.json_form import json_text
from reconciler.model.live import LiveState
from reconciler.render.lint import lint_to_json, render_lint


@click.command("lint")
@options.paths
@click.option("--fix", "fixing", is_flag=True, help="Rewrite the files where that changes no traffic.")
@options.diff
@click.option("--live", is_flag=True, help="Look up live which remote groups nobody has.")
@click.option(
    "--ignore", multiple=True, type=click.Choice([str(kind) for kind in Kind]), help="Not this kind; repeatable."
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.target
@options.connection
def command(
    paths: tuple[str, ...],
    fixing: bool,
    diff: bool,
    live: bool,
    ignore: tuple[str, ...],
    format_: str,
    target: TargetOptions,
    connection: ConnectionOptions,
) -> int:
    """Find rules that are superfluous or could be one, and names that nobody has or needs.

    Kinds: duplicate and shadowed rules (what they admit is admitted by others of the group), mergeable ones (the same
    but for ports, adjacent prefixes, or IPv4 and IPv6; with the same description), remote groups that no file defines,
    address groups that nothing uses, egress to port 25 unless the policy `smtp_egress` is off. PATHS are files or
    folders; the current folder when left out.

    With --fix the files are rewritten, comments kept, once the loader and the traffic algebra have shown that every
    group admits what it did. What cannot be mended that way is left. --diff shows that and writes nothing. Exits with 2
    when something is left to say.

    \b
      sgctl lint groups/
      sgctl lint --fix
      sgctl lint --ignore mergeable --format json
    """
    defaults = defaults_of(target)
    policies = settings.policies()
    documents, state = load_documents(paths, defaults, policies, walk=settings.walk(target.follow_links))
    warned(state)
    there = _read_live(state, connection) if live else None
    if fixing or diff:
        result = fix(documents, state, defaults, policies, ignored=ignore, live=there)
        originals = {document.source.path: document.source.data for document in documents}
        for path, data in result.texts.items():
            if diff:
                click.echo(text_diff(path, originals[path], data), nl=False, err=format_ == "json")
            else:
                rewrite_groups(path, originals[path], data)
    else:
        found = tuple(finding for finding in lint(documents, state, there) if finding.kind not in ignore)
        result = Fixed({}, (), found)
    if format_ == "json":
        click.echo(json_text(lint_to_json(result.left, result.mended)))
    else:
        click.echo(render_lint(result.left, result.mended, fixing=fixing or diff, writing=not diff), nl=False)
    return ExitCode.DIFFERENCES if result.left or (diff and result.mended) else ExitCode.DONE


def _read_live(state: DesiredState, connection: ConnectionOptions) -> LiveState:
    with options.connect(connection) as api, Progress("reading", len(state.targets)) as progress:
        live = reading.read(state, api, progress=progress.read)
        alone = {each: replace(state, groups=(), targets=(each,), owners={each: frozenset()}) for each in state.targets}
        return {each: live[reading.find_targets(one, api).targets[0]] for each, one in alone.items()}
