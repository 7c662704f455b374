"""Answers as the API writes them."""

from __future__ import annotations

from starlette.responses import Response

from .encoding import encoded
from .records import ApiError

JSON = "application/json"


def json_reply(value: object, status: int = 200) -> Response:
    """Return a value as JSON."""
    return Response(encoded(value), status, media_type=JSON)


def raw_reply(body: bytes) -> Response:
    """JSON that is text already."""
    return Response(body, media_type=JSON)


def error_reply(problem: ApiError) -> Response:
    """Return an error, in the two fields that the cloud's errors have."""
    return json_reply({"exception_class": problem.kind, "message": problem.message}, problem.status)
