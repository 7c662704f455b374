"""The application on a loopback port: in a thread for tests, or until a signal for people."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import create_app
from .faults import Control, FaultPlan, load_faults
from .gate import CLOSE, RESET
from .knobs import Knobs
from .records import EmulatorError, RequestRecord, Step
from .seed import load_seed
from .store import Store

LOOPBACK = "127.0.0.1"
UNSPECIFIED = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - what to print for it, nothing is bound here
FIXED_KEY = "emulator"
NO_LINGER = struct.pack("ii", 1, 0)


def accepted_key(environ: Mapping[str, str]) -> str:
    """Return the key that an emulator accepts: the user's own, so that one setting serves both, else the fixed one."""
    return environ.get("GCORE_API_KEY") or FIXED_KEY


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an emulator that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class EmulatorServer:
    """A running emulator, in a thread of its own, for the time of a `with` block.

    `seed` is a file or its content, for a state that holds no groups yet. Leaving the block ends the thread and closes
    every connection and the store.
    """

    def __init__(
        self,
        *,
        api_key: str = FIXED_KEY,
        knobs: Knobs | None = None,
        faults: FaultPlan | None = None,
        seed: str | Path | Mapping[str, Any] | None = None,
        state: str | None = None,
        store: Store | None = None,
    ) -> None:
        self.api_key = api_key
        self.store = store or Store(state)
        try:
            if seed is not None and self.store.is_empty():
                load_seed(self.store, seed)
        except EmulatorError:
            self.store.close()
            raise
        self._app = create_app(self.store, api_key=api_key, knobs=knobs, faults=faults)
        self._socket = _listen(LOOPBACK, 0)
        self._server = _Server(self._app)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = _url(self._socket)

    def _serve(self) -> None:
        try:
            self._server.run([self._socket])
        finally:
            self._server.ready.set()  # whoever waits for the start must not wait for ever

    @property
    def control(self) -> Control:
        """Knobs and faults, to be changed while it runs: `control.knobs = ...`, `control.plan(...)`."""
        control: Control = self._app.state.control
        return control

    @property
    def requests(self) -> list[RequestRecord]:
        """Every request so far, oldest first."""
        return self.store.requests

    @property
    def history(self) -> list[Step]:
        """Every rule set that a group has had."""
        return self.store.history

    def __enter__(self) -> Self:
        """Start it; the URL answers when this returns."""
        self._thread.start()
        self._server.ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it at once, whatever is under way."""
        self._server.stop()
        self._thread.join()
        self.store.close()


def run(
    host: str,
    port: int,
    state: str | None,
    seed: str | None,
    faults: str | None,
    api_key: str,
    announce: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called with the URL once it answers. Port 0 picks a free one.

    The seed is for a state file that holds no groups yet; later starts go on from what the file holds. Raises
    EmulatorError when a file or the address cannot be used.
    """
    knobs, plan = load_faults(faults) if faults is not None else (Knobs(), FaultPlan())
    store = Store(state)
    try:
        if seed is not None and store.is_empty():
            load_seed(store, seed)
        listener = _listen(host, port)
        server = _Server(create_app(store, api_key=api_key, knobs=knobs, faults=plan, host=host))
        server.on_ready = functools.partial(announce, _url(listener))
        with _until_signal(server):
            server.run([listener])
    finally:
        store.close()


class _Server(uvicorn.Server):
    """uvicorn without its polling: it stops the moment it is told to, and does not wait for slow clients."""

    def __init__(self, app: Callable[..., Any]) -> None:
        config = uvicorn.Config(
            app,
            http=_Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
        )
        super().__init__(config)
        self.ready = threading.Event()
        self.on_ready: Callable[[], None] = lambda: None
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """May be called from any thread, or from a signal handler."""
        if self._loop is None:
            self._stopping.set()
        else:
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        """Override uvicorn's loop, which looks ten times a second whether it should stop."""
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        self.on_ready()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Override uvicorn's, which waits for every connection and task."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=1)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Override uvicorn's: signals are `run`'s business."""
        yield


class _Connection(H11Protocol):
    """An HTTP connection that a fault can end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own way
        """Put the means to end this connection into the scope of its requests."""
        super().connection_made(transport)
        app = self.app

        async def with_means_to_end(scope: Any, receive: Any, send: Any) -> None:
            ends = {RESET: functools.partial(_reset, transport), CLOSE: transport.close}
            await app(scope | {"extensions": scope.get("extensions", {}) | ends}, receive, send)

        self.app = with_means_to_end


def _reset(transport: asyncio.Transport) -> None:
    """End a connection with a RST: closing without lingering sends no FIN."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    transport.abort()


@contextlib.contextmanager
def _until_signal(server: _Server) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle off; without it every answer would wait for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        raise EmulatorError(f"cannot listen on {host} port {port}: {problem.strerror or problem}") from None
    listener.listen(128)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = UNSPECIFIED.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
