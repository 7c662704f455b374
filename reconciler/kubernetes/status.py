"""What a look at a target comes to, as the status of its resources and the events about them. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from reconciler.applying.outcome import Status
from reconciler.kubernetes.propose import Proposal, Reason, Refusal, describe_issue
from reconciler.kubernetes.reconcile import Outcome
from reconciler.kubernetes.resources import APPROVE, Key, Mode, Resource, Snapshot
from reconciler.kubernetes.spec import problem_of
from reconciler.model.errors import ApiRefused, ApiUnreachable, InputError
from reconciler.model.text import count, listed, printable
from reconciler.planning.diff import Difference
from reconciler.planning.plan import Change, Plan
from reconciler.render.plan import summarize_plan
from reconciler.traffic.describe import describe

Json = dict[str, Any]

MOST_LINES = 300
"""Lines of a plan that a status holds: who approves a plan sees all of it. A group has 250 rules at the most."""

LONGEST = 1000


class Truth(StrEnum):
    """The status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Verdict(NamedTuple):
    """One condition: its status, the reason and the message."""

    status: Truth
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The status of one resource: its conditions by name, and whatever else it holds."""

    ready: Verdict
    planned: Verdict | None = None
    in_sync: Verdict | None = None
    more: tuple[tuple[str, Any], ...] = ()

    @property
    def conditions(self) -> Mapping[str, Verdict]:
        """The conditions that there are."""
        found = {"Ready": self.ready, "Planned": self.planned, "InSync": self.in_sync}
        return {name: verdict for name, verdict in found.items() if verdict is not None}

    def cleaned(self, hide: Callable[[str], str]) -> "Judged":
        """Return what can be written: `hide` takes the secrets out of each text, before it is cut to its length."""

        def clean(verdict: Verdict) -> Verdict:
            return verdict._replace(message=short(hide(verdict.message)))

        return Judged(
            clean(self.ready),
            self.planned and clean(self.planned),
            self.in_sync and clean(self.in_sync),
            tuple((name, _cleaned(value, hide)) for name, value in self.more),
        )


class Event(NamedTuple):
    """Something that happened to a resource, for people."""

    key: Key
    is_warning: bool
    reason: str
    message: str


def judge(snapshot: Snapshot, outcome: Outcome) -> dict[Key, Judged]:
    """Say how every resource of a target is after a look at it."""
    proposal, target = outcome.proposal, snapshot.target
    plan = proposal.plan
    shown = _plan_status(proposal) if plan.changes else None
    approved = (("approved", outcome.approved),) if outcome.approved and not outcome.failed else ()
    refused = [key for key in proposal.refused if key != target.key]
    planned = _planned(plan)
    if plan.changes:
        in_sync = _out_of_sync(snapshot, outcome)
    elif refused:
        names = listed(sorted(map(str, refused)), 3)
        in_sync = Verdict(Truth.FALSE, Reason.RESOURCES_REFUSED, f"{names}: see there")
    else:
        in_sync = Verdict(Truth.TRUE, Reason.IN_SYNC, summarize_plan(plan))
    judged = {
        target.key: Judged(
            Verdict(Truth.TRUE, Reason.ACCEPTED, str(target.target)), planned, in_sync, (("plan", shown), *approved)
        )
    }
    changes = _changes_by_key(proposal, snapshot.groups)
    for group in snapshot.groups:
        judged[group.key] = _judge_group(group, snapshot, outcome, changes.get(group.key))
    for each in snapshot.address_groups:
        refusal = proposal.refused.get(each.key)
        accepted = Verdict(Truth.TRUE, Reason.ACCEPTED, f"rules use it as {each.cloud_name!r}")
        judged[each.key] = Judged(_refused(refusal) if refusal else accepted)
    return judged


def _judge_group(group: Resource, snapshot: Snapshot, outcome: Outcome, change: Change | None) -> Judged:
    proposal = outcome.proposal
    if (refusal := proposal.refused.get(group.key)) is not None:
        unknown = Verdict(Truth.UNKNOWN, refusal.reason, "it is left out of the plan, and what is live stays as it is")
        return Judged(_with_way_out(_refused(refusal), group), unknown, unknown, (("plan", None),))
    ready = Verdict(Truth.TRUE, Reason.ACCEPTED, f"in {snapshot.target.key}: {snapshot.target.target}")
    if change is None:
        nothing = Verdict(Truth.FALSE, Reason.NO_CHANGES, "nothing to do")
        return Judged(ready, nothing, Verdict(Truth.TRUE, Reason.IN_SYNC, "live as it is asked for"), (("plan", None),))
    names = proposal.plan.group_names
    shown = {"summary": _summary(change.difference), "digest": proposal.digest, **_traffic([change], names)}
    return Judged(
        ready,
        Verdict(Truth.TRUE, Reason.CHANGES, _summary(change.difference)),
        _out_of_sync(snapshot, outcome, change.difference.name),
        (("plan", shown),),
    )


def _with_way_out(verdict: Verdict, group: Resource) -> Verdict:
    """Add how a resource that waits for the end of its live group can go without it."""
    if not group.is_going:
        return verdict
    how = f"kubectl patch -n {group.key.namespace} securitygroup {group.key.name} --type=merge -p"
    change = '{"spec":{"deletionPolicy":"Orphan"}}'
    text = f"{verdict.message}; to delete this resource and leave the live group as it is: {how} '{change}'"
    return verdict._replace(message=text)


def _refused(refusal: Refusal) -> Verdict:
    return Verdict(Truth.FALSE, refusal.reason, refusal.message)


def _changes_by_key(proposal: Proposal, groups: Iterable[Resource]) -> dict[Key, Change]:
    """Find the resource that each change comes from: by its place, and for a deletion by the live group."""
    found: dict[str, Change] = {}
    for change in proposal.plan.changes:
        place, live = change.difference.place, change.difference.live
        found[place.source if place is not None else live.id if live is not None else ""] = change
    by_live = {key: found[group.id] for key, group in proposal.live.items() if group.id in found}
    return by_live | {each.key: found[str(each.key)] for each in groups if str(each.key) in found}


def _planned(plan: Plan) -> Verdict:
    if not plan.changes:
        return Verdict(Truth.FALSE, Reason.NO_CHANGES, "nothing to do")
    return Verdict(Truth.TRUE, Reason.CHANGES, summarize_plan(plan))


def _out_of_sync(snapshot: Snapshot, outcome: Outcome, name: str | None = None) -> Verdict:
    """Say why what is planned is not done: for the target, or for one of its groups."""
    plan, target = outcome.proposal.plan, snapshot.target
    failed = outcome.failed
    if failed and name is None:
        said = "; ".join(f"{group}: {message}" for group, message in [*failed.items()][:3])
        return Verdict(Truth.FALSE, Reason.FAILED, f"{count(len(failed), 'group')} could not be put right: {said}")
    if name is not None and name in failed:
        return Verdict(Truth.FALSE, Reason.FAILED, failed[name])
    if plan.stopped_by:
        messages = "; ".join(finding.message for finding in plan.stopped_by[:3])
        lift = sorted({finding.guardrail for finding in plan.stopped_by if finding.guardrail})
        way = f"; to let it pass, add {' and '.join(lift)} to spec.lift of the CloudTarget" if lift else ""
        return Verdict(Truth.FALSE, Reason.STOPPED, f"{messages}{way}")
    if target.mode is Mode.OBSERVE:
        return Verdict(Truth.FALSE, Reason.OBSERVED, f"mode Observe only tells: {summarize_plan(plan)}")
    if target.mode is Mode.ENFORCE:
        return Verdict(Truth.FALSE, Reason.MOVED, "live state moved meanwhile; it is tried again")
    how = f"kubectl annotate -n {target.key.namespace} cloudtarget {target.key.name} --overwrite"
    return Verdict(Truth.FALSE, Reason.APPROVAL_NEEDED, f"to do it: {how} {APPROVE}={outcome.proposal.digest}")


def _plan_status(proposal: Proposal) -> Json:
    plan = proposal.plan
    return {
        "digest": proposal.digest,
        "summary": summarize_plan(plan),
        "changes": _lines(f"{each.difference.name}: {_summary(each.difference)}" for each in plan.changes),
        **_traffic(plan.changes, plan.group_names),
        "stoppedBy": _lines(f"{finding.guardrail or 'policy'}: {finding.message}" for finding in plan.stopped_by),
        "notes": _lines(
            [*plan.notes, *(finding.message for finding in plan.findings if finding not in plan.stopped_by)]
        ),
    }


def _traffic(changes: Sequence[Change], names: Mapping[str, str]) -> Json:
    opens, closes = [], []
    for change in changes:
        about = "" if len(changes) == 1 else f"{change.difference.name}: "
        opens += [f"{about}{describe(flow, names)}" for flow in change.difference.traffic.opens]
        closes += [f"{about}{describe(flow, names)}" for flow in change.difference.traffic.closes]
    return {"opens": _lines(opens), "closes": _lines(closes)}


def _lines(texts: Iterable[str]) -> list[str]:
    lines = list(texts)
    more = len(lines) - MOST_LINES
    return [
        *lines[:MOST_LINES],
        *([f"and {more} more: the status of each SecurityGroup has its own"] if more > 0 else []),
    ]


def short(text: str) -> str:
    """Make a text fit to be printed, and not longer than a message should be."""
    text = printable(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _cleaned(value: Any, hide: Callable[[str], str]) -> Any:
    """Take the secrets out of every text of a JSON value, and make it fit to be printed."""
    if isinstance(value, dict):
        return {key: _cleaned(each, hide) for key, each in value.items()}
    if isinstance(value, list):
        return [_cleaned(each, hide) for each in value]
    return short(hide(value)) if isinstance(value, str) else value


def _summary(difference: Difference) -> str:
    """Say in a line what happens to one group."""
    parts = [f"create {count(len(difference.creates), 'rule')}"] if difference.creates else []
    parts += [f"delete {count(len(difference.deletes), 'rule')}"] if difference.deletes else []
    parts += [f"redescribe {count(len(difference.redescribes), 'rule')}"] if difference.redescribes else []
    parts += [f"rename from {difference.previous_name!r}"] if difference.previous_name else []
    parts += [f"set {count(len(difference.tags), 'tag')}"] if difference.tags else []
    parts += ["set the description"] if difference.description else []
    return f"{difference.action} the group" + (f": {', '.join(parts)}" if parts else "")


def judge_failure(snapshot: Snapshot, error: Exception, reason: Reason | None = None) -> dict[Key, Judged]:
    """Say how the resources of a target are where nothing is known of the cloud."""
    target = snapshot.target
    reason = reason or _reason_of(error)
    message = str(getattr(error, "message", error))
    if isinstance(error, InputError):
        message = "; ".join(map(describe_issue, error.issues[:3]))
    unknown = Verdict(Truth.UNKNOWN, reason, "what is live is not known")
    judged = {target.key: Judged(Verdict(Truth.FALSE, reason, message), unknown, unknown)}
    about = Verdict(Truth.FALSE, reason, f"{target.key}: {message}")
    judged |= {group.key: Judged(_with_way_out(about, group), unknown, unknown) for group in snapshot.groups}
    return judged


def judge_missing(groups: Iterable[Resource], target: Key) -> dict[Key, Judged]:
    """Say how groups are whose target is not there."""
    message = f"there is no {target}; what is live stays as it is"
    judged = {}
    for group in groups:
        problem = problem_of(group)
        reason = Reason.INVALID if problem else Reason.TARGET_MISSING
        unknown = Verdict(Truth.UNKNOWN, reason, message)
        judged[group.key] = Judged(
            Verdict(Truth.FALSE, reason, problem or message), unknown, unknown, (("plan", None),)
        )
    return judged


def _reason_of(error: Exception) -> Reason:
    if isinstance(error, ApiRefused) and error.status in (401, 403):
        return Reason.UNAUTHORIZED
    if isinstance(error, InputError):
        return Reason.INVALID
    return Reason.UNREACHABLE if isinstance(error, ApiUnreachable) else Reason.UNKNOWN


def write_status(resource: Resource, judged: Judged, now: str) -> Json | None:
    """Write the status of a resource from what is cleaned; None where it says the same already."""
    conditions = []
    for name, verdict in judged.conditions.items():
        before = resource.conditions.get(name, {})
        since = before.get("lastTransitionTime") if before.get("status") == verdict.status else None
        conditions.append(
            {
                "type": name,
                "status": str(verdict.status),
                "reason": str(verdict.reason),
                "message": verdict.message,
                "observedGeneration": resource.generation,
                "lastTransitionTime": since or now,
            }
        )
    status: Json = {"observedGeneration": resource.generation, "conditions": conditions, **dict(judged.more)}
    known = {key: resource.status.get(key) for key in status}
    return None if known == status else status


def find_events(resource: Resource, judged: Judged) -> list[Event]:
    """Tell what is news: a condition whose status or reason changed, and a plan that did."""
    found = []
    for name, verdict in judged.conditions.items():
        before = resource.conditions.get(name, {})
        if name == "Planned" or (
            before.get("status") == verdict.status and before.get("reason") == str(verdict.reason)
        ):
            continue
        if name == "InSync" and judged.ready.status is not Truth.TRUE:
            continue
        is_first_good = name == "Ready" and verdict.status is Truth.TRUE and not before
        drifted = (
            name == "InSync"
            and before.get("status") == "True"
            and before.get("observedGeneration") == resource.generation
            and verdict.status is Truth.FALSE
        )
        if not is_first_good:
            reason = "Drifted" if drifted else str(verdict.reason)
            found.append(Event(resource.key, verdict.status is not Truth.TRUE, reason, verdict.message))
    return found


def outcome_events(target: Resource, outcome: Outcome) -> list[Event]:
    """Tell of an approval that was worth nothing, and of what was put right."""
    found = []
    if outcome.void is not None:
        what = (
            "was approved, but the mode Observe only tells"
            if target.mode is Mode.OBSERVE
            else "was approved, and is not the plan there is"
        )
        message = f"{outcome.void[:80]} {what}: nothing of it was done"
        found.append(Event(target.key, is_warning=True, reason="ApprovalStale", message=message))
    if outcome.report is not None and outcome.mended:
        done = [each.change.difference.name for each in outcome.report.results if each.status is Status.APPLIED]
        names = listed(done, 10)
        approved = f" as approved ({outcome.approved})" if outcome.approved else ""
        message = f"{outcome.mended} put right{approved}: {names}"
        found.append(Event(target.key, is_warning=False, reason="Applied", message=message))
    return found
