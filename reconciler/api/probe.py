"""One look at the API, for `sgctl doctor`: GET once, and tell whatever came.

Apart from `http`, which tries again and raises: here a refusal is an answer like any other, and its headers count too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from reconciler.api.address import check_base_url
from reconciler.api.client import open_client
from reconciler.api.http import Exchange, json_object, reason
from reconciler.model.clock import Clock


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
        self._client = open_client(check_base_url(base_url), clock, timeout=timeout, api_key=api_key)

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
            found = Look(None, problem=reason(error))
            self._observe(Exchange("GET", path, None, self._clock.monotonic() - started, None, found.problem))
            return found
        seconds = self._clock.monotonic() - started
        request_id = response.headers.get("X-Request-Id")
        self._observe(Exchange("GET", path, response.status_code, seconds, request_id))
        return Look(
            response.status_code, json_object(response.content), response.headers.get("Date"), round(seconds * 1000)
        )
