"""Positions of keys, found without knowing TOML's grammar."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.toml_places import key_positions

BARE = st.text("abcdefghij_-0123456789", min_size=1, max_size=6)
SCALARS = st.one_of(
    st.integers(-5, 5).map(str),
    st.sampled_from(["true", '"a = 1"', "'[x]'", '"""\nb = 2\n[c]\n"""', "[1, # c = 3\n  2]", "{}", "1979-05-27"]),
)
TABLES = st.dictionaries(BARE, SCALARS, max_size=4)


@given(
    st.dictionaries(BARE, SCALARS, max_size=4),
    st.dictionaries(BARE, TABLES, max_size=3),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_key_is_found_on_the_line_that_it_begins(
    top: dict[str, str], tables: dict[str, dict[str, str]], line_end: str
) -> None:
    lines: list[str] = []
    expected: dict[tuple[str, ...], int] = {}

    def write(path: tuple[str, ...], text: str) -> None:
        expected[path] = len(lines) + 1
        lines.extend(text.split("\n"))

    for key, value in top.items():
        write((key,), f"  {key} = {value}")
        lines.append("# comment")
    for table, content in tables.items():
        if table in top:
            continue
        write((table,), f"[ {table} ]")
        for key, value in content.items():
            write((table, key), f"{key}={value}")
    text = line_end.join(lines)
    tomllib.loads(text)
    assert {path: line for path, (line, _) in key_positions(text).items()} == expected


def test_dotted_inline_and_repeated_tables_have_places() -> None:
    text = 'a.b = 1\nc = {d = 1, "e" = 2}\n[[f]]\ng = 1\n[[f]]\ng = 2\nh = 3\n[i."j k"]\n'
    assert key_positions(text) == {
        ("a",): (1, 1),
        ("a", "b"): (1, 3),
        ("c",): (2, 1),
        ("c", "d"): (2, 6),
        ("c", "e"): (2, 13),
        ("f",): (3, 3),
        ("f", "g"): (4, 1),
        ("f", "h"): (7, 1),
        ("i",): (8, 2),
        ("i", "j k"): (8, 4),
    }


def test_a_key_spelled_with_escapes_has_the_place_of_its_statement() -> None:
    text = '\n  "\\u0061" = 1\n'
    value: dict[str, Any] = tomllib.loads(text)
    assert key_positions(text) == {(key,): (2, 3) for key in value}
