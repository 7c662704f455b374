"""`sgctl emulator`."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import click

from reconciler import process
from reconciler.cli.output import check_outputs
from reconciler.cli.parameters import OutputFile
from reconciler.emulator.guide import FAULTS, KNOBS, SEED
from reconciler.model.environment import API_KEY, BASE_URL
from reconciler.model.errors import SgctlError


def _verbatim(text: str) -> str:
    """Mark every paragraph as one that click leaves as it is."""
    return "\n\n".join(f"\b\n{paragraph}" for paragraph in text.strip().split("\n\n"))


HELP = f"""Serve a stand-in of the API on this machine, until Ctrl-C.

It takes and refuses what the published API and Neutron take and refuse. Any project and region exist. It takes the key
that GCORE_API_KEY holds in its own environment, else the key `emulator`. Once it answers, it prints its address and a
line to paste:

\b
  sgctl emulator --port 8000 --state groups.db
  export GCORE_BASE_URL=http://127.0.0.1:8000 GCORE_API_KEY=emulator

{_verbatim(SEED)}

{_verbatim(FAULTS)}

{_verbatim(KNOBS)}
"""


@click.command("emulator", help=HELP)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; loopback.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 picks a free one.")
@click.option(
    "--state",
    type=OutputFile(is_kept=True),
    metavar="FILE",
    help="Keep the state in this SQLite file; it need not exist.",
)
@click.option("--seed", type=click.Path(), metavar="FILE", help="Groups to begin with (JSON or YAML); see above.")
@click.option("--faults", type=click.Path(), metavar="FILE", help="What goes wrong (JSON or YAML); see above.")
def command(host: str, port: int, state: str | None, seed: str | None, faults: str | None) -> None:
    """Serve the emulator until a signal; `HELP` is what users read."""
    with needs_extra():
        from reconciler.emulator.records import EmulatorError  # noqa: PLC0415 - an extra
        from reconciler.emulator.server import accepted_key, is_loopback, run  # noqa: PLC0415 - an extra
    check_outputs([path for path in (seed, faults) if path])
    process.collect_garbage()
    if not is_loopback(host):
        click.echo(f"warning: {host} is not loopback: others can reach this emulator, over plain http", err=True)
    key = accepted_key(os.environ)

    def announce(url: str) -> None:
        click.echo(url)
        # A key of the user's own is set already, and never printed.
        own = "" if os.environ.get(API_KEY) else f" {API_KEY}={shlex.quote(key)}"
        click.echo(f"export {BASE_URL}={shlex.quote(url)}{own}")

    try:
        run(host, port, state, seed, faults, key, announce)
    except EmulatorError as error:
        raise SgctlError(str(error)) from None


@contextmanager
def needs_extra() -> Iterator[None]:
    """Import the emulator's server in here. Raises `SgctlError` where the extra is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SgctlError(
            f"the emulator is an extra, and {error.name} is not installed", hint="pip install 'sgctl[emulator]'"
        ) from None
