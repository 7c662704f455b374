"""Posting JSON to somebody else's webhook: no API key, a few tries, and never the address in a message.

The path of a webhook's address is its password, so only the host is ever named.
"""

from typing import Any
from urllib.parse import urlsplit

import httpx

from reconciler.api.address import check_base_url
from reconciler.api.retry import Waits
from reconciler.model.clock import Clock
from reconciler.model.errors import ApiError, UsageError

_TIMEOUT = 15.0


def post_json(url: str, payload: dict[str, Any], clock: Clock) -> None:
    """Post until it is taken. Raises `UsageError` for a bad address, `ApiError` when the host does not take it."""
    host = urlsplit(url).hostname or "the webhook"
    try:
        check_base_url(url.split("?", maxsplit=1)[0])
    except UsageError as error:
        raise UsageError(f"--notify-url: not an https address, nor http to this machine ({host})") from error
    waits = Waits(clock)
    while True:
        try:
            status = httpx.post(url, json=payload, timeout=_TIMEOUT).status_code
        except httpx.HTTPError as error:
            waits.after(type(error).__name__, host)
            continue
        if status < httpx.codes.MULTIPLE_CHOICES:
            return
        if status < httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.TOO_MANY_REQUESTS:
            raise ApiError(f"{host} refused the notification: {status}")
        waits.after(str(status), host)
