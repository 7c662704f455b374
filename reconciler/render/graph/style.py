"""How graphs look: colours for light and dark, and the heads of edges."""

CSS = """
svg{--paper:#fff;--ink:#1f2328;--quiet:#656d76;--line:#8c959f;--card:#f6f8fa;--rim:#d0d7de;--blue:#0969da;
--orange:#bc4c00;--warm:#fff1e5;--cool:#ddf4ff;--green:#1a7f37;--red:#cf222e;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
@media(prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#e6edf3;--quiet:#8d96a0;--line:#6e7681;--card:#161b22;
--rim:#30363d;--blue:#4493f8;--orange:#f0883e;--warm:#3d2410;--cool:#0c2d5a;--green:#3fb950;--red:#f85149}}
svg .paper{fill:var(--paper)}
svg text{fill:var(--ink)}
svg .target{font-size:14px;font-weight:600}
svg .name{font-size:13px;font-weight:600}
svg .detail{font-size:10.5px;fill:var(--quiet)}
svg .label,svg .source,svg .note{font:11px ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
svg .note{font-size:10.5px;fill:var(--quiet)}
svg .source{text-anchor:middle;font-size:10.5px}
svg .back{fill:var(--paper)}
svg .edge path{fill:none;stroke:var(--line);stroke-width:1.4}
svg .edge.egress path{stroke-dasharray:5 4}
svg .edge.added path{stroke:var(--green);stroke-width:2.2}
svg .edge.removed path{stroke:var(--red);stroke-width:2.2;stroke-dasharray:2 4}
svg .edge.added .label,svg .note.added{fill:var(--green);font-weight:600}
svg .edge.removed .label,svg .note.removed{fill:var(--red);font-weight:600}
svg .edge:hover path{stroke-width:3;stroke:var(--blue)}
svg .edge:hover .label{fill:var(--blue)}
svg .pill{fill:var(--card);stroke:var(--rim)}
svg .from-world .pill{fill:var(--warm);stroke:var(--orange)}
svg .from-world .source{fill:var(--orange);font-weight:600}
svg .from-group .pill,svg .from-unknown .pill{fill:var(--cool);stroke:var(--blue)}
svg .card .body{fill:var(--card);stroke:var(--rim)}
svg .card.unknown .body{fill:var(--paper);stroke-dasharray:4 3}
svg .card.added .body{stroke:var(--green);stroke-width:2}
svg .card.removed .body{stroke:var(--red);stroke-dasharray:2 4}
svg .stripe{fill:var(--blue)}
svg .card.unknown .stripe{fill:var(--rim)}
svg .card.exposed .stripe,svg .world-key{fill:var(--orange)}
svg .head-same{fill:var(--line)}svg .head-added{fill:var(--green)}svg .head-removed{fill:var(--red)}
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
