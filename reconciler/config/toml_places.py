"""Where each key of a TOML text stands: `tomllib` gives values without positions.

A valid text is cut into statements, at the line breaks that are in no string and no bracket, and each is read by
`tomllib` alone. One walk over the text does it, however long an array is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

KeyPath = tuple[str, ...]
Position = tuple[int, int]
"""Line and column, as editors count: from 1."""

MAX_LEVELS = 8
"""Keys of a path that are told apart. Ours has four, `tool.sgctl.policies.NAME`, and what is in a policy."""

_TOKEN = re.compile(
    r'''
      """(?:[^"\\]++|\\.|"(?!""))*+"""(?:"{0,2})
    | \'\'\'(?:[^']++|'(?!''))*+\'\'\'(?:'{0,2})
    | (?P<word> "(?:[^"\\\n]++|\\.)*+" | '[^'\n]*+' | [\w-]++ ) (?P<is_key> (?=[ \t]*+[=.\]]) )?
    | (?P<comment> \#[^\n]*+ )
    | (?P<opens> [\[{] ) | (?P<closes> [\]}] )
    | (?P<line> \n )
    ''',
    re.VERBOSE | re.DOTALL,
)


class _Statement(NamedTuple):
    """A statement: its text, where it begins, and where each word in it that may be a key is first written."""

    text: str
    begins: Position
    keys: Mapping[str, Position]


def key_positions(text: str) -> dict[KeyPath, Position]:
    """Find where every key and every table of a valid TOML text is written; the first place of each.

    Of paths with more than `MAX_LEVELS` keys only the beginning is there.
    """
    from tomllib import loads  # noqa: PLC0415 - some 10 ms, needed only where there is such a file

    positions: dict[KeyPath, Position] = {}
    table: KeyPath = ()
    for statement in _statements(text.replace("\r\n", "\n")):
        is_header = statement.text.lstrip().startswith("[")
        paths = list(_paths(loads(statement.text)))
        if is_header:
            table = paths[-1]
        for path in paths:
            position = statement.keys.get(path[-1], statement.begins)
            positions.setdefault(path if is_header else (*table, *path), position)
    return positions


def _statements(text: str) -> Iterator[_Statement]:
    """Cut a valid text into statements."""
    line, line_start, start, depth = 1, 0, 0, 0
    begins: Position | None = None
    keys: dict[str, Position] = {}
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "line" and not depth:
            if begins is not None:
                yield _Statement(text[start : token.end()], begins, keys)
            start, begins, keys = token.end(), None, {}
        elif kind not in {"comment", "line"}:
            position = line, token.start() - line_start + 1
            begins = begins or position
            if kind == "is_key":
                word = token["word"]
                keys.setdefault(word[1:-1] if word[0] in "\"'" else word, position)
            depth += (kind == "opens") - (kind == "closes")
        if breaks := token[0].count("\n"):
            line += breaks
            line_start = token.start() + token[0].rindex("\n") + 1
    if begins is not None:
        yield _Statement(text[start:], begins, keys)


def _paths(value: Any, above: KeyPath = ()) -> Iterator[KeyPath]:
    """List the paths of all keys, outer ones first."""
    if len(above) == MAX_LEVELS:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*above, key)
            yield from _paths(inner, (*above, key))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, above)
