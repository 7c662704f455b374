"""Which traffic a set of rules admits, and what a change opens and closes."""

from reconciler.traffic.compare import covers, overlaps

__all__ = ["covers", "overlaps"]
