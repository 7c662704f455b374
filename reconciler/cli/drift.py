"""`sgctl drift`."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

from reconciler import reading
from reconciler.cli import options, settings
from reconciler.cli.log import current_log, tell
from reconciler.cli.options import ConnectionOptions, Look, TargetOptions
from reconciler.cli.output import PUBLIC, check_outputs, write_atomically
from reconciler.cli.parameters import OutputFile, option_set
from reconciler.cli.plan import refuse_unread
from reconciler.cli.progress import Progress
from reconciler.cli.targets import excluded_notes, load_files, refuse_no_owner, sees_all
from reconciler.config.commit import commit_of
from reconciler.drift import notify
from reconciler.drift.compare import Drift, Severity
from reconciler.drift.metrics import Run, render_metrics
from reconciler.graph import change_graphs
from reconciler.model.clock import SystemClock, format_time
from reconciler.model.environment import NOTIFY_URL
from reconciler.model.errors import ExitCode, SgctlError
from reconciler.model.files import STATE_LIMIT, read_bounded
from reconciler.model.json_form import json_text
from reconciler.model.version import __version__
from reconciler.render.drift import drift_to_json, view_drift
from reconciler.render.formats import render
from reconciler.render.view import Made

fail_on = click.option(
    "--fail-on",
    type=click.Choice([str(severity) for severity in Severity]),
    default=str(Severity.COSMETIC),
    show_default=True,
    help="The least severity that counts; less is shown and marked as not counted.",
)


@dataclass(frozen=True, slots=True)
class _Report:
    format_: str
    fail_on: str
    unmanaged: bool
    who: bool
    all_targets: bool
    metrics_file: str | None


_report = option_set(
    _Report,
    options.format_option(),
    fail_on,
    click.option("--unmanaged", is_flag=True, help="List live groups that no file names, too; they never count."),
    click.option("--who", is_flag=True, help="Tell who changed each group, from the API's own log."),
    options.all_targets,
    click.option(
        "--metrics-file", type=OutputFile(), metavar="FILE", help="Write Prometheus text for the node exporter."
    ),
)


@dataclass(frozen=True, slots=True)
class NotificationOptions:
    """Whom to tell, in which form, and the file that keeps what was told last."""

    notify_url: str | None
    notify_format: str
    state_file: str | None


notification_options = option_set(
    NotificationOptions,
    click.option(
        "--notify-url",
        envvar=NOTIFY_URL,
        metavar="URL",
        help=f"Post the report to this webhook when something counts. Better in {NOTIFY_URL}: its path is a secret.",
    ),
    click.option("--notify-format", type=click.Choice(["json", "slack"]), default="json", show_default=True),
    click.option(
        "--state-file",
        type=OutputFile(is_kept=True),
        metavar="FILE",
        help="Notify only when the report has changed.",
    ),
)


@click.command("drift")
@options.paths
@_report
@options.look
@notification_options
@options.target
@options.connection
def command(
    paths: tuple[str, ...],
    chosen: _Report,
    look: Look,
    notification: NotificationOptions,
    target: TargetOptions,
    connection: ConnectionOptions,
) -> int:
    """Tell whether live state still is as the files say. Read-only; made for cron.

    Severities: cosmetic (descriptions, tags, the same traffic by other rules), orphan (a live group has our `owner` and
    stands in no file), narrowing (something is refused that should not be), widening (something is reachable that
    should not be), missing (a group is not there). Exits with 2 when something that counts differs or a rule is past
    its `expires` date, and with 1, never 0 or 2, when that could not be found out. An orphan counts as any difference
    does; with --fail-on narrowing it is only told. Where PATHS leave out what sgctl.toml names, or a file of the same
    owner beside a given one, orphans are not looked for, and a note says so.

    \b
      sgctl drift groups/
      sgctl drift --fail-on widening --format json
      sgctl drift --who
      sgctl drift --all-targets
      sgctl drift --metrics-file /var/lib/node_exporter/sgctl.prom
    """
    to_stdout = check_outputs(paths, walk=settings.walk(target.follow_links))
    clock = SystemClock()
    started = clock.monotonic()
    drift = None
    try:
        state = load_files(paths, target, settings.policies())
        for text in excluded_notes(paths, target):
            tell(text)
        whole = sees_all(paths, state, target)
        if chosen.all_targets:
            refuse_no_owner(state)
        with options.connect(connection) as api, Progress("reading", len(state.targets)) as progress:
            also = api.list_targets() if chosen.all_targets else ()
            progress.total = len({*state.targets, *also})
            fail_on = Severity(chosen.fail_on)
            drift = reading.detect_drift(
                state, api, fail_on=fail_on, also=also, whole=whole, partial=True, progress=progress.read
            )
            drift = reading.find_who(drift, api) if chosen.who else drift
    finally:
        if chosen.metrics_file:
            run = Run(
                clock.now().timestamp(), clock.monotonic() - started, drift if drift and not drift.unread else None
            )
            write_atomically(chosen.metrics_file, render_metrics(run), PUBLIC)
    report = drift_to_json(drift, api.base_url, format_time(clock.now()), with_unmanaged=chosen.unmanaged)
    if chosen.format_ == "json":
        click.echo(json_text(report), err=to_stdout)
    else:
        view = view_drift(drift, with_unmanaged=chosen.unmanaged)
        if chosen.format_ == "html":
            made = Made(str(report["checked_at"]), api.base_url, __version__, commit_of(paths[0]))
            found = (each.difference for each in drift.drifted)
            view = replace(view, made=made, graphs=change_graphs(found, drift.group_names, of_drift=True))
        view = replace(view, page_url=look.page_url or "")
        text = render(view, chosen.format_, shutil.get_terminal_size().columns, expand=look.expand)
        click.echo(text, nl=False, err=to_stdout)
    refuse_unread(drift.unread)
    Notifier(notification).tell(drift, report)
    return ExitCode.DIFFERENCES if drift.counted else ExitCode.DONE


class Notifier:
    """Posts reports that are news: those that differ from the last one that is known, else those that count.

    The last one is known from the state file, and to a watch from its rounds (`remembers`).
    """

    def __init__(self, chosen: NotificationOptions, *, remembers: bool = False) -> None:
        self._chosen = chosen
        self._remembers = remembers
        self._last: str | None = notify.NOTHING if remembers else None

    def tell(self, drift: Drift, report: Mapping[str, Any]) -> None:
        """Post a report where it is news. Raises `SgctlError` where it cannot be delivered."""
        chosen = self._chosen
        if not chosen.notify_url:
            return
        from reconciler.api.webhook import post_json  # noqa: PLC0415 - only where a webhook is given

        news = notify.report_digest(drift)
        last = _last_reported(chosen.state_file) if chosen.state_file else self._last
        if news == last or (last is None and not drift.counted):
            return
        is_slack = chosen.notify_format == "slack"
        payload = notify.slack_payload(drift, str(report["base_url"])) if is_slack else dict(report)
        hidden = current_log().secrets.hide(json.dumps(payload))
        post_json(chosen.notify_url, json.loads(hidden), SystemClock())
        if chosen.state_file:
            write_atomically(chosen.state_file, notify.write_state(news, str(report["checked_at"])))
        elif self._remembers:
            self._last = news


def _last_reported(path: str) -> str:
    """Read what was reported last; before the first run, what a run without drift reports."""
    try:
        text = read_bounded(path, STATE_LIMIT).decode("utf-8")
    except FileNotFoundError:
        return notify.NOTHING
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror or error if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SgctlError(f"cannot read the state file {path}: {reason}") from None
    return notify.read_state(text, path)
