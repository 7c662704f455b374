"""`sgctl emulator`."""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from reconciler.cli import EXIT_CODES
from reconciler.model.errors import SgctlError


@click.command("emulator", epilog=EXIT_CODES)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; loopback.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 picks a free one.")
@click.option(
    "--state", type=click.Path(), metavar="FILE", help="Keep the state in this SQLite file; it need not exist."
)
@click.option(
    "--seed", type=click.Path(), metavar="FILE", help="Groups to begin with (JSON or YAML), taken as they are."
)
@click.option("--faults", type=click.Path(), metavar="FILE", help="What goes wrong, and when (JSON or YAML).")
def command(host: str, port: int, state: str | None, seed: str | None, faults: str | None) -> None:
    """Serve a stand-in of the API on this machine, until Ctrl-C.

    It checks requests as strictly as the published API and Neutron do. Any project and region exist. It takes the key
    that GCORE_API_KEY holds in its own environment, else the key `emulator`, and prints its address once it answers.

    \b
      sgctl emulator --port 8000 --state groups.db
      export GCORE_BASE_URL=http://127.0.0.1:8000 GCORE_API_KEY=emulator
    """
    with needs_extra():
        from reconciler.emulator.records import EmulatorError  # noqa: PLC0415 - an extra
        from reconciler.emulator.server import accepted_key, run  # noqa: PLC0415 - an extra
    gc.enable()
    try:
        run(host, port, state, seed, faults, accepted_key(os.environ), click.echo)
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
