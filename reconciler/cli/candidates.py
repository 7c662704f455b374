"""What the shell may offer after a Tab: names of groups and saved plans. Quick, offline, and never failing."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_NAME = re.compile(
    rb"""^(?P<before>[ ]*(?:-[ ]+)?\{?[ ]*)["']?name["']?:[ ]+
    (?:"(?P<double>[^"\\]+)"|'(?P<single>[^']+)'|(?P<plain>[^\s"'#&*!|>{}\[\],][^\n,}\#]*))""",
    re.MULTILINE | re.VERBOSE,
)
"""A group's name, where a line begins with it. Reading the YAML would take seconds where this takes milliseconds."""


def complete_groups(context: click.Context, _: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer the groups that the files name: those given on the line, else those of the configuration file."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only for completion

    names: set[str] = set()
    with contextlib.suppress(Exception):  # half a line, half a file: whatever it is, nobody wants to read it now
        # Where the value of --group is still to come, click leaves the paths among what it could not assign.
        words = (*context.args, *context.params.get("question", ()))
        given = context.params.get("paths") or [word for word in words if Path(word).exists()]
        names.update(_names(given or _configured_paths()))
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


def complete_plan_files(_context: click.Context, _: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Offer the .json files that begin so; where there are none, whatever the shell itself would offer."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only for completion

    folder, slash, beginning = incomplete.rpartition("/")
    found: list[str] = []
    with contextlib.suppress(OSError, ValueError):
        within = Path(folder or slash or ".")
        files = sorted(path.name for path in within.iterdir() if path.name.endswith(".json") and path.is_file())
        found = [folder + slash + name for name in files if name.startswith(beginning)]
    return [CompletionItem(path) for path in found] or [CompletionItem(incomplete, type="file")]


def _configured_paths() -> Sequence[str]:
    from reconciler.config.config import load_config  # noqa: PLC0415 - only for completion

    return load_config(Path.cwd()).paths or (".",)


def _names(paths: Sequence[str]) -> Iterator[str]:
    from reconciler.document import find_files  # noqa: PLC0415 - only for completion

    for path in find_files(paths)[0]:
        with contextlib.suppress(OSError):
            yield from names_in(Path(path).read_bytes())


def names_in(text: bytes) -> list[str]:
    """Find the names of groups in a file, as far as lines begin with them.

    Anything else called `name`, such as a tag, is indented deeper than the groups are.
    """
    found = list(_NAME.finditer(text))
    columns = [len(match["before"].replace(b"{", b"")) for match in found]
    least = min(columns, default=0)
    values = [
        next(filter(None, match.groups()[1:])).strip()
        for match, column in zip(found, columns, strict=True)
        if column == least
    ]
    return [value.decode("utf-8", "replace") for value in values]
