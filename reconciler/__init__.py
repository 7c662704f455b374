"""A declarative reconciler for Gcore Cloud security groups, as a command (`sgctl`) and as a library.

    from reconciler import apply, connect, load, plan

`reconciler.public` documents the four; `reconciler.errors` has everything that they raise.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.public import Api, apply, connect, load, plan

__version__ = "0.1.0"

__all__ = ["Api", "__version__", "apply", "connect", "load", "plan"]


def __getattr__(name: str) -> Any:
    """Load the library when it is asked for: `sgctl --version` needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from reconciler import public  # noqa: PLC0415 - see above

    return getattr(public, name)
