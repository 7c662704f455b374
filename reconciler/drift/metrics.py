"""Metrics for Prometheus: of one drift run, as a file for the node exporter, and of a watch, to be scraped.

Where the last run failed there is nothing about drift: what was last known about it is no longer known.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.drift.compare import Drift
from reconciler.drift.watch import Health
from reconciler.model.errors import SgctlError

if TYPE_CHECKING:
    from prometheus_client import Metric

_GAUGES = {
    "groups_compared": "Groups that were compared.",
    "groups_unmanaged": "Live groups that no file names.",
    "rules_missing": "Rules in the files that are not live.",
    "rules_extra": "Live rules that are not in the files.",
    "rules_ignored": "Live rules that `ignore_rules` leaves to others.",
}
_BY_SEVERITY = "Groups that differ from the files."


@dataclass(frozen=True, slots=True)
class Run:
    """One run: `drift` is None when live state could not be read. Times in seconds, `finished` since the epoch."""

    finished: float
    duration: float
    drift: Drift | None


def render_metrics(run: Run) -> str:
    """Write the metrics of a run. Raises `SgctlError` when prometheus-client is not installed."""
    return _render(lambda: _of_run(run), "--metrics-file")


def render_health(health: Health) -> str:
    """Write the metrics of a watch. Raises what `render_metrics` raises."""
    return _render(lambda: _of_watch(health), "--listen")


def _render(collect: "Callable[[], Iterator[Metric]]", option: str) -> str:
    try:
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - an extra
        from prometheus_client.registry import Collector  # noqa: PLC0415 - the same
    except ModuleNotFoundError:
        message = f"{option} needs prometheus-client, which is not installed"
        raise SgctlError(message, hint="pip install 'sgctl[metrics]'") from None

    class Collected(Collector):
        def collect(self) -> "Iterator[Metric]":
            return collect()

    registry = CollectorRegistry()
    registry.register(Collected())
    text: bytes = generate_latest(registry)
    return text.decode()


def _of_run(run: Run) -> "Iterator[Metric]":
    yield _gauge("sgctl_drift_success", "Whether live state could be read and compared.", run.drift is not None)
    yield _gauge("sgctl_drift_last_run_timestamp_seconds", "When the last run ended.", run.finished)
    yield _gauge("sgctl_drift_duration_seconds", "How long the last run took.", run.duration)
    if run.drift is not None:
        refused = "Projects and regions that refuse to be looked through (--all-targets)."
        yield _gauge("sgctl_drift_targets_refused", refused, len(run.drift.refused))
        yield from _of_drift({(): (run.drift, run.drift.groups)}, ())


def _of_watch(health: Health) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - an extra

    for name, text, number in (
        ("rounds", "Rounds that ended.", health.rounds),
        ("failures", "Rounds that failed.", health.failures),
        ("groups_mended", "Groups that were put right.", health.mended),
    ):
        yield CounterMetricFamily(f"sgctl_watch_{name}", text, number)
    yield _gauge("sgctl_watch_failures_in_row", "Rounds that failed since the last good one.", health.failures_in_row)
    yield _gauge("sgctl_watch_last_round_timestamp_seconds", "When the last round ended.", health.finished)
    yield _gauge("sgctl_watch_last_success_timestamp_seconds", "When the last good round ended.", health.succeeded)
    yield _gauge("sgctl_watch_duration_seconds", "How long the last round took.", health.seconds)
    if (last := health.last) is not None:
        stopped, failed = len(last.stopped_by), len(last.failed)
        yield _gauge("sgctl_watch_stopped_by", "What stops the plan that would put things right.", stopped)
        yield _gauge("sgctl_watch_groups_failed", "Groups that could not be put right in the last round.", failed)
        by_target: dict[tuple[str, ...], tuple[Drift, int]] = {
            (str(target.project_id), str(target.region_id)): (last.drift.of(target), groups)
            for target, groups in last.compared.items()
        }
        yield from _of_drift(by_target, ("project", "region"))


def _of_drift(rows: Mapping[tuple[str, ...], tuple[Drift, int]], labels: tuple[str, ...]) -> "Iterator[Metric]":
    """Write what is known of each row: the values of its labels, its drift, and how many groups were compared."""
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - an extra

    groups = GaugeMetricFamily("sgctl_drift_groups", _BY_SEVERITY, labels=(*labels, "severity"))
    gauges = {name: GaugeMetricFamily(f"sgctl_drift_{name}", text, labels=labels) for name, text in _GAUGES.items()}
    for values, (drift, compared) in rows.items():
        for severity, number in drift.by_severity.items():
            groups.add_metric((*values, str(severity)), number)
        for name, number in {
            "groups_compared": compared,
            "groups_unmanaged": len(drift.unmanaged + drift.orphans),
            "rules_missing": drift.rules_missing,
            "rules_extra": drift.rules_extra,
            "rules_ignored": drift.rules_ignored,
        }.items():
            gauges[name].add_metric(values, number)
    yield groups
    yield from gauges.values()


def _gauge(name: str, text: str, value: float) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - an extra

    return GaugeMetricFamily(name, text, value)
