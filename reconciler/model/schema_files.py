"""Finds the published JSON Schemas: inside the package once it is installed, beside it in a checkout."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def read_schema(name: str) -> dict[str, Any]:
    """Read a schema by its name, such as `security-groups`."""
    package = files("reconciler")
    file_name = f"{name}.schema.json"
    for folder in (package / "_schemas", package / ".." / "schemas"):
        if (folder / file_name).is_file():
            schema: dict[str, Any] = json.loads((folder / file_name).read_text(encoding="utf-8"))
            return schema
    raise FileNotFoundError(file_name)
