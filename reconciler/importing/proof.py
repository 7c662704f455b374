"""The proof of an import: its text is loaded and planned before anybody may write it. Pure."""

from collections.abc import Collection, Sequence

from reconciler.importing.existing import LookUp, defaults_for, of_target
from reconciler.importing.text import spell_text
from reconciler.loading.bulk.read import read_bulk
from reconciler.loading.desired import desired_state
from reconciler.loading.document import YamlDocument, read_text
from reconciler.model.desired import DesiredState, Target
from reconciler.model.errors import Issue, SgctlError
from reconciler.model.live import LiveGroup, LiveState
from reconciler.planning.diff import Difference, diff
from reconciler.planning.resolve import resolve

_HINT = "Nothing was written. This is a bug in sgctl: please report it with what the API answers for this group."


def prove(
    texts: Sequence[tuple[str, str]],
    existing: Sequence[YamlDocument],
    groups: Collection[LiveGroup],
    target: Target,
    live: LiveState,
    look_up: LookUp,
    processes: int = 1,
) -> None:
    """Hold the texts, each with the path of its file, together with the existing documents against live state.

    Raises `SgctlError` that names the groups of the import which would not be found, or found to differ. Differences
    that the existing files have by themselves are theirs.
    """
    files = [(path, text.encode("utf-8")) for path, text in texts]
    issues: tuple[Issue, ...] = ()
    state = None if existing else read_bulk(files, defaults_for(target), None, processes)
    if state is None:
        state, issues = _read_plainly(files, existing, target)
    unclear: tuple[Issue, ...] = ()
    if not issues:
        matches, unclear = resolve(of_target(look_up(state), target), live)
    if issues := (*issues, *unclear):
        first = issues[0]
        said = f"{first.place}: {first.message}" + (f" (in {first.line.strip()})" if first.line else "")
        raise SgctlError(f"the import cannot be read back: {said}", hint=_HINT)
    left = {group.id: group for group in groups}
    differing = []
    for match in matches:
        if match.live is not None and left.pop(match.live.id, None) is not None:
            difference = diff(match)
            if not difference.is_empty:
                differing.append(f"group {spell_text(match.live.name)} {_told(difference)}")
    differing += [f"group {spell_text(group.name)} is missing in it" for group in left.values()]
    if differing:
        raise SgctlError("planning the import would not be empty: " + "; ".join(differing), hint=_HINT)


def _read_plainly(
    files: Sequence[tuple[str, bytes]], existing: Sequence[YamlDocument], target: Target
) -> tuple[DesiredState, tuple[Issue, ...]]:
    documents = list(existing)
    issues: list[Issue] = []
    for path, data in files:
        read, unreadable = read_text(path, data)
        documents += read
        issues += unreadable
    state, wrong = desired_state(documents, defaults_for(target))
    return state, (*issues, *wrong)


def _told(difference: Difference) -> str:
    changes = {
        "its name": difference.previous_name,
        "its description": difference.description,
        "its tags": difference.tags,
        f"{len(difference.creates)} rules more": difference.creates,
        f"{len(difference.deletes)} rules fewer": difference.deletes,
        f"{len(difference.redescribes)} other descriptions of rules": difference.redescribes,
    }
    return "would change: " + ", ".join(name for name, change in changes.items() if change)
