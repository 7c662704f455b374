"""`sgctl drift`."""

import json
import shutil
from typing import Any

import click

from reconciler.cli import EXIT_CODES, options, settings
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.desired import load
from reconciler.drift import find_drift
from reconciler.live import read_live
from reconciler.render.drift import drift_to_json, render_drift
from reconciler.workflow import format_time


@click.command("drift", epilog=EXIT_CODES)
@options.paths
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.target_options
@options.api_options
def command(paths: tuple[str, ...], format_: str, **given: Any) -> int:
    """Tell whether live state still is as the files say. Read-only; made for cron.

    Exits with 2 when something differs, and with 1, never 0 or 2, when that could not be found out.

    \b
      sgctl drift groups/
      sgctl drift groups/ --format json
    """
    state = load(paths or (".",), settings.defaults(given["project_id"], given["region_id"]))
    with options.connect(**given) as (_, reader), Progress("reading", quiet=given["quiet"]) as progress:
        progress.start(len(state.targets))
        live = read_live(reader, state.targets, parallelism=given["parallelism"], progress=progress.step)
    drift = find_drift(state, live)
    if format_ == "json":
        report = drift_to_json(drift, reader.base_url, format_time(SystemClock().now()))
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        click.echo(render_drift(drift, shutil.get_terminal_size().columns), nl=False)
    return 2 if drift.differences else 0
