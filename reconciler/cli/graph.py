"""`sgctl graph`."""

from collections.abc import Sequence

import click

from reconciler import reading
from reconciler.cli import options, settings
from reconciler.cli.log import current_log
from reconciler.cli.options import ConnectionOptions, TargetOptions
from reconciler.cli.output import PUBLIC, check_outputs, write_atomically
from reconciler.cli.parameters import OutputFile
from reconciler.cli.progress import Progress
from reconciler.cli.targets import Loaded, load_chosen, load_for_live
from reconciler.config.commit import commit_of
from reconciler.graph import Graph, NodeKind, Sources, build_graphs
from reconciler.loading.address_groups import read_address_groups
from reconciler.loading.document import YamlDocument
from reconciler.loading.issues import Issues
from reconciler.model.clock import SystemClock, format_time
from reconciler.model.errors import UsageError
from reconciler.model.text import did_you_mean
from reconciler.model.version import __version__
from reconciler.planning.group_view import desired_view

_HEADINGS = {"desired": "Security groups, as desired", "live": "Security groups, live", "change": "What would change"}


@click.command("graph")
@options.paths_as_given
@click.option("--desired", "view", flag_value="desired", default="desired", help="Draw the files (the default).")
@click.option("--live", "view", flag_value="live", help="Draw what is live.")
@click.option("--change", "view", flag_value="change", help="Draw what planning the files would change.")
@click.option(
    "--format", "format_", type=click.Choice(["mermaid", "dot", "svg", "html"]), default="mermaid", show_default=True
)
@click.option(
    "--group", "groups", multiple=True, metavar="NAME", help="Only this group and its neighbours; repeatable."
)
@click.option("--out", type=OutputFile(), metavar="FILE", help="Write to this file instead of stdout.")
@options.target
@options.connection
def command(
    paths: tuple[str, ...],
    view: str,
    format_: str,
    groups: tuple[str, ...],
    out: str | None,
    target: TargetOptions,
    connection: ConnectionOptions,
) -> None:
    """Draw who may reach whom: groups, the groups and addresses they admit, with protocols and ports on the edges.

    Of a change, what it opens is green and what it closes is red. svg and html stand alone: nothing is fetched.
    PATHS are files or folders; the current folder when left out. --project-id and --region-id choose among targets.

    \b
      sgctl graph --format html --out groups.html
      sgctl graph --live --format svg > live.svg
      sgctl graph --change --format mermaid groups/
    """
    check_outputs(paths or settings.default_paths(), walk=settings.walk(target.follow_links))
    graphs = _build(paths, view, groups, target, connection)
    if groups and not any(graph.nodes for graph in graphs):
        drawn = (node for graph in _build(paths, view, (), target, connection) for node in graph.nodes)
        near = did_you_mean(groups[0], dict.fromkeys(node.title for node in drawn if node.kind is NodeKind.GROUP))
        raise UsageError(f"there is no group named {' or '.join(map(repr, groups))} to draw", hint=near)
    text = _render(graphs, view, format_, paths)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_atomically(out, current_log().secrets.hide(text), PUBLIC)


def _build(
    paths: tuple[str, ...],
    view: str,
    only: tuple[str, ...],
    target: TargetOptions,
    connection: ConnectionOptions,
) -> tuple[Graph, ...]:
    documents, state = _load(paths, view, target, connection)
    sources = _sources(documents)
    if view == "desired":
        return build_graphs(desired_view(state), sources=sources, only=only)
    with options.connect(connection) as api, Progress("reading", len(state.targets)) as progress:
        if view == "live":
            return build_graphs(reading.view_live(state, api, progress=progress.read), sources=sources, only=only)
        before, after = reading.view_change(state, api, progress=progress.read)
    return build_graphs(after, before, sources=sources, only=only)


def _load(paths: tuple[str, ...], view: str, target: TargetOptions, connection: ConnectionOptions) -> Loaded:
    if view == "live":
        return load_for_live(paths, target, connection)
    return load_chosen(paths, target, None if view == "desired" else connection)


def _sources(documents: Sequence[YamlDocument]) -> Sources:
    """Name sets of prefixes as the address groups of the files do."""
    found = read_address_groups(documents, Issues())
    sets = {name: frozenset(prefix for _, prefix in group.prefixes) for name, group in found.items()}
    return {frozenset(filter(None, prefixes)): name for name, prefixes in sets.items() if None not in prefixes}


def _render(graphs: tuple[Graph, ...], view: str, format_: str, paths: Sequence[str]) -> str:
    if format_ == "mermaid":
        from reconciler.render.graph.mermaid import render_mermaid  # noqa: PLC0415 - each format loads itself only

        return render_mermaid(graphs)
    if format_ == "dot":
        from reconciler.render.graph.dot import render_dot  # noqa: PLC0415 - the same

        return render_dot(graphs)
    if format_ == "svg":
        from reconciler.render.graph.svg import MAX_GROUPS, render_svg  # noqa: PLC0415 - the same

        number = sum(node.kind is NodeKind.GROUP for graph in graphs for node in graph.nodes)
        if number > MAX_GROUPS:
            raise UsageError(
                f"{number:,} groups are over the limit of {MAX_GROUPS:,} for one picture",
                hint="Name some with --group, or one target with --project-id and --region-id; "
                "--format html lists them all.",
            )
        return render_svg(graphs)
    from reconciler.render.graph.html import render_graph_page  # noqa: PLC0415 - the same
    from reconciler.render.view import Made  # noqa: PLC0415 - the same

    commit = "" if view == "live" else commit_of((*paths, ".")[0])
    content = Made(format_time(SystemClock().now()), version=__version__, commit=commit)
    return render_graph_page(graphs, _HEADINGS[view], content)
