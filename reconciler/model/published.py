"""Finds the files that are published with the package: inside of it once it is installed, beside it in a checkout."""

import json
from functools import cache
from pathlib import Path
from typing import Any

SCHEMAS_URL = "https://sgctl.example.com/schemas/"
"""Where the JSON Schemas can be read, for the `$id` in what `sgctl schema` prints. A release sets it."""

SCHEMAS = ("security-groups", "plan", "outcome", "drift", "emulator-seed", "emulator-faults")

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = {
    "schemas": (_PACKAGE / "_schemas", _PACKAGE.parent / "schemas"),
    "ci": (_PACKAGE / "_ci", _PACKAGE.parent / "examples" / "ci"),
    "starter": (_PACKAGE / "starter",),
}


def published(folder: str, name: str) -> str:
    """Read a published file as text: a JSON Schema, a file for a CI, or the beginning of a repository."""
    for place in _FOLDERS[folder]:
        # By path: `importlib.resources` takes longer to import than a schema takes to read and compile.
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8")
    raise ImportError(f"{name} is not in {_PACKAGE}, where it was installed")


def schema_file(name: str) -> str:
    """Return the file name of a schema, such as `security-groups`."""
    return f"{name}.schema.json"


@cache
def read_schema(name: str) -> dict[str, Any]:
    """Read a schema by its name, such as `security-groups`."""
    schema: dict[str, Any] = json.loads(published("schemas", schema_file(name)))
    return schema


def schema_text(name: str) -> str:
    """Return a schema as it is published: under the address where it can be read."""
    schema = read_schema(name)
    return json.dumps({**schema, "$id": SCHEMAS_URL + schema["$id"]}, indent=2, ensure_ascii=False) + "\n"
