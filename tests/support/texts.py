"""Desired state of a text, without a file; and whether a text is harmless where it is shown."""

import re

import click

from reconciler.loading.desired import desired_state
from reconciler.loading.document import read_text
from reconciler.loading.head import Defaults
from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError


def load_text(text: str, defaults: Defaults | None = None) -> DesiredState:
    """Load a text of YAML as if it were in the file `groups.yaml`."""
    documents, unreadable = read_text("groups.yaml", text.encode())
    state, wrong = desired_state(documents, defaults or Defaults())
    if unreadable or wrong:
        raise InputError((*unreadable, *wrong))
    return state


def assert_harmless(output: str) -> None:
    """Nothing that a terminal or a CI runner obeys, but for line ends and the colours of `click.style`."""
    plain = click.unstyle(output)
    assert all(character.isprintable() or character == "\n" for character in plain), ascii(plain)
    assert not re.search(r"^\s*::[a-zA-Z-]+(?: .*?)?::", plain, re.MULTILINE)
    assert not re.search(r"##\w*\[", plain)
