"""Posting JSON to somebody else's webhook: no API key, a few tries, and never the address in a message.

The path of a webhook's address is its password, so only the host is ever named.
"""

from typing import Any

import httpx

from reconciler.api.client import JSON, json_content, open_client, origin_of
from reconciler.api.connect_problems import CannotConnect
from reconciler.api.http import reason
from reconciler.api.retry import Waits
from reconciler.model.clock import Clock
from reconciler.model.environment import NOTIFY_URL
from reconciler.model.errors import ApiError, ApiUnreachable
from reconciler.model.secret import Secret

_HINT = f"Check the address of the webhook, which is --notify-url or else {NOTIFY_URL}, and the network."


def post_json(url: str, payload: dict[str, Any], clock: Clock, timeout: float = 15.0) -> None:
    """Post until it is taken; each try has `timeout` seconds.

    Raises `UsageError` for a bad address, `ApiError` when the host does not take it.
    """
    address = check_webhook(url)
    path = Secret(url.removeprefix(address))
    waits = Waits(clock, _HINT)
    with open_client(address, clock, timeout=timeout) as client:
        while True:
            waits.begin()
            try:
                status = client.post(url, content=json_content(payload), headers=JSON).status_code
            except CannotConnect as error:
                raise ApiUnreachable(f"{address}: {path.hide(str(error))}", hint=error.hint) from None
            except httpx.HTTPError as error:
                waits.after(path.hide(reason(error)), address)
                continue
            if status < httpx.codes.MULTIPLE_CHOICES:
                return
            if status < httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.TOO_MANY_REQUESTS:
                raise ApiError(f"{address} refused the notification: {status}", hint=_HINT)
            waits.after(str(status), address)


def check_webhook(url: str) -> str:
    """Return the scheme and the host of a webhook. Raises `UsageError` for an address that nothing is posted to."""
    return origin_of(url, "--notify-url", _HINT)
