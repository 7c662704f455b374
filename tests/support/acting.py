"""What happens to a process while a certain request of its own is under way: by the server, and not by a clock."""

import signal
import subprocess
from collections.abc import Callable
from queue import SimpleQueue

from reconciler.emulator.records import RequestRecord
from reconciler.emulator.server import EmulatorServer

PATIENCE = 60
"""Seconds until what does not come counts as not coming."""


class ActingLog(list[RequestRecord]):
    """The emulator's log of requests, which does something while the nth request of a method is not answered yet."""

    def __init__(self, act: Callable[[], object], method: str = "", nth: int = 1) -> None:
        """Without a method, requests of every one count."""
        super().__init__()
        self._act = act
        self._method = method
        self._left = nth

    def append(self, record: RequestRecord) -> None:
        super().append(record)
        self._left -= record.method.startswith(self._method)
        if self._left == 0:
            self._left = -1
            self._act()


def signalled(
    server: EmulatorServer,
    start: Callable[[], subprocess.Popen[str]],
    *signals: signal.Signals,
    method: str = "",
    nth: int = 1,
) -> subprocess.Popen[str]:
    """Start a process that gets these signals while its nth request is under way."""
    started: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()

    def send() -> None:
        process = started.get(timeout=PATIENCE)
        for each in signals:
            process.send_signal(each)

    server.store.requests = ActingLog(send, method, nth)
    process = start()
    started.put(process)
    return process
