"""Loading desired state for a command."""

import os
import sys
import threading

from reconciler.cli import settings
from reconciler.loading.load import load_documents, load_large, no_garbage_collection
from reconciler.model.desired import DesiredState
from reconciler.model.policies import Policies

MOST = 4
"""Processes that read side by side: more would save little, and each needs memory of its own."""


def load_files(
    paths: tuple[str, ...], project_id: int | None, region_id: int | None, policies: Policies | None
) -> DesiredState:
    """Load files and folders (the current one when there are none) as flags, environment and settings say.

    Raises `InputError` with every issue of the files.
    """
    defaults = settings.defaults(project_id, region_id)
    processes = usable_processes()
    with no_garbage_collection():
        large = load_large(paths or (".",), defaults, policies, processes) if processes > 1 else None
        if large is not None:
            return large
        documents, state = load_documents(paths or (".",), defaults, policies)
    # Taking a million nodes apart costs a twentieth of a large plan. In a circle they stay until the process ends, for
    # a command runs without the garbage collector; where there is one, it finds them.
    kept: list[object] = [documents]
    kept.append(kept)
    return state


def usable_processes() -> int:
    """Say how many processes can work side by side here; 1 where this one must not be forked."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(MOST, len(os.sched_getaffinity(0)))
