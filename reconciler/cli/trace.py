"""`sgctl trace`."""

import json
from typing import Any

import click

from reconciler.cli import EXIT_CODES, options
from reconciler.cli.completion import complete_groups
from reconciler.cli.looking import live_with_places, load_chosen, load_for_live
from reconciler.model.errors import UsageError
from reconciler.model.rule import Ethertype
from reconciler.planning.group_view import StateView, desired_view
from reconciler.render.trace import render_trace, trace_to_json
from reconciler.trace import parse_question, trace


@click.command("trace", epilog=EXIT_CODES)
@click.argument("question", nargs=-1, metavar="ingress|egress PROTOCOL [from|to REMOTE] [PATH]...")
@click.option(
    "--group",
    "groups",
    multiple=True,
    required=True,
    metavar="NAME",
    shell_complete=complete_groups,
    help="Where; repeatable: in all of them at once.",
)
@click.option(
    "--from-group",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_groups,
    help="Ingress from members of this group; repeatable.",
)
@click.option(
    "--to-group",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_groups,
    help="Egress to members of this group; repeatable.",
)
@click.option("--desired/--live", "desired", default=True, help="Ask the files (the default), or the API.")
@click.option("--ethertype", type=click.Choice(["IPv4", "IPv6"]), help="The family, where no address tells it.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.target_options
@options.api_options
def command(question: tuple[str, ...], groups: tuple[str, ...], ethertype: Ethertype | None, **given: Any) -> int:
    """Tell whether traffic is allowed, by which rule, or what is nearest to being allowed.

    PROTOCOL is like tcp/443, tcp/8000-8099, icmp/8/0, gre or any; REMOTE an address, a prefix or `group NAME`. A flow
    between two groups has to pass the egress rules of the one and the ingress rules of the other. A prefix or a range
    is allowed when all of it is. PATHS are files or folders; the current folder when left out. Where targets disagree,
    --project-id and --region-id choose.

    Exits with 0 when it is allowed and with 2 when it is refused.

    \b
      sgctl trace --group web ingress tcp/443 from 203.0.113.9
      sgctl trace --group database ingress tcp/5432 --from-group app groups/
      sgctl trace --group web egress udp/53 to 2001:db8::53 --live
    """
    asked, paths = parse_question(question, _far(question, given), ethertype)
    side = _side(paths, given)
    answer = trace(side, groups, asked)
    if given["format_"] == "json":
        click.echo(json.dumps(trace_to_json(answer, side.names), indent=1, ensure_ascii=False))
    else:
        click.echo(render_trace(answer, side.names), nl=False)
    return 0 if answer.allowed else 2


def _far(question: tuple[str, ...], given: dict[str, Any]) -> tuple[str, ...]:
    """Take the groups at the other end, from the option that fits the direction."""
    fitting, other = ("to_group", "from_group") if question[:1] == ("egress",) else ("from_group", "to_group")
    if given[other] and question:
        option, better = (name.replace("_", "-") for name in (other, fitting))
        raise UsageError(f"--{option} does not fit {question[0]}: use --{better}")
    far: tuple[str, ...] = given[fitting]
    return far


def _side(paths: tuple[str, ...], given: dict[str, Any]) -> StateView:
    if given["desired"]:
        return desired_view(load_chosen(paths, given)[1])
    return live_with_places(load_for_live(paths, given)[1], given)
