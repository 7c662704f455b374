"""Guardrails against what a change may do beside what is meant.

Doing too much at once (emptied groups, mass deletion and replacement), losing rules of other groups, leaving gaps, and
locking oneself out.
"""

from collections import Counter
from collections.abc import Iterator

from reconciler.model.cloud import MAX_RULES
from reconciler.model.policies import Finding, Limits
from reconciler.model.rule import Rule, describe_rule
from reconciler.model.text import shown
from reconciler.planning.diff import Action, Difference
from reconciler.planning.order import order_of
from reconciler.planning.plan import Plan
from reconciler.traffic import Packet, Traffic, admits
from reconciler.traffic.difference import SAME

MASS_DELETE = "mass-delete"
MASS_REWRITE = "mass-rewrite"
GAP = "gap"


def check_damage(plan: Plan, limits: Limits) -> tuple[Finding, ...]:
    """Judge a plan. Every finding names the numbers, the limit, the setting and the flag."""
    differences = [change.difference for change in plan.changes]
    return (
        *_emptied_groups(differences),
        *_mass_deletion_of_rules(plan, differences, limits),
        *_mass_deletion_of_groups(plan, limits),
        *_mass_rewrite(plan, differences, limits),
        *_lost_rules(differences),
        *_gaps(differences),
    )


def _emptied_groups(differences: list[Difference]) -> Iterator[Finding]:
    for difference in differences:
        if difference.action is not Action.UPDATE or difference.live is None or not difference.deletes:
            continue
        if not (difference.unchanged or difference.creates or difference.redescribes):
            left = "without any rule" if not difference.ignored_ids else "with no rule but those of others"
            yield _mass_delete(
                f"{difference.name!r} would be left {left}: all {len(difference.deletes)} are deleted",
                difference,
            )


def _mass_deletion_of_rules(plan: Plan, differences: list[Difference], limits: Limits) -> Iterator[Finding]:
    deleted = sum(_unreplaced(difference) for difference in differences if difference.action is Action.UPDATE)
    if _too_many(deleted, plan.scope.rules, limits.max_deleted_rules, limits.min_deleted_rules):
        yield _mass_delete(
            f"the plan deletes {deleted} of {plan.scope.rules} managed rules ({_percent(deleted, plan.scope.rules)}) "
            f"without replacing them, over the limit of {limits.max_deleted_rules} %; "
            "raise `max_deleted_rules` or pass --allow-mass-delete"
        )


def _mass_deletion_of_groups(plan: Plan, limits: Limits) -> Iterator[Finding]:
    deleted, owned = plan.summary.groups_to_delete, plan.scope.owned_groups
    if _too_many(deleted, owned, limits.max_deleted_groups, limits.min_deleted_groups):
        yield _mass_delete(
            f"the plan deletes {deleted} of {owned} owned groups ({_percent(deleted, owned)}), over the limit of "
            f"{limits.max_deleted_groups} %; "
            "raise `max_deleted_groups` or pass --allow-mass-delete"
        )


def _mass_rewrite(plan: Plan, differences: list[Difference], limits: Limits) -> Iterator[Finding]:
    """Judge what is replaced by rules that admit something else; what is not replaced counts as deleted.

    What was admitted is counted in rules and not in addresses: a live rule counts once when any of its traffic is no
    longer admitted, so that 0.0.0.0/0 weighs no more than one host.
    """
    rewritten = [(each, number) for each in differences if (number := _rewritten(each))]
    rules, of_rules, least = sum(number for _, number in rewritten), plan.scope.rules, limits.min_rewritten_rules
    closed = 0
    if _too_many(rules, of_rules, limits.max_closed_rules, least):  # the closed ones are no more than these
        closed = sum(min(number, _closed(each)) for each, number in rewritten)
    groups, of_groups, fewest = len(rewritten), plan.scope.groups, limits.min_rewritten_groups
    judged = (
        ("rewrites {part} of {total} rules ({share}", rules, of_rules, "max_rewritten_rules", least),
        ("closes what {part} of {total} rules admitted ({share}", closed, of_rules, "max_closed_rules", least),
        ("changes {part} of {total} groups ({share}", groups, of_groups, "max_rewritten_groups", fewest),
    )
    over = [
        f"{what.format(part=part, total=total, share=_percent(part, total))}, limit {limit} %)"
        for what, part, total, key, number in judged
        if _too_many(part, total, limit := getattr(limits, key), number)
    ]
    if over:
        message = f"the plan {', '.join(over)}; if meant, pass --allow-mass-rewrite"
        yield Finding(MASS_REWRITE, "error", message, "--allow-mass-rewrite")


def _rewritten(difference: Difference) -> int:
    """Count the deleted rules that are replaced; none where the new ones admit the same."""
    if difference.action is not Action.UPDATE or difference.traffic == SAME:
        return 0
    return len(difference.deletes) - _unreplaced(difference)


def _closed(difference: Difference) -> int:
    """Count the replaced rules of which any traffic is no longer admitted."""
    closes = Traffic.of_flows(difference.traffic.closes)
    closed = sum(closes.admits_some(rule.rule) for rule in difference.deletes)
    return max(0, closed - _unreplaced(difference))


def _lost_rules(differences: list[Difference]) -> Iterator[Finding]:
    for difference in differences:
        for lost in difference.lost_rules:
            rule = lost.rule
            names = {difference.live.id: difference.name} if difference.live else {}
            said = f" {shown(rule.description)}" if rule.description else ""
            yield _mass_delete(
                f"deleting {difference.name!r} would also delete a rule of {lost.group_name!r} that the files leave "
                f"alone: {' '.join(describe_rule(rule.rule, names).split())}{said} (rule {rule.id}); remove that rule, "
                "have those remove it whose it is, or pass --allow-mass-delete",
                difference,
            )


def _gaps(differences: list[Difference]) -> Iterator[Finding]:
    for difference in differences:
        if difference.live is None or difference.action is not Action.UPDATE:
            continue
        order = order_of(difference)
        if order.gaps:
            present = len(difference.live.rules)
            yield Finding(
                GAP,
                "error",
                f"{difference.name!r} holds {present} of {MAX_RULES} rules: {len(order.gaps)} would have to be deleted "
                "before the rules that replace them are created, and traffic be refused meanwhile; make room first, "
                "or pass --allow-gap",
                "--allow-gap",
                difference.place,
            )


def _unreplaced(difference: Difference) -> int:
    """Count the deleted rules for which the plan creates none of the same direction, one for one."""
    deleted = Counter(rule.rule.direction for rule in difference.deletes)
    created = Counter(rule.rule.direction for rule in difference.creates)
    return (deleted - created).total()


def _too_many(deleted: int, total: int, percent: int, number: int) -> bool:
    return deleted > number and deleted * 100 > total * percent


def _percent(part: int, total: int) -> str:
    return f"{part * 100 / total:.0f} %" if total else "all"


def _mass_delete(message: str, difference: Difference | None = None) -> Finding:
    return Finding(MASS_DELETE, "error", message, "--allow-mass-delete", difference.place if difference else None)


LOCKOUT = "protect_ssh"
_SSH = 22


def check_lockout(difference: Difference, after: tuple[Rule, ...], address: str) -> Iterator[Finding]:
    """Judge that a changed group which admits SSH from an address still does; `after` are its rules in the end."""
    if difference.live is None or not (difference.changes_rules or difference.action is Action.DELETE):
        return
    packet = Packet("ingress", "IPv6" if ":" in address else "IPv4", "tcp", port=_SSH, remote_address=address)
    before = {rule.rule: rule.id for rule in difference.live.rules}
    admitting = admits(before, packet)
    if not admitting or admits(after, packet):
        return
    lost = "; ".join(f"{' '.join(describe_rule(rule).split())} ({before[rule]})" for rule in admitting)
    message = (
        f"THIS WOULD LOCK YOU OUT: {difference.name!r} ({difference.target}, {difference.live.id}) admits SSH (tcp 22) "
        f"from {address}, where you are, and would no longer do so. What admits it now: {lost}. Nothing was sent. "
        f"Keep a rule in {difference.name!r} that admits tcp 22 from {address}, and plan again; or, if you mean it and "
        "have another way in, plan without --protect-ssh-from"
    )
    yield Finding(LOCKOUT, "error", message, None, difference.place, difference.name)
