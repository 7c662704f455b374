"""The keys of a configuration file: what each has to be, and what holds without it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.model import environment
from reconciler.model.clock import parse_duration
from reconciler.model.cloud import (
    DEFAULT_BASE_URL,
    DEFAULT_LOCK_TIMEOUT,
    DEFAULT_PARALLELISM,
    DEFAULT_TIMEOUT,
    LARGEST_NUMBER,
    MAX_NAME,
)
from reconciler.model.policies import Limits

POLICIES = "policies"
"""The table that is handed on as it is: `policy` knows what may be in it."""


@dataclass(frozen=True, slots=True)
class Key:
    """One setting. `expected` completes "has to be ...", `variable` is its environment variable.

    One that is not `in_files` decides where the API key is sent: not for whoever can open a pull request.
    """

    expected: str
    is_valid: Callable[[Any], bool]
    default: Any = None
    variable: str | None = None
    in_files: bool = True


def _whole_number(least: int, most: int = LARGEST_NUMBER) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _is_paths(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(path, str) and _may_hold(path) for path in value)


_LONGEST_GLOBS = 2000
"""Characters of all globs of `exclude` together: the work for each path grows with them."""


def _is_globs(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(glob, str) and glob.strip("./ ") for glob in value)
        and sum(map(len, value)) <= _LONGEST_GLOBS
    )


def _may_hold(path: str) -> bool:
    """A path that may hold desired state; `apply` would take a .json file for a saved plan."""
    return bool(path) and "\0" not in path and not path.endswith(".json")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME


def _is_seconds(value: Any) -> bool:
    return type(value) in {int, float} and 0.1 <= value <= 86_400


def _is_duration(value: Any) -> bool:
    return isinstance(value, str) and parse_duration(value) is not None


_PERCENT = "a whole number of percent, from 0 to 100"
_COUNT = "a whole number, 0 or more, of 18 digits at most"
_ID = "a whole number, 1 or more, of 18 digits at most"
_LIMITS = Limits()

KEYS = {
    "paths": Key("a list of YAML files and folders", _is_paths, ["."]),
    "exclude": Key(f'a list of globs such as `"charts/**"`, of {_LONGEST_GLOBS} characters at most', _is_globs, []),
    "project_id": Key(_ID, _whole_number(1), None, environment.PROJECT_ID),
    "region_id": Key(_ID, _whole_number(1), None, environment.REGION_ID),
    "project": Key("the name of a project", _is_name, None, environment.PROJECT),
    "region": Key("the name of a region", _is_name, None, environment.REGION),
    "base_url": Key("an address", lambda _: False, DEFAULT_BASE_URL, environment.BASE_URL, in_files=False),
    "api_version": Key('`"v1"` or `"v2"`', lambda value: value in ("v1", "v2"), "v1"),
    "two_phase": Key("`true` or `false`", lambda value: isinstance(value, bool), default=False),
    "show_instances": Key("`true` or `false`", lambda value: isinstance(value, bool), default=False),
    "parallelism": Key("a whole number from 1 to 64", _whole_number(1, 64), DEFAULT_PARALLELISM),
    "timeout": Key("a number of seconds, 0.1 or more", _is_seconds, DEFAULT_TIMEOUT),
    "lock_timeout": Key(
        'a duration such as `"5m"`, `"90s"` or `"0s"`', _is_duration, f"{DEFAULT_LOCK_TIMEOUT / 60:.0f}m"
    ),
    "max_age": Key('a duration such as `"24h"`, `"90m"` or `"7d"`', _is_duration, "24h"),
    "limits.max_deleted_rules": Key(_PERCENT, _whole_number(0, 100), _LIMITS.max_deleted_rules),
    "limits.min_deleted_rules": Key(_COUNT, _whole_number(0), _LIMITS.min_deleted_rules),
    "limits.max_deleted_groups": Key(_PERCENT, _whole_number(0, 100), _LIMITS.max_deleted_groups),
    "limits.min_deleted_groups": Key(_COUNT, _whole_number(0), _LIMITS.min_deleted_groups),
    "limits.max_rewritten_rules": Key(_PERCENT, _whole_number(0, 100), _LIMITS.max_rewritten_rules),
    "limits.max_closed_rules": Key(_PERCENT, _whole_number(0, 100), _LIMITS.max_closed_rules),
    "limits.min_rewritten_rules": Key(_COUNT, _whole_number(0), _LIMITS.min_rewritten_rules),
    "limits.max_rewritten_groups": Key(_PERCENT, _whole_number(0, 100), _LIMITS.max_rewritten_groups),
    "limits.min_rewritten_groups": Key(_COUNT, _whole_number(0), _LIMITS.min_rewritten_groups),
}
"""By name, with a dot where the key is in a table."""
