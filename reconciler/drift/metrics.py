"""Metrics of a drift run, as text for the textfile collector of Prometheus' node exporter.

A run that failed writes only that it failed and when: what was last known about drift is no longer known.
"""

from dataclasses import dataclass

from reconciler.drift.compare import Drift
from reconciler.model.errors import SgctlError


@dataclass(frozen=True, slots=True)
class Run:
    """One run: `drift` is None when live state could not be read. Times in seconds, `finished` since the epoch."""

    finished: float
    duration: float
    drift: Drift | None


def render_metrics(run: Run) -> str:
    """Write the metrics. Raises `SgctlError` when prometheus-client is not installed."""
    try:
        from prometheus_client import CollectorRegistry, Gauge, generate_latest  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        message = "--metrics-file needs prometheus-client, which is not installed"
        raise SgctlError(message, hint="pip install 'sgctl[metrics]'") from None
    registry = CollectorRegistry()

    def gauge(name: str, text: str, value: float) -> None:
        Gauge(name, text, registry=registry).set(value)

    gauge("sgctl_drift_success", "Whether live state could be read and compared.", run.drift is not None)
    gauge("sgctl_drift_last_run_timestamp_seconds", "When the last run ended.", run.finished)
    gauge("sgctl_drift_duration_seconds", "How long the last run took.", run.duration)
    if run.drift is not None:
        groups = Gauge("sgctl_drift_groups", "Groups that differ from the files.", ["severity"], registry=registry)
        for severity, number in run.drift.by_severity.items():
            groups.labels(severity=str(severity)).set(number)
        refused = "Projects and regions that refuse to be looked through (--all-targets)."
        gauge("sgctl_drift_targets_refused", refused, len(run.drift.refused))
        gauge("sgctl_drift_rules_missing", "Rules in the files that are not live.", run.drift.rules_missing)
        gauge("sgctl_drift_rules_extra", "Live rules that are not in the files.", run.drift.rules_extra)
        gauge("sgctl_drift_groups_compared", "Groups that were compared.", run.drift.groups)
        gauge(
            "sgctl_drift_groups_unmanaged",
            "Live groups that no file names.",
            len(run.drift.unmanaged + run.drift.orphans),
        )
    text: bytes = generate_latest(registry)
    return text.decode()
