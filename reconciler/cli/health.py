"""What a process that runs for long tells over HTTP: `/metrics`, `/healthz`, `/readyz`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6, SHUT_RDWR, socket
from threading import BoundedSemaphore, Thread, Timer
from typing import Any
from urllib.parse import urlsplit

import click

from reconciler.cli.log import current_log
from reconciler.drift.metrics import render_health
from reconciler.drift.watch import Health
from reconciler.model.errors import UsageError

Answer = tuple[bool, str]
"""Whether all is well, and the text to answer with."""

_SECONDS = 5.0
"""How long a client may take to ask, and then to read: nobody holds a thread for longer."""
_MOST_CLIENTS = 32
"""Connections at once; more are closed unanswered, and so hold neither threads nor memory."""


class Address(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    """A host and a port to listen on, such as 127.0.0.1:9180 or [::1]:9180."""

    name = "address"

    def convert(
        self, value: "str | tuple[str, int]", param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Read an address."""
        if isinstance(value, tuple):
            return value
        with suppress(ValueError):
            parts = urlsplit(f"//{value}")
            if parts.hostname and parts.port is not None and parts.netloc == value and not parts.username:
                return parts.hostname, parts.port
        raise click.BadParameter(f"{value!r} is not an address such as 127.0.0.1:9180", ctx, param)


@contextmanager
def serve(address: tuple[str, int], pages: Mapping[str, Callable[[], Answer]]) -> Iterator[int]:
    """Answer GET requests for the pages, in threads of their own, and give the port.

    A page that is not well is a 503, one that fails a 500 and a line in the log. Clients that ask wrongly, slowly or
    not at all are nobody's business: they are cut off without a word. Raises `UsageError` where the address cannot be
    listened on.
    """
    warn = current_log().warning  # which other threads cannot find

    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS

        def do_GET(self) -> None:
            status, text = self.answer(self.path.partition("?")[0])
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def answer(self, path: str) -> tuple[HTTPStatus, str]:
            if path not in pages:
                return HTTPStatus.NOT_FOUND, "not found\n"
            try:
                is_well, text = pages[path]()
            except Exception as error:  # noqa: BLE001 - whatever it is, whoever runs the server has to know
                warn(f"{path} could not be answered: {type(error).__name__}: {error}")
                return HTTPStatus.INTERNAL_SERVER_ERROR, "this page fails; the log says why\n"
            return HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE, text

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the base class
            """Nothing: a scrape every few seconds is no event."""

    host, port = address

    try:
        server = _Server(host, port, Handler)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot listen on {host}:{port}: {reason}") from None
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


class _Server(ThreadingHTTPServer):
    """Has a thread and a place for each client, both for a while only."""

    daemon_threads = True

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = AF_INET6 if ":" in host else AF_INET
        self._places = BoundedSemaphore(_MOST_CLIENTS)
        super().__init__((host, port), handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return self._places.acquire(blocking=False)

    def process_request(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # the machine has no further thread; whoever called closes the connection
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        cut_off = Timer(2 * _SECONDS, partial(_cut_off, request))
        cut_off.daemon = True
        try:
            cut_off.start()
            super().process_request_thread(request, client_address)
        except RuntimeError:  # the same: nobody would cut this client off
            self.shutdown_request(request)
        finally:
            cut_off.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: its own would write a traceback to stderr because a client has gone."""


def _cut_off(connection: socket) -> None:
    """End a connection whose time is over: a limit on each read alone is none for who sends a byte now and then."""
    with suppress(OSError):
        connection.shutdown(SHUT_RDWR)


def serve_health(
    address: tuple[str, int] | None,
    health: Callable[[], Health],
    hangs: Callable[[], str | None],
    unready: Callable[[], str | None],
) -> AbstractContextManager[object]:
    """Serve /metrics, /healthz and /readyz of something that has rounds; None serves nothing.

    `hangs` and `unready` say in a sentence what is not well. Raises `UsageError` where the address cannot be listened
    on, and `SgctlError` without prometheus-client.
    """
    if address is None:
        return nullcontext()
    render_health(health())  # what is not installed is told at once

    def page_of(bad: str | None) -> Answer:
        return bad is None, f"{bad or 'ok'}\n"

    return serve(
        address,
        {
            "/metrics": lambda: (True, render_health(health())),
            "/healthz": lambda: page_of(hangs()),
            "/readyz": lambda: page_of(unready()),
        },
    )
