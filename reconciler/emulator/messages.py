"""Requests and answers: what a path, a query and a body hold, typed and checked, and answers as JSON."""

# ruff: noqa: S608 - statements are put together from fixed pieces of this file; every value is bound

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn

from starlette.requests import Request
from starlette.responses import Response

from .fields import refusal, uuid
from .records import ApiError, Group, Target, encoded
from .store import Store

MAX_LIMIT = 1000
MAX_INTEGER = 2**63 - 1  # int64, as is published; SQLite holds no more
JSON = "application/json"


def json_reply(value: object, status: int = 200) -> Response:
    """Return a value as JSON."""
    return Response(encoded(value), status, media_type=JSON)


def raw_reply(body: bytes) -> Response:
    """Return JSON that is text already."""
    return Response(body, media_type=JSON)


def error_reply(problem: ApiError, request_id: str) -> Response:
    """Return an error in the fields that the cloud's errors have."""
    body = {"exception_class": problem.kind, "message": problem.message, "request_id": request_id}
    return json_reply(body | problem.details, problem.status)


def target_of(request: Request) -> Target:
    """Return the project and region in the path. Raises ApiError (400)."""
    return Target(path_number(request, "project_id"), path_number(request, "region_id"))


def path_number(request: Request, name: str) -> int:
    """Return the number of a project, region or client in the path. Raises ApiError (400) for 0, which none has."""
    number: int = request.path_params[name]
    if not 0 < number <= MAX_INTEGER:
        raise refusal(f"path.{name}", f"{number} is not from 1 to {MAX_INTEGER}")
    return number


def group_of(request: Request) -> Group:
    """Return the group in the path. Raises ApiError: 400 for what is no UUID, 404 for a group that does not exist."""
    store: Store = request.app.state.control.store
    return store.existing(target_of(request), group_id_of(request))


def group_id_of(request: Request) -> str:
    """Return the group id in the path. Raises ApiError (400) for what is no UUID."""
    return uuid(request.path_params["group_id"], "path.group_id")


async def body_of(request: Request, parameters: Sequence[str] = ()) -> object:
    """Return the JSON of the request's body. Raises ApiError (400, 415).

    `parameters` are those that the query may have besides.
    """
    Query(request, parameters)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(415, "UnsupportedMediaType", f"Content-Type is {media_type or 'missing'}, not application/json")
    return parse(await request.body())


def parse(body: bytes) -> Any:
    """Return the JSON value of a request body. Raises ApiError (400) for all else, NaN and repeated keys included."""
    try:
        value = json.loads(body, object_pairs_hook=_unique, parse_constant=_no_constant)
        if b"\\" in body or not body.isascii():
            encoded(value)  # half of a surrogate pair can be read, but not be written again
    except (ValueError, RecursionError) as problem:
        raise ApiError(400, "BadRequest", f"The request body is not JSON: {problem}") from None
    return value


class Page(NamedTuple):
    """Which part of a list is asked for, by age: `direction` is asc or desc."""

    direction: str
    limit: int
    offset: int


class Query:
    """The query parameters of one request. Every method raises ApiError (400) for a value that does not fit."""

    def __init__(self, request: Request, known: Sequence[str]) -> None:
        self._params = request.query_params
        for name in self._params:
            if name not in known:
                raise refusal(f"query.{name}", f"unknown parameter; known are {', '.join(sorted(known)) or 'none'}")

    def text(self, name: str) -> str | None:
        """Return the value, or None."""
        return self._params.get(name)

    def texts(self, name: str) -> list[str]:
        """Every value of a parameter that may be repeated."""
        return self._params.getlist(name)

    def integers(self, name: str) -> list[int]:
        """Every value of a parameter of numbers that may be repeated."""
        return [_integer(name, value) for value in self.texts(name)]

    def limit(self, default: int) -> int:
        """How many results a page may have."""
        value = _integer("limit", self._params.get("limit", str(default)))
        if not 0 < value <= MAX_LIMIT:
            raise refusal("query.limit", f"{value} is not from 1 to {MAX_LIMIT}")
        return value

    def offset(self) -> int:
        """How many results come before the page."""
        value = _integer("offset", self._params.get("offset", "0"))
        if value < 0:
            raise refusal("query.offset", f"{value} is less than 0")
        return value

    def page(self, default_limit: int) -> Page:
        """Return the part of a list by age that is asked for; the newest come first unless told otherwise."""
        direction = self.choice("order_by", ("asc", "desc"), self.choice("sorting", ("asc", "desc"), "desc"))
        return Page(direction, self.limit(default_limit), self.offset())

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """One of the choices."""
        value = self._params.get(name, default)
        if value not in choices:
            raise refusal(f"query.{name}", f"{value!r} is not one of {', '.join(choices)}")
        return value

    def choices(self, name: str, choices: Sequence[str]) -> list[str]:
        """Any of the choices; the parameter may be repeated."""
        for value in self.texts(name):
            if value not in choices:
                raise refusal(f"query.{name}", f"{value!r} is not one of {', '.join(choices)}")
        return self.texts(name)

    def flag(self, name: str) -> bool | None:
        """Return true, false or not given."""
        value = self._params.get(name)
        if value is None:
            return None
        if value.lower() not in {"true", "false", "1", "0"}:
            raise refusal(f"query.{name}", f"{value!r} is neither true nor false")
        return value.lower() in {"true", "1"}

    def moment(self, name: str) -> float | None:
        """Return an ISO date and time as seconds since 1970; without an offset it is UTC."""
        value = self._params.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise refusal(f"query.{name}", f"{value!r} is not an ISO date and time") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def pairs(self, name: str) -> dict[str, str]:
        """Return a JSON object of text values."""
        value = self._params.get(name)
        if value is None:
            return {}
        try:
            pairs = json.loads(value)
            encoded(pairs)  # as in a body
        except (ValueError, RecursionError):
            raise refusal(f"query.{name}", f"{value!r} is not JSON") from None
        if not isinstance(pairs, dict) or not all(isinstance(content, str) for content in pairs.values()):
            raise refusal(f"query.{name}", f"{value!r} is not an object of text values")
        return pairs


def conditions(query: Query, columns: Mapping[str, Sequence[object]], moment: str) -> tuple[str, list[Any]]:
    """Return a WHERE clause and its values: any of the values of each column, and the times asked for.

    `moment` is the column that holds the time, in seconds since 1970.
    """
    where, values = ["1"], list[Any]()
    for column, wanted in columns.items():
        if wanted:
            where.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    for name, comparison in (("from_timestamp", ">="), ("to_timestamp", "<=")):
        bound = query.moment(name)
        if bound is not None:
            where.append(f"{moment} {comparison} ?")
            values.append(bound)
    return " AND ".join(where), values


def documents(store: Store, table: str, where: str, values: Sequence[object], page: Page) -> dict[str, Any]:
    """Return a page of a table's documents, with the number of all that the clause selects."""
    ((count,),) = store.rows(f"SELECT count(*) FROM {table} WHERE {where}", values)
    statement = f"SELECT document FROM {table} WHERE {where} ORDER BY sequence {page.direction} LIMIT ? OFFSET ?"
    rows = store.rows(statement, (*values, page.limit, page.offset))
    return {"count": count, "results": [json.loads(document) for (document,) in rows]}


def _integer(name: str, value: str) -> int:
    try:
        number = int(value)
    except ValueError:
        raise refusal(f"query.{name}", f"{value!r} is not an integer") from None
    if abs(number) > MAX_INTEGER:
        raise refusal(f"query.{name}", f"{value} is not an integer of 64 bits")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key is repeated in one object")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
