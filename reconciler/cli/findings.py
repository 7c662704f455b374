"""What the commands share that judge: the policies in force, options for them, and reports for a CI."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli import settings
from reconciler.cli.output import write_atomically
from reconciler.model.clock import SystemClock
from reconciler.model.errors import UsageError
from reconciler.model.policies import Finding, Policies

Function = TypeVar("Function", bound=Callable[..., Any])

LIFTABLE = tuple(field.name for field in fields(Policies) if field.name not in ("mass_delete", "source"))
"""The policies but for mass_delete, which --allow-mass-delete lifts."""


def report_options(function: Function) -> Function:
    """Add the options that write findings for a CI."""
    function = click.option("--junit", type=click.Path(), metavar="FILE", help="Write the findings as JUnit XML, too.")(
        function
    )
    return click.option("--sarif", type=click.Path(), metavar="FILE", help="Write the findings as SARIF 2.1.0, too.")(
        function
    )


def protect_option(function: Function) -> Function:
    """Add the option that keeps whoever runs the command from locking themselves out."""
    return click.option(
        "--protect-ssh-from",
        metavar="ADDRESS|auto",
        help="Stop when SSH from this address would no longer be admitted; auto: where you are connected from.",
    )(function)


def lift_option(function: Function) -> Function:
    """Add the option that lifts policies for one plan."""
    return click.option(
        "--lift",
        type=click.Choice(LIFTABLE),
        multiple=True,
        metavar="POLICY",
        help="Let this plan pass a policy, by the name in brackets; recorded in the plan; repeatable.",
    )(function)


def configured_policies() -> Policies | None:
    """Read the policies of the configuration file; None where it has none. Raises `InputError`."""
    from reconciler.loading.policies import read_policies  # noqa: PLC0415 - brings YAML, which help need not load

    config = settings.config()
    return read_policies(config.policies, config.file or "sgctl.toml") if config.policies else None


def today() -> date:
    """Return the day, in UTC as in plan files."""
    return SystemClock().now().astimezone(UTC).date()


def protected_address(given: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """Read `--protect-ssh-from`. Raises `UsageError` for no address, or where there is no SSH session to tell it."""
    text = given
    if given == "auto":
        words = environment.get("SSH_CONNECTION", "").split()
        if not words:
            raise UsageError(
                "--protect-ssh-from auto: this is no SSH session (SSH_CONNECTION is not set)",
                hint="Pass the address that you connect from.",
            )
        text = words[0]
    if text is None:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        raise UsageError(f"--protect-ssh-from {text!r}: this is no IP address") from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def write_reports(
    findings: Sequence[Finding], command: str, given: Mapping[str, Any], lifted: Collection[str] = ()
) -> None:
    """Write the reports that were asked for. Everybody may read them: they say what CI logs say."""
    if given["sarif"]:
        write_atomically(given["sarif"], sarif_text(findings, command, lifted), mode=0o644)
    if given["junit"]:
        from reconciler.render.junit import junit  # noqa: PLC0415 - only where it is asked for

        write_atomically(given["junit"], junit(findings, command, lifted), mode=0o644)


def sarif_text(findings: Sequence[Finding], command: str, lifted: Collection[str] = ()) -> str:
    """Return the findings as a SARIF log."""
    from reconciler.model.json_form import json_text  # noqa: PLC0415 - only where it is asked for
    from reconciler.render.sarif import sarif  # noqa: PLC0415

    return json_text(sarif(findings, command, str(Path.cwd()), lifted)) + "\n"
