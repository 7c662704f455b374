"""Where each key of a TOML text stands: `tomllib` gives values without positions.

A statement of TOML ends where the lines read so far are TOML by themselves, and no sooner. So statements are cut off
one after the other and read by `tomllib` alone; nothing here knows the grammar.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

KeyPath = tuple[str, ...]
Position = tuple[int, int]
"""Line and column, as editors count: from 1."""


def key_positions(text: str) -> dict[KeyPath, Position]:
    """Find where every key and every table of a valid TOML text is written; the first place of each."""
    positions: dict[KeyPath, Position] = {}
    table: KeyPath = ()
    for first, lines, parsed in _statements(text):
        is_header = lines[0].lstrip().startswith("[")
        paths = list(_paths(parsed))
        if is_header:
            table = paths[-1]
        for path in paths:
            position = _position(first, lines, path[-1])
            positions.setdefault(path if is_header else (*table, *path), position)
    return positions


def _statements(text: str) -> Iterator[tuple[int, list[str], Mapping[str, Any]]]:
    """Cut a text into statements: the number of the first line, the lines, and what they say."""
    from tomllib import TOMLDecodeError, loads  # noqa: PLC0415 - some 10 ms, needed only where there is such a file

    lines: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        lines.append(line)
        try:
            parsed = loads("\n".join(lines))
        except TOMLDecodeError:
            continue
        if parsed:
            yield number - len(lines) + 1, lines, parsed
        lines = []


def _paths(value: Any, above: KeyPath = ()) -> Iterator[KeyPath]:
    """List the paths of all keys, outer ones first."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*above, key)
            yield from _paths(inner, (*above, key))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, above)


def _position(first: int, lines: list[str], key: str) -> Position:
    """Find a key in the lines of its statement; where it is spelled with escapes, the statement's beginning."""
    written = re.compile(rf"""(?<![\w-])["']?{re.escape(key)}["']?\s*[=.\]]""")
    for offset, line in enumerate(lines):
        if match := written.search(line):
            return first + offset, match.start() + 1
    return first, len(lines[0]) - len(lines[0].lstrip()) + 1
