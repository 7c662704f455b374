"""One look at a target: what was listed of the cluster -> the cloud -> what is written back to the resources.

Which target is looked at, and when, is the operator's business; what is to be done is `reconcile`'s.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from reconciler.api.connection import Api
from reconciler.applying.apply import Report
from reconciler.drift.compare import Drift, DriftedGroup, Severity, severity
from reconciler.drift.watch import Round
from reconciler.kubernetes.cluster import Cluster, decode
from reconciler.kubernetes.lease import Lease
from reconciler.kubernetes.propose import Reason
from reconciler.kubernetes.reconcile import Outcome, reconcile
from reconciler.kubernetes.resources import (
    DEFAULT_INTERVAL,
    FINALIZER,
    SECURITY_GROUP,
    Key,
    Resource,
    Snapshot,
    take_snapshot,
)
from reconciler.kubernetes.spec import problem_of
from reconciler.kubernetes.status import (
    Event,
    Judged,
    find_events,
    judge,
    judge_failure,
    judge_missing,
    outcome_events,
    short,
    write_status,
)
from reconciler.model.clock import Clock, format_time
from reconciler.model.desired import Target
from reconciler.model.errors import InputError, SgctlError, Stopped
from reconciler.planning.plan import Plan, PlanOptions

SOON = 10.0
"""Seconds to the next look at a target where not all that was begun is done."""


class Tell(Protocol):
    """Writes a line about what happens."""

    def __call__(self, text: str, *, is_warning: bool) -> None:
        """Write it."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What the operator works with: handed in by the command.

    `connect` opens a connection to the cloud with a key, `carry_out` applies a plan and keeps its journal, and is told
    when to stop. `hide` takes the API keys out of a text: live descriptions and error answers get into statuses.
    """

    cluster: Cluster
    lease: Lease
    connect: Callable[[str], AbstractContextManager[Api]]
    carry_out: Callable[[Plan, Api, Callable[[], bool]], Report]
    options: Callable[[], PlanOptions]
    clock: Clock
    tell: Tell
    hide: Callable[[str], str]
    stop: threading.Event = field(default_factory=threading.Event)

    def must_stop(self) -> bool:
        """Whether no further write is to be begun."""
        return self.stop.is_set() or not self.lease.is_held


class SeenSecret(NamedTuple):
    """A Secret, and a mark by which a later look at it tells whether it changed; None where there was none."""

    namespace: str
    name: str
    mark: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a target came to.

    `again` is the seconds to the next look, None for none, as the target is not there. `round` is what there is to
    count; `error` says why nothing is known of the cloud. `rivals` are targets of resources that ask for a live group
    that resources of this one ask for too.
    """

    again: float | None = None
    round: Round | None = None
    error: Exception | None = None
    secret: SeenSecret | None = None
    rivals: frozenset[Key] = frozenset()


def look(key: Key, resources: Mapping[Key, Resource], hands: Hands, turn: Callable[[Target], threading.Lock]) -> Seen:
    """Look at one target, as `resources` have it, and write what is to be said of it.

    `turn` gives the lock of a project and region: one look at a time. Raises `ClusterError`, `Moved` among them, and
    `Stopped` once the lease is lost: then nothing more is written.
    """
    writer = _Writer(resources, hands)
    target = resources.get(key)
    if target is None or target.is_going:
        _leave_without_target(key, resources, writer)
        return Seen()
    snapshot = take_snapshot(resources, target)
    rivals = frozenset(resources[other].target_key for others in snapshot.taken.values() for other in others)
    writer.hold_and_release(snapshot)
    if (problem := problem_of(target)) is not None:
        writer.write(judge_failure(snapshot, SgctlError(problem), Reason.INVALID))
        return Seen(DEFAULT_INTERVAL.total_seconds(), rivals=rivals)
    secret, api_key = _read_key(target, hands.cluster)
    pause = target.interval.total_seconds()
    if isinstance(api_key, SgctlError):
        writer.write(judge_failure(snapshot, api_key, Reason.SECRET_MISSING))
        return Seen(pause, secret=secret, rivals=rivals)
    try:
        with turn(target.target), hands.connect(api_key) as api:
            outcome = reconcile(
                snapshot,
                api,
                hands.options(),
                claim=lambda digest: hands.cluster.take_approval(key, digest),
                carry_out=lambda plan, to: hands.carry_out(plan, to, hands.must_stop),
            )
    except Stopped:
        raise
    except InputError as error:
        writer.write(judge_failure(snapshot, error))
        return Seen(pause, secret=secret, rivals=rivals)
    except (SgctlError, OSError) as error:
        writer.write(judge_failure(snapshot, error))
        return Seen(error=error, secret=secret, rivals=rivals)
    writer.write(judge(snapshot, outcome), outcome_events(target, outcome))
    if outcome.void is not None:
        hands.cluster.take_approval(key, outcome.void)
    for each in outcome.gone:
        writer.release(resources[each], f"the group {resources[each].cloud_name!r} is not live any more")
    if outcome.report is not None:
        failed = f", {len(outcome.failed)} not" if outcome.failed else ""
        hands.tell(f"{key}: {outcome.mended} put right{failed}", is_warning=bool(outcome.failed))
    return Seen(SOON if outcome.is_unfinished else pause, _round_of(snapshot, outcome), None, secret, rivals)


def mark_of(data: Mapping[str, str] | None) -> str | None:
    """Return a mark of the data of a Secret that changes with it."""
    return None if data is None else repr(sorted(data.items()))


def _read_key(target: Resource, cluster: Cluster) -> tuple[SeenSecret, str | SgctlError]:
    """Read the API key of a target, or say what is wrong with its Secret."""
    namespace, (name, key) = target.key.namespace, target.secret
    data = cluster.read_secret(namespace, name)
    seen = SeenSecret(namespace, name, mark_of(data))
    if data is None:
        return seen, SgctlError(f"the Secret {namespace}/{name} is not there")
    try:
        found = decode(data[key])
    except (KeyError, ValueError):
        found = ""
    if not (found.isprintable() and found and " " not in found):
        return seen, SgctlError(f"the Secret {namespace}/{name} has no key {key!r} that could be an API key")
    return seen, found


def _leave_without_target(key: Key, resources: Mapping[Key, Resource], writer: "_Writer") -> None:
    """Tell the groups of a target that is not there, and let go of those that are being deleted."""
    groups = [each for each in resources.values() if each.key.kind == SECURITY_GROUP and each.target_key == key]
    writer.write(judge_missing((each for each in groups if not each.is_going), key))
    for each in groups:
        if each.is_going and FINALIZER in each.finalizers:
            writer.release(each, f"there is no {key}, so the live group {each.cloud_name!r} stays")


class _Writer:
    """Writes to the cluster what a look comes to, as long as the lease is held. All of it raises `Stopped`."""

    def __init__(self, resources: Mapping[Key, Resource], hands: Hands) -> None:
        self._resources = resources
        self._hands = hands

    def _check(self) -> None:
        if not self._hands.lease.is_held:
            raise Stopped("another operator may be at work by now")

    def hold_and_release(self, snapshot: Snapshot) -> None:
        """Put our finalizer on groups whose live group is to go with them, and take it from those that changed."""
        for group in snapshot.groups:
            is_held = FINALIZER in group.finalizers
            if group.deletes and not is_held and not group.is_going:
                self._check()
                self._hands.cluster.hold(group)
            elif is_held and not group.deletes:
                text = f"the live group {group.cloud_name!r} stays: the deletionPolicy is Orphan"
                self.release(group, text if group.is_going else None)

    def release(self, group: Resource, message: str | None) -> None:
        """Take our finalizer away, with an event where there is a message."""
        self._check()
        self._hands.cluster.release(group)
        if message is not None:
            self._event(Event(group.key, is_warning=False, reason="Released", message=message))

    def write(self, judged: Mapping[Key, Judged], events: Iterable[Event] = ()) -> None:
        """Write the statuses that say something new, and events about what is news."""
        now = format_time(self._hands.clock.now())
        for key, found in judged.items():
            resource, each = self._resources[key], found.cleaned(self._hands.hide)
            status = write_status(resource, each, now)
            if status is None:
                continue
            self._check()
            if self._hands.cluster.write_status(resource, status):
                for event in find_events(resource, each):
                    self._event(event)
        for event in events:
            self._event(event)

    def _event(self, event: Event) -> None:
        now = format_time(self._hands.clock.now())
        self._hands.cluster.create_event(
            self._resources[event.key],
            {
                "type": "Warning" if event.is_warning else "Normal",
                "reason": event.reason,
                "message": short(self._hands.hide(event.message)),
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
                "source": {"component": "sgctl-operator"},
                "reportingComponent": "sgctl-operator",
            },
        )


def _round_of(snapshot: Snapshot, outcome: Outcome) -> Round:
    """Return what metrics are made of: what is left to do in a target."""
    plan, target = outcome.proposal.plan, snapshot.target.target
    drifted = tuple(
        DriftedGroup(change.difference, severity(change.difference), counted=True)
        for change in plan.changes
        if change.difference.place is not None
    )
    drift = Drift(drifted, plan.scope.groups, plan.scope.rules, Severity.COSMETIC, plan.group_names)
    return Round(drift, {target: plan.scope.groups}, outcome.mended, tuple(outcome.failed.values()), plan.stopped_by)
