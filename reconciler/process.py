"""Everything that is done to the whole process: garbage collector, exit, signals, output that nobody reads, processors.

For commands only, which have a process to themselves. A library call may run in a process that has other things to do,
and so does none of this.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from types import FrameType
from typing import NoReturn

MAX_PROCESSES = 4
"""Processes that read files side by side: more would save little, and each needs memory of its own."""

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_DELAY, _MOST_DELAYS = 0.01, 500
"""Seconds until it is seen whether an import has ended, and how often."""


def run_and_exit(run: Callable[[list[str]], int]) -> NoReturn:
    """Run the command line of this process, and end the process with the exit code.

    A command is over before its garbage could matter, and looking for cycles among a million rules takes a third of the
    time of a large plan: the collector is off. For the same reason nothing is taken apart at the end.
    """
    gc.disable()
    _open_missing_streams()
    _end_as_after_ctrl_c()
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, KeyboardInterrupt):  # what was lost has been told
            stream.flush()
    os._exit(code)


def _open_missing_streams() -> None:
    """Let the streams that the process was started without lead nowhere: no file or socket may get their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))


def _end_as_after_ctrl_c() -> None:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does: with a sentence, and an exit code of ours.

    Only the first of them interrupts: the next ones would come in the middle of that sentence. One that comes while a
    module is imported waits until that is whole, for the sentence may need it. A signal that is ignored (SIGHUP under
    `nohup`) stays ignored.
    """
    interrupts, delays = iter([KeyboardInterrupt]), iter(range(_MOST_DELAYS))

    def interrupt(_number: int, frame: FrameType | None) -> None:
        if _is_importing(frame) and next(delays, None) is not None:
            signal.signal(signal.SIGALRM, interrupt)
            signal.setitimer(signal.ITIMER_REAL, _DELAY)
            return
        for first in interrupts:
            raise first

    for number in _STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def collect_garbage() -> None:
    """Turn the garbage collector on again, for a command that does not end by itself."""
    gc.enable()


@contextmanager
def stop_on_signals(requested: threading.Event) -> Iterator[None]:
    """Let the first SIGINT, SIGTERM or SIGHUP set `requested`, and the second raise `KeyboardInterrupt`.

    Further ones do nothing, also afterwards: what is done and said of the second is brought to its end. A signal that
    is ignored (SIGHUP under `nohup`) stays ignored.
    """
    signals = count()  # a step of it is atomic, and one signal may come while another is looked at

    def stop(_number: int, _frame: FrameType | None) -> None:
        if number := next(signals):
            if number == 1:
                raise KeyboardInterrupt
            return
        requested.set()
        with suppress(OSError):  # after SIGHUP the terminal is gone
            os.write(sys.stderr.fileno(), b"\nstopping: the requests under way are finished; again to abandon them\n")

    previous = {
        number: signal.signal(number, stop)
        for number in _STOP_SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        if next(signals) <= 1:
            for number, handler in previous.items():
                signal.signal(number, handler)


def usable_processes() -> int:
    """Tell how many processes can work side by side here; 1 where this one must not be forked."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(MAX_PROCESSES, len(os.sched_getaffinity(0)))
