"""The files that are there already: which live groups they name, and which names are taken."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.loading.address_groups import read_address_groups
from reconciler.loading.document import YamlDocument
from reconciler.loading.issues import Issues
from reconciler.loading.load import Defaults, load_documents
from reconciler.loading.walk import WALK, Walk, find_files
from reconciler.model.cloud import EVERYWHERE
from reconciler.model.desired import DesiredState, Target
from reconciler.model.errors import InputError
from reconciler.model.live import LiveState
from reconciler.model.problems import ProblemName
from reconciler.planning.resolve import Match, resolve

LookUp = Callable[[DesiredState], DesiredState]
"""Gives targets that are written by name their ids."""


@dataclass(frozen=True, slots=True)
class Existing:
    """What the existing files say about one target. `address_groups` are visible in every file, whatever its target."""

    documents: tuple[YamlDocument, ...] = ()
    matches: tuple[Match, ...] = ()
    address_groups: Mapping[str, frozenset[str]] | None = None

    @property
    def live_ids(self) -> frozenset[str]:
        """The ids of the live groups that the files name."""
        return frozenset(match.live.id for match in self.matches if match.live is not None)

    def without(self, path: str | None) -> tuple[YamlDocument, ...]:
        """Return the documents, but for those of one file."""
        if path is None or not Path(path).exists():
            return self.documents
        return tuple(document for document in self.documents if not Path(document.source.path).samefile(path))


def read_existing(
    paths: Sequence[str], target: Target, live: LiveState, look_up: LookUp, *, walk: Walk = WALK
) -> Existing:
    """Read files and folders. Raises `InputError` where they are wrong, or do not fit together with live state.

    Documents that name no project or region are for the target of the import.
    """
    documents, state = load_documents(paths, defaults_for(target), walk=walk)
    matches, unclear = resolve(of_target(look_up(state), target), live)
    if unclear:
        raise InputError(unclear)
    return Existing(documents, matches, _address_groups(documents))


def defaults_for(target: Target) -> Defaults:
    """Fill in the target where a document names none; what it names is no contradiction here, it is just not ours."""
    return Defaults(environment_project_id=target.project_id, environment_region_id=target.region_id)


def of_target(state: DesiredState, target: Target) -> DesiredState:
    """Keep the groups of one target: live state is known of that alone."""
    return replace(state, groups=tuple(group for group in state.groups if group.target == target))


def holds_files(folder: str) -> bool:
    """Tell whether a folder has any file that would be read, or would have to be refused."""
    files, issues = find_files([folder])
    return bool(files) or any(issue.name is not ProblemName.NO_FILES for issue in issues)


def _address_groups(documents: Sequence[YamlDocument]) -> dict[str, frozenset[str]]:
    read = read_address_groups(documents, Issues())
    return {
        name: frozenset(prefix or EVERYWHERE[family] for family, prefix in group.prefixes)
        for name, group in read.items()
    }
