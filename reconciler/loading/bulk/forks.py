"""Work shared out among copies of this process, which hand back through a pipe what they found.

`multiprocessing` would do the same, but to import it and to start its pool takes as long as a large share of the work.
"""

import os
import pickle
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class _Fork(NamedTuple):
    process: int
    pipe: BinaryIO
    share: slice


def map_in_forks(
    work: Callable[[Task], Result | None],
    tasks: Sequence[Task],
    processes: int,
    *,
    pack: Callable[[Result], Any],
    unpack: Callable[[Any], Result],
) -> list[Result] | None:
    """Work off the tasks and return the results in their order; None when there is none for a task, or a fork failed.

    What a fork hands back is made plain by `pack`, for the pipe, and whole again by `unpack`. This process takes a
    share of its own.
    """
    results: dict[int, Result] = {}
    numbers = range(len(tasks))
    forks: list[_Fork] = []
    try:
        for first in range(1, processes):
            forks.append(_fork(work, tasks, slice(first, None, processes), pack, forks))
        own = slice(0, None, processes)
        done = _work_off(work, tasks[own])
        if done is None:
            return None
        results.update(zip(numbers[own], done, strict=True))
        while forks:
            fork = forks[0]
            data = fork.pipe.read()
            # It is at its end: from here on it is waited for, and never signalled, as its number may soon be another's.
            del forks[0]
            packed = _collect(fork, data)
            if packed is None:
                return None
            results.update(zip(numbers[fork.share], map(unpack, packed), strict=True))
    except OSError:
        return None
    finally:
        for fork in forks:
            _end(fork)
    return [results[number] for number in numbers]


def _work_off(work: Callable[[Task], Result | None], tasks: Sequence[Task]) -> list[Result] | None:
    results = []
    for task in tasks:
        result = work(task)
        if result is None:
            return None
        results.append(result)
    return results


def _fork(
    work: Callable[[Task], Result | None],
    tasks: Sequence[Task],
    share: slice,
    pack: Callable[[Result], Any],
    earlier: Sequence[_Fork],
) -> _Fork:
    reading, writing = os.pipe()
    # Ctrl-C reaches a fork as well. It must not wander off into the code that forked it; `_end` stops it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process = -1
    try:
        process = os.fork()
    finally:
        if process != 0:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if process:
        os.close(writing)
        return _Fork(process, open(reading, "rb"), share)  # noqa: PTH123 - a pipe, closed by `_end`
    status = 1
    try:
        # A pipe breaks when nobody can read it any more. With these ends open a fork would wait for a reader, which
        # it is itself, when the process that asked was killed.
        for end in (reading, *(fork.pipe.fileno() for fork in earlier)):
            os.close(end)
        done = _work_off(work, tasks[share])
        if done is not None:
            with open(writing, "wb") as pipe:  # noqa: PTH123 - a pipe has no path
                pickle.dump([pack(result) for result in done], pipe, pickle.HIGHEST_PROTOCOL)
            status = 0
    finally:
        # Whatever went wrong here goes wrong again in the process that asked, and is said there.
        os._exit(status)


def _collect(fork: _Fork, data: bytes) -> list[Any] | None:
    fork.pipe.close()
    _, status = os.waitpid(fork.process, 0)
    return pickle.loads(data) if status == 0 else None  # noqa: S301 - written by a copy of this process


def _end(fork: _Fork) -> None:
    """Stop a fork that nobody listens to any more. It was not waited for yet, so its number is still its own."""
    fork.pipe.close()
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(fork.process, signal.SIGKILL)
        os.waitpid(fork.process, 0)
