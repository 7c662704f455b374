"""`sgctl history`."""

from dataclasses import dataclass
from datetime import timedelta

import click

from reconciler import reading
from reconciler.cli import options
from reconciler.cli.completion import complete_groups
from reconciler.cli.log import current_log
from reconciler.cli.options import ConnectionOptions, TargetOptions
from reconciler.cli.parameters import DURATION, option_set
from reconciler.cli.progress import Progress
from reconciler.cli.targets import load_for_live
from reconciler.model.clock import SystemClock, format_time
from reconciler.model.json_form import json_text
from reconciler.render.history import history_to_json, render_history


@dataclass(frozen=True, slots=True)
class _History:
    since: timedelta
    format_: str


_history = option_set(
    _History,
    click.option(
        "--since", type=DURATION, default="7d", show_default=True, help="How far back, such as 90m, 24h or 7d."
    ),
    options.format_option("text", "json"),
)


@click.command("history")
@click.argument("groups", nargs=-1, metavar="[GROUP]...", shell_complete=complete_groups)
@_history
@options.target_options("Project, where the files do not say.", "Region, where the files do not say.")
@options.connection
def command(groups: tuple[str, ...], chosen: _History, target: TargetOptions, connection: ConnectionOptions) -> None:
    """Show who changed groups, when and from where: the API's own log, the newest change first.

    GROUPs are names, globs or ids, also of groups that are gone; all of them when left out. Projects and regions are
    those of the files, or of --project-id and --region-id. Where the key may not read the log, or the API has none, a
    note says so.

    \b
      sgctl history web
      sgctl history 'web-*' --since 24h --format json
    """
    state = load_for_live((), target, connection)[1]
    since = SystemClock().now() - chosen.since
    with options.connect(connection) as api, Progress("reading", len(state.targets)) as progress:
        targets = reading.find_targets(state, api).targets
        history = reading.read_history(targets, api, groups, since=since, progress=progress.read)
    for note in history.notes:
        current_log().note(note)
    if not (history.entries or history.notes):
        current_log().note(f"the log has nothing since {format_time(since)}: look further back with --since")
    if chosen.format_ == "json":
        click.echo(json_text(history_to_json(history, since)))
    else:
        click.echo(render_history(history), nl=False)
