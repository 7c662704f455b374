"""The same security group twice for one target."""

from collections.abc import Sequence

from reconciler.loader.issues import Issues
from reconciler.loader.source import Source, shown
from reconciler.model.desired import DesiredGroup, Target

Written = Sequence[tuple[Source, Sequence[DesiredGroup]]]


def find_conflicts(written: Written, issues: Issues) -> None:
    """Report each group whose id, name or previous name another group of its target has taken."""
    names = _find_same_groups(written, issues)
    previous: dict[tuple[Target, str], DesiredGroup] = {}
    for source, groups in written:
        for group in groups:
            if group.previous_name is None:
                continue
            key = (group.target, group.previous_name)
            other = names.get(key) or previous.setdefault(key, group)
            if other is not group:
                taken = f"`previous_name` {shown(group.previous_name)} belongs to another group of the files"
                related = ("the other", other.place)
                issues.add(source, group.place, taken, "leave previous_name out, or remove the other", (related,))


def _find_same_groups(written: Written, issues: Issues) -> dict[tuple[Target, str], DesiredGroup]:
    """Report groups that are there twice, and return all by name. Two of one name are told apart by their ids."""
    names: dict[tuple[Target, str], DesiredGroup] = {}
    ids: dict[tuple[Target, str], DesiredGroup] = {}
    for source, groups in written:
        for group in groups:
            same_name = names.setdefault((group.target, group.name), group)
            same_id = ids.setdefault((group.target, group.id), group) if group.id is not None else group
            if same_id is not group:
                message, other = f"the group with the id {group.id} is there twice", same_id
            elif same_name is not group and None in {group.id, same_name.id}:
                message, other = f"the group {shown(group.name)} is there twice", same_name
            else:
                continue
            fix = "keep one of the two, or tell them apart with `id`"
            issues.add(source, group.place, message, fix, (("the other", other.place),))
    return names
