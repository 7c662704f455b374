"""Names for the ids of remote groups, for people. Pure."""

from collections.abc import Iterable

from reconciler.live import LiveState
from reconciler.model.difference import Action, Difference
from reconciler.placeholder import placeholder


def names_of_remotes(differences: Iterable[Difference], live: LiveState) -> dict[str, str]:
    """Name every remote group that the differences refer to, as far as its name is known."""
    differences = tuple(differences)
    remotes: set[str | None] = set()
    for each in differences:
        remotes |= {rule.rule.remote_group_id for rule in each.creates}
        remotes |= {rule.rule.remote_group_id for rule in each.deletes}
        remotes |= {redescribed.desired.rule.remote_group_id for redescribed in each.redescribes}
    named = {placeholder(each.name): each.name for each in differences if each.action is Action.CREATE}
    named |= {group.id: group.name for groups in live.values() for group in groups}
    return {remote: named[remote] for remote in sorted(filter(None, remotes)) if remote in named}
