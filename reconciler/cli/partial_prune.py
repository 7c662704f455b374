"""Pruning looks at everything or not at all: a file left out would look like groups that nobody names any more."""

from collections.abc import Sequence
from pathlib import Path

from reconciler.config.config import Config
from reconciler.loading.load import find_files
from reconciler.model.errors import UsageError


def refuse_partial_prune(config: Config, paths: Sequence[str]) -> None:
    """Refuse to prune by paths that leave out some of those that the configuration file names.

    Files are compared, not names: a folder may be given by another name, or file by file. Raises `UsageError`.
    """
    if not config.paths:
        return
    given = _identities(paths)
    for path in config.paths:
        left_out = [name for identity, name in _identities((path,)).items() if identity not in given]
        if left_out or not Path(path).exists():
            raise UsageError(
                f"--prune has to see everything, and {left_out[0] if left_out else path} is left out: "
                f"{config.places('paths')['paths']} names it",
                hint="Leave the paths out to plan all of them, or plan without --prune.",
            )


def _identities(paths: Sequence[str]) -> dict[tuple[int, int], str]:
    found = {}
    for name in find_files(paths)[0]:
        status = Path(name).stat()
        found[status.st_dev, status.st_ino] = name
    return found
