"""`sgctl trace`."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import click

from reconciler import reading
from reconciler.cli import options, settings
from reconciler.cli.completion import complete_groups
from reconciler.cli.log import current_log
from reconciler.cli.options import ConnectionOptions, TargetOptions
from reconciler.cli.parameters import option_set
from reconciler.cli.progress import Progress
from reconciler.cli.targets import load_chosen, load_for_live
from reconciler.model.desired import DesiredState, Target
from reconciler.model.environment import API_KEY
from reconciler.model.errors import ApiError, ExitCode, UsageError
from reconciler.model.json_form import json_text
from reconciler.model.rule import Ethertype
from reconciler.planning.group_view import StateView, desired_view
from reconciler.render.trace import Mending, render_trace, trace_to_json
from reconciler.trace import Question, parse_question, trace
from reconciler.trace.sides import Side, ask, deciding, mend


@dataclass(frozen=True, slots=True)
class _Trace:
    groups: tuple[str, ...]
    from_group: tuple[str, ...]
    to_group: tuple[str, ...]
    desired: bool | None
    ethertype: Ethertype | None
    format_: str


_trace = option_set(
    _Trace,
    click.option(
        "--group",
        "groups",
        multiple=True,
        required=True,
        metavar="NAME",
        shell_complete=complete_groups,
        help="Where; repeatable: in all of them at once.",
    ),
    click.option(
        "--from-group",
        multiple=True,
        metavar="NAME",
        shell_complete=complete_groups,
        help="Ingress from members of this group; repeatable.",
    ),
    click.option(
        "--to-group",
        multiple=True,
        metavar="NAME",
        shell_complete=complete_groups,
        help="Egress to members of this group; repeatable.",
    ),
    click.option("--desired/--live", "desired", default=None, help="Ask the files alone, or the API alone."),
    click.option("--ethertype", type=click.Choice(["IPv4", "IPv6"]), help="The family, where no address tells it."),
    click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True),
)


@click.command("trace")
@click.argument("question", nargs=-1, metavar="ingress|egress PROTOCOL [from|to REMOTE] [PATH]...")
@_trace
@options.target
@options.connection
def command(question: tuple[str, ...], chosen: _Trace, target: TargetOptions, connection: ConnectionOptions) -> int:
    """Tell whether traffic is allowed, by which rule, or what is nearest to being allowed.

    PROTOCOL is like tcp/443, tcp/8000-8099, icmp/8/0, gre or any; REMOTE an address, a prefix or `group NAME`. A flow
    between two groups has to pass the egress rules of the one and the ingress rules of the other. A prefix or a range
    is allowed when all of it is. PATHS are files or folders; the current folder when left out. Where targets disagree,
    --project-id and --region-id choose.

    Files and live state are asked; where one refuses it, the command that would mend it is named. The exit code is that
    of live state, which decides about traffic now: 0 when it is allowed, 2 when it is refused. Where no key is set or
    the API cannot be reached, a note says so, and the exit code is that of the files, as with --desired.

    \b
      sgctl trace --group web ingress tcp/443 from 203.0.113.9
      sgctl trace --group database ingress tcp/5432 --from-group app groups/ --desired
      sgctl trace --group web egress udp/53 to 2001:db8::53 --live
    """
    asked, paths = parse_question(question, _other_end(question, chosen), chosen.ethertype)
    if chosen.desired is None:
        sides = _ask_both(paths, chosen, asked, target, connection)
        kind = mend(sides)
    else:
        view = _view(paths, chosen, target, connection)
        sides, kind = (Side(view, trace(view, chosen.groups, asked)),), None
    counts = deciding(sides)
    mending = Mending(kind, paths) if kind else None
    if chosen.format_ == "json":
        click.echo(json_text(trace_to_json(sides, mending)))
    else:
        click.echo(render_trace(sides, mending), nl=False)
    return ExitCode.DONE if counts.allowed else ExitCode.DIFFERENCES


def _other_end(question: tuple[str, ...], chosen: _Trace) -> tuple[str, ...]:
    """Take the groups at the other end, from the option that fits the direction."""
    if question[:1] == ("egress",):
        fitting, other, wrong, right = chosen.to_group, chosen.from_group, "--from-group", "--to-group"
    else:
        fitting, other, wrong, right = chosen.from_group, chosen.to_group, "--to-group", "--from-group"
    if other and question:
        raise UsageError(f"{wrong} does not fit {question[0]}: use {right}")
    return fitting


def _ask_both(
    paths: tuple[str, ...], chosen: _Trace, asked: Question, target: TargetOptions, connection: ConnectionOptions
) -> tuple[Side, ...]:
    """Ask the files, and the API where that can be done; a note says where it cannot."""
    log = current_log()
    if settings.key_source() is None:
        log.note(f"live state was not asked: {API_KEY} is not set")
        return (ask(desired_view(load_chosen(paths, target)[1]), chosen.groups, asked),)
    state = load_for_live(paths, target, connection)[1]
    try:
        with options.connect(connection) as api, Progress("reading") as progress:
            state = reading.find_targets(state, api)
            desired = ask(desired_view(state), chosen.groups, asked)
            here = _only(state, desired.targets)
            progress.total = len(here.targets)
            view = reading.view_live(here, api, progress=progress.read)
    except ApiError as error:
        log.note(f"live state was not asked: {error.message}")
        return (ask(desired_view(state), chosen.groups, asked),)
    return desired, ask(view, chosen.groups, asked)


def _only(state: DesiredState, targets: Collection[Target]) -> DesiredState:
    """Keep the targets that an answer is about, or all where there are none: one list for each, and none for others."""
    if not targets:
        return state
    groups = tuple(each for each in state.groups if each.target in targets)
    return replace(state, targets=tuple(sorted(targets)), groups=groups)


def _view(paths: tuple[str, ...], chosen: _Trace, target: TargetOptions, connection: ConnectionOptions) -> StateView:
    if chosen.desired:
        return desired_view(load_chosen(paths, target)[1])
    state = load_for_live(paths, target, connection)[1]
    with options.connect(connection) as api, Progress("reading", len(state.targets)) as progress:
        return reading.view_live(state, api, progress=progress.read)
