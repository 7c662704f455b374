"""No pattern of ours takes longer than its text is long: names, lines and answers of strangers are matched by them."""

import ast
import re
import re._constants as codes  # type: ignore[import-not-found]  # typeshed does not know the parser
import re._parser as parser  # type: ignore[import-not-found]  # the same
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler.cli.completion import names_in
from reconciler.loading.walk import Walk
from reconciler.model.text import without_commands
from reconciler.planning.orphans import are_alike

PACKAGE = Path(reconciler.__file__).parent
SEPARATED = {
    "reconciler.importing.terraform._ADDRESS": "names have dots between them, and hold none",
    "reconciler.loading.bulk.pieces._GROUPS": "a line ends with the only newline that it holds",
    "reconciler.cli.completion._GROUPS": "the same of lines",
    "reconciler.render.condense._EXCEPTIONS": "prefixes hold no comma, and are ours",
}
"""Repetitions within repetitions, with what leaves one way to read a text."""
SIZE = 100_000
"""Characters with which quadratic work takes minutes."""


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """List the patterns that modules hold, and those that are written where they are used."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem == "__main__":
            continue
        name = ".".join(("reconciler", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        for variable, value in vars(import_module(name)).items():
            owner = value if isinstance(value, re.Pattern) else getattr(value, "__self__", None)
            if isinstance(owner, re.Pattern):
                yield f"{name}.{variable}", owner
        source = path.read_text("utf-8")
        for node in ast.walk(ast.parse(source)) if "re." in source else ():
            if isinstance(node, ast.Call) and is_of_re(node.func) and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield f"{name}:{node.lineno}", re.compile(first.value)


def is_of_re(function: ast.expr) -> bool:
    """Tell whether it is a function of `re`; what that compiles, a module holds."""
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and (function.value.id, function.attr == "compile") == ("re", False)
    )


def nested(parsed: Any) -> int:
    """Count how deep repetitions without an end stand in each other; what gives nothing back is no repetition."""
    deepest = 0
    for code, value in parsed:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            depth = nested(value[2]) + (value[1] == codes.MAXREPEAT)
        elif code is codes.SUBPATTERN:
            depth = nested(value[3])
        elif code is codes.BRANCH:
            depth = max(map(nested, value[1]))
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            depth = nested(value[1])
        else:
            depth = 0
        deepest = max(deepest, depth)
    return deepest


def test_no_repetition_stands_in_another_one() -> None:
    """`(x+)+` has more ways to read a text than anybody can try; each exception says what forbids that."""
    flags = ~re.UNICODE
    found = {name for name, each in patterns() if nested(parser.parse(each.pattern, each.flags & flags)) > 1}
    assert found == {*SEPARATED}
    assert nested(parser.parse("([-_]?(v?[0-9]+|old))+$")) > 1


USES = {
    "a name with a version": lambda: are_alike("a" + "1" * SIZE + "x", "b"),
    "a name of versions": lambda: are_alike("v1-old." * (SIZE // 7), "b" * SIZE),
    "lines of nothing": lambda: without_commands("\n" * SIZE + "::"),
    "blanks of a completion": lambda: names_in(b" " * SIZE + b"x"),
    "braces of a completion": lambda: names_in((b" " * 300 + b"{" + b" " * 300) * (SIZE // 600)),
    "stars of a glob": lambda: Walk(exclude=("*a" * 50 + "*b",)).matcher()("a" * SIZE),  # type: ignore[misc]  # there is one
    "folders of a glob": lambda: Walk(exclude=("**/" * 50 + "b",)).matcher()("a/" * SIZE),  # type: ignore[misc]  # the same
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_work_grows_as_the_text_does(use: Any) -> None:
    use()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cache", "cache-v2"),
        ("web.old", "web"),
        ("db_1", "db-2"),
        ("a-v1-old", "a"),
        ("x1", "x"),
        ("App2", "app-copy3"),
    ],
)
def test_a_version_at_the_end_is_none_of_a_name(one: str, other: str) -> None:
    assert are_alike(one, other)
    assert not are_alike("v1", "1x")
