"""The formats by name."""

from reconciler.render.condense import condense, shorten_end
from reconciler.render.github import render_github
from reconciler.render.html import render_html
from reconciler.render.markdown import render_markdown
from reconciler.render.text import render_text
from reconciler.render.view import View


def render(view: View, format_: str, width: int = 80, *, expand: bool = False) -> str:
    """Write a view in one of the formats other than JSON.

    Text and Markdown say once what several groups have in common, unless all is to be expanded.
    """
    if format_ == "html":
        return render_html(view)
    if format_ == "github":
        return render_github(view)
    shown = shorten_end(view if expand else condense(view))
    return render_text(shown, width) if format_ == "text" else render_markdown(shown)
