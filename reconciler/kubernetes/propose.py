"""The plan of a target: what is asked for, against what is live, and which resources are left out of it, and why.

It has no store: planning anew and comparing digests tells whether what was approved still is what would be done, as
live groups count with their fingerprints.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from reconciler import reading, workflow
from reconciler.api.connection import Api
from reconciler.kubernetes.fields import in_resource_words
from reconciler.kubernetes.resources import (
    Key,
    Resource,
    Snapshot,
    address_group_document,
    group_document,
    target_document,
)
from reconciler.kubernetes.spec import problem_of
from reconciler.model.clock import format_time
from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError, Issue
from reconciler.model.live import LiveGroup, LiveState, fingerprint
from reconciler.model.text import listed
from reconciler.planning.plan import Change, Plan, PlanOptions
from reconciler.planning.planfile import digest, to_json
from reconciler.planning.prune import why_kept


class Reason(StrEnum):
    """Why a resource is as it is: the reasons of its conditions."""

    IN_SYNC = "InSync"
    NO_CHANGES = "NoChanges"
    CHANGES = "Changes"
    ACCEPTED = "Accepted"
    INVALID = "Invalid"
    CONFLICT = "Conflict"
    NOT_DELETED = "NotDeleted"
    RESOURCES_REFUSED = "ResourcesRefused"
    APPROVAL_NEEDED = "ApprovalNeeded"
    OBSERVED = "Observed"
    STOPPED = "StoppedByGuardrail"
    FAILED = "ApplyFailed"
    MOVED = "LiveStateMoved"
    TARGET_MISSING = "TargetNotFound"
    SECRET_MISSING = "SecretNotFound"  # noqa: S105 - a reason
    UNAUTHORIZED = "Unauthorized"
    UNREACHABLE = "Unreachable"
    UNKNOWN = "CannotTell"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a resource is left out of the plan."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """The plan of a target, and what is left out of it. `live` are the live groups of resources that are deleted."""

    state: DesiredState
    plan: Plan
    refused: Mapping[Key, Refusal]
    live: Mapping[Key, LiveGroup]

    @property
    def digest(self) -> str:
        """Tell plans apart by what they do: two made of the same resources and live groups have the same."""
        return plan_digest(self.plan)


def plan_digest(plan: Plan) -> str:
    """Digest a plan without the time it was made at, by what, and what it only tells.

    What others do to their own rules (`ignore_rules`) is no reason to ask for an approval once more.
    """
    plan = replace(
        plan,
        changes=tuple(map(_without_others, plan.changes)),
        scope=replace(plan.scope, ignored_rules=0),
    )
    return digest({key: part for key, part in to_json(plan).items() if key not in ("created_at", "origin", "notes")})


def _without_others(change: Change) -> Change:
    difference = change.difference
    if not difference.ignored or difference.live is None:
        return change
    left = difference.ignored_ids
    rules = tuple(rule for rule in difference.live.rules if rule.id not in left)
    live = replace(difference.live, rules=rules, revision_number=0)
    ignored = tuple(each._replace(rules=()) for each in difference.ignored)
    return replace(change, difference=replace(difference, live=live, ignored=ignored), fingerprint=fingerprint(live))


def propose(snapshot: Snapshot, live: LiveState, api: Api, options: PlanOptions) -> Proposal:
    """Plan a target. A resource that is wrong is left out and told so; what is live of it stays as it is.

    Raises `InputError` where nothing is left to leave out.
    """
    refused = {
        key: Refusal(Reason.CONFLICT, f"the same live group is asked for by {listed([*map(str, others)], 3)}")
        for key, others in snapshot.taken.items()
    }
    going, unclear = _find_going(snapshot, live, refused)
    refused |= unclear
    refused |= {
        each.key: Refusal(Reason.INVALID, problem)
        for each in (*snapshot.living, *snapshot.address_groups)
        if (problem := problem_of(each)) is not None
    }
    instances = api.read_instances(going.values())
    for key, group in going.items():
        reason = why_kept(group, instances[group.id].number) or _referring(snapshot, key, group)
        if reason is not None:
            refused[key] = Refusal(Reason.NOT_DELETED, f"the live group is not deleted: {reason}")
    target = snapshot.target
    deleted = frozenset(group.id for key, group in going.items() if key not in refused)
    options = replace(
        options, going=deleted, lifted=options.lifted | frozenset(target.spec.get("lift", ())), whole=False
    )
    while True:
        documents = [target_document(target)]
        documents += [address_group_document(each) for each in snapshot.address_groups if each.key not in refused]
        documents += [group_document(each, target) for each in snapshot.living if each.key not in refused]
        try:
            state = reading.load(*documents)
            plan = workflow.make_plan(
                state,
                live,
                options,
                base_url=api.base_url,
                created_at=format_time(api.clock.now()),
                instances=instances,
            )
        except InputError as error:
            blamed = _blame(error, (*snapshot.living, *snapshot.address_groups))
            if not blamed or not blamed.keys() - refused.keys():
                raise
            refused |= blamed
            refused |= _without_remote(snapshot, live, refused)
        else:
            return Proposal(state, plan, refused, going)


def _find_going(
    snapshot: Snapshot, live: LiveState, refused: Mapping[Key, Refusal]
) -> tuple[dict[Key, LiveGroup], dict[Key, Refusal]]:
    """Find the live groups of deleted resources, but for those that another resource asks for by now.

    Where several are called so, none is chosen.
    """
    groups = live[snapshot.target.target]
    taken = {name for each in snapshot.living if each.key not in refused for name in _identities(each)}
    found, unclear = {}, {}
    for each in snapshot.going:
        alive = [group for group in groups if {group.id, group.name} & _identities(each)]
        if len(alive) > 1:
            text = f"{len(alive)} live groups are called {each.cloud_name!r}; spec.id says which"
            unclear[each.key] = Refusal(Reason.NOT_DELETED, f"the live group is not deleted: {text}")
        elif alive and not {alive[0].id, alive[0].name} & taken:
            found[each.key] = alive[0]
    return found, unclear


def _without_remote(snapshot: Snapshot, live: LiveState, refused: Mapping[Key, Refusal]) -> dict[Key, Refusal]:
    """Refuse those with rules that refer, also by way of others, to a group that is refused and not live.

    A plan would name them as well, but of a chain of groups one at a time.
    """
    there = Counter(group.name for group in live[snapshot.target.target])
    there.update(each.cloud_name for each in snapshot.living if each.key not in refused)
    referring: defaultdict[str, list[Resource]] = defaultdict(list)
    for each in snapshot.living:
        for name in _remote_names(each):
            referring[name].append(each)
    found: dict[Key, Refusal] = {}
    missing = [each for each in snapshot.living if each.key in refused]
    for gone in missing:  # grows while it is gone through
        for each in referring[gone.cloud_name] if not there[gone.cloud_name] else ():
            if each.key not in refused and each.key not in found:
                found[each.key] = Refusal(Reason.INVALID, f"a rule refers to {gone.key}, which is left out")
                there[each.cloud_name] -= 1
                missing.append(each)
    return found


def _remote_names(resource: Resource) -> set[str]:
    """Return the names of the groups that the rules of a resource refer to."""
    return {name for rule in _rules(resource) if isinstance(name := rule.get("remoteGroup"), str)}


def _rules(resource: Resource) -> Iterator[Mapping[str, Any]]:
    """Yield the rules that a resource has, as far as they are any."""
    rules = resource.spec.get("rules")
    yield from (rule for rule in (rules if isinstance(rules, list) else ()) if isinstance(rule, Mapping))


def _identities(resource: Resource) -> set[str]:
    """Return the id of a group, where its resource gives one, else its name."""
    return {resource.cloud_id or resource.cloud_name}


def _referring(snapshot: Snapshot, key: Key, group: LiveGroup) -> str | None:
    """Say which resource has a rule that refers to a group: the cloud would delete that rule with it."""
    for each in snapshot.living:
        for rule in _rules(each):
            if each.key != key and (rule.get("remoteGroup") == group.name or rule.get("remoteGroupId") == group.id):
                return f"a rule of {each.key} refers to it"
    return None


def _blame(error: InputError, resources: tuple[Resource, ...]) -> dict[Key, Refusal]:
    """Tell each resource what is wrong with it, and both where two do not go together."""
    keys = {str(each.key): each.key for each in resources}
    found: dict[Key, list[str]] = {}
    for issue in error.issues:
        about = {issue.place.source, *(place.source for _, place in issue.related)}
        for name in about & keys.keys():
            found.setdefault(keys[name], []).append(describe_issue(issue))
    return {key: Refusal(Reason.INVALID, "; ".join(dict.fromkeys(texts[:5]))) for key, texts in found.items()}


_ITEM = re.compile(r"\[[0-9]+\]\Z")


def describe_issue(issue: Issue) -> str:
    """Say what is wrong with a resource, in its own words.

    >>> describe_issue(Issue(PlainPlace("SecurityGroup a/web", "security_groups[0].rules[1].ports"), name, "no port"))
    'spec.rules[1].ports: no port'
    """
    source, _, path = str(issue.place).partition(": ")
    head, dot, rest = path.partition(".")
    if head.startswith("address_groups"):
        item = _ITEM.search(path)
        path = f"spec.prefixes{item[0] if item else ''}"
    else:
        path = f"spec{dot}{rest}" if head.startswith("security_groups") else f"spec.{path}"
    others = "".join(f" ({what}: {place.source})" for what, place in issue.related if place.source != source)
    fix = f"; {issue.fix}" if issue.fix else ""
    text = f"{issue.message}{fix}"
    if not path.endswith(".policy"):  # it takes the name of a policy, which is spelled as in a file
        text = in_resource_words(text)
    return f"{in_resource_words(path.rstrip('.'))}: {text}{others}"
