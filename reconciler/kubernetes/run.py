"""The operator as a process: kopf's streams, the threads, and how both end."""

import asyncio
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import kopf

from reconciler.kubernetes.cluster import ClusterError
from reconciler.kubernetes.look import Hands
from reconciler.kubernetes.operator import Operator
from reconciler.kubernetes.resources import GROUP, KINDS, VERSION, Key, Kind, Resource
from reconciler.kubernetes.status import short
from reconciler.model.errors import SgctlError
from reconciler.model.files import SETTINGS_LIMIT, read_bounded
from reconciler.model.text import listed, printable

LOOKS_AT_ONCE = 8
"""Targets that are looked at at the same time."""

ASK_AGAIN = 5.0
"""Seconds until the cluster is asked again for our definitions, where it lacks one or does not answer."""


def log_in() -> kopf.ConnectionInfo:
    """Say where the cluster's API is: what a pod is given, else what the kubeconfig says. Raises `SgctlError`."""
    settings = kopf.OperatorSettings()
    found = kopf.login_with_service_account(settings=settings) or _log_in_with_kubeconfig(settings)
    if found is None:
        raise SgctlError("there is no cluster to work in: no service account of a pod, and no kubeconfig")
    return found


def _log_in_with_kubeconfig(settings: kopf.OperatorSettings) -> kopf.ConnectionInfo | None:
    """Log in with the files of `KUBECONFIG`, which kopf reads without a limit and takes to be well-formed."""
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    try:
        if os.environ.get("KUBECONFIG"):
            for path in filter(None, map(str.strip, named.split(os.pathsep))):
                read_bounded(os.path.expanduser(path), SETTINGS_LIMIT)  # noqa: PTH111 - never raises
        found = kopf.login_with_kubeconfig(settings=settings)
        server: object = found and found.server  # a file may say anything
        if found is None or isinstance(server, str):
            return found
        reason = f"{named} names no server of its cluster"
    except OSError as error:
        reason = f"{error.filename or named}: {error.strerror or error}"
    except Exception as error:  # noqa: BLE001 - whatever a library makes of a file that is not what it expects
        reason = f"{named} is not what kubectl would take ({type(error).__name__})"
    raise SgctlError(
        f"cannot read the kubeconfig: {printable(reason)}",
        hint="Set KUBECONFIG to a file with a cluster, a user and a current context; see `kubectl config view`.",
    )


TELL_AGAIN = 300.0
"""Seconds in which kopf's words about one thing are told once: it has them for each try of each stream."""


class ToldByUs(logging.Handler):
    """Tells what kopf has to say as all else is told: in a line, without its traceback, and not at every try."""

    def __init__(self, hands: Hands) -> None:
        super().__init__(logging.WARNING)
        self._hands = hands
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        now = self._hands.clock.monotonic()
        text = short(_ATTEMPT.sub("", record.getMessage()))
        about = _URL.sub("", text)
        self._told = {each: when for each, when in self._told.items() if now - when <= TELL_AGAIN}
        if about not in self._told:
            self._told[about] = now
            self._hands.tell(f"kopf: {text}", is_warning=True)


_ATTEMPT = re.compile(r"^Request attempt #[0-9/]+ failed; will retry: ")
_URL = re.compile(r"https?://\S*")


def wait_for_definitions(hands: Hands, operator: Operator) -> None:
    """Wait until stopped or the cluster serves all of our kinds: kopf never looks again for one that it misses."""
    while not hands.stop.is_set():
        try:
            missing = hands.cluster.find_missing()
            names = f"the cluster has no {listed(missing, 3)} (CRDs, {VERSION})" if missing else None
            how = "kubectl apply -f deploy/kubernetes/crds, or sgctl operator --crds | kubectl apply -f -"
            operator.wait_for(names and f"{names}: {how}")
            if not missing:
                return
        except ClusterError as error:
            operator.wait_for(error.message)
        hands.stop.wait(ASK_AGAIN)


def run(hands: Hands, operator: Operator, namespaces: Iterable[str] = ()) -> None:
    """Run until SIGTERM or Ctrl-C; what is under way is finished. Raises `SgctlError` where a part of it broke."""
    registry = kopf.OperatorRegistry()
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True  # else it asks for rights on definitions and namespaces
    settings.posting.enabled = False
    settings.watching.server_timeout = 240
    settings.watching.client_timeout = 300
    settings.networking.error_backoffs = (1, 2, 5, 10, *(20,) * 10_000)  # else it gives up after a minute
    pool = ThreadPoolExecutor(LOOKS_AT_ONCE + 2)
    broken: list[BaseException] = []
    ended = asyncio.Event()

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:
        return log_in()

    @kopf.on.startup(registry=registry)
    async def begin(**_: Any) -> None:
        loop = asyncio.get_running_loop()

        def look_after(done: "Future[None]") -> None:
            """End all where a thread broke: nobody would miss it, and whoever runs this begins anew."""
            if (error := done.exception()) is not None:
                broken.append(error)
                loop.call_soon_threadsafe(ended.set)

        warn = partial(hands.tell, is_warning=True)
        keep_lease = partial(hands.lease.run, hands.stop, operator.wake_all, warn)
        works: list[Callable[[], None]] = [keep_lease, operator.watch_secrets, *[operator.work] * LOOKS_AT_ONCE]
        for work in works:
            pool.submit(work).add_done_callback(look_after)

    @kopf.on.cleanup(registry=registry)
    async def end(**_: Any) -> None:
        operator.close()
        await asyncio.to_thread(pool.shutdown)
        await asyncio.to_thread(_give_back, hands)
        ended.set()  # else kopf waits five seconds for its own task that waits for it

    for kind in KINDS:

        def notice(event: Mapping[str, Any], kind: Kind = kind, **_: Any) -> None:
            body = event["object"]
            key = Key(kind, body["metadata"]["namespace"], body["metadata"]["name"])
            operator.notice(Resource(key, body), is_gone=event.get("type") == "DELETED")

        kopf.on.event(GROUP, VERSION, kind.plural, registry=registry)(notice)
    logger = logging.getLogger("kopf")
    logger.handlers, logger.propagate = [ToldByUs(hands)], False
    _run_kopf(registry, settings, tuple(namespaces), ended)
    if broken:
        raise SgctlError(f"a part of the operator broke: {broken[0]!r}")


def _run_kopf(
    registry: kopf.OperatorRegistry, settings: kopf.OperatorSettings, namespaces: Sequence[str], ended: asyncio.Event
) -> None:
    """Run kopf. A stream that the cluster refuses ends it, as with a definition that is removed: `SgctlError`."""
    try:
        kopf.run(
            registry=registry,
            settings=settings,
            standalone=True,
            clusterwide=not namespaces,
            namespaces=namespaces,
            stop_flag=ended,
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever runs the operator begins anew
        reason = printable(str(error) or repr(error))
        raise SgctlError(f"the cluster's resources cannot be watched any more: {reason}") from None


def _give_back(hands: Hands) -> None:
    try:
        hands.lease.give_back()
    except ClusterError as error:
        hands.tell(f"the lease: {error.message}", is_warning=True)
