"""A declarative reconciler for Gcore Cloud security groups, as a command (`sgctl`) and as a library.

    from reconciler import apply, connect, load, plan

`reconciler.workflow` documents the four; `reconciler.model.errors` has everything that they raise.
"""

from typing import TYPE_CHECKING, Any

from reconciler.model.version import __version__

if TYPE_CHECKING:
    from reconciler.workflow import Api, apply, connect, load, plan

__all__ = ["Api", "__version__", "apply", "connect", "load", "plan"]


def __getattr__(name: str) -> Any:
    """Load the library when it is asked for: `sgctl --version` needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reconciler import workflow  # noqa: PLC0415 - see above

    return getattr(workflow, name)
