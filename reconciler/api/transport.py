"""HTTP answers that are bounded in time and in size, whatever the server does.

httpx and httpcore limit each read, so a server that sends a byte now and then, or one 1xx answer after the other, is
waited for without end. Here every request has one deadline for all that it does: every operation on its connection gets
the time that is left. A body is decoded here as well, because httpx inflates a compressed one without a limit.
"""

import ssl
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from reconciler.api.connect_problems import CannotConnect, in_words, refused_tls, tls_cause
from reconciler.api.timed_stream import CONNECT_TIMEOUT, Backend, Turn
from reconciler.model.clock import Clock
from reconciler.model.secret import Secret

MAX_ANSWER = 256 * 2**20
"""Bytes of an answer after decompression. The largest that is asked for is a page of 1,000 groups: with 250 rules each
and descriptions of 20 characters it weighs 103 MiB, with the longest ones (255 characters) 159 MiB (measured)."""

MAX_VALUES = 12_000_000
"""Commas and opening brackets of an answer, as many as it has values of JSON. Read, each takes 36 to 149 bytes of
memory (measured), so 256 MiB of empty lists would take 6 GB. That largest page has 3.5 million."""

_LEFT_OUT = frozenset({b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie"})
"""What describes the body as it was sent, and no longer fits the decoded one. And cookies: httpx would keep all that
ever came, and send them again with each request."""


class AnswerTooLarge(httpx.TransportError):
    """The answer has more bytes than any that was asked for can have."""


class BoundedTransport(httpx.BaseTransport):
    """Connections to one API, each request limited to `timeout` seconds and its answer to `limit` bytes.

    A request with less time of its own has that. `proxy_name` is how messages call the proxy (it holds no password).
    `timeout_name` is what sets the time.
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
        timeout_name: str = "",
    ) -> None:
        self._timeout = timeout
        self._timeout_name = f" ({timeout_name})" if timeout_name else ""
        self._limit = limit
        self._turn = Turn(clock)
        self._proxy_name = proxy_name if proxy else ""
        self._proxy_secrets = _secrets_of(proxy)
        self._backend = Backend(self._turn, self._proxy_name)
        options: dict[str, Any] = {
            "ssl_context": tls,
            "max_connections": connections,
            "max_keepalive_connections": connections,
            "keepalive_expiry": 5.0,
            "network_backend": self._backend,
        }
        self._pool = _pool(proxy, options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its answer to the end.

        Raises `httpx.TimeoutException` at the deadline, `AnswerTooLarge`, `CannotConnect`, or another
        `httpx.TransportError`.
        """
        asked_for = request.extensions.get("timeout", {}).get("read")
        seconds = self._timeout if asked_for is None else min(self._timeout, asked_for)
        self._turn.begin(request.url, seconds)
        limits = {"connect": CONNECT_TIMEOUT, "pool": seconds}
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
                content = _read(answer.iter_stream(), headers.get("Content-Encoding", ""), self._limit)
            finally:
                answer.close()
        except _ERRORS as error:
            raise self._translated(error, request, seconds) from error
        except httpx.TransportError:
            self._turn.abandon()
            raise
        except BaseException as error:
            is_unsent = self._turn.abandon()
            if not (is_unsent and isinstance(self._pool, httpcore.SOCKSProxy) and isinstance(error, Exception)):
                raise
            # httpcore asserts what such a proxy says, and lets errors of socksio through.
            raise httpx.ConnectError(f"{self._proxy_name} does not speak SOCKS5", request=request) from error
        return httpx.Response(
            answer.status,
            headers=[(name, value) for name, value in answer.headers if name.lower() not in _LEFT_OUT],
            stream=_Body(content),
            extensions={"reason_phrase": answer.extensions.get("reason_phrase", b"")},
        )

    def close(self) -> None:
        """Close every connection, also those of threads that were left behind."""
        self._pool.close()
        self._backend.close()

    def _translated(self, error: Exception, request: httpx.Request, seconds: float) -> httpx.TransportError:
        """Say in httpx's words what httpcore raised: the classes of both have the same names."""
        is_unsent, text = self._turn.abandon(), in_words(error)
        for secret in self._proxy_secrets:  # a proxy may say again what it was told
            text = secret.hide(text)
        if isinstance(error, httpcore.ProxyError):
            if text.startswith("407") or "username/password" in text.lower():
                return CannotConnect(
                    f"{self._proxy_name} wants a user name and a password, or others ({text})",
                    "Write them into the variable, as in http://USER:PASSWORD@proxy.example.com:3128.",
                )
            # The request itself was not sent.
            return httpx.ConnectError(
                f"{self._proxy_name} does not connect to {request.url.host} ({text})", request=request
            )
        if (cause := tls_cause(error)) is not None and cause.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED":
            # With TLS 1.3 a server says so after the handshake, and takes no request then.
            return refused_tls(request.url.host, cause)
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
        if isinstance(error, httpcore.TimeoutException) and not isinstance(error, httpcore.ConnectTimeout):
            named = self._timeout_name if seconds == self._timeout else ""
            text = f"no complete answer within {seconds:.3g} s{named}"
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


class _Body(httpx.SyncByteStream):
    """A body that is handed out once and not kept: httpx's response would keep it until the garbage collector comes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        content, self._content = self._content, b""
        yield content


def _read(chunks: Iterable[bytes], encoding: str, limit: int) -> bytes:
    """Read a body, decoded. Raises `AnswerTooLarge` for one with more than `MAX_VALUES` or `limit` bytes."""
    content = b"".join(_decoded(chunks, encoding, limit))
    if sum(map(content.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise AnswerTooLarge(f"the answer has more than {MAX_VALUES:,} values, which no answer to this request has")
    return content


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
