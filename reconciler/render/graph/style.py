"""How graphs look: colours for light and dark, and the heads of edges."""

CSS = """
svg{--paper:#fff;--ink:#1f2328;--quiet:#656d76;--line:#8c959f;--card:#f6f8fa;--rim:#d0d7de;--blue:#0969da;
--orange:#bc4c00;--warm:#fff1e5;--cool:#ddf4ff;--green:#1a7f37;--red:#cf222e;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
@media(prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#e6edf3;--quiet:#8d96a0;--line:#6e7681;--card:#161b22;
--rim:#30363d;--blue:#4493f8;--orange:#f0883e;--warm:#3d2410;--cool:#0c2d5a;--green:#3fb950;--red:#f85149}}
.paper{fill:var(--paper)}
text{fill:var(--ink)}
.target{font-size:14px;font-weight:600}
.name{font-size:13px;font-weight:600}
.detail{font-size:10.5px;fill:var(--quiet)}
.label,.source,.note{font:11px ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
.note{font-size:10.5px;fill:var(--quiet)}
.source{text-anchor:middle;font-size:10.5px}
.back{fill:var(--paper)}
.edge path{fill:none;stroke:var(--line);stroke-width:1.4}
.edge.egress path{stroke-dasharray:5 4}
.edge.added path{stroke:var(--green);stroke-width:2.2}
.edge.removed path{stroke:var(--red);stroke-width:2.2;stroke-dasharray:2 4}
.edge.added .label,.note.added{fill:var(--green);font-weight:600}
.edge.removed .label,.note.removed{fill:var(--red);font-weight:600}
.edge:hover path{stroke-width:3;stroke:var(--blue)}
.edge:hover .label{fill:var(--blue)}
.pill{fill:var(--card);stroke:var(--rim)}
.from-world .pill{fill:var(--warm);stroke:var(--orange)}
.from-world .source{fill:var(--orange);font-weight:600}
.from-group .pill,.from-unknown .pill{fill:var(--cool);stroke:var(--blue)}
.card .body{fill:var(--card);stroke:var(--rim)}
.card.unknown .body{fill:var(--paper);stroke-dasharray:4 3}
.card.added .body{stroke:var(--green);stroke-width:2}
.stripe{fill:var(--blue)}
.card.unknown .stripe{fill:var(--rim)}
.card.exposed .stripe,.world-key{fill:var(--orange)}
.head-same{fill:var(--line)}.head-added{fill:var(--green)}.head-removed{fill:var(--red)}
"""

MARKERS = (
    "<defs>"
    + "".join(
        f'<marker id="{status}" viewBox="0 0 8 8" refX="7.4" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="head-{status}" d="M0 .6L8 4L0 7.4z"/></marker>'
        for status in ("same", "added", "removed")
    )
    + "</defs>"
)
