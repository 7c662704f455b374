"""Errors as the API words them: every part is a field of the exception and in its message; and no key gets out."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steady import HastyClock

from reconciler.api.error_answer import Cleaner, Refusal, read_details, refusal_of
from reconciler.api.http import Exchange, Http
from reconciler.model.errors import ApiRefused, ApiUnreachable, ErrorDetails, OutcomeUnknown

KEY = "12$ab/c+d=s3cret"
PATH = "/cloud/v1/securitygroups/1/7"


def connect(answer: httpx.Response, exchanges: list[Exchange] | None = None) -> Http:
    kept = [] if exchanges is None else exchanges
    transport = httpx.MockTransport(lambda _: answer)
    return Http("https://api.example.com", KEY, HastyClock(), transport=transport, observe=kept.append)


def refused(answer: httpx.Response, method: str = "PATCH") -> ApiRefused:
    with connect(answer) as http, pytest.raises(ApiRefused) as raised:
        http.write(method, PATH, {}) if method != "GET" else http.read(PATH)
    return raised.value


def answer(status: int, **body: Any) -> httpx.Response:
    return httpx.Response(status, json=body)


def test_every_part_of_an_error_is_a_field_and_in_the_message() -> None:
    error = refused(
        answer(
            400,
            exception_class="ValidationError",
            message="Request is not valid",
            request_id="req-1",
            invalid_fields={"security_group": {"name": ["too short", "wrong start"]}},
        )
    )
    assert error.details == ErrorDetails(
        "ValidationError",
        "Request is not valid",
        "req-1",
        (),
        ("security_group.name: too short", "security_group.name: wrong start"),
    )
    assert error.request_id == "req-1"
    assert error.message == (
        f"PATCH {PATH}: 400: ValidationError: Request is not valid; not valid: security_group.name: too short, "
        "security_group.name: wrong start (request req-1)"
    )
    assert error.details.to_json() == {
        "exception_class": "ValidationError",
        "message": "Request is not valid",
        "request_id": "req-1",
        "invalid_fields": ["security_group.name: too short", "security_group.name: wrong start"],
    }


INVALID_FIELDS = {
    "names": (["name", "tags"], ("name", "tags")),
    "objects": ([{"field": "name", "message": "too short"}], ("name: too short",)),
    "places": ([{"loc": ["body", "rules", 3], "msg": "gone"}], ("body.rules.3: gone",)),
    "text": ("name", ("name",)),
    "numbers": ({"rules": {"0": {"port": 70000}}}, ("rules.0.port: 70000",)),
    "null": (None, ()),
    "many": ([str(number) for number in range(99)], tuple(str(number) for number in range(10))),
}


@pytest.mark.parametrize(("value", "lines"), INVALID_FIELDS.values(), ids=INVALID_FIELDS)
def test_invalid_fields_are_read_in_whatever_form(value: Any, lines: tuple[str, ...]) -> None:
    assert refused(answer(400, message="no", invalid_fields=value)).details.invalid_fields == lines


def test_a_quota_is_told_with_its_numbers() -> None:
    error = refused(
        answer(403, exception_class="QuotaLimitExceed", message="Quota exceeded", info={"firewall_count": 20})
    )
    assert error.details.info == (("firewall_count", "20"),)
    assert error.details.to_json()["info"] == {"firewall_count": "20"}
    assert "firewall_count: 20" in error.message
    assert error.hint == Refusal.QUOTA.value


LOCKED = "Resource `8f` is already locked by another task. Please try again later."
HINTS: dict[str, tuple[int | None, str, str, Refusal]] = {
    "dollar": (401, "", "Bad permanent token", Refusal.DOLLAR_IN_KEY),
    "key": (401, "", "Unauthorized", Refusal.KEY),
    "quota": (409, "OverQuota", "Quota exceeded for resources: ['security_group_rule'].", Refusal.QUOTA),
    "quota with another status": (400, "QuotaLimitExceed", "", Refusal.QUOTA),
    "forbidden": (403, "ForbiddenError", "Not enough capacity", Refusal.FORBIDDEN),
    "locked": (409, "", LOCKED, Refusal.LOCKED),
    "a locked task": (None, "", LOCKED, Refusal.LOCKED),
    "the words of a lock with another status": (400, "", LOCKED, Refusal.INVALID),
    "duplicate rule": (409, "SecurityGroupRuleExists", "Security group rule already exists.", Refusal.DUPLICATE_RULE),
    "duplicate within": (409, "DuplicateSecurityGroupRuleInPost", "", Refusal.DUPLICATE_RULE),
    "in use": (409, "SecurityGroupInUse", "Security Group 5df1 in use.", Refusal.IN_USE),
    "name taken": (409, "", "Security group with name web already exists", Refusal.NAME_TAKEN),
    "another conflict": (409, "", "because", Refusal.CONFLICT),
    "port 25": (400, "", "Opening egress port 25 for TCP or UDP traffic is prohibited", Refusal.PORT_25),
    "port 250": (400, "", "port 250 is not free", Refusal.INVALID),
    "not found": (404, "NotFound", "security group in use elsewhere", Refusal.NOT_FOUND),
    "proxy": (407, "", "", Refusal.PROXY),
    "teapot": (418, "", "", Refusal.OTHER),
}


@pytest.mark.parametrize(("status", "kind", "message", "refusal"), HINTS.values(), ids=HINTS)
def test_the_hint_follows_class_and_words_before_the_status(
    status: int | None, kind: str, message: str, refusal: Refusal
) -> None:
    assert refusal_of(status, ErrorDetails(kind, message)) is refusal


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_server_error_says_what_the_api_said(method: str) -> None:
    reply = answer(500, exception_class="InternalError", message="database is away", request_id="r-9")
    exchanges: list[Exchange] = []
    with (
        connect(reply, exchanges) as http,
        pytest.raises(OutcomeUnknown if method == "PATCH" else ApiUnreachable) as raised,
    ):
        http.write(method, PATH, {}) if method == "PATCH" else http.read(PATH)
    assert "500: InternalError: database is away (request r-9)" in raised.value.message
    assert exchanges[0].details == ErrorDetails("InternalError", "database is away", "r-9")
    if method == "PATCH":
        assert (raised.value.status, raised.value.request_id) == (500, "r-9")


def test_the_id_of_the_header_counts_where_the_body_has_none() -> None:
    reply = httpx.Response(400, json={"message": "no"}, headers={"X-Request-Id": "head"})
    assert refused(reply).request_id == "head"
    reply = httpx.Response(400, json={"message": "no", "request_id": "body"}, headers={"X-Request-Id": "head"})
    assert refused(reply).request_id == "body"


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(each):04x}" for each in text)


FORMS = {
    "as it is": KEY,
    "in a URL": quote(KEY, safe=""),
    "in a URL, small letters": quote(KEY, safe="").lower(),
    "in a URL twice": quote(quote(KEY, safe=""), safe=""),
    "escaped": escaped(KEY),
    "escaped in capitals": escaped(KEY).replace("\\u002f", "\\u002F"),
    "escaped twice": escaped(KEY).replace("\\", "\\\\"),
    "escaped in part": KEY[:5] + escaped(KEY[5:9]) + quote(KEY[9:], safe=""),
    "in HTML": "".join(f"&#{ord(each)};" for each in KEY),
}


BODIES_WITH_KEY: dict[str, dict[str, Any]] = {
    "message": {"message": "no {}"},
    "class": {"exception_class": "{}"},
    "request_id": {"request_id": "{}"},
    "info": {"info": {"{}": "{}"}},
    "invalid_fields": {"invalid_fields": [{"field": "{}", "message": "{}"}]},
    "detail": {"detail": {"x": ["{}"]}},
    "cut off": {"message": "x" * 280 + "{}"},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("body", BODIES_WITH_KEY.values(), ids=BODIES_WITH_KEY)
def test_no_form_of_the_key_gets_out(form: str, body: dict[str, Any]) -> None:
    content = json.loads(json.dumps(body).replace("{}", json.dumps(form)[1:-1]))
    exchanges: list[Exchange] = []
    reply = httpx.Response(400, json=content, headers={"X-Request-Id": "x"})
    with connect(reply, exchanges) as http, pytest.raises(ApiRefused) as raised:
        http.read(PATH)
    for text in (str(raised.value), repr(raised.value.details), repr(exchanges)):
        for part in (form, KEY, form[: len(form) * 2 // 3]):
            assert part not in text
    assert "***" in repr(raised.value.details)


def test_the_key_is_not_in_what_is_said_of_reason_and_header() -> None:
    reply = httpx.Response(503, headers={"X-Request-Id": KEY}, extensions={"reason_phrase": f"go {KEY}".encode()})
    exchanges: list[Exchange] = []
    with connect(reply, exchanges) as http, pytest.raises(ApiUnreachable) as raised:
        http.read(PATH)
    assert KEY not in raised.value.message + repr(exchanges)


BODIES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(KEY),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["message", "exception_class", "request_id", "info", "invalid_fields", "field", "loc", "msg", "x"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(BODIES | st.binary(max_size=40), st.none() | st.text(max_size=5))
def test_whatever_the_answer_is_its_details_are_short_and_fit_to_print(body: Any, header: str | None) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    details = read_details(content, header, Cleaner(KEY))
    text = json.dumps(details.to_json(), ensure_ascii=False)
    assert text.isprintable()
    assert len(text) < 6000
    assert KEY not in text


def test_a_long_text_full_of_what_begins_like_a_key_is_cleaned_at_once() -> None:
    """The time grows with the length alone."""
    cleaner = Cleaner(KEY)
    for part in ("\\", "%25", "&#0", "1", KEY[:-1]):
        assert len(cleaner(part * 20_000)) <= 301
