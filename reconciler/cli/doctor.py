"""`sgctl doctor`."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from reconciler.api.doctor import Check, Health, Setup, check_api, check_environment
from reconciler.cli import EXIT_CODES, options, settings
from reconciler.cli.log import current_log
from reconciler.model.clock import SystemClock
from reconciler.model.desired import Target
from reconciler.model.errors import UsageError
from reconciler.model.text import printable

_COLOURS = {Health.OK: "green", Health.NOTE: "yellow", Health.FAILED: "red"}


@click.command("doctor", epilog=EXIT_CODES)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How to write the checks."
)
@options.target_options
@options.api_options
def command(paths: tuple[str, ...], format_: str, **given: Any) -> int:
    """Check address, key, access, API versions and clock. Only reads.

    Looks at the project and region of options, environment and `sgctl.toml`, or at those that PATHS name. One line a
    check: ok, note, or failed with what to do about it. Exits with 1 when a check failed.

    \b
      sgctl doctor
      sgctl doctor groups/
      sgctl doctor --project-id 1337 --region-id 7 -v
    """
    targets = _targets(paths, given)
    checks = []
    for check in _checks(targets, given["timeout"]):
        checks.append(check)
        if format_ == "text":
            health = click.style(f"{check.health:<6}", fg=_COLOURS[check.health], bold=True)
            click.echo(f"{health}  {check.name:<8}  {printable(check.message)}")
    if format_ == "json":
        from json import dumps  # noqa: PLC0415 - only for programs

        click.echo(dumps({"format_version": 1, "checks": [check._asdict() for check in checks]}, indent=1))
    return 1 if any(check.health is Health.FAILED for check in checks) else 0


def _targets(paths: Sequence[str], given: Mapping[str, Any]) -> tuple[Target, ...]:
    defaults = settings.defaults(given["project_id"], given["region_id"])
    if paths:
        from reconciler.loading.load import load  # noqa: PLC0415 - only where files are given

        return load(paths, defaults).targets
    project_id, region_id = defaults.fill("project_id"), defaults.fill("region_id")
    return () if project_id is None or region_id is None else (Target(project_id, region_id),)


def _checks(targets: Sequence[Target], timeout: float) -> Iterator[Check]:
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
    setup = Setup(base_url, key_source, key_problem, targets, os.environ)
    before = list(check_environment(setup))
    yield from before
    if any(check.health is Health.FAILED for check in before):
        return
    with Probe(base_url, key, clock, timeout=timeout, observe=current_log().request) as probe:
        yield from check_api(setup, probe.get, clock.now)
