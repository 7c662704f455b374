"""What can be written and compared, but not planned: each with the place where it is written. Pure."""

from collections.abc import Collection, Iterable, Iterator

from reconciler.model.canonical import PUBLISHED_PROTOCOLS
from reconciler.model.cloud import MAX_RULES
from reconciler.model.desired import DesiredGroup, DesiredRule
from reconciler.model.errors import Issue
from reconciler.model.live import LiveGroup, LiveState
from reconciler.model.placeholder import is_placeholder, placeholder
from reconciler.model.problems import ProblemName
from reconciler.planning.diff import Action, Difference
from reconciler.planning.orphans import are_alike
from reconciler.planning.resolve import Match

_MOST_COMPARED = 100
"""Groups whose names are compared with those of orphans, of which there may be thousands."""


def refuse_groups(matches: Iterable[Match], *, take_over: bool, orphans: Collection[LiveGroup] = ()) -> Iterator[Issue]:
    """Refuse groups that would be created without rules of their own, or taken from another owner.

    One of the `orphans` with a name that is alike may be what is meant.
    """
    compared = 0
    for match in matches:
        group, live = match.desired, match.live
        if live is None and group.rules is None:
            compared += 1
            renamed = next(
                (
                    each
                    for each in (orphans if compared <= _MOST_COMPARED else ())
                    if each.target == group.target and are_alike(each.name, group.name)
                ),
                None,
            )
            yield Issue(
                group.place,
                ProblemName.RULES_MISSING,
                f"group {group.name!r} does not exist in {group.target} and has no `rules` key",
                fix="write its rules, or `rules: []` for none: what a new group starts with is never left to the cloud"
                + (
                    f"; if it was renamed, write `previous_name: {renamed.name}`, which no file names"
                    if renamed
                    else ""
                ),
            )
        if live is not None and _belongs_to_another(group, live) and not take_over:
            message = f"group {group.name!r} ({live.id}) belongs to {live.owner!r}, not to {group.owner!r}"
            yield Issue(group.place, ProblemName.OTHER_OWNER, message, fix="pass --take-over to make it yours")


def _belongs_to_another(group: DesiredGroup, live: LiveGroup) -> bool:
    return group.owner is not None and live.owner not in {None, group.owner}


def refuse_rules(differences: Iterable[Difference], live: LiveState) -> Iterator[Issue]:
    """Refuse rules that would have to be created and cannot be."""
    differences = list(differences)
    created = {(each.target, placeholder(each.name)) for each in differences if each.action is Action.CREATE}
    live_ids = {target: {group.id for group in groups} for target, groups in live.items()}
    for difference in differences:
        yield from _no_room(difference)
        ids = live_ids[difference.target]
        for rule in (*difference.creates, *(each.desired for each in difference.redescribes)):
            remote = rule.rule.remote_group_id
            if rule.rule.protocol not in PUBLISHED_PROTOCOLS and rule.rule.protocol is not None:
                yield _unknown_protocol(rule)
            elif is_placeholder(remote) and (difference.target, remote) not in created:
                message = f"remote group {rule.remote_group!r} does not exist yet, and --group leaves it out"
                yield Issue(
                    rule.place, ProblemName.LEFT_OUT_REMOTE_GROUP, message, fix=f"add --group {rule.remote_group}"
                )
            elif remote is not None and not is_placeholder(remote) and remote not in ids:
                message = f"remote group {remote} does not exist in {difference.target}"
                lower = remote.lower()
                fix = f"the cloud compares ids as they are written: write {lower}" if lower in ids else None
                fix = fix or "check the id, or refer by name with `remote_group`"
                yield Issue(rule.place, ProblemName.UNKNOWN_REMOTE_GROUP, message, fix=fix)


def _no_room(difference: Difference) -> Iterator[Issue]:
    """Refuse more rules than a group may hold: those that no file writes, and that stay, count as well."""
    if not (difference.creates and difference.live and difference.place):
        return
    gone = len(difference.deletes) + sum(len(each.live) - 1 for each in difference.redescribes)
    number = len(difference.live.rules) - gone + len(difference.creates)
    if number > MAX_RULES:
        left = len(difference.ignored_ids)
        why = f"{left} live ones are left to others (`ignore_rules`)" if left else "live ones of one meaning are kept"
        message = (
            f"group {difference.name!r} would hold {number} rules, over the limit of {MAX_RULES}: {why}, and count as "
            "well"
        )
        fix = "split the group, or use wider prefixes and ranges"
        yield Issue(difference.place, ProblemName.TOO_MANY_RULES, message, fix=fix)


def _unknown_protocol(rule: DesiredRule) -> Issue:
    return Issue(
        rule.place,
        ProblemName.UNPUBLISHED_PROTOCOL,
        f"protocol {rule.rule.protocol!r} has no published name: such a rule can be kept or deleted, but not created",
        fix="use a protocol that has a published name, such as tcp, udp, icmp or gre",
    )
