"""What a person hands to the emulator: files as JSON or YAML, and rules that are taken as they are."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from .records import EmulatorError, Rule

RULE_TYPES: Mapping[str, tuple[type, ...]] = {
    "id": (str,),
    "security_group_id": (str,),
    "direction": (str,),
    "ethertype": (str, type(None)),
    "protocol": (str, type(None)),
    "port_range_min": (int, type(None)),
    "port_range_max": (int, type(None)),
    "remote_ip_prefix": (str, type(None)),
    "remote_group_id": (str, type(None)),
    "remote_group": (str,),
    "description": (str, type(None)),
    "created_at": (str,),
    "updated_at": (str,),
    "revision_number": (int,),
}


def load(path: str | Path) -> Any:
    """Return the content of a JSON (`*.json`) or YAML file. Raises EmulatorError, naming file, line and column."""
    try:
        text = _read_file(Path(path)).decode("utf-8")
    except OSError as problem:
        raise EmulatorError(f"{path}: cannot be read: {problem.strerror or problem}") from None
    except UnicodeDecodeError as problem:
        raise EmulatorError(f"{path}: not UTF-8 at byte {problem.start}") from None
    content = _json(text, path) if Path(path).suffix == ".json" else _yaml(text, path)
    _check_values(content, path)
    return content


LARGEST = 256 * 2**20
"""Bytes of such a file, at most."""


def _read_file(path: Path) -> bytes:
    """Read a file, or a pipe, up to a bound. Raises OSError for a larger one and for a device, which has no end."""
    if path.exists() and not (path.is_file() or path.is_fifo()):
        raise OSError(errno.EINVAL, "it is no regular file")
    size = path.stat().st_size
    with path.open("rb") as file:
        data = file.read(LARGEST + 1) if size <= LARGEST else b""
    if max(size, len(data)) > LARGEST:
        raise OSError(errno.EFBIG, f"it is larger than {LARGEST >> 20} MiB")
    return data


MOST_VALUES = 12_000_000
"""Values of such a file, at most, with those that stand behind aliases of YAML: a short text can stand for billions."""


def _check_values(content: Any, path: str | Path) -> None:
    """Refuse, with EmulatorError, what neither a database nor an answer can hold, and more values than any file has."""
    waiting, number = [content], 1
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
                raise EmulatorError(f"{path}: {value[:40]!r} is no text: it has half of a surrogate pair")
        elif isinstance(value, int | float):
            if not -(2**63) <= value < 2**63:
                raise EmulatorError(f"{path}: a number is too large, or none")
        elif isinstance(value, Mapping | list | tuple | set):
            number += len(value)
            if number > MOST_VALUES:
                raise EmulatorError(f"{path}: more than {MOST_VALUES:,} values, with what its aliases stand for")
            waiting += value
            if isinstance(value, Mapping):
                waiting += value.values()


def check_raw_rule(entry: Any, place: str) -> None:
    """Refuse, with EmulatorError, unknown keys, wrong types and a missing direction."""
    if not isinstance(entry, Mapping):
        raise EmulatorError(f"{place}: must be an object")
    for name, value in entry.items():
        if name not in RULE_TYPES:
            raise EmulatorError(f"{place}.{name}: unknown key; known are {', '.join(sorted(RULE_TYPES))}")
        if not isinstance(value, RULE_TYPES[name]) or isinstance(value, bool):
            raise EmulatorError(f"{place}.{name}: {value!r} is of the wrong type")
    if "direction" not in entry:
        raise EmulatorError(f"{place}.direction: missing")


def raw_rule(
    entry: Mapping[str, Any], place: str, group_id: str, ids: Mapping[str, str], new_id: Callable[[], str], now: str
) -> Rule:
    """Return a live rule exactly as written, with what was left out filled in.

    `ids` are the groups' ids by name, for `remote_group`. Raises EmulatorError.
    """
    check_raw_rule(entry, place)
    remote = entry.get("remote_group_id")
    if "remote_group" in entry:
        remote = ids.get(entry["remote_group"])
        if remote is None:
            raise EmulatorError(f"{place}.remote_group: no group {entry['remote_group']!r} in that project and region")
    return Rule(
        id=entry.get("id") or new_id(),
        security_group_id=group_id,
        direction=entry["direction"],
        ethertype=entry.get("ethertype", "IPv4"),
        protocol=entry.get("protocol"),
        port_range_min=entry.get("port_range_min"),
        port_range_max=entry.get("port_range_max"),
        remote_ip_prefix=entry.get("remote_ip_prefix"),
        remote_group_id=remote,
        description=entry.get("description", ""),
        created_at=entry.get("created_at", now),
        updated_at=entry.get("updated_at", now),
        revision_number=entry.get("revision_number", 0),
    )


def _json(text: str, path: str | Path) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        raise EmulatorError(f"{path}:{problem.lineno}:{problem.colno}: not JSON: {problem.msg}") from None
    except RecursionError:
        raise EmulatorError(f"{path}: nested too deeply") from None
    except ValueError:
        raise EmulatorError(f"{path}: a number has too many digits") from None


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
    except ValueError as problem:  # a number of too many digits, a day that no calendar has
        raise EmulatorError(f"{path}: a value cannot be read: {problem}") from None
    except (AttributeError, LookupError):  # what PyYAML makes of a tag that does not fit its text, as `!!timestamp x`
        raise EmulatorError(f"{path}: a value cannot be read: a tag such as `!!int` does not fit it") from None
    except RecursionError:
        raise EmulatorError(f"{path}: nested too deeply") from None
