"""Loading desired state for one command, which is over soon."""

from reconciler.cli import settings
from reconciler.desired import load_documents, no_garbage_collection
from reconciler.model.desired import DesiredState
from reconciler.model.policies import Policies


def load_files(
    paths: tuple[str, ...], project_id: int | None, region_id: int | None, policies: Policies | None
) -> DesiredState:
    """Load files and folders (the current one when there are none) as flags, environment and settings say.

    Raises `InputError` with every issue of the files.
    """
    with no_garbage_collection():
        documents, state = load_documents(paths or (".",), settings.defaults(project_id, region_id), policies)
    # Taking a million nodes apart costs a twentieth of a large plan. In a circle they stay until the process ends, for
    # a command runs without the garbage collector; where there is one, it finds them.
    kept: list[object] = [documents]
    kept.append(kept)
    return state
