"""`sgctl drift`."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reconciler.api.live import Reader
from reconciler.cli import EXIT_CODES, options
from reconciler.cli.findings import configured_policies, today
from reconciler.cli.loading import load_files
from reconciler.cli.output import write_atomically
from reconciler.cli.progress import Progress
from reconciler.drift import notify
from reconciler.drift.compare import Drift, Severity
from reconciler.drift.metrics import Run, render_metrics
from reconciler.model.clock import SystemClock, format_time
from reconciler.model.errors import SgctlError
from reconciler.model.json_form import json_text
from reconciler.render.drift import drift_to_json, view_drift
from reconciler.render.formats import render
from reconciler.workflow import drift_state


@click.command("drift", epilog=EXIT_CODES)
@options.paths
@options.format_option
@click.option(
    "--fail-on",
    type=click.Choice([str(severity) for severity in Severity]),
    default=str(Severity.COSMETIC),
    show_default=True,
    help="The least severity that counts; less is shown and marked as not counted.",
)
@click.option("--unmanaged", is_flag=True, help="List live groups that no file names, too; they never count.")
@click.option("--metrics-file", type=click.Path(), metavar="FILE", help="Write Prometheus text for the node exporter.")
@click.option(
    "--notify-url",
    envvar="SGCTL_NOTIFY_URL",
    metavar="URL",
    help="Post the report to this webhook when something counts. Better in SGCTL_NOTIFY_URL: its path is a secret.",
)
@click.option("--notify-format", type=click.Choice(["json", "slack"]), default="json", show_default=True)
@click.option("--state-file", type=click.Path(), metavar="FILE", help="Notify only when the report has changed.")
@options.target_options
@options.api_options
def command(paths: tuple[str, ...], **given: Any) -> int:
    """Tell whether live state still is as the files say. Read-only; made for cron.

    Severities: cosmetic (descriptions, tags, the same traffic by other rules), narrowing (something is refused that
    should not be), widening (something is reachable that should not be), missing (a group is not there). Exits with 2
    when something that counts differs or a rule is past its `expires` date, and with 1, never 0 or 2, when that could
    not be found out.

    \b
      sgctl drift groups/
      sgctl drift --fail-on widening --format json
      sgctl drift --metrics-file /var/lib/node_exporter/sgctl.prom
    """
    clock = SystemClock()
    started = clock.monotonic()
    drift = None
    try:
        drift, base_url = _compare(paths, given)
    finally:
        if given["metrics_file"]:
            run = Run(clock.now().timestamp(), clock.monotonic() - started, drift)
            write_atomically(given["metrics_file"], render_metrics(run), mode=0o644)
    report = drift_to_json(drift, base_url, format_time(clock.now()), with_unmanaged=given["unmanaged"])
    if given["format_"] == "json":
        click.echo(json_text(report))
    else:
        view = view_drift(drift, with_unmanaged=given["unmanaged"])
        click.echo(render(view, given["format_"], shutil.get_terminal_size().columns), nl=False)
    if given["notify_url"]:
        _notify(drift, report, given)
    return 2 if drift.counted else 0


def _compare(paths: tuple[str, ...], given: Mapping[str, Any]) -> tuple[Drift, str]:
    state = load_files(paths, given["project_id"], given["region_id"], configured_policies())
    with options.connect(**given) as (_, connected), Progress("reading", quiet=given["quiet"]) as progress:
        reader: Reader = connected
        progress.start(len(state.targets))
        drift = drift_state(
            state,
            reader,
            fail_on=Severity(given["fail_on"]),
            today=today(),
            parallelism=given["parallelism"],
            progress=progress.read,
        )
    return drift, reader.base_url


def _notify(drift: Drift, report: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Post the report if it is news: with a state file whenever it changed, without one whenever something counts."""
    from reconciler.api.webhook import post_json  # noqa: PLC0415 - only where a webhook is given

    news = notify.report_digest(drift)
    state_file = given["state_file"]
    if (news == _last_reported(state_file)) if state_file else not drift.counted:
        return
    is_slack = given["notify_format"] == "slack"
    payload = notify.slack_payload(drift, str(report["base_url"])) if is_slack else dict(report)
    post_json(given["notify_url"], payload, SystemClock())
    if state_file:
        write_atomically(state_file, notify.write_state(news, str(report["checked_at"])))


def _last_reported(path: str) -> str:
    """Read what was reported last; before the first run, what a run without drift reports."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return notify.NOTHING
    except (OSError, UnicodeDecodeError) as error:
        raise SgctlError(f"cannot read the state file {path}: {error}") from None
    return notify.read_state(text, path)
