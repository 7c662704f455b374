"""Connections whose every operation gets the time that is left of the request it is for."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

import httpcore
import httpx

from reconciler.api.connect_problems import in_words, tls_problem
from reconciler.model.clock import Clock

CONNECT_TIMEOUT = 10.0
"""Seconds that a connection to one address may take, of those that the whole request has."""

_SEND_SIZE = 16 * 1024


class Turn(threading.local):
    """What the request of this thread has: when it has to be done, and its connection as long as nothing was sent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = 0.0
        self._host: str | None = None
        self._unsecured: httpcore.NetworkStream | None = None

    def begin(self, url: httpx.URL, seconds: float) -> None:
        """Begin a request, which has so many seconds."""
        self._at = self._clock.monotonic() + seconds
        self._host = url.host if url.scheme == "https" else None
        self._unsecured = None

    def connected(self, stream: httpcore.NetworkStream) -> None:
        """Take note of a new connection, to the API or to a proxy before it."""
        self._unsecured = stream if self._host else None

    def secured(self, host: str | None) -> None:
        """Take note of TLS with a host: when it is that of the request, it is sent next."""
        if host == self._host:
            self._unsecured = None

    def abandon(self) -> bool:
        """Close a connection over which nothing was sent; tell whether there was one. httpcore may leave it open."""
        if self._unsecured is None:
            return False
        self._unsecured.close()
        return True

    def left(self, at_most: float | None, passed: type[httpcore.TimeoutException]) -> float:
        """Return the seconds that an operation may take. Raises `passed` where none are left."""
        seconds = self._at - self._clock.monotonic()
        if seconds <= 0:
            raise passed("no time is left")
        return seconds if at_most is None else min(seconds, at_most)


class Backend(httpcore.NetworkBackend):
    """Connects within the time that is left, trying each address of a name, and can close all that it has opened.

    httpcore's pool closes what it knows of: neither what a thread is just opening nor what has failed half-way.
    """

    def __init__(self, turn: Turn, proxy_name: str) -> None:
        self._turn = turn
        self._proxy_name = proxy_name
        self._sockets = httpcore.SyncBackend()
        self._lock = threading.Lock()
        self._streams: WeakSet[_Stream] = WeakSet()
        self._is_closed = False

    def close(self) -> None:
        """Close every connection; none is opened any more."""
        with self._lock:
            self._is_closed = True
            streams = list(self._streams)
        for stream in streams:
            stream.close()

    def _opened(self, stream: httpcore.NetworkStream) -> "_Stream":
        """Take charge of a new connection. Raises `httpcore.ConnectError` where all are closed already."""
        timed = _Stream(stream, self._turn, self._opened)
        with self._lock:
            if not self._is_closed:
                self._streams.add(timed)
                return timed
        timed.close()
        raise httpcore.ConnectError("the client was closed meanwhile")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a name that answers in time."""
        name = self._proxy_name or f"{host}:{port}"
        problem: Exception | None = None
        for address in _addresses(host, port, name, self._turn.left(timeout, httpcore.ConnectTimeout)):
            seconds = self._turn.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(address, port, seconds, local_address, socket_options)
            except httpcore.ConnectTimeout:
                problem = httpcore.ConnectTimeout(f"no connection to {name} within {seconds:.3g} s")
            except httpcore.ConnectError as error:
                problem = httpcore.ConnectError(f"cannot connect to {name}: {in_words(error)}")
            else:
                timed = self._opened(stream)
                self._turn.connected(timed)
                return timed
        raise problem or httpcore.ConnectError(f"cannot connect to {name}: it has no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Connect to no such socket: an API has an address."""
        raise NotImplementedError


def _addresses(host: str, port: int, name: str, seconds: float) -> list[str]:
    """Look up the addresses of a host: in a thread that is left behind when it takes longer, as nothing ends it.

    Where the machine gives no further thread, the look-up takes as long as it takes.
    """
    found: list[str] = []
    problems: list[Exception] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            problems.append(error)
        else:
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    thread = threading.Thread(target=look_up, daemon=True)
    try:
        thread.start()
        thread.join(seconds)
    except RuntimeError:
        look_up()
    if thread.is_alive():
        raise httpcore.ConnectTimeout(f"cannot find {name}: the DNS does not answer within {seconds:.3g} s")
    for error in problems:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a host name"
        raise httpcore.ConnectError(f"cannot find {name}: {reason}") from error
    return found


class _Stream(httpcore.NetworkStream):
    """One connection; each operation gets the time that its request has left.

    `opened` takes charge of the one that TLS makes of it.
    """

    def __init__(
        self,
        stream: httpcore.NetworkStream,
        turn: Turn,
        opened: Callable[[httpcore.NetworkStream], httpcore.NetworkStream],
    ) -> None:
        self._stream = stream
        self._turn = turn
        self._opened = opened

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._turn.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: the stream below gives each part of what it is handed the whole time again.
        for start in range(0, len(buffer), _SEND_SIZE):
            seconds = self._turn.left(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + _SEND_SIZE], seconds)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self._turn.left(timeout, httpcore.ConnectTimeout)
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        except httpcore.ConnectTimeout:
            raise httpcore.ConnectTimeout(f"no TLS connection to {server_hostname} within {seconds:.3g} s") from None
        except httpcore.ConnectError as error:
            raise tls_problem(error, server_hostname or "the API") from error
        self._turn.secured(server_hostname)
        return self._opened(stream)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
