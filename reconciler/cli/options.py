"""Options that several commands share, and what each of them builds from its values."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.api.exchange import Exchange
from reconciler.cli import settings
from reconciler.cli.progress import log_exchange
from reconciler.clock import SystemClock
from reconciler.model.plan import Plan

if TYPE_CHECKING:
    from reconciler.api.http import Http
    from reconciler.api.reader import GcoreReader

Function = TypeVar("Function", bound=Callable[..., Any])

paths = click.argument("paths", nargs=-1, type=click.Path())
"""Files or folders; the current folder when none is given."""

PLANNING = (
    "groups",
    "prune",
    "two_phase",
    "show_instances",
    "api_version",
    "allow_mass_delete",
    "allow_gap",
    "take_over",
    "project_id",
    "region_id",
    "out",
)
"""Parameters that shape a plan, and so have no meaning beside a saved one."""


def api_options(function: Function) -> Function:
    """Add the options of every command that reaches the API."""
    for option in reversed(
        (
            click.option(
                "--api-version",
                type=click.Choice(["v1", "v2"]),
                default="v1",
                help="Which API to use.",
                show_default=True,
            ),
            click.option(
                "--timeout",
                type=click.FloatRange(min=0.1),
                default=30.0,
                show_default=True,
                help="Seconds to wait for an answer.",
            ),
            click.option(
                "--parallelism",
                type=click.IntRange(1, 64),
                default=16,
                show_default=True,
                help="Requests under way at once.",
            ),
            click.option("-v", "--verbose", is_flag=True, help="Show each request with its status and time."),
            click.option("-q", "--quiet", is_flag=True, help="Only results: no progress."),
        )
    ):
        function = option(function)
    return function


def target_options(function: Function) -> Function:
    """Add the options that fill in a project and a region where the files name none."""
    function = click.option("--region-id", type=click.IntRange(min=1), help="Region of documents that name none.")(
        function
    )
    return click.option("--project-id", type=click.IntRange(min=1), help="Project of documents that name none.")(
        function
    )


def plan_options(function: Function) -> Function:
    """Add the options that shape a plan."""
    for option in reversed(
        (
            click.option(
                "--group",
                "groups",
                multiple=True,
                metavar="NAME",
                help="Only this group; a name or a glob; repeatable.",
            ),
            click.option("--prune", is_flag=True, help="Delete groups with our `owner` that no file names any more."),
            click.option("--two-phase", is_flag=True, help="Send creates and deletes as separate requests."),
            click.option(
                "--show-instances", is_flag=True, help="Count the instances that each changed group is attached to."
            ),
            click.option("--take-over", is_flag=True, help="Make groups ours that carry another owner's tag."),
            click.option(
                "--allow-mass-delete",
                is_flag=True,
                help="Lift the guardrail against emptied groups, mass deletion and lost rules.",
            ),
            click.option(
                "--allow-gap", is_flag=True, help="Lift the guardrail against deleting before creating in a full group."
            ),
        )
    ):
        function = option(function)
    return function


@contextmanager
def connect(*, timeout: float, parallelism: int, verbose: bool, **_: Any) -> Iterator[tuple["Http", "GcoreReader"]]:
    """Connect to the API that the environment names."""
    from reconciler.api.http import Http  # noqa: PLC0415 - 0.1 s, and `validate` needs no network
    from reconciler.api.reader import GcoreReader  # noqa: PLC0415 - the same

    def observe(exchange: Exchange) -> None:
        if verbose:
            log_exchange(exchange)

    with Http(
        settings.base_url(),
        settings.api_key(),
        SystemClock(),
        timeout=timeout,
        connections=parallelism,
        observe=observe,
    ) as http:
        yield http, GcoreReader(http)


def way_out(plan: Plan) -> str:
    """Say how to go on from a plan that was stopped."""
    flags = " and ".join(sorted({finding.flag for finding in plan.stopped_by if finding.flag}))
    return f"If all of this is meant, plan again with {flags}." if flags else "Change the files, and plan again."
