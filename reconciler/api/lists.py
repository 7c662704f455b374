"""Lists that others publish: fetched without the API key, bounded in time and size, each from one host alone."""

from urllib.parse import urljoin, urlsplit

import httpx

from reconciler.api.client import open_client, origin_of
from reconciler.api.connect_problems import CannotConnect
from reconciler.api.http import reason
from reconciler.api.retry import Waits
from reconciler.api.transport import AnswerTooLarge
from reconciler.model.clock import Clock
from reconciler.model.cloud import DEFAULT_TIMEOUT
from reconciler.model.errors import ApiError, ApiUnreachable

MAX_REDIRECTS = 3


def fetch_list(url: str, clock: Clock, limit: int, timeout: float = DEFAULT_TIMEOUT) -> bytes:
    """Fetch a list of at most `limit` bytes: by https, or by http from this machine. Each try has `timeout` seconds.

    A redirect is followed to the same host alone. Raises `ApiError` for an answer that is none, or a host that does not
    answer, and `UsageError` for a bad address.
    """
    origin = origin_of(url, "its address")
    waits = Waits(clock)
    redirects = 0
    with open_client(origin, clock, timeout=timeout, limit=limit) as client:
        while True:
            waits.begin()
            try:
                answer = client.get(url)
            except CannotConnect as error:
                raise ApiUnreachable(str(error), hint=error.hint) from None
            except AnswerTooLarge as error:
                raise ApiError(str(error)) from None
            except httpx.HTTPError as error:
                waits.after(reason(error), origin)
                continue
            if answer.is_redirect:
                redirects += 1
                url = _redirected(url, origin, answer, redirects)
            elif answer.is_success:
                return answer.content
            elif answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                waits.after(f"{answer.status_code} {answer.reason_phrase}", origin)
            else:
                raise ApiError(f"{origin} answers {answer.status_code} {answer.reason_phrase}")


def _redirected(url: str, origin: str, answer: httpx.Response, number: int) -> str:
    """Return where a redirect leads. Raises `ApiError` for another host or none, and for one too many."""
    try:
        there: str = urljoin(url, answer.headers.get("Location", ""))
        parts = urlsplit(there)
    except ValueError:
        raise ApiError(f"{origin} sends on to what is not an address") from None
    if f"{parts.scheme}://{parts.netloc}" != origin:
        raise ApiError(
            f"{origin} sends on to {parts.scheme}://{parts.hostname}, and another host is not asked",
            hint="Write that address as the source if the list may come from there.",
        )
    if number > MAX_REDIRECTS:
        raise ApiError(f"{origin} sends on more than {MAX_REDIRECTS} times")
    return there
