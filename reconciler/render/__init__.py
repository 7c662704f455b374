"""A plan for people and programs: one view model, several formats. Nothing here decides anything."""

FORMATS = ("text", "json", "markdown", "html", "github")
"""What `--format` takes. JSON is written from the data, everything else from the view (`render.formats`)."""
