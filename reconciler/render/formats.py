"""The formats by name."""

from reconciler.render.github import render_github
from reconciler.render.html import render_html
from reconciler.render.markdown import render_markdown
from reconciler.render.text import render_text
from reconciler.render.view import View


def render(view: View, format_: str, width: int = 80) -> str:
    """Write a view in one of the formats other than JSON."""
    if format_ == "text":
        return render_text(view, width)
    return {"markdown": render_markdown, "html": render_html, "github": render_github}[format_](view)
