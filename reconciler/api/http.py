"""Requests to the Gcore API.

After a failure one question matters: may the request have acted? A read never acts, so it is tried again. A write is
tried again only where it certainly was not carried out (no connection, 429, or something that another task has
locked). Everything else that is not the promised answer (a timeout, a dropped connection, 5xx, a 200 without JSON)
raises `OutcomeUnknown`; the caller reads.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import httpx

from reconciler.api.address import check_base_url
from reconciler.api.client import JSON, json_content, open_client
from reconciler.api.connect_problems import CannotConnect
from reconciler.api.error_answer import Cleaner, is_locked, read_details, refusal_of, sentence
from reconciler.api.retry import MAX_TRYING, Locks, Outage, OutageOfThread, Outages, Pause, Waits, retry_after
from reconciler.api.transport import AnswerTooLarge
from reconciler.model.clock import Clock
from reconciler.model.cloud import DEFAULT_TIMEOUT
from reconciler.model.environment import BASE_URL
from reconciler.model.errors import (
    NO_DETAILS,
    ApiError,
    ApiRefused,
    ApiUnreachable,
    ErrorDetails,
    OutcomeUnknown,
)

LEAST_TIME = 1.0
"""Seconds that a read must have left to be sent."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it went, for `-v` and the journal; `status` is None where no answer came.

    `problem` says why no answer came, `details` what an error answer says; both are fit to print.
    """

    method: str
    path: str
    status: int | None
    seconds: float
    request_id: str | None
    problem: str | None = None
    details: ErrorDetails = NO_DETAILS


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
    details: ErrorDetails


class Http:
    """One connection pool to one API, safe to share between threads. Close it, or use it with `with`.

    `timeout` is the seconds that one request may take in all, from connecting to the last byte of its answer;
    `locks` says how long a write waits for what another task has locked.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        clock: Clock,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        connections: int = 16,
        transport: httpx.BaseTransport | None = None,
        observe: Callable[[Exchange], None] = lambda _: None,
        locks: Locks | None = None,
    ) -> None:
        self.base_url = check_base_url(base_url)
        self.clean = Cleaner(api_key)
        self.locks = locks or Locks(clock)
        self._clock = clock
        self._observe = observe
        self._pause = Pause(clock)
        self._timeout = timeout
        whole, own = Outage(clock, timeout), OutageOfThread(clock, timeout)
        self._reads = Outages(whole, own, Outage(clock, timeout))
        self._writes = Outages(whole, own, Outage(clock, timeout))
        self._hint = f"Is {self.base_url} the right address ({BASE_URL}), and the network up? Run `sgctl doctor`."
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

        An API that fails at all that it is asked has a minute, over all requests: nothing is sent after that. Raises
        `ApiRefused` for a 4xx, `ApiUnreachable` when the tries or the time for them ran out, `ApiError` for an answer
        that is too large.
        """
        waits = Waits(self._clock, self._hint, self._reads)
        while True:
            try:
                response = self._exchange(waits, "GET", path, params=params)
            except CannotConnect as error:
                raise self._not_sent(path, error) from None
            except AnswerTooLarge as error:
                raise ApiError(f"GET {path}: {error}", hint="Check GCORE_BASE_URL: this may not be the API.") from None
            except httpx.HTTPError as error:
                waits.after(self.clean(reason(error)), path)
                continue
            status = response.status_code
            if status == httpx.codes.TOO_MANY_REQUESTS:
                self._pause.ask(waits.allowed(self._retry_after(response), "429 Too Many Requests", path))
            elif _is_failure(status):
                waits.after(self._sentence("", response), path, self._retry_after(response))
            elif status >= httpx.codes.MULTIPLE_CHOICES:
                raise self._refusal("GET", path, response)
            elif (body := json_object(response.content)) is None:
                waits.after("an answer that is not the promised JSON", path)
            else:
                return body

    def write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        again_after_lock: bool = True,
        is_made: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """Send a change once; again only after 429, and with `again_after_lock` when a lock of another task has ended.

        Before it is sent again `is_made` looks whether what it is to make is there: a group would be made twice. Then
        it counts as refused. Nothing is sent to an API that has failed at all that it was asked for half a minute.
        Raises `ApiRefused` when nothing was done, also by the last of many 429s, `ApiUnreachable` when it was not sent,
        `OutcomeUnknown` when nobody knows.
        """
        waits = Waits(self._clock, self._hint, self._writes)
        while True:
            try:
                response = self._exchange(waits, method, path, json_body=body)
            except CannotConnect as error:
                raise self._not_sent(path, error) from None
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                waits.after(self.clean(reason(error)), path)
                continue
            except httpx.HTTPError as error:
                raise OutcomeUnknown(f"{method} {path}: {self.clean(reason(error))}") from None
            if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                self._pause_write(waits, path, response)
            else:
                try:
                    return self._answer(method, path, response)
                except ApiRefused as refused:
                    if not (again_after_lock and is_locked(refused)):
                        raise
                    if not self.locks.wait(path, self._retry_after(response)):
                        raise
            if is_made():
                raise self._refusal(method, path, response)

    def _pause_write(self, waits: Waits, path: str, response: Response) -> None:
        """Keep the pause that a 429 asks for. Raises `ApiRefused` after the last of many."""
        try:
            self._pause.ask(waits.allowed(self._retry_after(response), "429 Too Many Requests", path))
        except ApiUnreachable as error:
            hint = refusal_of(response.status_code, response.details).value
            raise ApiRefused(error.message, response.status_code, hint, details=response.details) from None

    def _answer(self, method: str, path: str, response: Response) -> Answer:
        """Read what a write was answered. Raises `ApiRefused` or `OutcomeUnknown`."""
        status = response.status_code
        if _is_failure(status):
            raise self._unknown(method, path, response)
        if status >= httpx.codes.MULTIPLE_CHOICES:
            raise self._refusal(method, path, response)
        body = None if status == httpx.codes.NO_CONTENT else json_object(response.content)
        if body is None and status != httpx.codes.NO_CONTENT:
            raise self._unknown(method, path, response, "but not the promised JSON")
        return Answer(status, body, response.details.request_id)

    def _exchange(
        self,
        waits: Waits,
        method: str,
        path: str,
        params: Params | None = None,
        json_body: Mapping[str, Any] | None = None,
    ) -> Response:
        self._pause.obey()
        waits.begin()
        outages = self._reads if method == "GET" else self._writes
        seconds = self._time_for(method, path)
        started = self._clock.monotonic()
        given: dict[str, Any] = {} if json_body is None else {"content": json_content(json_body), "headers": JSON}
        try:
            with self._client.stream(method, path, params=params, timeout=seconds, **given) as answer:
                content = b"".join(answer.iter_bytes())
            details = read_answer_details(answer.status_code, answer.headers, content, self.clean)
            response = Response(answer.status_code, self.clean(answer.reason_phrase), answer.headers, content, details)
        except httpx.HTTPError as error:
            outages.note(started)
            seconds = self._clock.monotonic() - started
            self._observe(Exchange(method, path, None, seconds, None, self.clean(reason(error))))
            raise
        if _is_well(response):
            outages.end()
        else:
            outages.note(started, self._retry_after(response))
        seconds = self._clock.monotonic() - started
        self._observe(Exchange(method, path, response.status_code, seconds, details.request_id, details=details))
        return response

    def _retry_after(self, response: Response) -> float | None:
        return retry_after(response.headers.get("Retry-After", ""), self._clock)

    def _sentence(self, asked: str, response: Response) -> str:
        return sentence(asked, response.status_code, response.reason_phrase, response.details)

    def _refusal(self, method: str, path: str, response: Response) -> ApiRefused:
        hint = refusal_of(response.status_code, response.details).value
        text = self._sentence(f"{method} {path}", response)
        return ApiRefused(text, response.status_code, hint, details=response.details)

    def _unknown(self, method: str, path: str, response: Response, what: str = "") -> OutcomeUnknown:
        text = (
            f"{method} {path}: {response.status_code} {what}" if what else self._sentence(f"{method} {path}", response)
        )
        return OutcomeUnknown(text, status=response.status_code, details=response.details)

    def _time_for(self, method: str, path: str) -> float:
        """Return the seconds that a request has. Raises `ApiUnreachable` where the API has failed for too long."""
        silence, longest = self._reads.whole.silence, self._reads.whole.longest
        if silence > (longest - LEAST_TIME if method == "GET" else MAX_TRYING):
            text = f"{method} {path}: not sent, for the API has failed at all that it was asked for {silence:.0f} s"
            raise ApiUnreachable(text, self._hint)
        return min(self._timeout, longest - silence)

    def _not_sent(self, path: str, error: CannotConnect) -> ApiUnreachable:
        return ApiUnreachable(f"{path}: {self.clean(str(error))}", hint=error.hint)


def read_answer_details(status: int, headers: Mapping[str, str], content: bytes, cleaner: Cleaner) -> ErrorDetails:
    """Read what an answer says beside its content: all of an error answer, of another one the id of the request."""
    request_id = headers.get("X-Request-Id")
    if status >= httpx.codes.MULTIPLE_CHOICES:
        return read_details(content, request_id, cleaner)
    return ErrorDetails(request_id=cleaner.text(request_id)) if request_id else NO_DETAILS


def _is_failure(status: int) -> bool:
    """Tell whether the server failed, so that a write may have acted and a read may go well the next time.

    501 is none: the server does not know such a request (RFC 9110, 15.6.2).
    """
    if status == httpx.codes.NOT_IMPLEMENTED:
        return False
    return status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT


def _is_well(response: Response) -> bool:
    """Tell whether the server does its work: it refuses, or answers as promised, as far as the first byte tells."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS or _is_failure(status):
        return False
    return status >= httpx.codes.MULTIPLE_CHOICES or not response.content or response.content.lstrip()[:1] == b"{"


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
