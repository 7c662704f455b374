"""The names by which rules may refer to remote groups."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from reconciler.importing.writable import is_plain_name
from reconciler.model.live import LiveGroup
from reconciler.resolve import Match


def reference_names(live: Iterable[LiveGroup], in_files: Iterable[Match]) -> Mapping[str, str]:
    """Name the groups, by id, whose name means them alone, both live and in the files that are there already.

    A file that renames a group has the last word: its name is the one that will still be right afterwards.
    """
    live = tuple(live)
    names = {group.id: group.name for group in live}
    meant: defaultdict[str, set[str | None]] = defaultdict(set)
    for group in live:
        meant[group.name].add(group.id)
    for match in in_files:
        if match.live is not None:
            names[match.live.id] = match.desired.name
        meant[match.desired.name].add(match.live.id if match.live is not None else None)
    return {group_id: name for group_id, name in names.items() if meant[name] == {group_id} and is_plain_name(name)}
