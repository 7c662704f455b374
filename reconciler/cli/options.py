"""Options that several commands share. Each set of options is a type, and a command is handed one value of it.

@click.command("drift")
@options.connection
def command(connection: ConnectionOptions) -> None: ...
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import settings
from reconciler.cli.completion import complete_groups, complete_plan_files, complete_projects, complete_regions
from reconciler.cli.log import Log, current_log
from reconciler.cli.parameters import DURATION, SECONDS, Decorator, Id, OutputFile, option_set
from reconciler.config.keys import KEYS
from reconciler.model.clock import Clock, SystemClock
from reconciler.model.cloud import LARGEST_NUMBER
from reconciler.model.environment import POLICIES
from reconciler.model.policies import LIFTABLE
from reconciler.model.text import shown
from reconciler.render import FORMATS

if TYPE_CHECKING:  # so that --help and whatever stays offline load neither httpx nor the plan
    from reconciler.api.connection import Api
    from reconciler.planning.encode import ApiVersion


def _default_paths(context: click.Context, _: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    if given or context.resilient_parsing:
        return given
    return settings.default_paths()


def format_option(*formats: str) -> Decorator:
    """Return the option for the format of what a command writes to stdout, text by default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(formats or FORMATS),
        default="text",
        show_default=True,
        help="How to write the result.",
    )


def _web_address(_context: click.Context, _parameter: click.Parameter, given: str | None) -> str | None:
    if given and not given.startswith(("https://", "http://")):
        raise click.BadParameter(f"{shown(given)} does not begin with https:// or http://")
    return given or None


@dataclass(frozen=True, slots=True)
class Look:
    """How much of a result is shown: `expand` each group by itself, or with `traffic_only` no rules.

    `page_url` is where the HTML page of the same will be.
    """

    expand: bool = False
    page_url: str | None = None
    traffic_only: bool = False


_expand = click.option("--expand", is_flag=True, help="Show each group by itself, also where several change alike.")
_traffic_only = click.option("--traffic-only", is_flag=True, help="Show only what the change opens and closes.")
_page_url = click.option(
    "--page-url",
    metavar="URL",
    callback=_web_address,
    help="Where the page that --format html writes of this will be: Markdown links to its groups.",
)
look = option_set(Look, _expand, _page_url)
plan_look = option_set(Look, _expand, _traffic_only, _page_url)

paths = click.argument("paths", nargs=-1, type=click.Path(), callback=_default_paths)
"""Files or folders; when none is given those of the configuration file, else the current folder."""

diff = click.option("--diff", is_flag=True, help="Show what --fix would change, and write nothing.")
"""Beside --fix, or by itself."""

paths_as_given = click.argument("paths", nargs=-1, type=click.Path())
"""Files or folders, or none."""

paths_or_plan = click.argument(
    "paths", nargs=-1, type=click.Path(), callback=_default_paths, shell_complete=complete_plan_files
)
"""Files or folders as `paths`, or a single saved plan."""


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How to reach the API: `timeout` in seconds, `parallelism` in requests under way at once.

    `lock_timeout` is how long a write waits for what another task has locked.
    """

    api_version: "ApiVersion"
    timeout: float
    lock_timeout: timedelta
    parallelism: int


def _set_log(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Tell the log at once, so that also a wrong option is reported in the format asked for."""
    log = context.find_root().ensure_object(Log)
    if parameter.name == "log_format":
        log.is_json = value == "json"
    elif parameter.name == "verbose":
        log.verbose = value
    else:
        log.quiet = value


def _log_option(*names: str, **rest: Any) -> Decorator:
    return click.option(*names, is_eager=True, expose_value=False, callback=_set_log, **rest)


connection = option_set(
    ConnectionOptions,
    click.option(
        "--api-version",
        type=click.Choice(["v1", "v2"]),
        default=KEYS["api_version"].default,
        show_default=True,
        help="Which API to use.",
    ),
    click.option(
        "--timeout",
        type=SECONDS,
        default=KEYS["timeout"].default,
        show_default=True,
        help="Seconds to wait for an answer.",
    ),
    click.option(
        "--lock-timeout",
        type=DURATION,
        default=KEYS["lock_timeout"].default,
        show_default=True,
        help="How long to wait for what another task has locked.",
    ),
    click.option(
        "--parallelism",
        type=click.IntRange(1, 64),
        default=KEYS["parallelism"].default,
        show_default=True,
        help="Requests under way at once.",
    ),
    _log_option("-v", "--verbose", is_flag=True, help="Show each request with its status and time."),
    _log_option("-q", "--quiet", is_flag=True, help="Only results: no progress."),
    _log_option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How stderr is written; json: requests, progress and errors as JSON, one object a line.",
    ),
)
"""The options of every command that reaches the API; those about stderr go to the log."""


def connect(chosen: ConnectionOptions, clock: Clock | None = None) -> "AbstractContextManager[Api]":
    """Connect to the API that environment and configuration file name; waits are those of `clock`."""
    return connect_with(settings.api_key(), chosen, clock or SystemClock(), current_log())


def connect_with(api_key: str, chosen: ConnectionOptions, clock: Clock, log: Log) -> "AbstractContextManager[Api]":
    """Connect with a key that is handed over, in any thread."""
    from reconciler.api.connection import connect as connect_to  # noqa: PLC0415 - what --help need not load

    log.secrets.add(api_key)
    return connect_to(
        api_key,
        base_url=settings.base_url(),
        timeout=chosen.timeout,
        lock_timeout=chosen.lock_timeout.total_seconds(),
        parallelism=chosen.parallelism,
        clock=clock,
        observe=log.request,
        on_lock=log.lock,
    )


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """The project and the region of documents that name none, and whether links out of a folder of files are read."""

    project_id: int | None = None
    region_id: int | None = None
    project: str | None = None
    region: str | None = None
    follow_links: bool = False


follow_links = click.option(
    "--follow-links", is_flag=True, help="Read links in a folder also where they lead out of it."
)
"""No setting says so: whoever can put a link into a repository can change its settings, too."""


def target_options(project_help: str, region_help: str, *more: Decorator) -> Decorator:
    """Return the options for a project and a region, and what else `TargetOptions` has."""
    return option_set(
        TargetOptions,
        click.option("--project-id", type=Id(1, LARGEST_NUMBER), help=project_help),
        click.option("--region-id", type=Id(1, LARGEST_NUMBER), help=region_help),
        click.option(
            "--project", metavar="NAME", shell_complete=complete_projects, help="The project by its name instead."
        ),
        click.option(
            "--region", metavar="NAME", shell_complete=complete_regions, help="The region by its name instead."
        ),
        *more,
    )


target = target_options("Project of documents that name none.", "Region of documents that name none.", follow_links)


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """The files to write findings to for a CI, None for none."""

    sarif: str | None
    junit: str | None


report = option_set(
    ReportOptions,
    click.option("--sarif", type=OutputFile(), metavar="FILE", help="Write the findings as SARIF 2.1.0, too."),
    click.option("--junit", type=OutputFile(), metavar="FILE", help="Write the findings as JUnit XML, too."),
)


@dataclass(frozen=True, slots=True)
class PlanChoices:
    """What the command line says of a plan; `reconciler.cli.plan` makes `PlanOptions` of it."""

    groups: tuple[str, ...] = ()
    prune: bool = False
    two_phase: bool = False
    show_instances: bool = False
    take_over: bool = False
    allow_mass_delete: bool = False
    allow_mass_rewrite: bool = False
    allow_gap: bool = False
    lift: tuple[str, ...] = ()
    protect_ssh_from: str | None = None
    policies_file: str | None = None


all_targets = click.option(
    "--all-targets",
    is_flag=True,
    help="Look for groups with our `owner` that no file names in every project and region that the key can see.",
)

policies_file = click.option(
    "--policies",
    "policies_file",
    type=click.Path(),
    envvar=POLICIES,
    metavar="FILE",
    help="Judge by [policies] and [limits] of this file, too; nothing in PATHS softens or excepts from them.",
)
"""Rules from outside the repository, for a CI that judges the changes of strangers."""

_two_phase = click.option(
    "--two-phase/--no-two-phase",
    default=KEYS["two_phase"].default,
    help="Send creates and deletes as separate requests.",
)
_allow_mass_delete = click.option(
    "--allow-mass-delete", is_flag=True, help="Lift the guardrail against emptied groups, mass deletion and lost rules."
)
_allow_mass_rewrite = click.option(
    "--allow-mass-rewrite",
    is_flag=True,
    help="Lift the guardrail against replacing many rules at once by others that admit something else.",
)
_allow_gap = click.option(
    "--allow-gap", is_flag=True, help="Lift the guardrail against deleting before creating in a full group."
)

_judging = (
    _two_phase,
    click.option(
        "--show-instances/--no-show-instances",
        default=KEYS["show_instances"].default,
        help="Tell how many instances each changed group applies to, and which; a request a group.",
    ),
    _allow_mass_delete,
    _allow_mass_rewrite,
    _allow_gap,
    click.option(
        "--lift",
        type=click.Choice(LIFTABLE),
        multiple=True,
        metavar="POLICY",
        help="Let this plan pass a policy, by the name in brackets; recorded in the plan; repeatable.",
    ),
    click.option(
        "--protect-ssh-from",
        metavar="ADDRESS|auto",
        help="Stop when SSH from this address would no longer be admitted; auto: where you are connected from.",
    ),
    policies_file,
)

plan = option_set(
    PlanChoices,
    click.option(
        "--group",
        "groups",
        multiple=True,
        metavar="NAME",
        shell_complete=complete_groups,
        help="Only this group; a name or a glob; repeatable.",
    ),
    click.option("--prune", is_flag=True, help="Delete groups with our `owner` that no file names any more."),
    click.option("--take-over", is_flag=True, help="Make groups ours that carry another owner's tag."),
    *_judging,
)

rollback_plan = option_set(PlanChoices, *_judging)
"""The choices of a plan that does not come from files."""

PLAN_PARAMETERS = (
    *(field.name for field in fields(PlanChoices) if field.name not in ("protect_ssh_from", "policies_file")),
    *(field.name for field in fields(TargetOptions)),
    "api_version",
)
"""Parameters that shape a plan, and so have no meaning beside a saved one, which is only judged again."""
