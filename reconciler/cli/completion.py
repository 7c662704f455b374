"""`sgctl completion`, and what the shell may offer after a Tab: quick, offline, and never failing."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from reconciler.model.environment import COMPLETION
from reconciler.model.errors import UsageError

_NAME = re.compile(
    rb"""^(?P<before>[ ]*+(?:-[ ]++)?(?:\{[ ]*+)?)["']?name["']?:[ ]++
    (?:"(?P<double>[^"\\]+)"|'(?P<single>[^']+)'|(?P<plain>[^\s"'#&*!|>{}\[\],][^\n,}\#]*))""",
    re.MULTILINE | re.VERBOSE,
)
"""A group's name, where a line begins with it. Reading the YAML would take seconds where this takes milliseconds."""

_is_harmless = re.compile(r"[\w .,:@%+-]+").fullmatch
"""Tells whether a name may be put on a command line as it is: shells do not quote what is offered."""


_GROUPS = re.compile(rb"""^["']?security_groups["']?:(?:[^\n]*\n)(?:(?:(?!---)[ \t#-][^\n]*)?\n)*""", re.MULTILINE)
"""The groups of a document: what follows the key as far as it is indented, a list or a comment."""

_SECONDS = 0.5
"""How long a Tab may look for names; what was found until then is offered."""

_TARGET_NAME = r"""(?:^|[{,-])[ ]*["']?%s["']?[ ]*:[ ]+(?:"([^"\\\n]+)"|'([^'\n]+)'|([^\s"'#&*!|>{}\[\],][^\n,}\#]*))"""
"""The name of a project or a region, as a document's head or an entry of `targets` has it."""


def complete_groups(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the groups that the files name: those given on the line, else those of the configuration file."""
    return _offer(context, incomplete, names_in)


def complete_projects(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the projects that the files name, of the same files."""
    return _offer(context, incomplete, partial(targets_in, kind="project"))


def complete_regions(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the regions that the files name, of the same files."""
    return _offer(context, incomplete, partial(targets_in, kind="region"))


def _offer(context: click.Context, incomplete: str, find: Callable[[bytes], list[str]]) -> list[CompletionItem]:
    names: set[str] = set()
    with contextlib.suppress(Exception):  # half a line, half a file: whatever it is, nobody wants to read it now
        # Where the value of --group is still to come, click leaves the paths among what it could not assign.
        words = (*context.args, *context.params.get("question", ()))
        given = context.params.get("paths") or [word for word in words if Path(word).exists()]
        names.update(_names(given or _configured_paths(), find))
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete) and _is_harmless(name)]


def complete_plan_files(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the .json files that begin so; where there are none, whatever the shell itself would offer."""
    folder, slash, beginning = incomplete.rpartition("/")
    found: list[str] = []
    with contextlib.suppress(OSError, ValueError):
        within = Path(folder or slash or ".")
        files = sorted(path.name for path in within.iterdir() if path.name.endswith(".json") and path.is_file())
        found = [folder + slash + name for name in files if name.startswith(beginning) and _is_harmless(name)]
    return [CompletionItem(path) for path in found] or [CompletionItem(incomplete, type="file")]


def _configured_paths() -> Sequence[str]:
    from reconciler.config.config import load_config  # noqa: PLC0415 - only for completion

    return load_config(Path.cwd()).paths or (".",)


def _names(paths: Sequence[str], find: Callable[[bytes], list[str]]) -> Iterator[str]:
    from reconciler.loading.walk import find_files  # noqa: PLC0415 - only for completion
    from reconciler.model.files import PLAN_LIMIT, read_bounded  # noqa: PLC0415 - the same

    end = time.monotonic() + _SECONDS
    for path in find_files(paths)[0]:
        with contextlib.suppress(OSError):
            yield from find(read_bounded(path, PLAN_LIMIT))
        if time.monotonic() > end:
            return


def names_in(text: bytes) -> list[str]:
    """Find the names of groups in a file, as far as lines begin with them.

    Anything else called `name`, such as a tag, is indented deeper than the groups are, or is no group of ours.
    """
    return [name for groups in _GROUPS.findall(text + b"\n") for name in _names_of(groups)]


def _names_of(text: bytes) -> list[str]:
    found = list(_NAME.finditer(text))
    columns = [len(match["before"].replace(b"{", b"")) for match in found]
    least = min(columns, default=0)
    values = [
        next(filter(None, match.groups()[1:])).strip()
        for match, column in zip(found, columns, strict=True)
        if column == least
    ]
    return [value.decode("utf-8", "replace") for value in values]


def targets_in(text: bytes, kind: str) -> list[str]:
    """Find the names of projects or of regions in a file, as far as lines have them."""
    found = re.finditer((_TARGET_NAME % kind).encode(), text, re.MULTILINE)
    return [next(filter(None, match.groups())).strip().decode("utf-8", "replace") for match in found]


SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options, groups and plan files in a shell.

    Names of groups come from the files; nothing is asked of the API.

    \b
      source <(sgctl completion bash)                                   in ~/.bashrc
      source <(sgctl completion zsh)                                    in ~/.zshrc, after compinit
      sgctl completion fish > ~/.config/fish/completions/sgctl.fish
    """
    completion = get_completion_class(shell)
    if completion is None:
        raise UsageError(f"this version of click knows no completion for {shell}", hint="pip install --upgrade click")
    click.echo(completion(context.find_root().command, {}, "sgctl", COMPLETION).source())
