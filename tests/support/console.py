"""Runs the pages of the documentation: what their console blocks say is what `sgctl` says, in a folder of their own.

A page is a story, told from top to bottom. A block with a `title` is a file. In a `console` block a line after `$ ` is
a command, and what follows is all that it says; a line `...` stands for any lines. A command that ends in another code
than 0 tells that in a comment: `# exit code 2`. `--8<-- "file"` is the file's text, as the site has it.
`sgctl emulator` serves until the end of the page, and `sgctl watch` ends after one round.

What differs from run to run counts as the same: ids, times, the emulator's port, the folder, where journals are kept.

    .venv/bin/python tests/support/console.py    # writes anew what the commands of all pages say
"""

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from functools import partialmethod
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import click

from reconciler.cli import run
from reconciler.drift.watch import WatchLoop
from reconciler.emulator.server import EmulatorServer

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r'^( *)```(\w+)(?: title="([^"]+)")?\n(.*?)^\1```$', re.DOTALL | re.MULTILINE)
_SNIPPET = re.compile(r'^( *)--8<-- "([^"]+)"$', re.MULTILINE)
_COMMAND = re.compile(r"^\$ (.*(?:\\\n.*|<<'EOF'\n(?:.*\n)*?EOF)?)\n?", re.MULTILINE)
_CODE = re.compile(r"  # exit code (\d)$")
_SHELL = re.compile(r"[|;&<`]|\$\(|^\w+=|'EOF'")
_VARYING = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:?00)?"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d+Z-\d+"), "TIME"),
    (re.compile(r"\b[0-9a-f]{40}\b|sha256:[0-9a-f]{64}"), "DIGEST"),
    (re.compile(r"\d+ ms\b|\d+\.\d+ s\b"), "SPAN"),
    (re.compile(r"sgctl/\d+\.\d+\.\d+\S*"), "sgctl/VERSION"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "URL"),
)
Announce = Callable[[str], None]

_PORT = "http://127.0.0.1:8000"
_STATE = "~/.local/state"


class Block(NamedTuple):
    """A fenced block of a page: its language, the name of the file that it is, its text, and where its text begins."""

    language: str
    title: str | None
    text: str
    start: int
    indent: str


class Said(NamedTuple):
    """A command of a page, what the page says that it says, and what it said and ended in."""

    command: str
    shown: str
    said: str
    expected_code: int
    code: int

    @property
    def agrees(self) -> bool:
        """Whether the page tells the truth."""
        return self.expected_code == self.code and _like(self.shown, self.said)


def expand(text: str) -> str:
    """Put in the files that a page takes in."""
    return _SNIPPET.sub(lambda found: _indented(_snippet(found[2]), found[1]), text)


def _snippet(name: str) -> str:
    return expand((ROOT / name).read_text(encoding="utf-8").rstrip("\n"))


def _indented(text: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}" if line else "" for line in text.split("\n"))


def blocks(text: str) -> Iterator[Block]:
    """Find the fenced blocks of a page; their text is without the indentation of the fence."""
    for found in _FENCE.finditer(text):
        indent = found[1]
        lines = (line.removeprefix(indent) for line in found[4].splitlines(keepends=True))
        yield Block(found[2], found[3], "".join(lines), found.start(4), indent)


class Story:
    """Runs a page's commands in `folder`, one after the other; variables and servers stay until the end of the page."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        (folder / "home").mkdir()
        self._folder = folder
        self._stack = stack
        self._url = _PORT
        work = folder / "work"
        (work / ".git").mkdir(parents=True)  # settings of folders above are nobody's
        stack.enter_context(chdir(work))
        stack.enter_context(mock.patch.dict(os.environ, self._environment(), clear=True))

    def _environment(self) -> dict[str, str]:
        programs = self._folder / "bin"
        programs.mkdir()
        (programs / "sgctl").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
        (programs / "sgctl").chmod(0o700)
        return {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self._folder / "home"),
            "XDG_STATE_HOME": str(self._folder / "state"),
            "TMPDIR": str(self._folder),
            "COLUMNS": "80",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{who}_{what}": "you@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    def tell(self, block: Block) -> Iterator[Said]:
        """Write a file, or run the commands of a console block."""
        if block.title:
            Path(block.title).parent.mkdir(parents=True, exist_ok=True)
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            for command, shown in commands(block.text):
                code, said = self._run(_CODE.sub("", command).replace(_PORT, self._url))
                said = said.replace(self._url, _PORT).replace(str(self._folder / "state"), _STATE)
                said = said.replace(str(Path.cwd()), ".")
                expected = _CODE.search(command)
                yield Said(command, shown, said, int(expected[1]) if expected else 0, code)

    def _run(self, command: str) -> tuple[int, str]:
        words = shlex.split(command, comments=True)
        if words[0] == "export":
            os.environ.update((name, value) for name, _, value in (word.partition("=") for word in words[1:]))
            return 0, ""
        if words[0] == "cd":
            self._stack.enter_context(chdir(words[1]))
            return 0, ""
        if words[0] != "sgctl" or _SHELL.search(command.partition("  #")[0]):
            script = ["bash", "-o", "pipefail", "-c", command]
            done = subprocess.run(script, stdout=-1, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
            return done.returncode, done.stdout
        target = words[words.index(">") + 1] if ">" in words else None
        out = io.StringIO()
        err = io.StringIO() if target else out
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            mock.patch("reconciler.emulator.server.run", self._serve),
            mock.patch.object(WatchLoop, "run", partialmethod(WatchLoop.run, rounds=1)),
        ):
            code = run(words[1 : words.index(">")] if target else words[1:])
        if target:
            Path(target).write_text(out.getvalue(), encoding="utf-8")
        return code, err.getvalue()

    def _serve(
        self,
        host: str,
        port: int,
        state: str | None,
        seed: str | None,
        faults: str | None,
        key: str,
        announce: Announce,
    ) -> None:
        """Serve the API until the end of the page, on a free port whatever the page says."""
        server = EmulatorServer(seed=Path(seed) if seed else None)
        self._url = self._stack.enter_context(server).url
        announce(self._url)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Take a console block apart: each command, and what follows it."""
    found = list(_COMMAND.finditer(text))
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        yield match[1], text[match.end() : end]


def _like(shown: str, said: str) -> bool:
    parts = re.split(r"^\.\.\.\n", without_varying(shown), flags=re.MULTILINE)
    pattern = "(?:.*\n)*?".join(re.escape(part) for part in parts)
    return re.fullmatch(pattern, without_varying(said)) is not None


def without_varying(text: str) -> str:
    """Return a text without what differs from run to run, nor blanks at the ends of lines."""
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def run_page(page: Path) -> list[Said]:
    """Run a page, and return what each command said."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        story = Story(Path(folder).resolve(), stack)
        return [said for block in blocks(expand(page.read_text(encoding="utf-8"))) for said in story.tell(block)]


def renew(page: Path) -> None:
    """Write into a page what its commands say; what agrees stays as it is written."""
    text, done = page.read_text(encoding="utf-8"), 0
    for said in run_page(page):
        if said.expected_code != said.code:
            click.echo(f"{page.relative_to(ROOT)}: `{said.command}` ended in {said.code}\n{said.said}", err=True)
        for indent in ("", "    "):
            before = _indented(f"$ {said.command}\n{said.shown}", indent)
            if (place := text.find(before, done)) >= 0:
                after = before if said.agrees else _indented(f"$ {said.command}\n{said.said}", indent)
                text, done = text[:place] + after + text[place + len(before) :], place + len(after)
                break
    page.write_text(re.sub(r" +$", "", text, flags=re.MULTILINE), encoding="utf-8")


if __name__ == "__main__":
    for each in [Path(name).resolve() for name in sys.argv[1:]] or PAGES:
        renew(each)
