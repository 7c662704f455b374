"""Error answers: what the API says of a request that failed, what that means, and what to do about it.

The published form is JSON with `exception_class`, `message`, `request_id`, and sometimes `info` (numbers of a quota)
and `invalid_fields`. What comes from proxies and gateways in between has other keys or is no JSON. Of all of it only
text goes on that is fit to print, short, and without the API key.
"""

import json
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from reconciler.model.errors import ApiRefused, ErrorDetails, TaskFailed
from reconciler.model.secret import Secret
from reconciler.model.text import printable

_LARGEST = 2**17
"""Bytes of an error answer that is read; a larger one is none of the API's."""
_LONGEST = 300
_LONGEST_NAME = 100
_MOST_FIELDS = 10
_DEEPEST = 6
_MESSAGES = ("message", "detail", "error", "errors")
_NAMES = ("field", "loc", "path", "name")
_REASONS = ("message", "msg", "error", "reason", "detail")


class Refusal(Enum):
    """What a refusal is about; the value is what to do about it.

    Told by the class and the words of the answer first: the API uses one status for many things.
    """

    DOLLAR_IN_KEY = (
        "The API key was not accepted: check GCORE_API_KEY (or the file in GCORE_API_KEY_FILE). If the key has a `$`, "
        "a shell may have expanded it: export it in single quotes, as in export GCORE_API_KEY='...$...'."
    )
    KEY = "The API key was not accepted: check GCORE_API_KEY (or the file in GCORE_API_KEY_FILE)."
    LOCKED = (
        "Another task works on it and did not end in the time allowed: run the command again later, or allow more time "
        "with --lock-timeout."
    )
    QUOTA = (
        "A quota is used up (the answer says which; `sgctl doctor` shows how many groups a region holds and may hold): "
        "delete what is not needed, or ask Gcore's support for a higher one."
    )
    PORT_25 = (
        "Gcore keeps egress to port 25 closed for this account, and so egress to every port: name the ports, use "
        "`preset: default-egress`, or ask its support to open it."
    )
    DUPLICATE_RULE = "An equal rule is live already; a different description does not make it another. Plan again."
    IN_USE = (
        "It is in use: detach it from instances and load balancers first, and remove rules of other groups that refer "
        "to it. `sgctl plan --show-instances` tells how many instances there are."
    )
    NAME_TAKEN = "The name is taken. Plan again to see by what; `id:` in the file says which of two groups is meant."
    FORBIDDEN = (
        "The key is valid but may not do this: check its role in this project first (`sgctl doctor` shows what it may "
        "read). With the right role, the cloud refuses it by policy or for lack of capacity: ask Gcore's support, with "
        "the id of the request."
    )
    NOT_FOUND = "It does not exist (any more): check the project, the region and the id."
    NOT_OFFERED = "The API does not offer this operation here (any more)."
    WITHDRAWN = "The API has withdrawn this operation."
    CONFLICT = "It conflicts with what is live: an equal rule, a full group, or a group in use. Plan again to see."
    TOO_MANY = "The API takes no more requests for now: run the command again later, with a lower --parallelism."
    INVALID = "The API does not take this request as it is: the answer says which field."
    PROXY = "A proxy wants a user name and a password: write them into HTTPS_PROXY, as in http://USER:PASSWORD@proxy.example.com:3128"
    OTHER = None


_BY_STATUS = {
    400: Refusal.INVALID,
    401: Refusal.KEY,
    403: Refusal.FORBIDDEN,
    404: Refusal.NOT_FOUND,
    405: Refusal.NOT_OFFERED,
    407: Refusal.PROXY,
    409: Refusal.CONFLICT,
    410: Refusal.WITHDRAWN,
    422: Refusal.INVALID,
    429: Refusal.TOO_MANY,
    501: Refusal.NOT_OFFERED,
}
_BY_WORDS = {
    Refusal.DOLLAR_IN_KEY: re.compile(r"bad permanent token"),
    Refusal.LOCKED: re.compile(r"locked by another task"),
    Refusal.QUOTA: re.compile(r"quota"),
    Refusal.PORT_25: re.compile(r"\bport 25\b"),
    Refusal.DUPLICATE_RULE: re.compile(r"securitygroupruleexists|duplicatesecuritygrouprule|rule\b.* already exists"),
    Refusal.IN_USE: re.compile(r"\w+inuse\b|\bin use\b"),
    Refusal.NAME_TAKEN: re.compile(r"already ?exists|name\b.* (is )?taken|duplicate name"),
}
"""Looked for in `exception_class` and `message`, in small letters. The texts of Neutron are known, of the API's own
only some, so the patterns are loose: all that hangs on them is a hint, but for LOCKED, whose text was seen."""

_CONFLICTS = frozenset({Refusal.DUPLICATE_RULE, Refusal.IN_USE, Refusal.NAME_TAKEN, Refusal.LOCKED})
"""What may be read out of words only where the status allows it: 409, or a task's error, which has none."""


def refusal_of(status: int | None, details: ErrorDetails) -> Refusal:
    """Tell what a refusal is about; `status` is None for the error of a task."""
    words = f"{details.exception_class or ''} {details.message or ''}".lower()
    for refusal, pattern in _BY_WORDS.items():
        if pattern.search(words) and (status in {409, None} or refusal not in _CONFLICTS):
            return refusal
    return _BY_STATUS.get(status or 0, Refusal.OTHER)


def is_locked(error: ApiRefused | TaskFailed) -> bool:
    """Tell whether a write failed because another task works on the same thing."""
    return refusal_of(error.status if isinstance(error, ApiRefused) else None, error.details) is Refusal.LOCKED


def read_details(content: bytes, request_id: str | None, cleaner: "Cleaner") -> ErrorDetails:
    """Read the body of an error answer; `request_id` is that of the header, for bodies without one. Takes anything."""
    try:
        body = json.loads(content) if len(content) <= _LARGEST else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        body = {"message": body} if isinstance(body, str | list) else {}
    said = next((body[key] for key in _MESSAGES if body.get(key)), None)
    in_body = body.get("request_id")
    return ErrorDetails(
        exception_class=cleaner.text(body.get("exception_class"), _LONGEST_NAME),
        message=cleaner.text(said if isinstance(said, str) else "; ".join(_lines(_fields(said, cleaner))), _LONGEST),
        request_id=cleaner.text(in_body if isinstance(in_body, str) and in_body else request_id, _LONGEST_NAME),
        info=_fields(body.get("info"), cleaner),
        invalid_fields=_lines(_fields(body.get("invalid_fields"), cleaner)),
    )


def sentence(asked: str, status: int, reason: str, details: ErrorDetails) -> str:
    """Word an error answer on one line: what was asked, the status, and all that the API said."""
    message = details.message or reason
    about = ": ".join(part for part in (details.exception_class, message) if part)
    text = f"{asked}: {status}" if asked else str(status)
    text += f": {about}" if about else ""
    if details.invalid_fields:
        text += f"; not valid: {', '.join(details.invalid_fields)}"
    if details.info:
        text += f"; {', '.join(_lines(details.info))}"
    return text + (f" (request {details.request_id})" if details.request_id else "")


class Cleaner:
    """Makes foreign text fit to print: on one line, bounded, without the API key in any form that a server gives it."""

    def __init__(self, api_key: str | None) -> None:
        self._hide = Secret(api_key).hide

    def __call__(self, text: str, longest: int = _LONGEST) -> str:
        """Clean a text."""
        text = printable(re.sub(r"\s+", " ", self._hide(text)).strip()[: longest + 1])
        return text if len(text) <= longest else text[:longest] + "…"

    def text(self, value: Any, longest: int = _LONGEST) -> str | None:
        """Clean what should be a text; None for an empty one, and for anything else."""
        return (self(value, longest) or None) if isinstance(value, str) else None


def _fields(value: Any, cleaner: Cleaner) -> tuple[tuple[str, str], ...]:
    """Flatten what is said about fields, whatever its form: names with what is said of each, the first ten."""
    found = []
    for name, text in _flat(value, "", 0):
        found.append((cleaner(name, _LONGEST_NAME), cleaner(text, _LONGEST_NAME)))
        if len(found) == _MOST_FIELDS:
            break
    return tuple(found)


def _flat(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if value is None or depth > _DEEPEST:
        return
    if isinstance(value, dict):
        inner, reason = (next((key for key in keys if key in value), None) for keys in (_NAMES, _REASONS))
        if inner is not None and reason is not None and inner != reason:
            yield from _flat(value[reason], _joined(name, _dotted(value[inner])), depth + 1)
            return
        for key, each in value.items():
            yield from _flat(each, _joined(name, str(key)), depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _flat(each, name, depth + 1)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)


def _joined(outer: str, inner: str) -> str:
    return f"{outer}.{inner}" if outer and inner else outer or inner


def _dotted(value: Any) -> str:
    return ".".join(map(str, value)) if isinstance(value, list) else str(value)


def _lines(fields: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(": ".join(part for part in field if part) for field in fields)
