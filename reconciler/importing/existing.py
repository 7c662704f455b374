"""The files that are there already: which live groups they name, and which names are taken."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.loading.document import YamlDocument
from reconciler.loading.issues import Issues
from reconciler.loading.load import Defaults, load_documents
from reconciler.loading.rule_sets import read_shared
from reconciler.loading.rules import NOTHING_SHARED, Shared
from reconciler.loading.walk import WALK, Walk, find_files
from reconciler.model.cloud import EVERYWHERE
from reconciler.model.desired import DesiredRule, DesiredState, Target
from reconciler.model.errors import InputError
from reconciler.model.live import LiveState
from reconciler.model.problems import ProblemName
from reconciler.model.rule import Rule
from reconciler.planning.resolve import Match, resolve

LookUp = Callable[[DesiredState], DesiredState]
"""Gives targets that are written by name their ids."""


@dataclass(frozen=True, slots=True)
class Existing:
    """What the existing files say about one target. What is `shared` is visible in every file, whatever its target."""

    documents: tuple[YamlDocument, ...] = ()
    matches: tuple[Match, ...] = ()
    shared: Shared = NOTHING_SHARED

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
    return Existing(documents, matches, read_shared(documents, Issues()))


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


def address_groups_of(shared: Shared) -> dict[str, frozenset[str]]:
    """Return the prefixes of each address group, as text."""
    return {
        name: frozenset(prefix or EVERYWHERE[family] for family, prefix in group.prefixes)
        for name, group in shared.address_groups.items()
    }


def live_rules_of_sets(shared: Shared, names: Mapping[str, str]) -> dict[str, dict[Rule, str] | None]:
    """Return the rules of each rule set with their descriptions, the largest set first.

    `names` are those of remote groups by id. A set that has a date or an exception, or names another group, is None:
    its name is taken, and no live rules are the same.
    """
    ids = {name: group_id for group_id, name in names.items()}
    largest_first = sorted(shared.rule_sets.items(), key=lambda each: (-len(each[1]), each[0]))
    return {name: _live_rules(rules, ids) for name, rules in largest_first}


def _live_rules(rules: Sequence[DesiredRule], ids: Mapping[str, str]) -> dict[Rule, str] | None:
    if any(rule.review or (rule.remote_group is not None and rule.remote_group not in ids) for rule in rules):
        return None
    return {
        rule.rule._replace(remote_group_id=ids[rule.remote_group]) if rule.remote_group else rule.rule: rule.description
        for rule in rules
    }
