"""What a refusal means to the person who reads it."""

import json
import re

from reconciler.model.errors import ApiRefused

_ADVICE = {
    400: "The API does not take this request as it is: the answer says which field.",
    401: "The API key was not accepted: check GCORE_API_KEY (or the file in GCORE_API_KEY_FILE).",
    403: "The API key is valid but may not do this: it needs a role with access to this project.",
    404: "It does not exist (any more): check the project, the region and the id.",
    405: "The API does not offer this operation here (any more).",
    409: "It conflicts with what is live: an equal rule, a full group, or a group in use. Plan again to see.",
    410: "The API has withdrawn this operation.",
    422: "The API does not take this request as it is: the answer says which field.",
}
_LONGEST = 300


def refusal(method: str, path: str, status: int, content: bytes, request_id: str | None) -> ApiRefused:
    """Word a 3xx or 4xx answer: what was asked, what the API said, and what to do about it."""
    said = _message(content)
    text = f"{method} {path}: {status}" + (f": {said}" if said else "")
    return ApiRefused(text, status, hint=_ADVICE.get(status), request_id=request_id)


def _message(content: bytes) -> str:
    """Pull the sentence out of an error answer; bounded, on one line, without control characters."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    if isinstance(body, dict):
        body = next((body[key] for key in ("message", "detail", "error", "errors") if body.get(key)), "")
    text = body if isinstance(body, str) else json.dumps(body)
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", text).strip()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
