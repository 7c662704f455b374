"""One GET, for `sgctl doctor`: told whatever came.

Apart from `http`, which tries again and raises: here a refusal is an answer like any other, and its headers count too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from reconciler.api.address import check_base_url
from reconciler.api.client import open_client
from reconciler.api.error_answer import Cleaner
from reconciler.api.http import Exchange, json_object, read_answer_details, reason
from reconciler.api.transport import CannotConnect
from reconciler.model.clock import Clock
from reconciler.model.cloud import DEFAULT_TIMEOUT
from reconciler.model.errors import NO_DETAILS, ErrorDetails


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What came of one GET. `status` is None where no answer came, and then `problem` says why, `hint` what to do.

    `body` is the JSON object, None where the answer was something else; `details` is what an error answer says; `date`
    is the header of that name.
    """

    status: int | None
    body: dict[str, Any] | None = None
    date: str | None = None
    milliseconds: int = 0
    problem: str = ""
    hint: str | None = None
    details: ErrorDetails = NO_DETAILS


class Probe:
    """Asks one API. It has no method that could change anything. Use it with `with`."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        clock: Clock,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        observe: Callable[[Exchange], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._clean = Cleaner(api_key)
        self._observe = observe
        self._client = open_client(check_base_url(base_url), clock, timeout=timeout, api_key=api_key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> ProbeResult:
        """GET a path, once."""
        started = self._clock.monotonic()
        try:
            response = self._client.get(path, params=params)
        except httpx.HTTPError as error:
            problem = self._clean(reason(error))
            self._observe(Exchange("GET", path, None, self._clock.monotonic() - started, None, problem))
            return ProbeResult(None, problem=problem, hint=error.hint if isinstance(error, CannotConnect) else None)
        seconds = self._clock.monotonic() - started
        status, content = response.status_code, response.content
        details = read_answer_details(status, response.headers, content, self._clean)
        self._observe(Exchange("GET", path, status, seconds, details.request_id, details=details))
        date = response.headers.get("Date")
        return ProbeResult(status, json_object(content), date, round(seconds * 1000), details=details)
