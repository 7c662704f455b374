"""The operator: kopf says what changed, a queue says who is looked at, and threads look.

A look begins with a fresh list of all resources, so nothing that was missed or came late counts: what kopf tells only
wakes. One look a target at a time, also where two resources are for one project and region; and one operator at a time,
by a lease that every write asks about.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import kopf

from reconciler.api.connection import Api
from reconciler.applying.apply import Report
from reconciler.drift.compare import Drift, DriftedGroup, Severity, severity
from reconciler.drift.watch import Health, Round, Told
from reconciler.kubernetes.cluster import Cluster, ClusterError, decode
from reconciler.kubernetes.lease import Lease
from reconciler.kubernetes.queue import WorkQueue
from reconciler.kubernetes.reconcile import Outcome, Reason, reconcile
from reconciler.kubernetes.resources import (
    CLOUD_TARGET,
    FINALIZER,
    GROUP,
    KINDS,
    SECURITY_GROUP,
    VERSION,
    Key,
    Kind,
    Resource,
    Snapshot,
    take_snapshot,
)
from reconciler.kubernetes.status import (
    Event,
    Judged,
    find_events,
    judge,
    judge_failure,
    judge_missing,
    short,
    write_status,
)
from reconciler.model.clock import Clock, format_time
from reconciler.model.desired import Target
from reconciler.model.errors import SgctlError, Stopped
from reconciler.planning.plan import Plan, PlanOptions

LOOKS_AT_ONCE = 8
"""Targets that are looked at at the same time."""

DEBOUNCE = 0.5
"""Seconds from a change to the look: a folder of resources is applied one by one."""

RETRY, MOST_RETRY = 5.0, 300.0
"""Seconds to the next look after one that failed; doubled each time, up to the most."""

SECRETS = 15.0
"""Seconds between looks at the Secrets: to read one by its name takes fewer rights than to watch all."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What the operator works with: handed in by the command.

    `connect` opens a connection to the cloud with a key, `carry_out` applies a plan and keeps its journal, and is told
    when to stop; `tell` writes a line, a warning or not.
    """

    cluster: Cluster
    lease: Lease
    connect: Callable[[str], AbstractContextManager[Api]]
    carry_out: Callable[[Plan, Api, Callable[[], bool]], Report]
    options: Callable[[], PlanOptions]
    clock: Clock
    tell: Callable[[str, bool], None]
    stop: threading.Event = field(default_factory=threading.Event)


class Operator:
    """Keeps targets as their resources say. `health` may be read by any thread."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._queue: WorkQueue[Key] = WorkQueue(hands.clock)
        self._asks: dict[Key, tuple[Any, ...]] = {}
        self._targets: dict[Key, Key] = {}
        self._contested: set[Key] = set()
        self._failures: defaultdict[Key, int] = defaultdict(int)
        self._secrets: dict[Key, tuple[str, str, str | None]] = {}
        self._locks: defaultdict[Target, threading.Lock] = defaultdict(threading.Lock)
        self._rounds: dict[Key, Round] = {}
        self._lock = threading.Lock()
        self.health = Health(moved=hands.clock.monotonic())

    # What wakes whom.

    def notice(self, kind: Kind, event: Mapping[str, Any]) -> None:
        """Take note of what kopf saw of a resource, and wake the targets that it concerns."""
        body = event["object"]
        key = Key(kind, body["metadata"]["namespace"], body["metadata"]["name"])
        resource = Resource(key, body)
        with self._lock:
            if event.get("type") == "DELETED":
                self._asks.pop(key, None)
            elif self._asks.get(key) == resource.asks:
                return
            else:
                self._asks[key] = resource.asks
        self._wake(resource)

    def _wake(self, resource: Resource) -> None:
        key = resource.key
        if key.kind == CLOUD_TARGET:
            self._queue.add(key, DEBOUNCE)
            return
        with self._lock:
            if key.kind == SECURITY_GROUP:
                woken = {resource.target_key, self._targets.get(key, resource.target_key), *self._contested}
                self._targets[key] = resource.target_key
            else:
                woken = {each for each in self._asks if each.kind == CLOUD_TARGET and each.namespace == key.namespace}
        for each in woken:
            self._queue.add(each, DEBOUNCE)

    def wake_all(self) -> None:
        """Look at every target: after a start, and whenever the lease is taken."""
        with self._lock:
            self.health = replace(self.health, succeeded=self._hands.clock.now().timestamp())
            known = {each for each in self._asks if each.kind == CLOUD_TARGET} | {*self._targets.values()}
        for key in known:
            self._queue.add(key)

    def watch_secrets(self) -> None:
        """Look at the Secrets of all targets, until stopped, and wake those whose key changed."""
        while not self._hands.stop.wait(SECRETS):
            with self._lock:
                self.health = replace(self.health, moved=self._hands.clock.monotonic())
            if not self._hands.lease.is_held:
                continue
            for key, (namespace, name, seen) in [*self._secrets.items()]:
                try:
                    data = self._hands.cluster.read_secret(namespace, name)
                except ClusterError:
                    continue
                if _mark(data) != seen:
                    self._queue.add(key)

    # Looks.

    def work(self) -> None:
        """Look at what is due, until the queue is closed."""
        while (key := self._queue.take()) is not None:
            try:
                self._look(key)
            finally:
                self._queue.done(key)

    def close(self) -> None:
        """Begin no further look."""
        self._hands.stop.set()
        self._queue.close()

    def _look(self, key: Key) -> None:
        hands = self._hands
        if not hands.lease.is_held:
            return  # whoever takes the lease wakes all
        started = hands.clock.monotonic()
        found, error, wait = None, None, None
        try:
            wait, found = self._round(key)
        except Stopped:
            return
        except Exception as failure:  # noqa: BLE001 - whatever went wrong, the next look may go well
            error = failure
            hands.tell(f"{key}: {getattr(failure, 'message', repr(failure))}", True)  # noqa: FBT003 - a warning
        if error is not None:
            self._failures[key] += 1
            wait = min(MOST_RETRY, RETRY * 2 ** (self._failures[key] - 1))
        elif wait is not None:
            self._failures.pop(key, None)
        with self._lock:
            if found is not None:
                self._rounds[key] = found
            elif wait is None or error is not None:
                self._rounds.pop(key, None)
            told = Told(
                self.health.rounds + 1,
                hands.clock.monotonic() - started,
                None if error is not None else found or _nothing(),
                error,
            )
            self.health = replace(self.health.after(told, hands.clock), last=_join(self._rounds.values()))
        if wait is not None:
            self._queue.add(key, wait)

    def _round(self, key: Key) -> tuple[float | None, Round | None]:
        """Look at one target. Returns the seconds to the next look, None for none, and what there is to count."""
        resources = self._hands.cluster.list_resources()
        target = resources.get(key)
        if target is None or target.is_going:
            return self._without_target(key, resources)
        snapshot = take_snapshot(resources, target)
        self._note_contested(snapshot, resources)
        self._hold(snapshot)
        namespace, (name, field_) = key.namespace, target.secret
        data = self._hands.cluster.read_secret(namespace, name)
        self._secrets[key] = (namespace, name, _mark(data))
        try:
            api_key = decode((data or {})[field_])
            if not (api_key.isprintable() and api_key and " " not in api_key):
                raise ValueError  # noqa: TRY301 - what is no key is as good as none
        except (KeyError, ValueError):
            what = f"has no key {field_!r} that could be an API key" if data is not None else "is not there"
            missing = SgctlError(f"the Secret {namespace}/{name} {what}")
            self._write(resources, judge_failure(snapshot, missing, Reason.SECRET_MISSING), ())
            return target.interval.total_seconds(), None
        try:
            with self._locks[target.target], self._hands.connect(api_key) as api:
                outcome = reconcile(
                    snapshot,
                    api,
                    self._hands.options(),
                    claim=lambda digest: self._hands.cluster.take_approval(key, digest),
                    carry_out=lambda plan, to: self._hands.carry_out(plan, to, self._must_stop),
                )
        except (SgctlError, OSError) as error:
            self._write(resources, judge_failure(snapshot, error), ())
            raise
        self._write(resources, judge(snapshot, outcome), _special_events(target, outcome))
        if outcome.stale is not None:
            self._hands.cluster.take_approval(key, outcome.stale)
        self._let_go(resources, outcome.gone)
        self._told(target, outcome)
        is_to_repeat = outcome.report is not None and outcome.report.error is not None
        again = RETRY * 2 if is_to_repeat else target.interval.total_seconds()
        return again, _round_of(snapshot, outcome)

    def _note_contested(self, snapshot: Snapshot, resources: Mapping[Key, Resource]) -> None:
        """Keep in mind whose groups others ask for too, and look at those others: they are told as well."""
        rivals = {resources[other].target_key for others in snapshot.taken.values() for other in others}
        with self._lock:
            news = rivals - self._contested - {snapshot.target.key}
            self._contested |= rivals
            (self._contested.add if snapshot.taken else self._contested.discard)(snapshot.target.key)
        for each in news:
            self._queue.add(each)

    def _must_stop(self) -> bool:
        return self._hands.stop.is_set() or not self._hands.lease.is_held

    def _told(self, target: Resource, outcome: Outcome) -> None:
        if outcome.report is not None:
            failed = f", {len(outcome.failed)} not" if outcome.failed else ""
            self._hands.tell(f"{target.key}: {outcome.mended} put right{failed}", bool(outcome.failed))

    def _without_target(self, key: Key, resources: Mapping[Key, Resource]) -> tuple[None, None]:
        """Tell the groups of a target that is not there, and let go of those that are being deleted."""
        groups = [each for each in resources.values() if each.key.kind == SECURITY_GROUP and each.target_key == key]
        living = [each for each in groups if not each.is_going]
        self._write(resources, judge_missing(living, key), ())
        for each in groups:
            if each.is_going and FINALIZER in each.finalizers:
                self._release(each, f"there is no {key}, so the live group {each.cloud_name!r} stays")
        self._secrets.pop(key, None)
        return None, None

    def _hold(self, snapshot: Snapshot) -> None:
        """Put our finalizer on groups whose live group is to go with them, and take it from those that changed."""
        for group in snapshot.groups:
            has = FINALIZER in group.finalizers
            if group.deletes and not has and not group.is_going:
                self._hands.cluster.set_finalizers(group, [*group.finalizers, FINALIZER])
            elif has and not group.deletes and not group.is_going:
                self._hands.cluster.set_finalizers(group, [each for each in group.finalizers if each != FINALIZER])

    def _let_go(self, resources: Mapping[Key, Resource], gone: Iterable[Key]) -> None:
        for key in gone:
            group = resources[key]
            kept = "" if group.deletes else " stays live, for its deletionPolicy is Orphan"
            self._release(group, f"the group {group.cloud_name!r}{kept or ' is not live any more'}")

    def _release(self, group: Resource, message: str) -> None:
        self._event(group, Event(group.key, is_warning=False, reason="Released", message=message))
        self._hands.cluster.set_finalizers(group, [each for each in group.finalizers if each != FINALIZER])

    # What is told.

    def _write(self, resources: Mapping[Key, Resource], judged: Mapping[Key, Judged], events: Iterable[Event]) -> None:
        now = format_time(self._hands.clock.now())
        for key, each in judged.items():
            resource = resources[key]
            status = write_status(resource, each, now)
            if status is not None:
                self._hands.cluster.write_status(resource, status)
                for event in find_events(resource, each):
                    self._event(resource, event)
        for event in events:
            self._event(resources[event.key], event)

    def _event(self, resource: Resource, event: Event) -> None:
        now = format_time(self._hands.clock.now())
        self._hands.cluster.create_event(
            resource,
            {
                "type": "Warning" if event.is_warning else "Normal",
                "reason": event.reason,
                "message": event.message,
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
                "source": {"component": "sgctl-operator"},
                "reportingComponent": "sgctl-operator",
            },
        )


def _mark(data: Mapping[str, str] | None) -> str | None:
    return None if data is None else repr(sorted(data.items()))


def _special_events(target: Resource, outcome: Outcome) -> list[Event]:
    found = []
    if outcome.stale is not None:
        message = f"{outcome.stale[:80]} was approved, and is not the plan there is: nothing of it was done"
        found.append(Event(target.key, is_warning=True, reason="ApprovalStale", message=short(message)))
    if outcome.report is not None and outcome.mended:
        names = ", ".join(each.change.difference.name for each in outcome.report.results[:10])
        approved = f" as approved ({outcome.approved})" if outcome.approved else ""
        message = f"{outcome.mended} put right{approved}: {names}"
        found.append(Event(target.key, is_warning=False, reason="Applied", message=short(message)))
    return found


def _nothing() -> Round:
    return Round(Drift((), 0, 0, Severity.COSMETIC, {}), {})


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


def _join(rounds: Iterable[Round]) -> Round | None:
    """Put together what is known of all targets."""
    rounds = [*rounds]
    if not rounds:
        return None
    compared: defaultdict[Target, int] = defaultdict(int)
    for each in rounds:
        for target, number in each.compared.items():
            compared[target] += number
    drift = Drift(
        tuple(group for each in rounds for group in each.drift.drifted),
        sum(each.drift.groups for each in rounds),
        sum(each.drift.rules for each in rounds),
        Severity.COSMETIC,
        {},
    )
    failed = tuple(text for each in rounds for text in each.failed)
    stopped = tuple(finding for each in rounds for finding in each.stopped_by)
    return Round(drift, dict(compared), failed=failed, stopped_by=stopped)


def log_in() -> kopf.ConnectionInfo:
    """Say where the cluster's API is: what a pod is given, else what the kubeconfig says. Raises `SgctlError`."""
    settings = kopf.OperatorSettings()
    found = kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(settings=settings)
    if found is None:
        raise SgctlError("there is no cluster to work in: no service account of a pod, and no kubeconfig")
    return found


def run(operator: Operator, hands: Hands, namespaces: Iterable[str] = ()) -> None:
    """Run until SIGTERM or Ctrl-C; what is under way is finished."""
    registry = kopf.OperatorRegistry()
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True  # else it asks for rights on definitions and namespaces
    settings.posting.enabled = False
    settings.watching.server_timeout = 240
    settings.watching.client_timeout = 300
    settings.networking.error_backoffs = (1, 2, 5, 10, *(20,) * 10_000)  # else it gives up after a minute
    pool = ThreadPoolExecutor(LOOKS_AT_ONCE + 2)

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:
        return log_in()

    @kopf.on.startup(registry=registry)
    def begin(**_: Any) -> None:
        pool.submit(hands.lease.run, hands.stop, operator.wake_all, lambda text: hands.tell(text, True))  # noqa: FBT003 - a warning
        pool.submit(operator.watch_secrets)
        for _number in range(LOOKS_AT_ONCE):
            pool.submit(operator.work)

    @kopf.on.cleanup(registry=registry)
    async def end(**_: Any) -> None:
        operator.close()
        await asyncio.to_thread(pool.shutdown)
        await asyncio.to_thread(_give_back, hands)

    for kind in KINDS:

        def notice(event: Any, kind: Kind = kind, **_: Any) -> None:
            operator.notice(kind, event)

        kopf.on.event(GROUP, VERSION, kind.plural, registry=registry)(notice)
    chosen = tuple(namespaces)
    kopf.run(registry=registry, settings=settings, standalone=True, clusterwide=not chosen, namespaces=chosen)


def _give_back(hands: Hands) -> None:
    try:
        hands.lease.give_back()
    except ClusterError as error:
        hands.tell(f"the lease: {error.message}", True)  # noqa: FBT003 - a warning
