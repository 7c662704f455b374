"""Which addresses the API key may be sent to."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from reconciler.model.errors import UsageError
from reconciler.model.text import shown

_HINT = "Set GCORE_BASE_URL to something like https://api.gcore.com"
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?").fullmatch
"""A host name in ASCII (RFC 1123), with the underscores that some networks use."""
_LONGEST_NAME = 253
_PLAIN = re.compile(r"[A-Za-z0-9._~:/\[\]-]+").fullmatch
"""The characters of a URL that needs no escapes."""


def check_base_url(text: str) -> str:
    """Return the URL without a trailing slash.

    Raises `UsageError` for anything but https, or plain http to this machine itself: the key travels in a header.
    """
    if "@" in text:
        # Before anything else, so that no other message repeats a password.
        raise UsageError(
            "the base URL must not hold a user name or a password",
            hint="GCORE_BASE_URL is the address alone; the key belongs in GCORE_API_KEY.",
        )
    text = text.strip()
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise UsageError(f"{shown(text)} is not a URL", hint=_HINT) from None
    host = parts.hostname or ""
    is_plain = _PLAIN(text) and not parts.query and not parts.fragment
    if parts.scheme not in {"http", "https"} or not is_host(host) or not port_is_valid or not is_plain:
        raise UsageError(f"{shown(text)} is not the address of an API", hint=_HINT)
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(
            f"refusing plain http to {host}: the API key would cross the network unencrypted",
            hint="Write https in GCORE_BASE_URL; plain http is for a loopback address such as http://127.0.0.1:8000.",
        )
    return text.rstrip("/")


def is_host(text: str) -> bool:
    """Tell whether a text is a name that can be looked up, or an IP address."""
    try:
        return bool(ip_address(text)) and "%" not in text
    except ValueError:
        return len(text) <= _LONGEST_NAME and bool(_NAME(text)) and _can_be_decoded(text)


def _can_be_decoded(name: str) -> bool:
    """Tell whether the labels of a name in punycode, `xn--...`, stand for something: httpx decodes them."""
    if "xn--" not in name.lower():
        return True
    import httpx  # noqa: PLC0415 - costs 0.1 s, and few names are written so

    try:
        return bool(httpx.URL(f"https://{name}").host)
    except (httpx.InvalidURL, ValueError):  # idna's error is a ValueError
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
