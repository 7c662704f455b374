"""The pages in a browser: what one sees, finds, unfolds and prints, with mouse and keyboard."""

from reconciler.render.formats import render
from reconciler.render.view import View


def test_thin(show):
    page = show(render(View("plan", (), "Plan: nothing"), "html"))
    assert page.title() == "sgctl plan"
