"""One GET, for `sgctl doctor`: told whatever came.

Apart from `http`, which tries again and raises: here a refusal is an answer like any other, and its headers count too.
Tried again is only what broke on a connection that was used before: servers close those when they like.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from reconciler.api.address import check_base_url
from reconciler.api.client import open_client
from reconciler.api.connect_problems import CannotConnect
from reconciler.api.error_answer import Cleaner
from reconciler.api.http import Exchange, json_object, read_answer_details, reason
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


SLOW = 3.0
"""Seconds from which on an answer is slow."""
MOST_SLOW = 30.0
"""Seconds that slow answers may take together; then nothing more is asked, so that all checks end within a minute."""


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
        self._slow = 0.0
        self._is_used = False
        self._client = open_client(check_base_url(base_url), clock, timeout=timeout, api_key=api_key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> ProbeResult:
        """GET a path, unless what was asked before took too long."""
        if self._slow > MOST_SLOW:
            return ProbeResult(None, problem=f"not asked: the API took {self._slow:.0f} s for what was asked before")
        started = self._clock.monotonic()
        try:
            return self._get(path, params)
        finally:
            seconds = self._clock.monotonic() - started
            self._slow += seconds if seconds > SLOW else 0

    def _get(self, path: str, params: Mapping[str, str | int] | None) -> ProbeResult:
        started = self._clock.monotonic()
        was_used, self._is_used = self._is_used, False
        try:
            response = self._client.get(path, params=params)
        except httpx.HTTPError as error:
            problem = self._clean(reason(error))
            self._observe(Exchange("GET", path, None, self._clock.monotonic() - started, None, problem))
            if was_used and isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
                return self._get(path, params)
            return ProbeResult(None, problem=problem, hint=error.hint if isinstance(error, CannotConnect) else None)
        self._is_used = True
        seconds = self._clock.monotonic() - started
        status, content = response.status_code, response.content
        details = read_answer_details(status, response.headers, content, self._clean)
        self._observe(Exchange("GET", path, status, seconds, details.request_id, details=details))
        date = response.headers.get("Date")
        return ProbeResult(status, json_object(content), date, round(seconds * 1000), details=details)
