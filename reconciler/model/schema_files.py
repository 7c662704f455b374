"""Finds the published JSON Schemas: inside the package once it is installed, beside it in a checkout."""

import json
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parents[1]


@cache
def read_schema(name: str) -> dict[str, Any]:
    """Read a schema by its name, such as `security-groups`."""
    file_name = f"{name}.schema.json"
    for folder in (_PACKAGE / "_schemas", _PACKAGE.parent / "schemas"):
        # By path: `importlib.resources` takes longer to import than a schema takes to read and compile.
        if (folder / file_name).is_file():
            schema: dict[str, Any] = json.loads((folder / file_name).read_text(encoding="utf-8"))
            return schema
    raise FileNotFoundError(file_name)
