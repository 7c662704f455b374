"""Which addresses the API key may be sent to."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from reconciler.model.errors import UsageError


def check_base_url(text: str) -> str:
    """Return the URL without a trailing slash.

    Raises `UsageError` for anything but https, or plain http to this machine itself: the key travels in a header.
    """
    if "@" in text:
        # Before anything else, so that no other message repeats a password.
        raise UsageError(
            "the base URL must not hold a user name or a password", hint="The key belongs in GCORE_API_KEY."
        )
    try:
        parts = urlsplit(text.strip())
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise UsageError(
            f"{text!r} is not a URL", hint="Set GCORE_BASE_URL to something like https://api.gcore.com"
        ) from None
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or not port_is_valid
        or parts.query
        or parts.fragment
    ):
        raise UsageError(f"{text!r} is not the address of an API", hint="It looks like https://api.gcore.com")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise UsageError(
            f"refusing plain http to {parts.hostname}: the API key would cross the network unencrypted",
            hint="Use https; plain http is for a loopback address such as http://127.0.0.1:8000.",
        )
    return text.strip().rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
