"""Carrying out a plan from the command line: the journal, progress, and what Ctrl-C does."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from reconciler.api.backend import BACKENDS, GcoreWriter
from reconciler.api.live import Reader
from reconciler.applying.apply import Report, apply
from reconciler.applying.outcome import NoJournal, Recorder, Result
from reconciler.applying.session import ApplyContext
from reconciler.applying.stale import Done, Stale
from reconciler.cli.progress import Progress
from reconciler.model.clock import StoppableClock, SystemClock
from reconciler.planning.encode import ApiVersion
from reconciler.planning.plan import Plan
from reconciler.render.outcome import render_report

if TYPE_CHECKING:
    from reconciler.api.http import Http
    from reconciler.api.reader import GcoreReader


@dataclass(frozen=True, slots=True)
class Stop:
    """The wish to stop, and the clock that heeds it: everything that waits during an apply waits with this clock."""

    wished: threading.Event = field(default_factory=threading.Event)

    @property
    def clock(self) -> StoppableClock:
        """A clock whose waits end when stopping is wished."""
        return StoppableClock(self.wished)


def context_of(plan: Plan, http: "Http", reader: Reader, stop: Stop, recorder: Recorder | None = None) -> ApplyContext:
    """Put together what applying a plan works with."""
    writer = GcoreWriter(http, stop.clock)
    return ApplyContext(
        reader, writer, stop.clock, BACKENDS[plan.api_version], recorder or NoJournal(), stop.wished.is_set
    )


def reader_for(version: ApiVersion, http: "Http", stop: Stop) -> "GcoreReader":
    """Pick what an apply reads live state with: on v2, writes of an apply that was killed may still be under way."""
    return BACKENDS[version].reader(http, stop.clock)


def carry_out(
    plan: Plan, http: "Http", reader: Reader, stop: Stop, settled: tuple[Stale | Done, ...], given: Mapping[str, Any]
) -> None:
    """Apply a plan and say how it ended. Raises the error that the outcome amounts to.

    The first Ctrl-C (or SIGTERM) finishes the requests under way and begins no further one; the second abandons them.
    """
    with ExitStack() as stack:
        context = context_of(plan, http, reader, stop, _recorder(stack, plan, given["journal"]))
        progress = stack.enter_context(Progress("applying", quiet=given["quiet"]))
        progress.start(len(plan.changes))

        def tell(result: Result) -> None:
            progress.step(result.change.difference.name)

        stack.enter_context(_stopping(stop.wished))
        report = apply(plan, context, settled, parallelism=given["parallelism"], progress=tell)
    _finish(report, given["format_"])


def _recorder(stack: ExitStack, plan: Plan, path: str | None) -> Recorder:
    if path is None:
        return NoJournal()
    from reconciler.applying.journal import JournalFile  # noqa: PLC0415 - only with --journal

    return stack.enter_context(JournalFile(path, SystemClock(), base_url=plan.base_url, api_version=plan.api_version))


@contextmanager
def _stopping(stopped: threading.Event) -> Iterator[None]:
    """Turn the first signal into a wish to stop, and the second into a `KeyboardInterrupt`."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        os.write(sys.stderr.fileno(), b"\nstopping: the requests under way are finished; again to abandon them\n")

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _finish(report: Report, format_: str) -> None:
    click.echo(render_report(report, format_, shutil.get_terminal_size().columns), nl=False)
    if report.error is not None:
        raise report.error
