"""The one way to an HTTP client: which proxy, whose certificates, how long and how much.

Everything that the user's environment can spoil here raises a `UsageError` that names the variable, before anything is
sent.
"""

import json
import os
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

import httpx

from reconciler.api.address import check_base_url, is_host
from reconciler.api.transport import MAX_ANSWER, BoundedTransport
from reconciler.model.clock import Clock
from reconciler.model.cloud import MAX_PORT
from reconciler.model.errors import UsageError
from reconciler.model.files import CERTIFICATES_LIMIT, read_bounded
from reconciler.model.text import shown
from reconciler.model.version import __version__

PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
"""Variables that may name a proxy; the first one that is set counts."""

_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+").fullmatch
"""How OpenSSL wants the files of a folder of certificates to be named."""


class Proxy(NamedTuple):
    """A proxy of the environment. `name` is for messages: the host and the variable, never the password."""

    settings: httpx.Proxy
    name: str


def open_client(
    address: str,
    clock: Clock,
    *,
    timeout: float,
    api_key: str | None = None,
    connections: int = 1,
    limit: int = MAX_ANSWER,
    transport: httpx.BaseTransport | None = None,
    environment: Mapping[str, str] = os.environ,
) -> httpx.Client:
    """Make a client for one address: https, or http to this machine itself (see `check_base_url`).

    Each request has `timeout` seconds in all, an answer `limit` bytes. Raises `UsageError` for a proxy or certificates
    that cannot be used.
    """
    if transport is None:
        proxy = find_proxy(address, environment)
        transport = BoundedTransport(
            clock,
            timeout=timeout,
            connections=connections,
            limit=limit,
            tls=tls_context(environment) if address.startswith("https:") else None,
            proxy=proxy.settings if proxy else None,
            proxy_name=proxy.name if proxy else "",
            timeout_name="--timeout" if api_key else "",
        )
    headers = {"User-Agent": f"sgctl/{__version__}", "Accept-Encoding": "gzip"}
    if api_key:
        headers["Authorization"] = f"apikey {api_key}"
    try:
        return httpx.Client(base_url=address, headers=headers, timeout=timeout, transport=transport, trust_env=False)
    except (httpx.InvalidURL, ValueError):
        raise UsageError(f"{shown(address)} is not a URL", hint="Check GCORE_BASE_URL.") from None


def origin_of(url: str, name: str, hint: str | None = None) -> str:
    """Return the scheme and the host of an address that is not the API's: https, or http to this machine itself.

    Raises `UsageError` for any other, under the `name` it was given by; its path, which may be a password, is not told.
    """
    try:
        parts = urlsplit(url)
        httpx.URL(url)
        return check_base_url(f"{parts.scheme}://{parts.netloc}")
    except (UsageError, ValueError, httpx.InvalidURL):  # UnicodeEncodeError is a ValueError
        raise UsageError(f"{name}: not an https address, nor http to this machine", hint) from None


JSON = {"Content-Type": "application/json"}
"""The headers of what `json_content` writes."""


def json_content(body: Any) -> bytes:
    """Write a JSON body. Half a surrogate pair, which a live text may hold and no encoding has, becomes an escape."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def find_proxy(address: str, environment: Mapping[str, str]) -> Proxy | None:
    """Find the proxy that the environment names for an address; none for plain http, which stays on this machine.

    `HTTPS_PROXY` goes before `ALL_PROXY`, small letters before capitals; `NO_PROXY` lists hosts that need none. Raises
    `UsageError` for a proxy that cannot be used.
    """
    parts = urlsplit(address)
    variable = next((name for name in PROXY_VARIABLES if environment.get(name, "").strip()), None)
    if parts.scheme != "https" or variable is None:
        return None
    if _needs_no_proxy(parts, environment.get("no_proxy") or environment.get("NO_PROXY") or ""):
        return None
    text = environment[variable].strip()
    try:
        settings = httpx.Proxy(text if "://" in text else f"http://{text}")
        is_usable = is_host(settings.url.host) and (settings.url.port is None or 0 < settings.url.port <= MAX_PORT)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        is_usable = False
    if not is_usable:
        # The text is not repeated: it may hold a password.
        raise UsageError(
            f"{variable} is not the address of a proxy",
            hint=f"Write it as http://proxy.example.com:3128, or unset {variable}.",
        )
    if settings.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise UsageError(
            f"{variable} names a SOCKS proxy, which needs a package that is not installed",
            hint=f"Install it with `pip install 'httpx[socks]'`, set HTTPS_PROXY to an http proxy, or set NO_PROXY to "
            f"{parts.hostname}.",
        )
    port = f":{settings.url.port}" if settings.url.port else ""
    return Proxy(settings, f"the proxy {settings.url.host}{port} ({variable})")


def _needs_no_proxy(address: SplitResult, hosts: str) -> bool:
    """Tell whether a host, alone or with its port, its domain or its network is in a list as `NO_PROXY` has it.

    `*` is all.
    """
    host, port = address.hostname or "", address.port or 443
    for entry in hosts.lower().split(","):
        name = entry.strip().lstrip(".").strip("[]")
        if name and (name in {"*", host, f"{host}:{port}", f"[{host}]:{port}"} or host.endswith(f".{name}")):
            return True
        with suppress(ValueError):  # a name is in no network
            if "/" in name and ip_address(host) in ip_network(name, strict=False):
                return True
    return False


def tls_context(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Say whose certificates are accepted: those of `SSL_CERT_FILE`, else of `SSL_CERT_DIR`, else the usual list.

    Raises `UsageError` for a variable that names what cannot be used.
    """
    _check_key_log(environment)
    file, folders = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if file:
        try:
            read_bounded(file, CERTIFICATES_LIMIT)  # OpenSSL would wait for a pipe, or read for minutes
            return ssl.create_default_context(cafile=file)
        except (ssl.SSLError, ValueError):
            reason = "it holds no certificates (PEM)"
        except OSError as error:
            reason = error.strerror or "it cannot be read"
        raise UsageError(
            f"SSL_CERT_FILE: cannot read certificates from {shown(file)}: {reason}",
            hint="Set it to a file of CA certificates, or unset it to accept the usual ones.",
        )
    if folders:
        if not any(_has_certificates(Path(folder)) for folder in folders.split(os.pathsep)):
            raise UsageError(
                f"SSL_CERT_DIR: there are no certificates in {shown(folders)} under the names that OpenSSL looks for",
                hint="Run `openssl rehash` on the folder, or set SSL_CERT_FILE to one file of CA certificates.",
            )
        return ssl.create_default_context(capath=folders)
    return httpx.create_ssl_context(trust_env=False)


def _check_key_log(environment: Mapping[str, str]) -> None:
    """Python opens the file of `SSLKEYLOGFILE` by itself, and fails without its name."""
    if path := environment.get("SSLKEYLOGFILE"):
        try:
            # Without waiting for somebody who reads a pipe; the text lets others into the connection.
            os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a path"
            raise UsageError(
                f"SSLKEYLOGFILE: cannot write to {shown(path)}: {reason}",
                hint="Unset it; it is only for looking into encrypted traffic.",
            ) from None


def _has_certificates(folder: Path) -> bool:
    try:
        return any(_HASHED_NAME(entry.name) for entry in folder.iterdir())
    except (OSError, ValueError):
        return False
