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
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from reconciler.model.clock import Clock
from reconciler.model.secret import Secret

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
        self._turn = _Turn(clock, timeout)
        self._proxy_name = proxy_name if proxy else ""
        self._proxy_secrets = _secrets_of(proxy)
        options: dict[str, Any] = {
            "ssl_context": tls,
            "max_connections": connections,
            "max_keepalive_connections": connections,
            "keepalive_expiry": 5.0,
            "network_backend": _Backend(self._turn, self._proxy_name),
        }
        self._pool = _pool(proxy, options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer to the end.

        Raises `httpx.TimeoutException` at the deadline, `AnswerTooLarge`, `CannotConnect`, or another
        `httpx.TransportError`.
        """
        self._turn.begin(request.url)
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
        except Exception as error:
            if not (self._turn.abandon() and isinstance(self._pool, httpcore.SOCKSProxy)) or isinstance(
                error, httpx.TransportError
            ):
                raise
            # httpcore asserts what such a proxy says, and lets errors of socksio through.
            raise httpx.ConnectError(f"{self._proxy_name} does not speak SOCKS5", request=request) from error
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
        is_unsent, text = self._turn.abandon(), _in_words(error)
        for secret in self._proxy_secrets:  # a proxy may say again what it was told
            text = secret.hide(text)
        if isinstance(error, httpcore.ProxyError):
            if text.startswith("407") or "username/password" in text.lower():
                return CannotConnect(
                    f"{self._proxy_name} wants a user name and a password, or others ({text})",
                    "Write them into the variable, as in http://USER:PASSWORD@proxy.example.com:3128.",
                )
            # The request itself was not sent.
            return httpx.ConnectError(f"{self._proxy_name} does not connect to the API ({text})", request=request)
        if (cause := _tls_cause(error)) is not None and cause.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED":
            # With TLS 1.3 a server says so after the handshake, and takes no request then.
            return _refused_tls(request.url.host, cause)
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
        if isinstance(error, httpcore.TimeoutException) and not isinstance(error, httpcore.ConnectTimeout):
            text = f"no complete answer within {self._timeout:g} s (--timeout)"
            kind = httpx.ConnectTimeout if is_unsent else kind
        elif is_unsent:
            kind = httpx.ConnectError
        if self._proxy_name and self._proxy_name not in text:
            text = f"{text}, through {self._proxy_name}" if text else f"by {self._proxy_name}"
        return kind(text, request=request)


def _secrets_of(proxy: httpx.Proxy | None) -> tuple[Secret, ...]:
    """Return what is secret of a proxy's address: its password, and user name and password as they are sent."""
    if proxy is None or proxy.raw_auth is None:
        return ()
    password = proxy.raw_auth[1].decode("utf-8", "replace")
    return Secret(b64encode(b":".join(proxy.raw_auth)).decode("ascii")), Secret(password)


def _in_words(error: Exception) -> str:
    """Return what an error says, without what is for programmers: numbers of errors, lines of C, bytes of Python."""
    if isinstance(_tls_cause(error), ssl.SSLEOFError):
        return "it was closed in the middle"
    return _FOR_PROGRAMMERS.sub("", str(error)).rstrip(".")


_FOR_PROGRAMMERS = re.compile(r"^\[[^\]]*\] | \(_ssl\.c:[0-9]+\)|: bytearray\(.*\)", re.DOTALL)


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
        # The proxy looks names up in any case, and the oldest httpcore does not know socks5h, which says so.
        return httpcore.SOCKSProxy(_url(proxy.url.copy_with(scheme="socks5")), proxy.raw_auth, **options)
    if proxy.url.scheme == "https":
        options["proxy_ssl_context"] = options["ssl_context"]
    return httpcore.HTTPProxy(_url(proxy.url), proxy.raw_auth, **options)


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


class _Turn(threading.local):
    """What the request of this thread has: when it has to be done, and its connection as long as nothing was sent."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._at = 0.0
        self._host: str | None = None
        self._unsecured: httpcore.NetworkStream | None = None

    def begin(self, url: httpx.URL) -> None:
        """Begin a request."""
        self._at = self._clock.monotonic() + self._timeout
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


class _Backend(httpcore.NetworkBackend):
    """Connects within the time that is left, trying each address of a name."""

    def __init__(self, turn: _Turn, proxy_name: str) -> None:
        self._turn = turn
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
        for address in _addresses(host, port, name, self._turn.left(timeout, httpcore.ConnectTimeout)):
            seconds = self._turn.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(address, port, seconds, local_address, socket_options)
            except httpcore.ConnectTimeout:
                problem = httpcore.ConnectTimeout(f"no connection to {name} within {seconds:.3g} s")
            except httpcore.ConnectError as error:
                problem = httpcore.ConnectError(f"cannot connect to {name}: {_in_words(error)}")
            else:
                self._turn.connected(stream)
                return _Stream(stream, self._turn)
        raise problem or httpcore.ConnectError(f"cannot connect to {name}: it has no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise NotImplementedError


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

    def __init__(self, stream: httpcore.NetworkStream, turn: _Turn) -> None:
        self._stream = stream
        self._turn = turn

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
            raise _tls_problem(error, server_hostname or "the API") from error
        self._turn.secured(server_hostname)
        return _Stream(stream, self._turn)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _tls_cause(error: Exception) -> ssl.SSLError | None:
    """Return the error of TLS that one of httpcore is made of."""
    cause = error.args[0] if error.args else None
    return cause if isinstance(cause, ssl.SSLError) else None


def _tls_problem(error: httpcore.ConnectError, host: str) -> Exception:
    cause = _tls_cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        message = f"the certificate of {host} was not accepted: {cause.verify_message.rstrip('.')}"
        return CannotConnect(message, _CERTIFICATE_HINTS.get(cause.verify_code, _CERTIFICATE_HINT))
    if cause is not None:
        if cause.reason == "WRONG_VERSION_NUMBER":
            return CannotConnect(f"{host} does not speak TLS", "Check the port and the scheme of the address.")
        if _ALERT.match(cause.reason or "") or cause.reason == "UNSUPPORTED_PROTOCOL":
            return _refused_tls(host, cause)
    return httpcore.ConnectError(f"no TLS connection to {host}: {_in_words(error)}")


_CERTIFICATE_HINT = "Where a company's own certificates are used, set SSL_CERT_FILE to the file that holds them."
_CLOCK_HINT = "Check the clock of this machine; if it is right, whoever runs the server has to renew its certificate."
_NAME_HINT = "The address names another host than the certificate: check GCORE_BASE_URL, or what answers in its place."
_CERTIFICATE_HINTS = {9: _CLOCK_HINT, 10: _CLOCK_HINT, 62: _NAME_HINT, 64: _NAME_HINT}
"""By OpenSSL's X509_V_ERR_*: not yet valid, expired, another host name, another IP address."""

_ALERT = re.compile(r"(?!.*INTERNAL_ERROR)(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?")
"""How OpenSSL names what a server says that ends a handshake for good."""


def _refused_tls(host: str, cause: ssl.SSLError) -> CannotConnect:
    return CannotConnect(
        f"{host} refuses a TLS connection: {_ALERT.sub('', cause.reason or '').lower().replace('_', ' ')}",
        "It may want a client certificate, of which sgctl has none, or know no version of TLS from 1.2 on: check the "
        "address, and what answers in its place.",
    )


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
