"""A machine that has only some threads left."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from unittest import mock


@contextmanager
def threads_left(number: int) -> Iterator[None]:
    """Let so many more threads start; the next ones fail as Python does where the machine gives none."""
    left, start = [number], Thread.start

    def reluctant(thread: Thread) -> None:
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    with mock.patch.object(Thread, "start", reluctant):
        yield
