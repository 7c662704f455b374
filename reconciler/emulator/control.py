"""What one running emulator consists of, and what a test may change while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from .faults import Counters, FaultPlan
from .knobs import Knobs
from .store import Store


@dataclass(slots=True)
class Control:
    """The store, the knobs and the faults of a running emulator."""

    store: Store
    knobs: Knobs
    faults: FaultPlan
    counters: Counters = field(init=False)

    def __post_init__(self) -> None:
        self.counters = Counters(self.faults)

    def plan(self, faults: FaultPlan) -> None:
        """Put another fault plan in place; its counters start anew."""
        self.faults = faults
        self.counters = Counters(faults)
