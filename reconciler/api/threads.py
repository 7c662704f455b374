"""Work that is done side by side, by as many threads as this machine gives."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import count
from typing import TypeVar

from reconciler.model.errors import Stopped

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(work: Callable[[Item], Result], items: Iterable[Item], most: int) -> list[Result]:
    """Call `work` with every item, `most` at once, and return the results in the order of the items.

    Where a limit of processes or of memory allows no more threads, those that have started do it all; where none
    starts, this one does. Once an item failed no other is begun, and the error of the first one that failed is raised
    when those under way have ended. Ctrl-C waits for none: the threads that are at an item live on until it ends.
    """
    ordered = tuple(items)
    numbers = count()  # a step of it is atomic
    results: dict[int, Result] = {}
    errors: dict[int, Exception] = {}

    def take() -> None:
        while not errors and (number := next(numbers)) < len(ordered):
            try:
                results[number] = work(ordered[number])
            except Exception as error:  # noqa: BLE001 - raised again below
                errors[number] = error

    pool = ThreadPoolExecutor(max(1, min(most, len(ordered))))
    try:
        takers: list[Future[None]] = []
        with suppress(RuntimeError):  # no further thread; its place in the queue finds nothing left to do
            takers.extend(pool.submit(take) for _ in range(min(most, len(ordered))))
        if not takers:
            take()
        for taker in wait(takers, return_when=FIRST_EXCEPTION).done:
            taker.result()
    except BaseException as error:
        errors[len(ordered)] = Stopped("abandoned")  # nothing further is begun
        pool.shutdown(wait=False)
        if isinstance(error.__context__, KeyboardInterrupt):  # in the middle of a wait, Python then misses a lock
            raise error.__context__ from None
        raise
    pool.shutdown()
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(ordered))]
