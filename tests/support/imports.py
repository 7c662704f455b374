"""Every import of the package, with its place. Reads the source; imports nothing of it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reconciler"


class Import(NamedTuple):
    """`name` is dotted and absolute, and for `from a import b` it is `a.b`."""

    file: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.name}"


def imports() -> list[Import]:
    """List every import of every module, also those inside functions."""
    return [each for file in sorted(PACKAGE.rglob("*.py")) for each in imports_of(file, ROOT)]


@cache
def imports_of(file: Path, root: Path) -> tuple[Import, ...]:
    """List the imports of a file, which is named from `root`."""
    return tuple(found_in(file, root))


def found_in(file: Path, root: Path) -> Iterator[Import]:
    """Read the file for `imports_of`, which keeps what was found."""
    name = file.relative_to(root).as_posix()
    folder = file.relative_to(root).parts[:-1]
    for node in statements(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            package = folder[: len(folder) + 1 - node.level] if node.level else ()
            module = ".".join((*package, *filter(None, [node.module])))
            for alias in node.names:
                yield Import(name, node.lineno, f"{module}.{alias.name}")


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """List a node and every statement in it, at any depth. Expressions, nine nodes of ten, hold no import."""
    yield node
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        for inner in getattr(node, field, ()):
            yield from statements(inner)
