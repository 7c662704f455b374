"""The groups that a plan creates, held against the quota of their region: a warning in time, and no more than that."""

from collections import Counter
from collections.abc import Iterator, Mapping

from reconciler.model.live import Quota
from reconciler.model.text import count
from reconciler.planning.diff import Action
from reconciler.planning.plan import Plan


def quota_notes(plan: Plan, quotas: Mapping[int, Quota]) -> Iterator[str]:
    """Say for each region how many of the groups to create will not fit; `quotas` are by region.

    A quota is that of a region, over all projects. What the plan deletes makes no room: groups are created first.
    """
    creates, deletes = (
        Counter(change.difference.target.region_id for change in plan.changes if change.difference.action is action)
        for action in (Action.CREATE, Action.DELETE)
    )
    for region_id, number in sorted(creates.items()):
        quota = quotas.get(region_id)
        if quota is None or (over := number - max(0, quota.limit - quota.used)) <= 0:
            continue
        yield (
            f"region {region_id}: {quota.used} of {count(quota.limit, 'security group')} are used, over all projects, "
            f"and this plan creates {number}: {over} will not fit; ask Gcore's support for a higher quota, or delete "
            "groups first" + (" (what this plan deletes goes only after its creates)" if deletes[region_id] else "")
        )
