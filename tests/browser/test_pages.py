"""The pages in a browser: what one sees, finds, unfolds and prints, with the mouse, the keyboard and a screen reader."""

import pytest
from reconciler.render.formats import render
from reconciler.render.view import GroupView, View


def test_thin(show):
    page = show(render(View("plan", (), "Plan: nothing"), "html"))
    assert page.title() == "sgctl plan"
