"""What an audit says of groups that nothing needs: those of ours that no file names, and those that no instance has."""

from collections.abc import Iterable, Iterator, Mapping

from reconciler.model.cloud import DEFAULT_GROUP
from reconciler.model.live import Instances, LiveGroup
from reconciler.model.policies import Finding
from reconciler.planning.orphans import ORPHAN

UNATTACHED = "unattached"


def orphan_findings(orphans: Iterable[LiveGroup]) -> Iterator[Finding]:
    """Warn of each orphan."""
    for group in orphans:
        yield Finding(
            ORPHAN,
            "warning",
            f"{group.target}: {group.name!r} carries the owner {group.owner}, and no file names it; "
            "`sgctl plan --prune` deletes it, `sgctl import` writes it back into a file",
            group=group.name,
        )


def unattached_findings(groups: Iterable[LiveGroup], instances: Mapping[str, Instances]) -> Iterator[Finding]:
    """Warn of each group that protects no instance, as far as the API tells; `default` is there by itself."""
    for group in groups:
        found = instances.get(group.id)
        if found is not None and not found.number and group.name != DEFAULT_GROUP:
            yield Finding(
                UNATTACHED,
                "warning",
                f"{group.target}: no instance has {group.name!r}; of load balancers the API does not tell",
                group=group.name,
            )
