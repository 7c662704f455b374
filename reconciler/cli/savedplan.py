"""Reading a saved plan."""

from pathlib import Path

from reconciler.api.backend import BACKENDS
from reconciler.model.errors import PlanFileError
from reconciler.planning import planfile
from reconciler.planning.plan import Plan


def read_plan(path: str) -> Plan:
    """Read a plan file. Raises `PlanFileError` when it cannot be read, is not a plan, or was edited."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise PlanFileError(f"cannot read {path}: {error.strerror or error}") from None
    return planfile.loads(data, path, BACKENDS)
