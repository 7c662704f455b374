"""Stages 1 and 2 in one: paths -> desired state.

Large input is read in pieces and side by side (`bulk`). Where that finds anything out of the ordinary, everything is
read once more as it stands, document by document, and what is wrong is said from there.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reconciler.desired import desired_state
from reconciler.document import Document, read_documents, read_files
from reconciler.errors import InputError
from reconciler.loader.target import Defaults
from reconciler.model.desired import DesiredState
from reconciler.model.policies import Policies

LARGE = 1 << 19
"""Bytes from which on input is read in pieces."""

__all__ = ["Defaults", "load", "load_documents", "no_garbage_collection"]


def load(
    paths: Sequence[str], defaults: Defaults, policies: Policies | None = None, *, processes: int = 1
) -> DesiredState:
    """Load what the files and folders ask for. Raises InputError with every issue of the run, in order of place.

    `policies` are those of a settings file, for which the files may define address groups. More than one of the
    `processes` can be used where this one may be forked: on Linux, and as long as it has no other threads.
    """
    with no_garbage_collection():
        state = load_large(paths, defaults, policies, processes)
        return load_documents(paths, defaults, policies)[1] if state is None else state


def load_large(
    paths: Sequence[str], defaults: Defaults, policies: Policies | None, processes: int
) -> DesiredState | None:
    """Load what is large and right; None for anything else."""
    files = read_files(paths, at_least=LARGE)
    if files is None:
        return None
    from reconciler.bulk import read_bulk  # noqa: PLC0415 - small input, which is soon read, needs none of it

    return read_bulk(files, defaults, policies, processes)


def load_documents(
    paths: Sequence[str], defaults: Defaults, policies: Policies | None = None
) -> tuple[tuple[Document, ...], DesiredState]:
    """Load as `load` does, one document after the other, and keep the documents."""
    documents, unreadable = read_documents(paths)
    state, wrong = desired_state(documents, defaults, policies)
    places = {issue.place for issue in unreadable}
    issues = (*unreadable, *(issue for issue in wrong if issue.place not in places))
    if issues:
        raise InputError(tuple(sorted(issues, key=lambda issue: issue.place)))
    return documents, state


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Hold the garbage collector while a million small objects are made that all stay: it would visit them in vain.

    Nothing here makes cycles except recursive aliases, which are refused.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
