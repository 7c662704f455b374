"""One look at a target: what is asked for, what is live, the plan between them, and what of it is carried out.

The plan is the command's, made and applied by `workflow`. It has no store: planning anew and comparing digests tells
whether what was approved still is what would be done, as live groups count with their fingerprints.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler import reading, workflow
from reconciler.api.connection import Api
from reconciler.applying.apply import Report
from reconciler.applying.outcome import Status
from reconciler.drift.watch import narrows, only_narrowing
from reconciler.kubernetes.fields import in_resource_words
from reconciler.kubernetes.resources import (
    Key,
    Mode,
    Resource,
    Snapshot,
    address_group_document,
    group_document,
    target_document,
)
from reconciler.kubernetes.spec import problem_of
from reconciler.model.clock import format_time
from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError, Issue, StalePlan
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a target after a look at it.

    `proposal` is what is left to do. `gone` are resources that are deleted and may go; `report` is how the apply went,
    None for none, and `approved` the digest of the plan that was approved for it. `void` is an approval that is worth
    nothing: of a plan that is not the one there is, or where nothing is ever done. `moved` says that live groups moved
    between the plan and its apply, so that nothing was sent.
    """

    proposal: Proposal
    report: Report | None = None
    approved: str | None = None
    void: str | None = None
    moved: bool = False
    gone: frozenset[Key] = field(default_factory=frozenset)

    @property
    def is_unfinished(self) -> bool:
        """Whether something was begun that another look may finish."""
        return self.moved or (self.report is not None and self.report.error is not None)

    @property
    def mended(self) -> int:
        """Groups that were put right."""
        return sum(not _failed(each.status) for each in self.report.results) if self.report else 0

    @property
    def failed(self) -> Mapping[str, str]:
        """What was not put right, and why: by the name of the group."""
        if self.report is None:
            return {}
        bad = (each for each in self.report.results if _failed(each.status))
        return {each.change.difference.name: each.message for each in bad}


def _failed(status: Status) -> bool:
    return status is not Status.APPLIED


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


def reconcile(
    snapshot: Snapshot,
    api: Api,
    options: PlanOptions,
    claim: Callable[[str], bool],
    carry_out: Callable[[Plan, Api], Report],
) -> Outcome:
    """Look at a target once, and do what its mode lets be done.

    `claim` takes an approval away, so that nobody uses it again, and tells whether it was there. Raises what reading
    live state and applying raise, and `InputError` where what is wrong is the target's own.
    """
    target = snapshot.target
    live = api.read([target.target])
    proposal = propose(snapshot, live, api, options)
    approval = target.approval
    is_void = approval is not None and (approval != proposal.digest or target.mode is Mode.OBSERVE)
    void = approval if is_void else None
    chosen, approved = choose(proposal, target.mode, approval, live, api, options)
    if approved is not None and not claim(approved):
        chosen, approved = None, None
    if chosen is None:
        return Outcome(proposal, void=void, gone=_gone(proposal, snapshot))
    try:
        report = carry_out(chosen, api)
    except StalePlan:
        proposal = propose(snapshot, api.read([target.target]), api, options)
        return Outcome(proposal, void=void, moved=True, gone=_gone(proposal, snapshot))
    if report.error is None and chosen is proposal.plan:
        proposal = replace(proposal, plan=_left_of(chosen), live=_kept(proposal))
    else:
        proposal = propose(snapshot, api.read([target.target]), api, options)
    return Outcome(proposal, report, approved, void, gone=_gone(proposal, snapshot))


def _left_of(plan: Plan) -> Plan:
    """Return the plan that a look would come to after all of this one was done."""
    differences = [change.difference for change in plan.changes if change.difference.place is not None]
    more = sum(len(each.creates) - len(each.deletes) for each in differences)
    return replace(plan, changes=(), findings=(), scope=replace(plan.scope, rules=plan.scope.rules + more))


def _kept(proposal: Proposal) -> dict[Key, LiveGroup]:
    """Live groups of deleted resources that the plan does not delete."""
    deleted = {change.difference.live.id for change in proposal.plan.changes if change.difference.live is not None}
    return {key: group for key, group in proposal.live.items() if group.id not in deleted}


def _gone(proposal: Proposal, snapshot: Snapshot) -> frozenset[Key]:
    return frozenset(
        each.key for each in snapshot.going if each.key not in proposal.live and each.key not in proposal.refused
    )


def choose(
    proposal: Proposal, mode: Mode, approval: str | None, live: LiveState, api: Api, options: PlanOptions
) -> tuple[Plan | None, str | None]:
    """Say which plan may be carried out now, None for none, and whose approval it takes."""
    plan = proposal.plan
    if not plan.changes or mode is Mode.OBSERVE:
        return None, None
    if approval == proposal.digest and not plan.stopped_by:
        return plan, approval
    if mode is Mode.ENFORCE:
        return (None if plan.stopped_by else plan), None
    if mode is Mode.NARROW:
        state = only_narrowing(proposal.state, (change.difference for change in plan.changes))
        if state.groups:
            narrow = _make_plan(state, live, api, options)
            if not narrow.stopped_by and all(narrows(change.difference) for change in narrow.changes):
                return narrow, None
    return None, None


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


def _make_plan(state: DesiredState, live: LiveState, api: Api, options: PlanOptions) -> Plan:
    created_at = format_time(api.clock.now())
    return workflow.make_plan(state, live, replace(options, whole=False), base_url=api.base_url, created_at=created_at)


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
    rules = resource.spec.get("rules")
    names = (
        rule.get("remoteGroup") for rule in (rules if isinstance(rules, list) else ()) if isinstance(rule, Mapping)
    )
    return {name for name in names if isinstance(name, str)}


def _identities(resource: Resource) -> set[str]:
    """Return the id of a group, where its resource gives one, else its name."""
    return {resource.cloud_id or resource.cloud_name}


def _referring(snapshot: Snapshot, key: Key, group: LiveGroup) -> str | None:
    """Say which resource has a rule that refers to a group: the cloud would delete that rule with it."""
    for each in snapshot.living:
        rules = each.spec.get("rules")
        for rule in rules if isinstance(rules, list) else ():
            if (
                each.key != key
                and isinstance(rule, Mapping)
                and (rule.get("remoteGroup") == group.name or rule.get("remoteGroupId") == group.id)
            ):
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
