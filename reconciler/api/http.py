"""Requests to the Gcore API.

After a failure one question matters: may the request have acted? A read never acts, so it is tried again. A write is
tried again only where it certainly was not carried out (no connection, or 429). Everything else that is not the
promised answer (a timeout, a dropped connection, 5xx, a 200 without JSON) raises `OutcomeUnknown`; the caller reads.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import httpx

from reconciler.api.address import check_base_url
from reconciler.api.answers import refusal
from reconciler.api.client import open_client
from reconciler.api.retry import Pause, Waits, retry_after
from reconciler.api.transport import AnswerTooLarge, CannotConnect
from reconciler.model.clock import Clock
from reconciler.model.errors import ApiError, ApiRefused, ApiUnreachable, OutcomeUnknown


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it went, for `-v` and the journal; `status` is None where no answer came."""

    method: str
    path: str
    status: int | None
    seconds: float
    request_id: str | None
    problem: str | None = None


Params = Mapping[str, str | int | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write was answered: a JSON object, or None for 204."""

    status: int
    body: dict[str, Any] | None
    request_id: str | None


class Response(NamedTuple):
    """What came back, read to the end.

    httpx's own response is part of a circle of objects: with it a body would stay until the garbage collector comes,
    which in a command it never does.
    """

    status_code: int
    reason_phrase: str
    headers: httpx.Headers
    content: bytes


class Http:
    """One connection pool to one API, safe to share between threads. Close it, or use it with `with`.

    `timeout` is the seconds that one request may take in all, from connecting to the last byte of its answer.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        clock: Clock,
        *,
        timeout: float = 30.0,
        connections: int = 16,
        transport: httpx.BaseTransport | None = None,
        observe: Callable[[Exchange], None] = lambda _: None,
    ) -> None:
        self.base_url = check_base_url(base_url)
        self._api_key = api_key.encode()
        self._clock = clock
        self._observe = observe
        self._pause = Pause(clock)
        self._client = open_client(
            self.base_url, clock, timeout=timeout, api_key=api_key, connections=connections, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def read(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """GET a JSON object, trying again after anything that may pass.

        Raises `ApiRefused` for a 4xx, `ApiUnreachable` when the tries or the time for them ran out, `ApiError` for an
        answer that is too large.
        """
        waits = Waits(self._clock)
        while True:
            try:
                response = self._exchange("GET", path, params=params)
            except CannotConnect as error:
                raise ApiUnreachable(f"{path}: {error}", hint=error.hint) from None
            except AnswerTooLarge as error:
                raise ApiError(f"GET {path}: {error}", hint="Check GCORE_BASE_URL: this may not be the API.") from None
            except httpx.HTTPError as error:
                waits.after(reason(error), path)
                continue
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                self._pause.ask(waits.allowed(self._retry_after(response), "429 Too Many Requests", path))
            elif response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                waits.after(f"{response.status_code} {response.reason_phrase}", path, self._retry_after(response))
            elif response.status_code >= httpx.codes.MULTIPLE_CHOICES:
                raise self._refusal("GET", path, response)
            elif (body := json_object(response.content)) is None:
                waits.after("an answer that is not the promised JSON", path)
            else:
                return body

    def write(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        """Send a change once.

        Raises `ApiRefused` when nothing was done, `ApiUnreachable` when it was not sent, `OutcomeUnknown` when nobody
        knows.
        """
        waits = Waits(self._clock)
        while True:
            try:
                response = self._exchange(method, path, json_body=body)
            except CannotConnect as error:
                raise ApiUnreachable(f"{path}: {error}", hint=error.hint) from None
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                waits.after(reason(error), path)
                continue
            except httpx.HTTPError as error:
                raise OutcomeUnknown(f"{method} {path}: {reason(error)}") from None
            status = response.status_code
            if status == httpx.codes.TOO_MANY_REQUESTS:
                self._pause.ask(waits.allowed(self._retry_after(response), "429 Too Many Requests", path))
                continue
            if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
                raise _unknown(method, path, response, response.reason_phrase)
            if status >= httpx.codes.MULTIPLE_CHOICES:
                raise self._refusal(method, path, response)
            answer = None if status == httpx.codes.NO_CONTENT else json_object(response.content)
            if answer is None and status != httpx.codes.NO_CONTENT:
                raise _unknown(method, path, response, "but not the promised JSON")
            return Answer(status, answer, _request_id(response))

    def _exchange(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        json_body: Mapping[str, Any] | None = None,
    ) -> Response:
        self._pause.obey()
        started = self._clock.monotonic()
        try:
            with self._client.stream(method, path, params=params, json=json_body) as answer:
                content = b"".join(answer.iter_bytes())
            response = Response(answer.status_code, answer.reason_phrase, answer.headers, content)
        except httpx.HTTPError as error:
            self._observe(Exchange(method, path, None, self._clock.monotonic() - started, None, reason(error)))
            raise
        seconds = self._clock.monotonic() - started
        self._observe(Exchange(method, path, response.status_code, seconds, _request_id(response)))
        return response

    def _retry_after(self, response: Response) -> float | None:
        return retry_after(response.headers.get("Retry-After", ""), self._clock)

    def _refusal(self, method: str, path: str, response: Response) -> ApiRefused:
        # A server that repeats the request in its answer must not bring the key into a log.
        content = response.content.replace(self._api_key, b"***")
        return refusal(method, path, response.status_code, content, _request_id(response))


def _unknown(method: str, path: str, response: Response, what: str) -> OutcomeUnknown:
    status = response.status_code
    return OutcomeUnknown(f"{method} {path}: {status} {what}", status=status, request_id=_request_id(response))


def _request_id(response: Response) -> str | None:
    request_id: str | None = response.headers.get("X-Request-Id")
    return request_id


def json_object(content: bytes) -> dict[str, Any] | None:
    """Read the JSON object that an answer is; None for anything else."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def reason(error: httpx.HTTPError) -> str:
    """Say what happened in words; httpx's own text may be empty."""
    if isinstance(error, httpx.TimeoutException):
        return str(error) or "no answer in time"
    if isinstance(error, (httpx.NetworkError, httpx.RemoteProtocolError)) and not isinstance(error, httpx.ConnectError):
        return f"the connection broke ({error})" if str(error) else "the connection broke"
    return str(error) or type(error).__name__
