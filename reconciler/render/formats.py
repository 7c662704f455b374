"""The formats by name."""

from dataclasses import replace

from reconciler.model.policies import Finding
from reconciler.planning.orphans import MOST_NAMED, ORPHAN, ORPHAN_ADVICE, describe_orphans
from reconciler.render.condense import condense, shorten_end
from reconciler.render.github import render_github
from reconciler.render.html import render_html
from reconciler.render.markdown import render_markdown
from reconciler.render.text import render_text
from reconciler.render.view import View


def render(view: View, format_: str, width: int = 80, *, expand: bool = False) -> str:
    """Write a view in one of the formats other than JSON.

    Text and Markdown say once what several groups have in common, and name few orphans and no instances, unless all is
    to be expanded.
    """
    view = with_orphans(view, None if expand or format_ == "html" else MOST_NAMED)
    if format_ == "html":
        return render_html(view)
    if format_ == "github":
        return render_github(view)
    shown = shorten_end(view if expand else condense(view))
    return render_text(shown, width) if format_ == "text" else render_markdown(shown)


def with_orphans(view: View, most: int | None) -> View:
    """Add what is to be said of orphans: a drift warns of those that count."""
    if not view.orphans:
        return view
    told = tuple(describe_orphans(view.orphans, most))
    if view.orphans_count:
        warnings = (*view.warnings, *(Finding(ORPHAN, "warning", each) for each in told))
        return replace(view, warnings=warnings, notes=(*view.notes, ORPHAN_ADVICE))
    return replace(view, notes=(*view.notes, *told, ORPHAN_ADVICE))
