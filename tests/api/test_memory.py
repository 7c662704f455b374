"""What was read and is no longer needed is gone at once: a command runs without the garbage collector."""

import gc
import json
import tracemalloc
from collections.abc import Iterator

import httpx

from reconciler.api.http import Http
from reconciler.model.clock import SystemClock

SIZE = 1_000_000


class FromAfar(httpx.SyncByteStream):
    """A body that is nowhere before it is read, as one from a socket."""

    def __iter__(self) -> Iterator[bytes]:
        yield json.dumps({"text": "x" * SIZE}).encode()


def test_the_answers_of_many_targets_do_not_pile_up() -> None:
    """Thirty answers of a megabyte leave less than three behind them."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=FromAfar()))
    was_on = gc.isenabled()
    gc.disable()
    tracemalloc.start()
    try:
        with Http("https://api.gcore.com", "key", SystemClock(), transport=transport) as http:
            for _ in range(30):
                assert len(http.read("/many")["text"]) == SIZE
        assert tracemalloc.get_traced_memory()[0] < 3 * SIZE
    finally:
        tracemalloc.stop()
        if was_on:
            gc.enable()
