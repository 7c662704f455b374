"""`sgctl watch`: `sgctl drift` without end, with metrics, and with what it may put right by itself."""

import random
import threading
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import click

from reconciler import process, workflow
from reconciler.api.address import check_base_url
from reconciler.api.connection import Api
from reconciler.applying.apply import Interrupted, Report
from reconciler.cli import options, settings
from reconciler.cli.apply import journal_of, one_at_a_time_here
from reconciler.cli.drift import NotificationOptions, Notifier, fail_on, notification_options
from reconciler.cli.health import Address, serve_health
from reconciler.cli.log import current_log, report
from reconciler.cli.options import ConnectionOptions, TargetOptions
from reconciler.cli.output import check_outputs
from reconciler.cli.parameters import Duration, option_set
from reconciler.cli.targets import load_files, sees_all
from reconciler.drift.compare import Severity, summarize_drift
from reconciler.drift.watch import Enforce, Round, Told, WatchLoop
from reconciler.model.clock import StoppableClock, SystemClock, format_time
from reconciler.model.errors import SgctlError
from reconciler.model.text import count
from reconciler.planning.plan import Plan, PlanOptions
from reconciler.render.drift import drift_to_json


@dataclass(frozen=True, slots=True)
class _Watch:
    interval: timedelta
    enforce: str
    fail_on: str
    listen: tuple[str, int] | None


_watch = option_set(
    _Watch,
    click.option(
        "--interval", type=Duration(1), default="5m", show_default=True, help="The time from a round to the next one."
    ),
    click.option(
        "--enforce",
        type=click.Choice([str(each) for each in Enforce]),
        default=str(Enforce.NONE),
        show_default=True,
        help="What to put right without asking; narrow: what takes traffic away that no file admits, and opens none.",
    ),
    fail_on,
    click.option(
        "--listen", type=Address(), metavar="HOST:PORT", help="Serve /metrics, /healthz and /readyz on this address."
    ),
)


@click.command("watch")
@options.paths
@_watch
@options.policies_file
@notification_options
@options.target
@options.connection
def command(
    paths: tuple[str, ...],
    chosen: _Watch,
    policies_file: str | None,
    notification: NotificationOptions,
    target: TargetOptions,
    connection: ConnectionOptions,
) -> None:
    """Look for drift again and again, until SIGTERM or Ctrl-C, and tell each round in a line.

    Files, settings and the file of the API key are read anew in each round; a round that fails is told, and the next
    one comes all the same. The webhook is told when the report changes. With `--enforce narrow`, groups whose live
    rules admit what no file admits get the rules of the files, where that opens nothing; tags and descriptions are left
    alone. With `all`, everything is put right that no guardrail or policy stops. Applies keep journals, as those of
    `sgctl apply` do. SIGTERM finishes what is under way.

    \b
      sgctl watch groups/ --listen 127.0.0.1:9180
      sgctl watch groups/ --interval 1m --enforce narrow --log-format json
    """
    check_outputs(paths, walk=settings.walk(target.follow_links))
    process.collect_garbage()
    stop = threading.Event()
    clock = StoppableClock(stop)
    notifier = Notifier(notification, remembers=True)

    def one_round() -> Round:
        settings.read_anew()
        state = load_files(paths, target, settings.policies())
        with options.connect(connection, clock) as api:
            done = workflow.reconcile(
                state,
                api,
                Enforce(chosen.enforce),
                PlanOptions(
                    api_version=connection.api_version,
                    limits=settings.limits(),
                    policies=settings.policies(),
                    outside=settings.rulebook(policies_file),
                ),
                fail_on=Severity(chosen.fail_on),
                whole=sees_all(paths, state, target),
                carry_out=partial(_carry_out, stop=stop),
            )
        _notify(notifier, drift_to_json(done.drift, settings.base_url(), format_time(clock.now())), done)
        return done

    settings.api_key()  # what will never work is told at once
    check_base_url(settings.base_url())
    if notification.notify_url:
        from reconciler.api.webhook import check_webhook  # noqa: PLC0415 - only where a webhook is given

        check_webhook(notification.notify_url)
    watch = WatchLoop(one_round, clock, random.random, _tell)
    interval = chosen.interval.total_seconds()
    pages = serve_health(
        chosen.listen,
        lambda: watch.health,
        lambda: watch.health.hangs(clock.monotonic(), interval),
        lambda: watch.health.unready,
    )
    try:
        with process.stop_on_signals(stop), pages:
            watch.run(interval, stop.is_set)
    except Interrupted as interrupted:
        raise (interrupted.report.error or interrupted) from None


def _carry_out(plan: Plan, api: Api, stop: threading.Event) -> Report:
    """Apply a plan, with a journal, and with no other apply on this machine at the same time."""
    with one_at_a_time_here(api), journal_of(plan, current_log()) as recorder:
        return workflow.apply(plan, api.for_apply(plan.api_version), recorder=recorder, stopped=stop.is_set)


def _notify(notifier: Notifier, content: dict[str, Any], done: Round) -> None:
    """Tell the webhook. One that cannot be reached is a warning, and is tried again with the next round."""
    try:
        notifier.tell(done.drift, content)
    except SgctlError as error:
        current_log().warning(error.message)


def _tell(told: Told) -> None:
    """Write a line about a round, and what is wrong before it."""
    log = current_log()
    if told.error is not None:
        report(told.error, log)
    done = told.round
    for each in (*done.failed, *(finding.message for finding in done.stopped_by)) if done else ():
        log.warning(each)
    if log.is_json:
        log.event(
            "round",
            "info" if done else "error",
            number=told.number,
            seconds=round(told.seconds, 3),
            succeeded=done is not None,
            drifted={str(severity): number for severity, number in done.drift.by_severity.items()} if done else None,
            counted=done.drift.counted if done else None,
            mended=done.mended if done else None,
            failed=len(done.failed) if done else None,
            stopped=bool(done.stopped_by) if done else None,
        )
    elif not log.quiet:
        log.line(f"{format_time(SystemClock().now())} round {told.number}: {_summary(told)}")


def _summary(told: Told) -> str:
    if told.round is None:
        return f"failed ({told.seconds:.1f} s)"
    done = told.round
    parts = [summarize_drift(done.drift).rstrip(".")]
    parts += [f"{count(done.mended, 'group')} put right"] if done.mended else []
    parts += [f"{count(len(done.failed), 'group')} could not be put right"] if done.failed else []
    parts += ["a guardrail stops what would put it right"] if done.stopped_by else []
    return f"{'; '.join(parts)} ({told.seconds:.1f} s)"
