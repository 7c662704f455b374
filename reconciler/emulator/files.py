"""Reading the files that a person hands to the emulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from .records import EmulatorError


def load(path: str | Path) -> Any:
    """Return the content of a JSON (`*.json`) or YAML file. Raises EmulatorError, naming file, line and column."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as problem:
        raise EmulatorError(f"{path}: cannot be read: {problem.strerror or problem}") from None
    except UnicodeDecodeError as problem:
        raise EmulatorError(f"{path}: not UTF-8 at byte {problem.start}") from None
    if Path(path).suffix == ".json":
        return _json(text, path)
    return _yaml(text, path)


def _json(text: str, path: str | Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        raise EmulatorError(f"{path}:{problem.lineno}:{problem.colno}: not JSON: {problem.msg}") from None
    except RecursionError:
        raise EmulatorError(f"{path}: nested too deeply") from None


def _yaml(text: str, path: str | Path) -> Any:
    try:
        # Both loaders are the safe kind; the one in C is not in every build of PyYAML.
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - the safe kind
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise EmulatorError(f"{place}: not YAML: {problem.problem}") from None
    except yaml.YAMLError as problem:
        raise EmulatorError(f"{path}: not YAML: {problem}") from None
    except RecursionError:
        raise EmulatorError(f"{path}: nested too deeply") from None
