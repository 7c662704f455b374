"""One look at the API, for `sgctl doctor`: GET once, and tell whatever came.

Apart from `http`, which tries again and raises: here a refusal is an answer like any other, and its headers count too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from reconciler.api.address import check_base_url
from reconciler.api.http import Exchange, json_object, reason
from reconciler.model.clock import Clock
from reconciler.model.version import __version__


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one GET. `status` is None where no answer came, and then `problem` says why.

    `body` is the JSON object, None where the answer was something else; `date` is the header of that name.
    """

    status: int | None
    body: dict[str, Any] | None = None
    date: str | None = None
    milliseconds: int = 0
    problem: str = ""


class Probe:
    """Looks at one API. It has no method that could change anything. Use it with `with`."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        clock: Clock,
        *,
        timeout: float = 30.0,
        observe: Callable[[Exchange], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._observe = observe
        address = check_base_url(base_url)
        headers = {"User-Agent": f"sgctl/{__version__}"}
        self._client = httpx.Client(
            base_url=address,
            headers=headers | ({"Authorization": f"apikey {api_key}"} if api_key else {}),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            # A proxy from the environment must not see a key that goes to this machine itself.
            trust_env=address.startswith("https:"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def look(self, path: str, params: Mapping[str, str | int] | None = None) -> Look:
        """GET a path, once."""
        started = self._clock.monotonic()
        try:
            response = self._client.get(path, params=params)
        except httpx.HTTPError as error:
            # Who looks says the address already.
            found = Look(None, problem=str(error) if isinstance(error, httpx.ConnectError) else reason(error))
            self._observe(Exchange("GET", path, None, self._clock.monotonic() - started, None, found.problem))
            return found
        seconds = self._clock.monotonic() - started
        request_id = response.headers.get("X-Request-Id")
        self._observe(Exchange("GET", path, response.status_code, seconds, request_id))
        return Look(
            response.status_code, json_object(response.content), response.headers.get("Date"), round(seconds * 1000)
        )
