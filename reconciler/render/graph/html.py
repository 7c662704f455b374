"""Graphs as a page that stands alone: the picture, and the same as a table."""

from collections.abc import Iterator, Sequence
from html import escape

from reconciler.graph import Graph, PartStatus
from reconciler.model.text import printable
from reconciler.render.graph.mermaid import title_of
from reconciler.render.graph.svg import render_svg

_STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--quiet:#656d76;--rim:#d0d7de;--green:#1a7f37;--red:#cf222e}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--quiet:#8d96a0;--rim:#30363d;--green:#3fb950;
--red:#f85149}}
body{margin:0;padding:24px;background:var(--paper);color:var(--ink);
font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:20px;margin:0 0 4px}h2{font-size:15px;margin:28px 0 8px}p{margin:0 0 16px;color:var(--quiet)}
.picture{overflow-x:auto;border:1px solid var(--rim);border-radius:10px}
.picture svg{display:block;margin:0 auto;max-width:100%;min-width:900px;height:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--rim);vertical-align:top}
th{color:var(--quiet);font-weight:600}
td.services{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12px}
tr.added td{color:var(--green)}tr.removed td{color:var(--red)}
"""
_WORDS = {PartStatus.SAME: "", PartStatus.ADDED: "opened", PartStatus.REMOVED: "closed"}


def render_graph_page(graphs: Sequence[Graph], heading: str) -> str:
    """Write a page without script and without anything from outside."""
    groups = sum(node.kind == "group" for graph in graphs for node in graph.nodes)
    edges = sum(len(graph.edges) for graph in graphs)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_html(heading)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{_html(heading)}</h1>\n<p>{groups} groups, {edges} ways in. Edges point where traffic goes.</p>\n"
        f'<div class="picture">\n{render_svg(graphs)}</div>\n' + "".join(_tables(graphs)) + "</body>\n</html>\n"
    )


def _tables(graphs: Sequence[Graph]) -> Iterator[str]:
    for graph in graphs:
        nodes = {node.key: node for node in graph.nodes}
        yield f"<h2>{_html(title_of(graph))}</h2>\n<table>\n"
        yield "<tr><th>From</th><th>To</th><th>Services</th><th>By</th><th></th></tr>\n"
        for edge in graph.edges:
            tail = nodes[edge.tail]
            detail = f" ({tail.detail})" if tail.kind == "prefixes" and tail.detail else ""
            cells = (tail.title + detail, nodes[edge.head].title)
            yield f'<tr class="{edge.status}">' + "".join(f"<td>{_html(cell)}</td>" for cell in cells)
            yield f'<td class="services">{_html(edge.label)}</td><td>{edge.direction} rule</td>'
            yield f"<td>{_WORDS[edge.status]}</td></tr>\n"
        for node in graph.nodes:
            for note in node.notes:
                yield f'<tr class="{note.status}"><td>{_html(node.title)}</td><td></td>'
                yield f'<td class="services">{_html(note.text)}</td><td></td><td>{_WORDS[note.status]}</td></tr>\n'
        yield "</table>\n"


def _html(text: str) -> str:
    return escape(printable(text))
