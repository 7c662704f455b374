"""What is wrong with the structure of a fragment: found by jsonschema, worded for users."""

from typing import Any

from reconciler.loader.problem import Problem


def explain(kind: str, value: Any) -> list[Problem]:
    return [Problem((), f"this {kind} is malformed")]
