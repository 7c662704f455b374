"""Progress on stderr: one line that is overwritten on a terminal, and nothing elsewhere."""

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

import click

from reconciler.api.exchange import Exchange

_PATIENCE = 0.5
"""Seconds of silence that need no progress line."""


class Progress:
    """Counts what is done out of a total; appears after half a second, and leaves no trace."""

    def __init__(
        self,
        what: str,
        *,
        quiet: bool = False,
        stream: TextIO | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._stream = sys.stderr if stream is None else stream
        self._shown = not quiet and self._stream.isatty()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._done = 0
        self._total = 0
        self._started = 0.0

    def start(self, total: int) -> None:
        """Say how much there is to do."""
        self._total, self._started = total, self._monotonic()

    def step(self, name: object) -> None:
        """Say what has just been done."""
        with self._lock:
            self._done += 1
            if self._shown and self._monotonic() - self._started >= _PATIENCE:
                total = f"/{self._total}" if self._total else ""
                self._stream.write(f"\r\x1b[K{self._what} {self._done}{total}: {str(name)[:50]}")
                self._stream.flush()

    def __enter__(self) -> Self:
        self._started = self._monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def log_exchange(exchange: Exchange) -> None:
    """Write one request with its status and time (`-v`)."""
    status = exchange.status if exchange.status is not None else exchange.problem
    request_id = f" {exchange.request_id}" if exchange.request_id else ""
    click.echo(f"{exchange.method} {exchange.path} {status} {exchange.seconds * 1000:.0f} ms{request_id}", err=True)
