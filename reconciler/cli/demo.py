"""`sgctl demo`: the whole story on the emulator, with real commands and their real output."""

import json
import os
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import click

from reconciler.cli.emulator import needs_extra
from reconciler.model.environment import API_KEY, BASE_URL, STATE_HOME
from reconciler.model.errors import SgctlError

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
        self._environment |= {BASE_URL: base_url, API_KEY: api_key, "TMPDIR": str(folder)}
        self._environment[STATE_HOME] = str(folder)  # and a journal

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


GROUPS = "/cloud/v1/securitygroups/1337/7"
"""Where the groups of the demo's project and region are."""


@click.command("demo")
def command() -> None:
    """See the whole story on the emulator, without an account.

    Runs real commands against a stand-in of the API, in a temporary folder, and shows what they say: live groups, a
    file, plan, apply, a change behind its back, drift, and apply again. Takes some seconds and leaves nothing behind.

    \b
      sgctl demo
    """
    with needs_extra():
        from reconciler.emulator.server import EmulatorServer  # noqa: PLC0415 - an extra
    seed = Path(__file__).parents[1] / "demo" / "live.yaml"
    with TemporaryDirectory(prefix="sgctl-demo-") as folder, EmulatorServer(seed=seed) as emulator:
        _tell(Stage(Path(folder), emulator.url, emulator.api_key))
        writes = [record.method for record in emulator.requests if record.method != "GET"]
    _close(len(writes) - 1)


def _tell(stage: Stage) -> None:
    stage.say(f"A stand-in of the Gcore Cloud API answers at {stage.base_url}.")
    stage.heading("What is live in project 1337, region 7")
    _show_live(stage.request("GET", GROUPS))

    stage.heading("What should be, in a file")
    stage.write("groups.yaml", (Path(__file__).parents[1] / "demo" / "groups.yaml").read_text(encoding="utf-8"))
    stage.say("`web` gets HTTPS, loses the admin page, and SSH is for the office only.")
    stage.say("`app` is new. `legacy-ftp` and `default` are in no file, and so are left alone.")

    stage.heading("Check the file, without network")
    stage.sgctl("validate")
    stage.heading("Plan: what would change, in words and in a plan file")
    stage.sgctl("plan", "--out", "plan.json", "--detailed-exitcode", expect=2)
    stage.heading("Look at the plan file: what traffic does it open and close?")
    stage.sgctl("show", "plan.json", "--traffic-only")
    stage.say("The file holds every request with its exact body. These will be sent, and beyond")
    stage.say("them nothing but the removal of what the cloud itself adds to a new group:")
    _show_requests(json.loads(stage.read("plan.json")))

    stage.heading("Apply exactly that plan")
    stage.sgctl("apply", "plan.json")
    stage.heading("Plan again: nothing is left to do")
    stage.sgctl("plan", "--detailed-exitcode")

    stage.heading("Meanwhile, somebody opens SSH to the world behind our back")
    _open_ssh_to_the_world(stage)
    stage.heading("A cron job would notice")
    stage.sgctl("drift", expect=2)
    stage.heading("Put it right: plan and apply in one go")
    stage.sgctl("apply", "--auto-approve")
    stage.heading("And nothing is left to do")
    stage.sgctl("plan", "--detailed-exitcode")


def _show_live(answer: dict[str, Any]) -> None:
    for group in answer["results"]:
        click.echo(f"  {group['name']}")
        for rule in group["security_group_rules"]:
            click.echo(f"    {_live_rule(rule)}".rstrip())


def _live_rule(rule: dict[str, Any]) -> str:
    """Write a rule of an API answer in one line; deliberately not with sgctl's own words for rules."""
    port = rule["port_range_min"] or ""
    remote = rule["remote_ip_prefix"] or ("its own group" if rule["remote_group_id"] else "anyone")
    kind = f"{rule['direction']:<8}{rule['ethertype']} {rule['protocol'] or 'any'} {port}"
    return f"{kind:<25}{remote:<15}{rule['description'] or ''}"


def _show_requests(plan: dict[str, Any]) -> None:
    for change in plan["changes"]:
        for request in change["requests"]:
            click.echo(f"  {request['method']:<6}{request['path']}")


def _open_ssh_to_the_world(stage: Stage) -> None:
    changes = json.loads(stage.read("plan.json"))["changes"]
    web = next(change["id"] for change in changes if change["name"] == "web")
    rule = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
    stage.request("PATCH", f"{GROUPS}/{web}", {"changed_rules": [{"action": "create", **rule}]})


def _close(writes: int) -> None:
    click.echo(
        f"\nDone: {writes} writes in all, and every group was read back before it was called\n"
        "applied. Nothing is left behind. To try it yourself, `sgctl emulator` serves the\n"
        "same stand-in for as long as you like."
    )
