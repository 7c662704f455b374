"""A declarative reconciler for Gcore Cloud security groups, as a command (`sgctl`) and as a library.

>>> import os
>>> from reconciler import apply, connect, load, plan
>>> desired = load("groups.yaml")
>>> with connect(os.environ["GCORE_API_KEY"], base_url=os.environ["GCORE_BASE_URL"]) as api:
...     report = apply(plan(desired, api), api)
>>> [f"{result.change.difference.name}: {result.status}" for result in report.results]
['web: applied']

The functions are documented in `reconciler.reading` and `reconciler.workflow`; their examples go on from here, with
what this one has imported and set. `reconciler.model.errors` has everything that they raise.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reconciler.model.version import __version__

if TYPE_CHECKING:
    from reconciler.api.connection import Api, connect
    from reconciler.applying.apply import Interrupted
    from reconciler.applying.journal import JournalFile
    from reconciler.applying.journal_reading import read_journal
    from reconciler.drift.compare import Severity
    from reconciler.drift.watch import Enforce
    from reconciler.importing.run import ImportOptions
    from reconciler.loading.plain import PlainDocument
    from reconciler.model.desired import Target
    from reconciler.planning.plan import PlanOptions
    from reconciler.policy.saved import read_plan
    from reconciler.reading import (
        audit,
        detect_drift,
        find_targets,
        find_who,
        import_groups,
        load,
        read,
        read_history,
    )
    from reconciler.workflow import apply, check_stale, plan, reconcile, rollback

__all__ = [
    "Api",
    "Enforce",
    "ImportOptions",
    "Interrupted",
    "JournalFile",
    "PlainDocument",
    "PlanOptions",
    "Severity",
    "Target",
    "__version__",
    "apply",
    "audit",
    "check_stale",
    "connect",
    "detect_drift",
    "find_targets",
    "find_who",
    "import_groups",
    "load",
    "plan",
    "read",
    "read_history",
    "read_journal",
    "read_plan",
    "reconcile",
    "rollback",
]

_PLACES = {
    "Api": "api.connection",
    "Enforce": "drift.watch",
    "ImportOptions": "importing.run",
    "Interrupted": "applying.apply",
    "JournalFile": "applying.journal",
    "PlainDocument": "loading.plain",
    "PlanOptions": "planning.plan",
    "Severity": "drift.compare",
    "Target": "model.desired",
    "audit": "reading",
    "connect": "api.connection",
    "detect_drift": "reading",
    "find_targets": "reading",
    "find_who": "reading",
    "import_groups": "reading",
    "load": "reading",
    "read": "reading",
    "read_history": "reading",
    "read_journal": "applying.journal_reading",
    "read_plan": "policy.saved",
}
"""The module of every name that is not one of `workflow`."""


def __getattr__(name: str) -> Any:
    """Load the library when it is asked for: `sgctl --version` needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES.get(name, 'workflow')}"), name)
