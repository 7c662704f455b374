"""The edges of the user's world: each gets a sentence that names the variable, and what cannot pass is not repeated."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_server import Peer, Talk, serving

from reconciler.api import client as client_module
from reconciler.api.address import check_base_url
from reconciler.api.client import find_proxy, open_client, tls_context
from reconciler.api.http import Http
from reconciler.model.clock import SystemClock
from reconciler.model.errors import ApiUnreachable, UsageError

API = "https://api.example.com"
SECRET = "hunter2-hunter2"


class Clock(SystemClock):
    def __init__(self) -> None:
        self.waits = 0

    def sleep(self, seconds: float) -> None:
        self.waits += 1


def opened(address: str = API, **environment: str) -> httpx.Client:
    return open_client(address, Clock(), timeout=5, environment=environment)


BAD: dict[str, tuple[dict[str, str], str, str]] = {
    "SOCKS": ({"ALL_PROXY": "socks5://localhost:1080"}, "ALL_PROXY names a SOCKS proxy", "pip install 'httpx[socks]'"),
    "another scheme": ({"HTTPS_PROXY": "ftp://proxy.example.com"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "no host": ({"https_proxy": "http://"}, "https_proxy is not the address of a proxy", "unset https_proxy"),
    "half a bracket": ({"HTTPS_PROXY": "http://[::1"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "no port": ({"HTTPS_PROXY": "http://proxy.example.com:http"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "a sentence": ({"HTTPS_PROXY": "ask the admins"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "a password": ({"HTTPS_PROXY": f"http://me:{SECRET}@[x"}, "HTTPS_PROXY is not the address", "http://proxy"),
    "missing file": ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, "SSL_CERT_FILE: cannot read", "file of CA certificates"),
    "a folder as file": ({"SSL_CERT_FILE": "/"}, "SSL_CERT_FILE: cannot read", "file of CA certificates"),
    "no certificates": ({"SSL_CERT_FILE": __file__}, "it holds no certificates (PEM)", "file of CA certificates"),
    "missing folder": ({"SSL_CERT_DIR": "/nowhere"}, "SSL_CERT_DIR: there are no certificates", "openssl rehash"),
    "a folder without": ({"SSL_CERT_DIR": "/proc/self"}, "SSL_CERT_DIR: there are no certificates", "openssl rehash"),
    "key log": ({"SSLKEYLOGFILE": "/nowhere/keys.log"}, "SSLKEYLOGFILE: cannot write to", "Unset it"),
}


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
    "another excepted": (
        {"HTTPS_PROXY": "http://p.example.com", "NO_PROXY": "pi.example.com,xapi.example.com,api.example.com:80"},
        "the proxy p.example.com (HTTPS_PROXY)",
    ),
}


@pytest.mark.parametrize(("environment", "name"), PROXIES.values(), ids=PROXIES)
def test_the_proxy_is_the_one_that_others_would_take(environment: dict[str, str], name: str | None) -> None:
    proxy = find_proxy(API, environment)
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
def behind_proxy(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Http, Clock, list[str]]]:
    """An API behind a proxy that answers to CONNECT in its own way; and what the proxy was asked."""
    asked: list[str] = []

    def proxy(peer: Peer) -> None:
        asked.append(peer.request().split(b"\r\n")[0].decode())
        talk(peer)

    for name in ("https_proxy", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    with serving(proxy) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        clock = Clock()
        with Http(API, "the-api-key", clock, timeout=0.5) as http:
            yield http, clock, asked


def saying(text: bytes) -> Talk:
    return lambda peer: peer.say(text)


def test_a_proxy_that_wants_a_password_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = saying(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    with (
        behind_proxy(refusal, monkeypatch) as (http, clock, asked),
        pytest.raises(ApiUnreachable, match=r"the proxy 127.0.0.1:\d+ \(HTTPS_PROXY\) wants a user name") as raised,
    ):
        http.write("PATCH", "/x", {})
    assert "http://USER:PASSWORD@" in (raised.value.hint or "")
    assert asked == ["CONNECT api.example.com:443 HTTP/1.1"]
    assert clock.waits == 0


def test_a_proxy_that_does_not_connect_is_asked_again_also_for_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the write was sent."""
    refusal = saying(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
    with (
        behind_proxy(refusal, monkeypatch) as (http, clock, asked),
        pytest.raises(ApiUnreachable, match=r"does not connect to the API \(502 Bad Gateway\); gave up after 5 tries"),
    ):
        http.write("PATCH", "/x", {})
    assert (len(asked), clock.waits) == (5, 4)


def test_a_proxy_that_drips_is_cut_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(peer: Peer) -> None:
        peer.drip(b"HTTP/1.1 200 " + b"x" * 10_000)

    with (
        behind_proxy(drip, monkeypatch) as (http, _, _),
        pytest.raises(ApiUnreachable, match=r"no complete answer within 0.5 s \(--timeout\); gave up"),
    ):
        http.read("/x")


class TlsServer:
    """A server with the certificate of an authority that nobody knows; `authority` is the file of that."""

    def __init__(self, folder: Path) -> None:
        made = trustme.CA()
        self.authority = folder / "ca.pem"
        made.cert_pem.write_to_path(self.authority)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert("localhost").configure_cert(self._context)
        self.connections = 0

    def talk(self, peer: Peer) -> None:
        self.connections += 1
        with self._context.wrap_socket(peer.connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, and the usual certificates."""
    monkeypatch.setenv("no_proxy", "*")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


def by_name(url: str) -> str:
    return url.replace("http://127.0.0.1", "https://localhost")


@pytest.mark.usefixtures("direct")
def test_a_certificate_that_nobody_knows_is_an_error_with_advice_and_not_tried_again(tmp_path: Path) -> None:
    server = TlsServer(tmp_path)
    with (
        serving(server.talk) as url,
        Http(by_name(url), "the-api-key", Clock(), timeout=5) as http,
        pytest.raises(ApiUnreachable, match="the certificate of localhost was not accepted: ") as raised,
    ):
        http.read("/x")
    assert "SSL_CERT_FILE" in (raised.value.hint or "")
    assert server.connections == 1


@pytest.mark.usefixtures("direct")
def test_the_certificates_of_the_user_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = TlsServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
    with serving(server.talk) as url, Http(by_name(url), "the-api-key", Clock(), timeout=5) as http:
        assert http.read("/x") == {}


@pytest.mark.usefixtures("direct")
def test_a_server_without_tls_is_told_as_such() -> None:
    def plain(peer: Peer) -> None:
        peer.connection.recv(100)
        peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with (
        serving(plain) as url,
        Http(by_name(url), "the-api-key", Clock()) as http,
        pytest.raises(ApiUnreachable, match="localhost does not speak TLS"),
    ):
        http.read("/x")


@pytest.mark.usefixtures("direct")
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
        client = open_client(check_base_url(text), Clock(), timeout=1, transport=httpx.MockTransport(lambda _: OK))
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
