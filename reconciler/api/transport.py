"""HTTP answers that are bounded in time and in size, whatever the server does.

httpx and httpcore limit each read, so a server that sends a byte now and then, or one 1xx answer after the other, is
waited for without end. Here every request has one deadline for all that it does: every operation on its connection gets
the time that is left. A body is decoded here as well, because httpx inflates a compressed one without a limit.
"""

import re
import socket
import ssl
import threading
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from reconciler.model.clock import Clock

MAX_ANSWER = 256 * 2**20
"""Bytes of an answer after decompression. The largest that is asked for is a page of 1,000 groups: with 250 rules each
and descriptions of 20 characters it weighs 103 MiB, with the longest ones (255 characters) 159 MiB (measured)."""

CONNECT_TIMEOUT = 10.0
"""Seconds that a connection to one address may take, of those that the whole request has."""

_SEND_SIZE = 16 * 1024
_ANSWER_HEADERS = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
"""What describes the body as it was sent, and no longer fits the decoded one."""


class CannotConnect(httpx.ConnectError):
    """No connection, for a reason that another try does not remove: a certificate, a proxy's password.

    Nothing was sent. `hint` says what to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class AnswerTooLarge(httpx.TransportError):
    """The answer has more bytes than any that was asked for can have."""


class BoundedTransport(httpx.BaseTransport):
    """Connections to one API, each request limited to `timeout` seconds and its answer to `limit` bytes.

    `proxy_name` is how messages call the proxy (it holds no password).
    """

    def __init__(
        self,
        clock: Clock,
        *,
        timeout: float,
        connections: int = 16,
        limit: int = MAX_ANSWER,
        tls: ssl.SSLContext | None = None,
        proxy: httpx.Proxy | None = None,
        proxy_name: str = "",
    ) -> None:
        self._timeout = timeout
        self._limit = limit
        self._deadline = _Deadline(clock, timeout)
        self._proxy_name = proxy_name if proxy else ""
        options: dict[str, Any] = {
            "ssl_context": tls,
            "max_connections": connections,
            "max_keepalive_connections": connections,
            "keepalive_expiry": 5.0,
            "network_backend": _Backend(self._deadline, self._proxy_name),
        }
        self._pool = _pool(proxy, options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer to the end.

        Raises `httpx.TimeoutException` at the deadline, `AnswerTooLarge`, `CannotConnect`, or another
        `httpx.TransportError`.
        """
        self._deadline.start()
        limits = {"connect": CONNECT_TIMEOUT, "pool": self._timeout}
        asked = httpcore.Request(
            request.method,
            _url(request.url),
            headers=request.headers.raw,
            content=request.stream if isinstance(request.stream, httpx.SyncByteStream) else None,
            extensions={"timeout": limits},
        )
        try:
            answer = self._pool.handle_request(asked)
            try:
                headers = httpx.Headers(answer.headers)
                content = b"".join(_decoded(answer.iter_stream(), headers.get("Content-Encoding", ""), self._limit))
            finally:
                answer.close()
        except _ERRORS as error:
            raise self._translated(error, request) from error
        return httpx.Response(
            answer.status,
            headers=[(name, value) for name, value in answer.headers if name.lower() not in _ANSWER_HEADERS],
            stream=_Body(content),
            extensions={"reason_phrase": answer.extensions.get("reason_phrase", b"")},
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _translated(self, error: Exception, request: httpx.Request) -> httpx.TransportError:
        """Say in httpx's words what httpcore raised: the classes of both have the same names."""
        text = str(error)
        if isinstance(error, httpcore.ProxyError):
            if text.startswith("407"):
                return CannotConnect(
                    f"{self._proxy_name} wants a user name and a password ({text})",
                    "Write them into the variable, as in http://USER:PASSWORD@proxy.example.com:3128.",
                )
            # The request itself was not sent.
            return httpx.ConnectError(f"{self._proxy_name} does not connect to the API ({text})", request=request)
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
        if isinstance(error, httpcore.TimeoutException) and not isinstance(error, httpcore.ConnectTimeout):
            text = f"no complete answer within {self._timeout:g} s (--timeout)"
        return kind(text, request=request)


_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


def _pool(proxy: httpx.Proxy | None, options: dict[str, Any]) -> httpcore.ConnectionPool:
    if proxy is None:
        return httpcore.ConnectionPool(**options)
    if proxy.url.scheme.startswith("socks"):
        return httpcore.SOCKSProxy(_url(proxy.url), proxy.raw_auth, **options)
    if proxy.url.scheme == "https":
        options["proxy_ssl_context"] = options["ssl_context"]
    return httpcore.HTTPProxy(_url(proxy.url), proxy.raw_auth, **options)


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


class _Deadline(threading.local):
    """When the request of this thread has to be done; a thread has one at a time."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._at = 0.0

    def start(self) -> None:
        self._at = self._clock.monotonic() + self._timeout

    def left(self, at_most: float | None, passed: type[httpcore.TimeoutException]) -> float:
        """Return the seconds that an operation may take. Raises `passed` where none are left."""
        seconds = self._at - self._clock.monotonic()
        if seconds <= 0:
            raise passed("no time is left")
        return seconds if at_most is None else min(seconds, at_most)


class _Backend(httpcore.NetworkBackend):
    """Connects within the time that is left, trying each address of a name."""

    def __init__(self, deadline: _Deadline, proxy_name: str) -> None:
        self._deadline = deadline
        self._proxy_name = proxy_name
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        name = self._proxy_name or f"{host}:{port}"
        problem: Exception | None = None
        for address in _addresses(host, port, name, self._deadline.left(timeout, httpcore.ConnectTimeout)):
            seconds = self._deadline.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(address, port, seconds, local_address, socket_options)
            except httpcore.ConnectTimeout:
                problem = httpcore.ConnectTimeout(f"no connection to {name} within {seconds:.3g} s")
            except httpcore.ConnectError as error:
                problem = httpcore.ConnectError(f"cannot connect to {name}: {_without_number(error)}")
            else:
                return _Stream(stream, self._deadline)
        raise problem or httpcore.ConnectError(f"cannot connect to {name}: it has no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise NotImplementedError


def _without_number(error: Exception) -> str:
    """Return the words of an error of the system, without the number before them."""
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error))


def _addresses(host: str, port: int, name: str, seconds: float) -> list[str]:
    """Look up the addresses of a host: in a thread that is left behind when it takes longer, as nothing ends it."""
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
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise httpcore.ConnectTimeout(f"cannot find {name}: the DNS does not answer within {seconds:.3g} s")
    for error in problems:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a host name"
        raise httpcore.ConnectError(f"cannot find {name}: {reason}") from error
    return found


class _Stream(httpcore.NetworkStream):
    """One connection; each operation gets the time that its request has left."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: the stream below gives each part of what it is handed the whole time again.
        for start in range(0, len(buffer), _SEND_SIZE):
            seconds = self._deadline.left(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + _SEND_SIZE], seconds)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self._deadline.left(timeout, httpcore.ConnectTimeout)
        try:
            return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._deadline)
        except httpcore.ConnectTimeout:
            raise httpcore.ConnectTimeout(f"no TLS connection to {server_hostname} within {seconds:.3g} s") from None
        except httpcore.ConnectError as error:
            raise _tls_problem(error, server_hostname or "the API") from error

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _tls_problem(error: httpcore.ConnectError, host: str) -> Exception:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return CannotConnect(
            f"the certificate of {host} was not accepted: {cause.verify_message}",
            "Where a company's own certificates are used, set SSL_CERT_FILE to the file that holds them.",
        )
    if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
        return CannotConnect(f"{host} does not speak TLS", "Check the port and the scheme of GCORE_BASE_URL.")
    return httpcore.ConnectError(f"no TLS connection to {host}: {error}")


class _Body(httpx.SyncByteStream):
    """A body that is handed out once and not kept: httpx's response would keep it until the garbage collector comes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        content, self._content = self._content, b""
        yield content


def _decoded(chunks: Iterable[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """Decode a body piece by piece. Raises `AnswerTooLarge` as soon as it is longer than `limit` bytes."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return _counted(chunks, limit)
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _counted(_inflated(_counted(chunks, limit), limit), limit)
    # One layer on another inflates by a thousand times a thousand.
    raise httpcore.RemoteProtocolError("the answer is compressed in a way that was not asked for")


def _counted(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise AnswerTooLarge(f"the answer has more than {limit // 2**20} MiB, which no answer to this request has")
        yield chunk


def _inflated(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, as the first bytes say
    try:
        for chunk in chunks:
            if inflater.eof:
                raise httpcore.RemoteProtocolError("the compressed answer goes on after its end")
            yield inflater.decompress(chunk, limit + 1)
            while inflater.unconsumed_tail:
                yield inflater.decompress(inflater.unconsumed_tail, limit + 1)
    except zlib.error:
        raise httpcore.RemoteProtocolError("the compressed answer cannot be read") from None
    if not inflater.eof:
        raise httpcore.RemoteProtocolError("the compressed answer ends in the middle")
