"""The manual page in troff (groff_man(7)), from what click knows of the commands. Pure.

Our own hundred lines rather than a library: the one that there is writes a page a command and knows nothing of our exit
codes.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from inspect import cleandoc

from reconciler.model.environment import MEANINGS
from reconciler.model.errors import ExitCode

_FILES = (
    ("sgctl.toml", "Settings, in the current folder or one above it; see the command config."),
    ("pyproject.toml", "The same, in the table [tool.sgctl]."),
)


@dataclass(frozen=True, slots=True)
class CommandHelp:
    """What click knows of a command: its usage line, its docstring, and (option, meaning) pairs."""

    usage: str
    text: str
    options: tuple[tuple[str, str], ...]


def render_man(root: CommandHelp, commands: Iterable[CommandHelp], version: str) -> str:
    """Write the page. It depends on nothing but its arguments, so that packages can be built twice alike."""
    lines = [
        f'.TH SGCTL 1 "" "sgctl {version}" "User Commands"',
        ".SH NAME",
        "sgctl \\- reconcile Gcore Cloud security groups with YAML files",
        ".SH SYNOPSIS",
        f".B {escape(root.usage)}",
        ".SH DESCRIPTION",
        *_paragraphs(root.text),
        ".SH OPTIONS",
        *_definitions(root.options),
        ".SH COMMANDS",
    ]
    for command in commands:
        lines += [f".SS {escape(command.usage)}", *_paragraphs(command.text), *_definitions(command.options)]
    exit_codes = [(str(code), f"{code.meaning[0].upper()}{code.meaning[1:]}.") for code in ExitCode]
    for title, pairs in (("EXIT STATUS", exit_codes), ("ENVIRONMENT", MEANINGS), ("FILES", _FILES)):
        lines += [f".SH {title}", *_definitions(pairs)]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    """Write a docstring: paragraphs are filled, and those that begin with click's \\b stay as they are."""
    for paragraph in re.split(r"\n\s*\n", cleandoc(text)):
        if paragraph.startswith("\b"):
            yield from (".PP", ".nf", *(escape(line) for line in paragraph.removeprefix("\b").strip("\n").split("\n")))
            yield ".fi"
        else:
            yield from (".PP", escape(" ".join(paragraph.split())))


def _definitions(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in pairs:
        yield from (".TP", f".B {escape(term)}", escape(" ".join(meaning.split())))


def escape(text: str) -> str:
    """Make a line that troff prints as it is: no escapes, no requests, and dashes that can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    escaped = escaped.replace("^", "\\(ha").replace("~", "\\(ti").replace('"', "\\(dq")
    return "\\&" + escaped if escaped.startswith(".") else escaped
