"""`sgctl graph`."""

from collections.abc import Sequence
from typing import Any

import click

from reconciler.cli import EXIT_CODES, options
from reconciler.cli.looking import before_and_after, live_with_places, load_chosen, load_for_live
from reconciler.cli.output import write_atomically
from reconciler.graph import Graph, Sources, build_graphs
from reconciler.loading.document import YamlDocument
from reconciler.loading.issues import Issues
from reconciler.loading.remote import read_address_groups
from reconciler.model.errors import UsageError
from reconciler.planning.group_view import desired_view

_HEADINGS = {"desired": "Security groups, as desired", "live": "Security groups, live", "change": "What would change"}


@click.command("graph", epilog=EXIT_CODES)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--desired", "view", flag_value="desired", default="desired", help="Draw the files (the default).")
@click.option("--live", "view", flag_value="live", help="Draw what is live.")
@click.option("--change", "view", flag_value="change", help="Draw what planning the files would change.")
@click.option(
    "--format", "format_", type=click.Choice(["mermaid", "dot", "svg", "html"]), default="mermaid", show_default=True
)
@click.option(
    "--group", "groups", multiple=True, metavar="NAME", help="Only this group and its neighbours; repeatable."
)
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write to this file instead of stdout.")
@options.target_options
@options.api_options
def command(paths: tuple[str, ...], view: str, format_: str, out: str | None, **given: Any) -> None:
    """Draw who may reach whom: groups, the groups and addresses they admit, with protocols and ports on the edges.

    Of a change, what it opens is green and what it closes is red. svg and html stand alone: no script, no network.
    PATHS are files or folders; the current folder when left out. --project-id and --region-id choose among targets.

    \b
      sgctl graph --format html --out groups.html
      sgctl graph --live --format svg > live.svg
      sgctl graph --change --format mermaid groups/
    """
    graphs = _build(paths, view, given)
    if given["groups"] and not any(graph.nodes for graph in graphs):
        raise UsageError(f"there is no group named {' or '.join(map(repr, given['groups']))} to draw")
    text = _render(graphs, view, format_)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_atomically(out, text, mode=0o644)


def _build(paths: tuple[str, ...], view: str, given: dict[str, Any]) -> tuple[Graph, ...]:
    only = given["groups"]
    if view == "desired":
        documents, state = load_chosen(paths, given)
        return build_graphs(desired_view(state), sources=_sources(documents), only=only)
    if view == "live":
        documents, state = load_for_live(paths, given)
        return build_graphs(live_with_places(state, given), sources=_sources(documents), only=only)
    documents, state = load_chosen(paths, given)
    before, after = before_and_after(state, given)
    return build_graphs(after, before, sources=_sources(documents), only=only)


def _sources(documents: Sequence[YamlDocument]) -> Sources:
    """Name sets of prefixes as the address groups of the files do."""
    found = read_address_groups(documents, Issues())
    sets = {name: frozenset(prefix for _, prefix in group.prefixes) for name, group in found.items()}
    return {frozenset(filter(None, prefixes)): name for name, prefixes in sets.items() if None not in prefixes}


def _render(graphs: tuple[Graph, ...], view: str, format_: str) -> str:
    if format_ == "mermaid":
        from reconciler.render.graph.mermaid import render_mermaid  # noqa: PLC0415 - each format loads itself only

        return render_mermaid(graphs)
    if format_ == "dot":
        from reconciler.render.graph.dot import render_dot  # noqa: PLC0415 - the same

        return render_dot(graphs)
    if format_ == "svg":
        from reconciler.render.graph.svg import render_svg  # noqa: PLC0415 - the same

        return render_svg(graphs)
    from reconciler.render.graph.html import render_graph_page  # noqa: PLC0415 - the same

    return render_graph_page(graphs, _HEADINGS[view])
