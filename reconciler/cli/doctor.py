"""`sgctl doctor`."""

import os
from collections.abc import Iterator, Sequence

import click

from reconciler.api.doctor import Check, Health, Setup, check_api, check_environment
from reconciler.cli import options, settings
from reconciler.cli.log import current_log
from reconciler.cli.options import ConnectionOptions, TargetOptions
from reconciler.model.clock import SystemClock
from reconciler.model.desired import DesiredState
from reconciler.model.errors import ExitCode, UsageError
from reconciler.model.json_form import json_text
from reconciler.model.text import printable

_COLOURS = {Health.OK: "green", Health.NOTE: "yellow", Health.FAILED: "red"}


@click.command("doctor")
@options.paths_as_given
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to write the checks."
)
@options.target
@options.connection
def command(paths: tuple[str, ...], format_: str, target: TargetOptions, connection: ConnectionOptions) -> int:
    """Check address, key, access, API versions and clock. Only reads.

    Looks at the project and region of options, environment and `sgctl.toml`, or at those that PATHS name. One line a
    check: ok, note, or failed with what to do about it. Exits with 1 when a check failed.

    \b
      sgctl doctor
      sgctl doctor groups/
      sgctl doctor --project-id 1337 --region-id 7 -v
    """
    targets = _targets(paths, target)
    checks = []
    for check in _checks(targets, connection.timeout):
        checks.append(check)
        if format_ == "text":
            health = click.style(f"{check.health:<6}", fg=_COLOURS[check.health], bold=True)
            click.echo(f"{health}  {check.name:<8}  {printable(check.message)}")
    if format_ == "json":
        click.echo(json_text({"format_version": 1, "checks": [check._asdict() for check in checks]}))
    return ExitCode.ERROR if any(check.health is Health.FAILED for check in checks) else ExitCode.DONE


def _targets(paths: Sequence[str], target: TargetOptions) -> DesiredState:
    from reconciler.cli.targets import known_target, load_files  # noqa: PLC0415 - brings YAML, which --help need not load

    if paths:
        return load_files(paths, target, None)
    return known_target(target) or DesiredState((), (), {})


def _checks(desired: DesiredState, timeout: float) -> Iterator[Check]:
    from reconciler.api.probe import Probe  # noqa: PLC0415 - httpx costs 0.1 s, which --help need not pay

    base_url, file = settings.base_url(), settings.config().file
    yield Check("settings", Health.OK, f"taken from {file}" if file else "there is no sgctl.toml: defaults hold")
    key_source, key, key_problem = settings.key_source(), None, None
    if key_source is not None:
        try:
            key = settings.api_key()
        except UsageError as error:
            key_problem = error.message
    clock = SystemClock()
    setup = Setup(base_url, key_source, key_problem, desired.targets, os.environ, desired.names)
    before = list(check_environment(setup))
    yield from before
    if any(check.health is Health.FAILED for check in before):
        return
    with Probe(base_url, key, clock, timeout=timeout, observe=current_log().request) as probe:
        yield from check_api(setup, probe.get, clock.now)
