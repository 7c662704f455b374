"""The edges of the user's world: each gets a sentence that names the variable, and what cannot pass is not repeated."""

import os
import re
import ssl
import threading
import warnings
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpcore
import httpx
import pytest
import trustme
from effort import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from raw_server import Peer, Talk, serving
from steady import TickingClock

from reconciler.api import client as client_module
from reconciler.api.address import check_base_url
from reconciler.api.client import find_proxy, open_client, origin_of, tls_context
from reconciler.api.http import Http
from reconciler.api.transport import BoundedTransport
from reconciler.model.errors import ApiUnreachable, UsageError

API = "https://api.example.com"
SECRET = "hunter2-hunter2"


def opened(address: str = API, **environment: str) -> httpx.Client:
    return open_client(address, TickingClock(), timeout=5, environment=environment)


BAD: dict[str, tuple[dict[str, str], str, str]] = {
    "SOCKS": ({"ALL_PROXY": "socks5://localhost:1080"}, "ALL_PROXY names a SOCKS proxy", "pip install 'httpx[socks]'"),
    "another scheme": ({"HTTPS_PROXY": "ftp://proxy.example.com"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "no host": ({"https_proxy": "http://"}, "https_proxy is not the address of a proxy", "unset https_proxy"),
    "half a bracket": ({"HTTPS_PROXY": "http://[::1"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "no port": ({"HTTPS_PROXY": "http://proxy.example.com:http"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "a sentence": ({"HTTPS_PROXY": "ask the admins"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "a password": ({"HTTPS_PROXY": f"http://me:{SECRET}@[x"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "missing file": (
        {"SSL_CERT_FILE": "/proc/nowhere/ca.pem"},
        "SSL_CERT_FILE: cannot read",
        "file of CA certificates",
    ),
    "a folder as file": ({"SSL_CERT_FILE": "/"}, "SSL_CERT_FILE: cannot read", "file of CA certificates"),
    "no certificates": ({"SSL_CERT_FILE": __file__}, "it holds no certificates (PEM)", "file of CA certificates"),
    "missing folder": ({"SSL_CERT_DIR": "/proc/nowhere"}, "SSL_CERT_DIR: there are no certificates", "openssl rehash"),
    "a folder without": ({"SSL_CERT_DIR": "/proc/self"}, "SSL_CERT_DIR: there are no certificates", "openssl rehash"),
    "key log": ({"SSLKEYLOGFILE": "/proc/nowhere/keys.log"}, "SSLKEYLOGFILE: cannot write to", "Unset it"),
    "key log that is a folder": ({"SSLKEYLOGFILE": "/"}, "SSLKEYLOGFILE: cannot write to", "Unset it"),
    "key log that is a pipe": ({"SSLKEYLOGFILE": "pipe"}, "SSLKEYLOGFILE: cannot write to", "Unset it"),
    "a pipe as file": ({"SSL_CERT_FILE": "pipe"}, "`pipe`: it is no regular file", "file of CA certificates"),
    "zeros without end": ({"SSL_CERT_FILE": "/dev/zero"}, "it is no regular file", "file of CA certificates"),
    "a file without end": ({"SSL_CERT_FILE": "huge"}, "it is larger than 4 MiB", "file of CA certificates"),
    "a port that is none": (
        {"HTTPS_PROXY": "http://127.0.0.1:99999"},
        "HTTPS_PROXY is not the address",
        "http://proxy",
    ),
}


@pytest.fixture(autouse=True)
def strange_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that the rows of `BAD` name."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("huge").touch()
    os.truncate("huge", 2**23)


@pytest.mark.parametrize(("environment", "message", "hint"), BAD.values(), ids=BAD)
def test_a_variable_that_cannot_be_used_is_named_with_what_to_do(
    environment: dict[str, str], message: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "find_spec", lambda _: None)
    with pytest.raises(UsageError) as raised:
        opened(**environment)
    assert message in raised.value.message
    assert hint in (raised.value.hint or "")
    assert SECRET not in raised.value.message


@pytest.mark.parametrize(("environment", "message", "hint"), BAD.values(), ids=BAD)
def test_plain_http_to_this_machine_needs_none_of_them(environment: dict[str, str], message: str, hint: str) -> None:
    opened("http://127.0.0.1:8000", **environment).close()


PROXIES: dict[str, tuple[dict[str, str], str | None]] = {
    "none": ({}, None),
    "empty": ({"HTTPS_PROXY": " ", "ALL_PROXY": ""}, None),
    "for https": ({"HTTPS_PROXY": "http://p.example.com:3128"}, "the proxy p.example.com:3128 (HTTPS_PROXY)"),
    "small letters first": (
        {"HTTPS_PROXY": "http://big.example.com", "https_proxy": "http://small.example.com"},
        "the proxy small.example.com (https_proxy)",
    ),
    "https before all": (
        {"ALL_PROXY": "http://all.example.com", "HTTPS_PROXY": "http://p.example.com"},
        "the proxy p.example.com (HTTPS_PROXY)",
    ),
    "all": ({"ALL_PROXY": "http://all.example.com"}, "the proxy all.example.com (ALL_PROXY)"),
    "http is not asked for": ({"HTTP_PROXY": "http://p.example.com"}, None),
    "without scheme": ({"HTTPS_PROXY": "p.example.com:3128"}, "the proxy p.example.com:3128 (HTTPS_PROXY)"),
    "with password": (
        {"HTTPS_PROXY": f"http://me:{SECRET}@p.example.com:3128"},
        "the proxy p.example.com:3128 (HTTPS_PROXY)",
    ),
    "excepted": ({"HTTPS_PROXY": "http://p.example.com", "NO_PROXY": "localhost, api.example.com"}, None),
    "excepted by domain": ({"HTTPS_PROXY": "http://p.example.com", "NO_PROXY": ".example.com"}, None),
    "excepted with port": ({"HTTPS_PROXY": "http://p.example.com", "NO_PROXY": "api.example.com:443"}, None),
    "all excepted": ({"HTTPS_PROXY": "http://p.example.com", "no_proxy": "*"}, None),
    "excepted by network": ({"HTTPS_PROXY": "http://p.example.com", "NO_PROXY": "10.0.0.0/8,2001:db8::/32"}, None),
    "another excepted": (
        {
            "HTTPS_PROXY": "http://p.example.com",
            "NO_PROXY": "pi.example.com,,xapi.example.com,[,api.example.com:80,192.0.2.0/24,/,*/8",
        },
        "the proxy p.example.com (HTTPS_PROXY)",
    ),
}


@pytest.mark.parametrize(("environment", "name"), PROXIES.values(), ids=PROXIES)
def test_the_proxy_is_the_one_that_others_would_take(environment: dict[str, str], name: str | None) -> None:
    address = "https://10.1.2.3" if "10." in environment.get("NO_PROXY", "") else API
    proxy = find_proxy(address, environment)
    assert (proxy.name if proxy else None) == name
    opened(**environment).close()


def test_a_proxy_that_is_not_there_is_named_as_such() -> None:
    with serving(lambda _: None) as url:
        port = url.rsplit(":", 1)[1]
    gone = f"http://me:{SECRET}@127.0.0.1:{port}"
    with opened(HTTPS_PROXY=gone) as client, pytest.raises(httpx.ConnectError) as raised:
        client.get("/")
    assert str(raised.value).startswith(f"cannot connect to the proxy 127.0.0.1:{port} (HTTPS_PROXY): ")


@contextmanager
def behind_proxy(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, scheme: str = "http", timeout: float = 5
) -> Iterator[tuple[Http, TickingClock, SimpleQueue[str]]]:
    """An API behind a proxy that answers to CONNECT in its own way; and what the proxy was asked."""
    asked: SimpleQueue[str] = SimpleQueue()

    def proxy(peer: Peer) -> None:
        asked.put(peer.request().split(b"\r\n")[0].decode() if scheme == "http" else "")
        talk(peer)

    with serving(proxy) as url:
        monkeypatch.setenv("HTTPS_PROXY", url.replace("http://", f"{scheme}://me:{SECRET}@"))
        clock = TickingClock()
        with Http(API, "the-api-key", clock, timeout=timeout) as http:
            yield http, clock, asked


def saying(text: bytes) -> Talk:
    return lambda peer: peer.say(text)


def dripping(peer: Peer) -> None:
    peer.drip(b"HTTP/1.1 200 " + b"x" * 10_000)


def silent(peer: Peer) -> None:
    peer.ended.wait(10)


def connecting(peer: Peer) -> None:
    peer.say(b"HTTP/1.1 200 Connected\r\n\r\n")


REFUSAL = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
SENT_AS = b64encode(f"me:{SECRET}".encode())

PERMANENT: dict[str, tuple[Talk, str]] = {
    "407": (saying(REFUSAL), r"the proxy 127.0.0.1:\d+ \(HTTPS_PROXY\) wants a user name"),
    "407 that says the password": (
        saying(REFUSAL.replace(b"Required", b"Required " + SENT_AS + b" " + SECRET.encode())),
        r"wants a user name and a password, or others \(407 Proxy Authentication Required \*\*\* \*\*\*\)",
    ),
    "no TLS behind it": (
        lambda peer: (connecting(peer), peer.connection.recv(100), peer.say(REFUSAL))[0],
        "api.example.com does not speak TLS",
    ),
}


@pytest.mark.parametrize(("talk", "words"), PERMANENT.values(), ids=PERMANENT)
def test_what_another_try_does_not_remove_is_asked_once(
    talk: Talk, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with behind_proxy(talk, monkeypatch) as (http, clock, asked), pytest.raises(ApiUnreachable, match=words) as raised:
        http.write("PATCH", "/x", {})
    assert raised.value.hint
    assert "http://USER:PASSWORD@" in raised.value.hint or "address" in raised.value.hint
    assert asked.get(timeout=10) == "CONNECT api.example.com:443 HTTP/1.1"
    assert asked.empty()
    assert clock.waits == []
    assert SECRET not in raised.value.message
    assert SENT_AS.decode() not in raised.value.message


PASSING: dict[str, tuple[Talk, str]] = {
    "502": (
        saying(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
        r"does not connect to api.example.com \(502 Bad G",
    ),
    "302": (
        saying(b"HTTP/1.1 302 Log in\r\nLocation: http://login/\r\n\r\n"),
        r"does not connect to api.example.com \(302 Log in",
    ),
    "502 that says the password": (
        saying(b"HTTP/1.1 502 " + SENT_AS + b"\r\n\r\n"),
        r"to api.example.com \(502 \*\*\*\)",
    ),
    "what is no HTTP": (saying(b"hello\r\n\r\n"), r"illegal status line, through"),
    "nothing": (saying(b""), r"Server disconnected without sending a response, through"),
    "silence": (silent, r"no complete answer within 0.1 s \(--timeout\), through"),
    "a drip": (dripping, r"no complete answer within 0.1 s \(--timeout\), through"),
    "a connection that is closed": (connecting, r"no TLS connection to api.example.com: .*, through"),
}


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(("talk", "words"), PASSING.values(), ids=PASSING)
def test_a_proxy_that_fails_is_named_without_its_password_and_asked_again(
    talk: Talk, words: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a write, where the connection to the API was not there yet: nothing was sent."""
    timeout = 0.1 if "within" in words else 5
    with behind_proxy(talk, monkeypatch, timeout=timeout) as (http, clock, asked):
        with pytest.raises(ApiUnreachable, match=words) as raised:
            http.read("/x") if method == "GET" else http.write("PATCH", "/x", {})
        for _ in range(len(clock.waits) + 1):  # the proxy may still have to take note of the last
            asked.get(timeout=10)
    assert asked.empty()
    assert len(clock.waits) == 4 or method == "PATCH" or "within" in words
    said = raised.value.message
    assert re.search(r"the proxy 127.0.0.1:\d+ \(HTTPS_PROXY\)", said)
    assert not re.search(r"Errno|_ssl|bytearray|hunter2", said)
    assert SENT_AS.decode() not in said


def socks(*answers: bytes) -> Talk:
    """A proxy that says these, one after each thing that it is told."""

    def talk(peer: Peer) -> None:
        for answer in answers:
            peer.connection.recv(1000)
            peer.say(answer)
        peer.ended.wait(0.05)

    return talk


SOCKS: dict[str, Talk] = {
    "HTTP": socks(REFUSAL), "half a greeting": socks(b"\x05"),
    "no way": socks(b"\x05\xff"), "another way": socks(b"\x05\x01"),
    "a wrong password": socks(b"\x05\x02", b"\x01\x01"), "half of a yes": socks(b"\x05\x02", b"\x01"),
    "the end": socks(), "the end after the password": socks(b"\x05\x02", b"\x01\x00"),
    "what cannot be": socks(b"\x05\x02", b"\x01\x00", b"\x05\x63\x00\x01" + bytes(6)),
    "half of an address": socks(b"\x05\x02", b"\x01\x00", b"\x05\x00\x00\x01"),
    "unreachable": socks(b"\x05\x02", b"\x01\x00", b"\x05\x04\x00\x01" + bytes(6)),
    "noise": socks(bytes(range(200, 255))),
    "a no of 255": socks(b"\x05\x02", b"\x01\x00", b"\x05\xff\x00\x01" + bytes(6)),
}  # fmt: skip


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("talk", SOCKS.values(), ids=SOCKS)
def test_a_socks_proxy_that_fails_is_named_whatever_it_says(
    talk: Talk, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        behind_proxy(talk, monkeypatch, scheme) as (http, _, _),
        pytest.raises(ApiUnreachable, match=r"the proxy 127.0.0.1:\d+ \(HTTPS_PROXY\)") as raised,
    ):
        http.write("PATCH", "/x", {})
    assert "hunter2" not in raised.value.message


class TlsServer:
    """A server with a certificate of an authority that nobody knows; `authority` is the file of that."""

    def __init__(self, folder: Path, kind: str = "", **times: datetime) -> None:
        made = trustme.CA()
        self.authority = folder / "ca.pem"
        made.cert_pem.write_to_path(self.authority)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        host = "elsewhere.example" if kind == "another host" else "localhost"
        made.issue_cert(host, **times).configure_cert(self._context)
        if kind.startswith("a client certificate"):
            self._context.verify_mode = ssl.CERT_REQUIRED
        if kind == "a client certificate, TLS 1.2":
            self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        if kind == "TLS 1.0":
            self._context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore"):
                self._context.minimum_version = self._context.maximum_version = ssl.TLSVersion.TLSv1
        self.connections = 0

    def talk(self, peer: Peer) -> None:
        self.connections += 1
        with self._context.wrap_socket(peer.connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


def by_name(url: str) -> str:
    return url.replace("http://127.0.0.1", "https://localhost")


def test_a_certificate_that_nobody_knows_is_an_error_with_advice_and_not_tried_again(tmp_path: Path) -> None:
    server = TlsServer(tmp_path)
    with (
        serving(server.talk) as url,
        Http(by_name(url), "the-api-key", TickingClock(), timeout=5) as http,
        pytest.raises(ApiUnreachable, match="the certificate of localhost was not accepted: ") as raised,
    ):
        http.read("/x")
    assert "SSL_CERT_FILE" in (raised.value.hint or "")
    assert server.connections == 1


def test_the_certificates_of_the_user_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = TlsServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    with serving(server.talk) as url, Http(by_name(url), "the-api-key", TickingClock(), timeout=5) as http:
        assert http.read("/x") == {}


NOW = datetime.now(UTC)
TLS: dict[str, tuple[dict[str, datetime], str, str]] = {
    "expired": (
        {"not_before": NOW - timedelta(9), "not_after": NOW - timedelta(2)},
        "certificate has expired$",
        "clock",
    ),
    "not yet": ({"not_before": NOW + timedelta(2), "not_after": NOW + timedelta(9)}, "is not yet valid", "clock"),
    "another host": (
        {},
        "not accepted: Hostname mismatch, certificate is not valid for 'localhost'$",
        "names another host",
    ),
    "a client certificate": ({}, "localhost refuses a TLS connection: certificate required$", "client certificate"),
    "a client certificate, TLS 1.2": (
        {},
        "localhost refuses a TLS connection: handshake failure$",
        "client certificate",
    ),
    "TLS 1.0": ({}, "localhost refuses a TLS connection: protocol version$", "TLS from 1.2 on"),
}


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(("kind", "times", "words", "hint"), [(kind, *row) for kind, row in TLS.items()], ids=TLS)
def test_a_server_that_no_connection_is_made_to_is_told_in_words_and_asked_once(
    kind: str,
    times: dict[str, datetime],
    words: str,
    hint: str,
    method: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = TlsServer(tmp_path, kind, **times)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    with (
        serving(server.talk) as url,
        Http(by_name(url), "the-api-key", TickingClock(), timeout=5) as http,
        pytest.raises(ApiUnreachable, match=words) as raised,
    ):
        http.read("/x") if method == "GET" else http.write("PATCH", "/x", {})
    assert hint in (raised.value.hint or "")
    assert server.connections == 1


ALERT = b"\x15\x03\x03\x00\x02\x02"
BROKEN_TLS: dict[str, tuple[bytes, str]] = {
    "HTTP": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "localhost does not speak TLS$"),
    "noise": (bytes(range(100, 200)), "localhost does not speak TLS$"),
    "nothing": (b"", "no TLS connection to localhost: .*; gave up after 5 tries"),
    "half a hello": (b"\x16\x03\x03\x00\x7a\x02", "no TLS connection to localhost: .*; gave up after 5 tries"),
    "no common cipher": (ALERT + b"\x28", "localhost refuses a TLS connection: handshake failure$"),
    "a name that it does not know": (ALERT + b"\x70", "localhost refuses a TLS connection: unrecognized name$"),
    "its own failure": (ALERT + b"\x50", "no TLS connection to localhost: .*internal error; gave up after 5 tries"),
}


@pytest.mark.parametrize(("said", "words"), BROKEN_TLS.values(), ids=BROKEN_TLS)
def test_a_handshake_that_fails_is_told_in_words(said: bytes, words: str) -> None:
    """Without numbers of errors and lines of C; what may pass is tried again."""

    def talk(peer: Peer) -> None:
        peer.connection.recv(1000)
        peer.say(said)

    with (
        serving(talk) as url,
        Http(by_name(url), "the-api-key", TickingClock(), timeout=5) as http,
        pytest.raises(ApiUnreachable, match=words) as raised,
    ):
        http.read("/x")
    assert not re.search(r"Errno|_ssl|\[SSL", raised.value.message)


def test_who_interrupts_a_handshake_leaves_no_connection_open(monkeypatch: pytest.MonkeyPatch) -> None:
    is_closed = threading.Event()

    def listen(peer: Peer) -> None:
        if not peer.connection.recv(10):
            is_closed.set()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(httpcore._backends.sync.SyncStream, "start_tls", interrupt)
    with serving(listen) as url:
        http = Http(by_name(url), "the-api-key", TickingClock(), timeout=5)
        with pytest.raises(KeyboardInterrupt) as raised:
            http.read("/x")
        assert is_closed.wait(60)
        assert raised.value.__traceback__ is not None, "which keeps what it knows of alive until here"
        http.close()


def test_a_thread_that_is_left_behind_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is just connecting when the client is closed; nobody would close that connection."""
    is_connecting, is_closed = threading.Event(), threading.Event()
    connect = httpcore.SyncBackend.connect_tcp

    def connect_late(*arguments: Any) -> Any:
        is_connecting.set()
        assert is_closed.wait(60)
        return connect(*arguments)

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect_late)
    heard: list[bytes] = []
    with serving(lambda peer: heard.append(peer.connection.recv(10))) as url, ThreadPoolExecutor() as pool:
        transport = BoundedTransport(TickingClock(), timeout=5)
        answer = pool.submit(transport.handle_request, httpx.Request("GET", url))
        assert is_connecting.wait(60)
        transport.close()
        is_closed.set()
        with pytest.raises(httpx.ConnectError, match="closed meanwhile"):
            answer.result(60)
    assert heard == [b""]


def test_usual_certificates_hold_where_no_variable_is_set(tmp_path: Path) -> None:
    authority = TlsServer(tmp_path).authority
    assert tls_context({}).cert_store_stats()["x509_ca"] > 50
    assert tls_context({"SSL_CERT_FILE": str(authority)}).cert_store_stats()["x509"] == 1


STRANGE_URLS = [
    "",
    " ",
    "api.example.com",
    "https://",
    "https://:443",
    "https://[::1",
    "https://exa mple.com",
    "https://exämple.com",
    "https://a..b",
    "https://.example.com",
    "https://-a.example.com",
    "https://" + "x" * 64 + ".example.com",
    "https://" + "x." * 127 + "example.com",
    "https://api.example.com:0",
    "https://api.example.com:99999",
    "https://api.example.com:port",
    "https://api.example.com/?x=1",
    "https://api.example.com/#x",
    "https://api.example.com/\x00",
    "https://api.example.com/\x1b[31m",
    "https://api.example.com\\@evil.example.com",
    "https://api.example.com%2f.evil.example.com",
    "https://[fe80::1%25eth0]",
    "javascript:alert(1)",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("text", STRANGE_URLS, ids=ascii)
def test_what_is_no_address_of_an_api_is_refused_with_the_variable(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_base_url(text)
    assert "GCORE_BASE_URL" in (raised.value.hint or "")
    assert raised.value.message.isprintable()


@pytest.mark.parametrize(
    "text",
    ["https://api.gcore.com/", "https://[2001:db8::1]:8443", "https://gateway.example.com/gcore/v1", "http://[::1]:1"],
)
def test_what_may_be_one_is_taken(text: str) -> None:
    assert check_base_url(text) == text.rstrip("/")
    opened(check_base_url(text)).close()


TEXTS = st.text() | st.text(alphabet="a.-[]:%/@ 1\u00e9\\")


@settings(deadline=None, max_examples=examples(300))
@given(TEXTS | TEXTS.map("https://{}".format) | TEXTS.map("https://a{}".format))
def test_whatever_the_variable_holds_it_is_taken_or_refused_in_one_way(text: str) -> None:
    try:
        client = open_client(
            check_base_url(text), TickingClock(), timeout=1, transport=httpx.MockTransport(lambda _: OK)
        )
    except UsageError:
        return
    with client:
        assert client.get("/cloud/v1/tasks").status_code == 200


OK = httpx.Response(200)


@settings(deadline=None, max_examples=examples(300))
@given(TEXTS | TEXTS.map("http://{}".format) | TEXTS.map("socks5://a{}".format))
def test_whatever_is_named_as_proxy_it_is_taken_or_refused_in_one_way(text: str) -> None:
    try:
        proxy = find_proxy(API, {"HTTPS_PROXY": text})
    except UsageError:
        return
    assert proxy is None or proxy.name.isprintable()


LABELS = st.one_of(
    st.from_regex(r"\A[xX][nN]--[a-z0-9-]{1,12}\Z"), st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z"), st.text(max_size=3)
)


@given(st.lists(LABELS, min_size=1, max_size=4).map(".".join))
@example("xn--a")
@settings(max_examples=examples(200), deadline=None)
def test_an_address_that_is_accepted_can_be_asked(host: str) -> None:
    """Of the API, of a proxy and of a webhook: httpx decodes what is written in punycode."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with (
        suppress(UsageError),
        open_client(check_base_url(f"https://{host}"), TickingClock(), timeout=1, transport=transport) as api,
    ):
        assert api.get("/").status_code == 200
    with suppress(UsageError):
        origin_of(f"https://{host}/path", "a webhook")
        assert httpx.Client(transport=transport).get(f"https://{host}/path").status_code == 200
    with suppress(UsageError):
        find_proxy(API, {"HTTPS_PROXY": f"http://{host}"})
