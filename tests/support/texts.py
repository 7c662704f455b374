"""Desired state of a text, without a file."""

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
