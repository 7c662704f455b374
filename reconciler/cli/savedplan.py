"""Reading a saved plan, and what has to hold before it may be applied."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.model.errors import PlanFileError
from reconciler.planning import planfile
from reconciler.planning.plan import Plan


def read_plan(path: str) -> Plan:
    """Read a plan file. Raises `PlanFileError` when it cannot be read, is not a plan, or was edited."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise PlanFileError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise PlanFileError(f"{path} is not a plan file: it is not UTF-8 text") from None
    return planfile.loads(text, path)


def check_applicable(plan: Plan, path: str, *, base_url: str, now: datetime, max_age: timedelta) -> None:
    """Refuse a plan for another API, and one that is too old. Raises `PlanFileError`."""
    if plan.base_url != base_url:
        raise PlanFileError(
            f"{path} was made for {plan.base_url}, and this run goes to {base_url}; nothing was sent",
            hint="Plan again with the address that you mean to change.",
        )
    age = now - datetime.fromisoformat(plan.created_at).astimezone(UTC)
    if age > max_age:
        raise PlanFileError(
            f"{path} is {_hours(age)} old, more than the {_hours(max_age)} allowed; nothing was sent",
            hint="Plan again, or pass a longer --max-age.",
        )


def _hours(time: timedelta) -> str:
    return f"{time.total_seconds() / 3600:.1f} hours"
