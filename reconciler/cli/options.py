"""Options that several commands share, and what each of them builds from its values."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli import findings, settings
from reconciler.cli.completion import complete_groups, complete_plan_files
from reconciler.cli.log import Log, current_log
from reconciler.config.keys import KEYS
from reconciler.model.clock import Clock, SystemClock, parse_duration
from reconciler.render import FORMATS

if TYPE_CHECKING:  # so that --help and whatever stays offline load neither httpx nor the plan
    from reconciler.api.http import Http
    from reconciler.api.reader import GcoreReader
    from reconciler.planning.plan import Plan


class _Duration(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click only
    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        duration = value if isinstance(value, timedelta) else parse_duration(value)
        if duration is None:
            self.fail(f"{value!r} is not a duration such as 24h, 90m or 7d", param, ctx)
        return duration


DURATION = _Duration()

Function = TypeVar("Function", bound=Callable[..., Any])


def _default_paths(context: click.Context, _: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    if given or context.resilient_parsing:
        return given
    return settings.default_paths()


format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to write the result.",
)

paths = click.argument("paths", nargs=-1, type=click.Path(), callback=_default_paths)
"""Files or folders; when none is given those of the configuration file, else the current folder."""

paths_or_plan = click.argument(
    "paths", nargs=-1, type=click.Path(), callback=_default_paths, shell_complete=complete_plan_files
)
"""The same, or a single saved plan."""

PLANNING = (
    "groups",
    "prune",
    "two_phase",
    "show_instances",
    "api_version",
    "allow_mass_delete",
    "allow_gap",
    "take_over",
    "lift",
    "project_id",
    "region_id",
    "out",
)
"""Parameters that shape a plan, and so have no meaning beside a saved one."""


def _set_log(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Tell the log at once, so that also a wrong option is reported in the format asked for."""
    log = context.find_root().ensure_object(Log)
    if parameter.name == "log_format":
        log.is_json = value == "json"
    elif parameter.name == "verbose":
        log.verbose = value
    else:
        log.quiet = value
    return value


def api_options(function: Function) -> Function:
    """Add the options of every command that reaches the API."""
    for option in reversed(
        (
            click.option(
                "--api-version",
                type=click.Choice(["v1", "v2"]),
                default=KEYS["api_version"].default,
                help="Which API to use.",
                show_default=True,
            ),
            click.option(
                "--timeout",
                type=click.FloatRange(min=0.1),
                default=KEYS["timeout"].default,
                show_default=True,
                help="Seconds to wait for an answer.",
            ),
            click.option(
                "--parallelism",
                type=click.IntRange(1, 64),
                default=KEYS["parallelism"].default,
                show_default=True,
                help="Requests under way at once.",
            ),
            click.option(
                "-v",
                "--verbose",
                is_flag=True,
                is_eager=True,
                callback=_set_log,
                help="Show each request with its status and time.",
            ),
            click.option(
                "-q", "--quiet", is_flag=True, is_eager=True, callback=_set_log, help="Only results: no progress."
            ),
            click.option(
                "--log-format",
                type=click.Choice(["text", "json"]),
                default="text",
                show_default=True,
                is_eager=True,
                expose_value=False,
                callback=_set_log,
                help="How stderr is written; json: requests, progress and errors as JSON, one object a line.",
            ),
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


two_phase = click.option(
    "--two-phase/--no-two-phase",
    default=KEYS["two_phase"].default,
    help="Send creates and deletes as separate requests.",
)
"""A choice of `plan` that may stand in the configuration file, and so can be taken back."""


def plan_options(function: Function) -> Function:
    """Add the options that shape a plan."""
    for option in reversed(
        (
            click.option(
                "--group",
                "groups",
                multiple=True,
                metavar="NAME",
                shell_complete=complete_groups,
                help="Only this group; a name or a glob; repeatable.",
            ),
            click.option("--prune", is_flag=True, help="Delete groups with our `owner` that no file names any more."),
            two_phase,
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
            findings.lift_option,
            findings.protect_option,
        )
    ):
        function = option(function)
    return function


@contextmanager
def connect(
    *, timeout: float, parallelism: int, clock: "Clock | None" = None, **_: Any
) -> "Iterator[tuple[Http, GcoreReader]]":
    """Connect to the API that environment and configuration file name; waits are those of `clock`."""
    from reconciler.api.http import Http  # noqa: PLC0415 - httpx costs 0.1 s, which --help need not pay
    from reconciler.api.reader import GcoreReader  # noqa: PLC0415

    with Http(
        settings.base_url(),
        settings.api_key(),
        clock or SystemClock(),
        timeout=timeout,
        connections=parallelism,
        observe=current_log().request,
    ) as http:
        yield http, GcoreReader(http)


def way_out(plan: "Plan") -> str:
    """Say how to go on from a plan that was stopped."""
    flags = {finding.flag for finding in plan.stopped_by}
    if None in flags:
        return "Change what they name, and plan again; each says how."
    return f"If all of this is meant, plan again with {' and '.join(sorted(filter(None, flags)))}."
