"""Where the demo plays: a folder, an emulator, and an audience that sees each command before its output."""

import json
import os
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from reconciler.errors import SgctlError

_MEANINGS = {0: "", 2: "  (exit code 2: there are differences)"}


class Stage:
    """Runs commands in `folder` against the API at `base_url`, and shows them."""

    def __init__(self, folder: Path, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self._folder = folder
        self._api_key = api_key
        self._steps = 0
        # None of the user's own settings may send the demo to a real account, or make it tell another story.
        (folder / "sgctl.toml").touch()
        ours = ("GCORE_", "SGCTL_")
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        # The temporary folder is ours as well: an apply leaves its lock file there.
        self._environment |= {"GCORE_BASE_URL": base_url, "GCORE_API_KEY": api_key, "TMPDIR": str(folder)}

    def heading(self, text: str) -> None:
        """Begin the next step."""
        self._steps += 1
        click.echo("\n" + click.style(f"{self._steps}. {text}", bold=True) + "\n")

    def say(self, text: str) -> None:
        """Explain something."""
        click.echo(click.style(text, italic=True))

    def write(self, name: str, text: str) -> None:
        """Put a file into the folder, and show it."""
        (self._folder / name).write_text(text, encoding="utf-8")
        self._command(f"cat {name}")
        click.echo(text)

    def read(self, name: str) -> str:
        """Read a file of the folder."""
        return (self._folder / name).read_text(encoding="utf-8")

    def sgctl(self, *arguments: str, expect: int = 0) -> None:
        """Run a real `sgctl` in a process of its own, which writes where we write.

        Raises `SgctlError` when it ends in another exit code than expected: then the demo does not tell the truth.
        """
        self._command(f"sgctl {' '.join(arguments)}")
        sys.stdout.flush()
        program = [sys.executable, "-m", "reconciler", *arguments]
        ended = subprocess.run(program, cwd=self._folder, env=self._environment, check=False)  # noqa: S603 - ourselves
        if ended.returncode != expect:
            raise SgctlError(
                f"`sgctl {arguments[0]}` ended in exit code {ended.returncode}; the demo expected {expect}"
            )
        if expect:
            click.echo(click.style(_MEANINGS[expect], dim=True))

    def request(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Send a request to the API as anybody could, and show it. Returns the answer."""
        self._command(f"{method} {path}", prompt=">")
        if body is not None:
            click.echo(json.dumps(body, indent=2))
        connection = HTTPConnection(urlsplit(self.base_url).netloc, timeout=10)
        try:
            headers = {"Authorization": f"apikey {self._api_key}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        click.echo(click.style(f"< {answer.status} {answer.reason}", dim=True))
        return content

    def _command(self, text: str, prompt: str = "$") -> None:
        click.echo(click.style(f"{prompt} {text}", fg="cyan", bold=True))
