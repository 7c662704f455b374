"""`sgctl operator`: security groups as resources of a Kubernetes cluster."""

import os
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconciler import process, workflow
from reconciler.cli import options, settings
from reconciler.cli.apply import journal_of
from reconciler.cli.health import Address, serve_health
from reconciler.cli.log import current_log
from reconciler.cli.options import ConnectionOptions
from reconciler.cli.parameters import option_set
from reconciler.model.clock import StoppableClock, format_time
from reconciler.model.errors import UsageError
from reconciler.planning.plan import Plan, PlanOptions

if TYPE_CHECKING:
    from reconciler.api.connection import Api
    from reconciler.applying.apply import Report

LEASE = "sgctl-operator"


@dataclass(frozen=True, slots=True)
class _Operator:
    namespaces: tuple[str, ...]
    lease_namespace: str | None
    listen: tuple[str, int] | None
    crds: bool


_operator = option_set(
    _Operator,
    click.option(
        "--namespace", "namespaces", multiple=True, metavar="NAME", help="Only this namespace; repeatable. Else all."
    ),
    click.option(
        "--lease-namespace",
        metavar="NAME",
        help="Where the Lease is that lets one operator work at a time; else the pod's namespace, or `default`.",
    ),
    click.option(
        "--listen", type=Address(), metavar="HOST:PORT", help="Serve /metrics, /healthz and /readyz on this address."
    ),
    click.option("--crds", is_flag=True, help="Print the custom resource definitions, and do nothing else."),
)


@click.command("operator")
@_operator
@options.policies_file
@options.connection
def command(chosen: _Operator, policies_file: str | None, connection: ConnectionOptions) -> None:
    """Keep security groups as the resources of a Kubernetes cluster say, until SIGTERM or Ctrl-C.

    A CloudTarget names project, region and the Secret with the API key; SecurityGroups and AddressGroups have the
    fields of the files, in camelCase. By default each target shows its plan in its status, and the annotation
    `sgctl.dev/approve` with the plan's digest lets exactly that be done. Settings are those of the environment and of
    sgctl.toml, but for the API key, which is the Secret's.

    \b
      sgctl operator --crds | kubectl apply -f -
      sgctl operator --listen 0.0.0.0:9180
      sgctl export groups/ | kubectl apply -f -
    """
    if chosen.crds:
        from reconciler.kubernetes.crds import crds  # noqa: PLC0415 - what --help need not load
        from reconciler.kubernetes.export import write_yaml  # noqa: PLC0415 - the same

        click.echo(write_yaml(crds()), nl=False)
        return
    try:
        from reconciler.kubernetes.cluster import Cluster  # noqa: PLC0415 - an extra
        from reconciler.kubernetes.lease import Lease  # noqa: PLC0415 - the same
        from reconciler.kubernetes.look import Hands  # noqa: PLC0415 - the same
        from reconciler.kubernetes.operator import Operator  # noqa: PLC0415 - the same
        from reconciler.kubernetes.run import log_in, run, wait_for_definitions  # noqa: PLC0415 - the same
    except ModuleNotFoundError as error:
        if error.name not in ("kopf", "aiohttp"):
            raise
        raise UsageError(
            "sgctl operator needs kopf, which is not installed", "pip install 'sgctl[kubernetes]'"
        ) from None
    process.collect_garbage()
    log = current_log()
    stop = threading.Event()
    clock = StoppableClock(stop)
    info = log_in()
    cluster = Cluster(log_in, chosen.namespaces)
    namespace = chosen.lease_namespace or info.default_namespace or "default"
    identity = f"{os.uname().nodename}_{uuid.uuid4()}"
    judged = PlanOptions(
        api_version=connection.api_version,
        limits=settings.limits(),
        policies=settings.policies(),
        outside=settings.rulebook(policies_file),
    )

    def tell(text: str, *, is_warning: bool) -> None:
        if is_warning:
            log.warning(text)
        elif log.is_json:
            log.event("operator", message=text)
        elif not log.quiet:
            log.line(f"{format_time(clock.now())} {text}")

    def carry_out(plan: Plan, api: "Api", stopped: Callable[[], bool]) -> "Report":
        with journal_of(plan, log) as recorder:
            return workflow.apply(plan, api.for_apply(plan.api_version), recorder=recorder, stopped=stopped)

    hands = Hands(
        cluster,
        Lease(cluster, namespace, LEASE, identity, clock, connection.timeout),
        lambda key: options.connect_with(key, connection, clock, log),
        carry_out,
        lambda: judged,
        clock,
        tell,
        log.secrets.hide,
        stop,
    )
    operator = Operator(hands)
    tell(f"operator {identity}: {info.server}, {settings.base_url()}", is_warning=False)
    with cluster, serve_health(chosen.listen, lambda: operator.health, operator.hangs, operator.unready):
        with process.stop_on_signals(stop):
            wait_for_definitions(hands, operator)
        if not stop.is_set():
            run(hands, operator, chosen.namespaces)
