"""All findings of a run."""

from collections.abc import Iterator, Sequence

from reconciler.document import Document
from reconciler.lint.findings import Finding
from reconciler.lint.merge import find_mergeable
from reconciler.lint.redundant import find_redundant
from reconciler.lint.references import find_unknown_groups, find_unused_address_groups
from reconciler.lint.written import read_written
from reconciler.live import LiveState
from reconciler.model.desired import DesiredState


def lint(documents: Sequence[Document], state: DesiredState, live: LiveState | None = None) -> tuple[Finding, ...]:
    """Find what could be better in valid documents and the state they ask for, in the order of places."""
    found = [
        *find_rules(documents),
        *find_unknown_groups(state, live),
        *find_unused_address_groups(documents, state.policies.address_groups),
    ]
    return tuple(sorted(found, key=lambda finding: (finding.place, finding.kind)))


def find_rules(documents: Sequence[Document]) -> Iterator[Finding]:
    """Find superfluous rules, and what could be merged of the others."""
    for group in read_written(documents):
        redundant = list(find_redundant(group))
        yield from redundant
        gone = [rule for finding in redundant if finding.remedy for rule in finding.remedy.removes]
        yield from find_mergeable(group, gone)
