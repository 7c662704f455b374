"""Loading desired state for a command."""

from reconciler.cli import settings
from reconciler.loader.forks import usable_processes
from reconciler.loading import load
from reconciler.model.desired import DesiredState
from reconciler.model.policies import Policies


def load_files(
    paths: tuple[str, ...], project_id: int | None, region_id: int | None, policies: Policies | None
) -> DesiredState:
    """Load files and folders (the current one when there are none) as flags, environment and settings say.

    Raises `InputError` with every issue of the files.
    """
    defaults = settings.defaults(project_id, region_id)
    return load(paths or (".",), defaults, policies, processes=usable_processes())
