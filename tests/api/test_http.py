"""Reads are tried again, writes never unless they certainly did nothing, and no wait is longer than allowed."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest
from steady import SteadyClock, StoppedClock

from reconciler.api.http import Exchange, Http
from reconciler.api.retry import (
    FIRST_BACKOFF,
    FORGOTTEN,
    MAX_ASKED,
    MAX_TRIES,
    MAX_TRYING,
    MAX_WAIT,
    Outage,
    read_date,
    retry_after,
)
from reconciler.model.clock import SystemClock
from reconciler.model.cloud import DEFAULT_TIMEOUT
from reconciler.model.errors import ApiError, ApiRefused, ApiUnreachable, OutcomeUnknown

KEY = "s3cret-key"
START = SteadyClock().now()
PATH = "/cloud/v1/securitygroups/1/7"


Step = httpx.Response | Exception


class Script:
    """A server that gives one answer after the other, and the last one for ever."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps
        self.requests: list[httpx.Request] = []
        self.exchanges: list[Exchange] = []
        self.clock = SteadyClock()

    def connect(self) -> Http:
        transport = httpx.MockTransport(self._answer)
        return Http("https://api.example", KEY, self.clock, transport=transport, observe=self.exchanges.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        step = self.steps[min(len(self.requests), len(self.steps) - 1)]
        self.requests.append(request)
        if isinstance(step, Exception):
            raise step
        return step


def ask(http: Http, method: str) -> None:
    if method == "GET":
        http.read(PATH)
    else:
        http.write(method, PATH, {"name": "web"})


def ok() -> httpx.Response:
    return httpx.Response(200, json={"count": 0, "results": []})


@pytest.mark.parametrize(
    "text", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "1 Jan 2020 0:0:0 +" + "9" * 14, "x", ""]
)
def test_a_date_that_cannot_be_is_none(text: str) -> None:
    """`email.utils` raises what it likes for numbers that no clock has."""
    assert read_date(text) is None
    assert retry_after(text, SystemClock()) is None


def too_many(retry_after: str | None = None) -> httpx.Response:
    return httpx.Response(429, headers={"Retry-After": retry_after} if retry_after is not None else {})


PASSING: dict[str, Callable[[], Step]] = {
    "timeout": lambda: httpx.ReadTimeout(""),
    "connection refused": lambda: httpx.ConnectError("refused"),
    "reset": lambda: httpx.ReadError(""),
    "cut": lambda: httpx.RemoteProtocolError("incomplete"),
    "500": lambda: httpx.Response(500),
    "503": lambda: httpx.Response(503, headers={"Retry-After": "1"}),
    "html": lambda: httpx.Response(200, html="<html></html>"),
    "truncated": lambda: httpx.Response(200, content=b'{"count": '),
    "a list": lambda: httpx.Response(200, json=[]),
    "429": too_many,
}


@pytest.mark.parametrize("step", PASSING.values(), ids=PASSING)
def test_a_read_is_tried_again_after_what_may_pass(step: Callable[[], Step]) -> None:
    script = Script(step(), step(), ok())
    with script.connect() as http:
        assert http.read(PATH) == {"count": 0, "results": []}
    assert len(script.requests) == 3
    assert len(script.clock.waits) == 2


@pytest.mark.parametrize("step", PASSING.values(), ids=PASSING)
def test_a_read_gives_up_within_bounds(step: Callable[[], Step]) -> None:
    script = Script(step())
    with script.connect() as http, pytest.raises(ApiUnreachable, match="gave up after"):
        http.read(PATH)
    assert len(script.requests) <= MAX_ASKED
    assert sum(script.clock.waits) <= MAX_WAIT


@pytest.mark.parametrize("seconds", [0.1, 1, 9, DEFAULT_TIMEOUT, 45])
def test_a_server_that_answers_late_is_given_up_within_a_minute_or_two_tries(seconds: float) -> None:
    clock, tries = SteadyClock(), []

    def late(request: httpx.Request) -> httpx.Response:
        tries.append(request)
        clock.sleep(seconds)
        return httpx.Response(500)

    transport = httpx.MockTransport(late)
    with Http("https://api.example", KEY, clock, transport=transport) as http, pytest.raises(ApiUnreachable):
        http.read(PATH)
    assert clock.slept < max(60, 2 * seconds + 1)
    assert len(tries) == (MAX_TRIES if seconds < 7 else max(2, 1 + int(MAX_TRYING // seconds)))


def test_waits_double_where_the_api_names_none() -> None:
    script = Script(httpx.Response(500))
    with script.connect() as http, pytest.raises(ApiUnreachable):
        http.read(PATH)
    assert script.clock.waits == [FIRST_BACKOFF * 2**number for number in range(MAX_TRIES - 1)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        (format_datetime(START + timedelta(seconds=9), usegmt=True), 9),
        (format_datetime(START - timedelta(seconds=9), usegmt=True), None),
        ("soon", FIRST_BACKOFF),
        ("-3", FIRST_BACKOFF),
    ],
    ids=["seconds", "blanks", "date", "date in the past", "nonsense", "negative"],
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_429_waits_as_long_as_the_api_asks_and_is_sent_again(method: str, header: str, seconds: float | None) -> None:
    script = Script(too_many(header), ok())
    with script.connect() as http:
        ask(http, method)
    assert script.clock.waits == ([] if seconds is None else [seconds])
    assert [request.method for request in script.requests] == [method] * 2


@pytest.mark.parametrize("header", ["61", "999999999", format_datetime(START + timedelta(hours=1), usegmt=True)])
@pytest.mark.parametrize(("method", "error"), [("GET", ApiUnreachable), ("PATCH", ApiRefused)], ids=["GET", "PATCH"])
def test_a_wait_too_long_is_refused_with_a_sentence_and_nothing_further_is_sent(
    method: str, error: type[ApiError], header: str
) -> None:
    """A write that is always answered so may have acted in part: its group is read back, as after any refusal."""
    script = Script(too_many(header))
    with script.connect() as http, pytest.raises(error, match=r"asks to wait \d+ s, and 60 s are allowed"):
        ask(http, method)
    assert (len(script.requests), script.clock.waits) == (1, [])


def test_a_pause_that_one_request_is_told_holds_for_the_next_as_well() -> None:
    script = Script(too_many("5"), ok())
    with script.connect() as http:
        http.read(PATH)
        http.read(PATH)
    assert script.clock.waits == [5]


@pytest.mark.parametrize("step", ["timeout", "reset", "cut", "500", "503", "html", "truncated", "a list"])
def test_a_write_of_unknown_outcome_is_sent_once(step: str) -> None:
    script = Script(PASSING[step](), ok())
    with script.connect() as http, pytest.raises(OutcomeUnknown, match=f"^PATCH {PATH}: "):
        http.write("PATCH", PATH, {"name": "web"})
    assert (len(script.requests), script.clock.waits) == (1, [])


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ConnectTimeout(""), httpx.PoolTimeout("")], ids=repr
)
def test_a_write_that_never_left_is_tried_again(error: Exception) -> None:
    script = Script(error, error, ok())
    with script.connect() as http:
        assert http.write("PATCH", PATH, {"name": "web"}).status == 200
    assert len(script.requests) == 3


@pytest.mark.parametrize("text", ["ümlaut", "\x00", "\u2028", "half \ud800", "\udfff\ud800"], ids=ascii)
def test_a_body_says_what_it_is_to_say_whatever_a_live_text_holds(text: str) -> None:
    script = Script(ok())
    with script.connect() as http:
        http.write("PATCH", PATH, {"name": text, "tags": {text: None}})
    (request,) = script.requests
    assert json.loads(request.content) == {"name": text, "tags": {text: None}}
    assert request.headers["Content-Type"] == "application/json"


ADVICE = {
    400: "the answer says which field",
    401: "GCORE_API_KEY",
    403: "role",
    404: "check the project",
    405: "does not offer",
    409: "Plan again",
    410: "withdrawn",
    422: "the answer says which field",
    501: "does not offer",
}


@pytest.mark.parametrize("status", ADVICE)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_refusal_is_explained_with_what_to_do_and_not_repeated(method: str, status: int) -> None:
    script = Script(httpx.Response(status, json={"message": "because"}, headers={"X-Request-Id": "r-1"}))
    with script.connect() as http, pytest.raises(ApiRefused) as raised:
        ask(http, method)
    assert raised.value.message == f"{method} {PATH}: {status}: because (request r-1)"
    assert ADVICE[status] in (raised.value.hint or "")
    assert (raised.value.status, raised.value.request_id) == (status, "r-1")
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"message": f"no such key: {KEY}"}),
        httpx.Response(422, content=KEY.encode()),
        httpx.Response(400, json={"errors": {"header": f"apikey {KEY}"}}),
    ],
    ids=["message", "text", "object"],
)
def test_an_answer_that_repeats_the_key_does_not_bring_it_into_a_message(answer: httpx.Response) -> None:
    script = Script(answer)
    with script.connect() as http, pytest.raises(ApiRefused) as raised:
        http.read(PATH)
    assert KEY not in str(raised.value) + repr(raised.value)
    assert KEY not in repr(script.exchanges)


def test_a_foreign_text_is_bounded_and_on_one_line() -> None:
    script = Script(httpx.Response(409, json={"message": "a\x1b[31m\nb" + "c" * 1000}))
    with script.connect() as http, pytest.raises(ApiRefused) as raised:
        http.read(PATH)
    assert "\n" not in raised.value.message
    assert "\x1b" not in raised.value.message
    assert len(raised.value.message) < 400


def test_a_wish_to_stop_ends_the_waiting_and_nothing_further_is_sent() -> None:
    script = Script(too_many("5"), ok())
    script.clock = StoppedClock()
    with script.connect() as http, pytest.raises(ApiError, match="stopped"):
        http.write("PATCH", PATH, {})
    assert len(script.requests) == 1


def test_no_content_is_a_good_answer_to_a_delete() -> None:
    script = Script(httpx.Response(204))
    with script.connect() as http:
        assert http.write("DELETE", f"{PATH}/x", None).body is None


class Failing:
    """A server that fails in one way at all it is asked, each time after so many seconds, until it is `well`."""

    def __init__(self, step: Step, seconds: float) -> None:
        self.clock = SteadyClock()
        self.asked: list[str] = []
        self.well = False
        self._step, self._seconds = step, seconds

    def connect(self) -> Http:
        return Http("https://api.example", KEY, self.clock, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        if self.well:
            return ok()
        self.clock.sleep(min(self._seconds, request.extensions["timeout"]["read"]))
        if isinstance(self._step, Exception):
            raise self._step
        return self._step


FAILURES: dict[str, tuple[Step, float]] = {
    "no answer": (httpx.ReadTimeout(""), DEFAULT_TIMEOUT),
    "no connection": (httpx.ConnectTimeout(""), 10),
    "dropped": (httpx.ReadError(""), 0.0),
    "dropped late": (httpx.ReadError(""), 24),
    "503": (httpx.Response(503), 0.0),
    "504": (httpx.Response(504), 20),
    "a page": (httpx.Response(200, text="<html>"), 5),
    "wait 59 s": (httpx.Response(429, headers={"Retry-After": "59"}), 0.0),
    "wait 20 s": (httpx.Response(429, headers={"Retry-After": "20"}), 0.0),
    "503, wait 40 s": (httpx.Response(503, headers={"Retry-After": "40"}), 0.0),
}


@pytest.mark.parametrize("first", ["GET", "PATCH"])
@pytest.mark.parametrize(("step", "seconds"), FAILURES.values(), ids=FAILURES)
def test_an_api_that_fails_at_all_it_is_asked_has_a_minute_over_all_requests(
    step: Step, seconds: float, first: str
) -> None:
    """However many requests there are, it is asked no more; a good answer brings all tries back."""
    server = Failing(step, seconds)
    with server.connect() as http:
        for number in range(40):
            with pytest.raises(ApiError):
                ask(http, "GET" if number else first)
        assert server.clock.slept <= 61
        server.clock.sleep(FORGOTTEN + MAX_WAIT)
        server.well = True
        ask(http, "GET")
        server.well, before = False, len(server.asked)
        with pytest.raises(ApiUnreachable):
            ask(http, "GET")
        assert len(server.asked) - before >= (1 if "wait 40" in repr(step) else 2)


@pytest.mark.parametrize(("step", "seconds"), FAILURES.values(), ids=FAILURES)
def test_no_write_is_sent_to_an_api_that_has_failed_for_half_a_minute(step: Step, seconds: float) -> None:
    """But where it has said how long to wait: then the write is what is asked next."""
    server = Failing(step, seconds)
    with server.connect() as http:
        while server.clock.slept <= MAX_TRYING:
            with pytest.raises(ApiError):
                ask(http, "GET")
        server.asked.clear()
        server.well = True
        if isinstance(step, httpx.Response) and "Retry-After" in step.headers:
            ask(http, "PATCH")
        else:
            with pytest.raises(ApiUnreachable, match=r"PATCH .* not sent"):
                ask(http, "PATCH")
            assert server.asked == []
            ask(http, "GET")
            ask(http, "PATCH")


def test_an_outage_is_no_longer_than_since_the_last_good_answer() -> None:
    """A try that fails may have begun before another thread got that."""
    clock = SteadyClock()
    outage, began = Outage(clock, DEFAULT_TIMEOUT), clock.monotonic()
    clock.time += 20
    outage.end()
    clock.time += 5
    outage.note(began)
    assert outage.seconds == 5


@pytest.mark.parametrize("wait", [5, 30, 59])
@pytest.mark.parametrize("asked", ["GET", "PATCH"])
def test_one_kind_of_request_that_is_always_asked_to_wait_has_a_minute_in_all(asked: str, wait: int) -> None:
    """Reads that are answered do not give writes another minute, nor writes reads."""
    server = Failing(httpx.Response(429, headers={"Retry-After": str(wait)}), 0.0)
    other = "PATCH" if asked == "GET" else "GET"
    with server.connect() as http:
        for _ in range(10):
            server.well = True
            ask(http, other)
            server.well = False
            with pytest.raises(ApiError, match="the API asks to wait"):
                ask(http, asked)
    assert server.clock.slept <= 60


def test_what_one_group_needs_is_given_up_within_a_minute_though_others_are_answered() -> None:
    """A write and the read after it, in one thread; another thread is answered between the two."""
    server = Failing(httpx.ReadTimeout(""), DEFAULT_TIMEOUT)
    with server.connect() as http:
        with pytest.raises(OutcomeUnknown):
            ask(http, "PATCH")
        server.well = True
        other = threading.Thread(target=ask, args=(http, "GET"))
        other.start()
        other.join()
        server.well = False
        with pytest.raises(ApiUnreachable, match="gave up after 1 try"):
            ask(http, "GET")
    assert server.clock.slept <= 60


def test_an_api_that_left_a_write_unanswered_has_one_try_to_answer_a_read() -> None:
    """The write and the read after it end within a minute; another request has what is left of that."""
    server = Failing(httpx.ReadTimeout(""), DEFAULT_TIMEOUT)
    with server.connect() as http:
        with pytest.raises(OutcomeUnknown):
            ask(http, "PATCH")
        with pytest.raises(ApiUnreachable, match="gave up after 1 try"):
            ask(http, "GET")
        assert server.clock.waits[-2:] == [DEFAULT_TIMEOUT] * 2
        with pytest.raises(ApiUnreachable, match="gave up after 1 try"):
            ask(http, "GET")
        assert server.clock.slept == 60
        assert server.asked == ["PATCH", "GET", "GET"]
