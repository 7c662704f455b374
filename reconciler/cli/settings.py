"""What the environment says, under the names of the official SDK. An empty variable counts as unset."""

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.api.address import DEFAULT_BASE_URL
from reconciler.errors import UsageError
from reconciler.loader.target import Defaults


def base_url(environment: Mapping[str, str] = os.environ) -> str:
    """Read `GCORE_BASE_URL`."""
    return environment.get("GCORE_BASE_URL") or DEFAULT_BASE_URL


def api_key(environment: Mapping[str, str] = os.environ) -> str:
    """Read `GCORE_API_KEY`, or the file that `GCORE_API_KEY_FILE` names.

    Raises `UsageError` when there is none, or when it could not be sent; the text never holds the key.
    """
    key, source = environment.get("GCORE_API_KEY") or "", "GCORE_API_KEY"
    if not key and (path := environment.get("GCORE_API_KEY_FILE")):
        source = f"the file {path} (GCORE_API_KEY_FILE)"
        try:
            key = Path(path).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not ASCII text"
            raise UsageError(f"cannot read the API key from {source}: {reason}") from None
    if not key:
        raise UsageError(
            "no API key: set GCORE_API_KEY, or GCORE_API_KEY_FILE to the name of a file that holds it",
            hint="To try sgctl without an account, run `sgctl demo`.",
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise UsageError(f"{source} does not hold an API key: it has blanks or characters that no key has")
    return key


def defaults(project_id: int | None, region_id: int | None, environment: Mapping[str, str] = os.environ) -> Defaults:
    """Combine flags and environment. Raises `UsageError` for an id that is not a number."""
    return Defaults(
        project_id,
        region_id,
        _number(environment, "GCORE_CLOUD_PROJECT_ID"),
        _number(environment, "GCORE_CLOUD_REGION_ID"),
    )


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name) or ""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 19):
        raise UsageError(f"{name} is not a number: {text!r}")
    return int(text)
