"""How a change ended, and each write on the way: data for reports and the journal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from reconciler.model.errors import NO_DETAILS, ErrorDetails
from reconciler.model.live import LiveGroup
from reconciler.planning.diff import Difference
from reconciler.planning.encode import Request
from reconciler.planning.plan import Change


class Status(StrEnum):
    """How a change ended."""

    APPLIED = "applied"
    FAILED = "failed"
    LEFT = "left"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Result:
    """How one change ended. `touched` tells whether anything may have been changed; `group_id` is set once known.

    `is_refused` tells that the API does not take the change: as long as its reason stands, sending it again is no use.
    `is_broken` tells that the API failed at it, or gave no answer, until all tries were used up; `is_silent` that it
    kept its writes waiting until there was no time for another, or answered neither a write nor the read after it.
    `answered` is a new group as the answer to its creation has it, which nobody has read back yet.
    `details` is what the API says of the request that failed last.
    `done` is what a change that did not end well has made of its group all the same, None where that was not read.
    """

    change: Change
    status: Status
    message: str = ""
    hint: str | None = None
    touched: bool = False
    group_id: str | None = None
    is_refused: bool = False
    is_broken: bool = False
    is_silent: bool = False
    answered: LiveGroup | None = None
    details: ErrorDetails = NO_DETAILS
    done: Difference | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """A write as it went. `status` is None where no answer came; `problem` says what went wrong, None for nothing.

    `group_id` is None for a create that was refused or whose answer was lost; `details` is what an error answer says.
    """

    at: datetime
    change: Change
    request: Request
    group_id: str | None
    status: int | None
    request_id: str | None
    problem: str | None
    details: ErrorDetails = NO_DETAILS


class Recorder(Protocol):
    """Keeps a journal. Every method returns when what it was told is safe; an `SgctlError` ends the apply."""

    def begin(self, change: Change) -> None:
        """Take note of a group as it was read, before its first write."""

    def wrote(self, write: Write) -> None:
        """Take note of a write."""

    def found(self, change: Change, group_id: str) -> None:
        """Take note of a new group that was found by its name, because the answer to its creation was lost."""


class NoJournal:
    """Keeps nothing."""

    path = None

    def begin(self, change: Change) -> None:
        """Forget it."""

    def wrote(self, write: Write) -> None:
        """Forget it."""

    def found(self, change: Change, group_id: str) -> None:
        """Forget it."""
