"""The seam between the versions of the API: everything that they do differently is behind `Backend`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from reconciler.api.reader import GcoreReader
from reconciler.api.v1 import V1
from reconciler.api.v2 import V2
from reconciler.model.clock import Clock
from reconciler.model.desired import Target
from reconciler.planning.encode import ApiVersion, Encoder, Request

if TYPE_CHECKING:  # httpx costs 0.1 s, which whoever only encodes need not pay
    from reconciler.api.http import Answer, Http


class Backend(Encoder, Protocol):
    """One version of the API: how it writes a change down (`Encoder`), sends it, and what happens behind an answer."""

    @property
    def replaces_whole_lists(self) -> bool:
        """Whether a write would silently undo what others did to the rules since they were read."""

    @property
    def hint_when_gone(self) -> str | None:
        """What to do when the API no longer offers these requests (404, 405, 410 or 501 for a group that exists)."""

    def send(self, http: "Http", clock: Clock, request: Request, is_made: Callable[[], bool]) -> "Answer":
        """Send one write and wait until it is carried out; the body of a create's answer holds the new `id`.

        `is_made` is as in `Http.write`. Raises `ApiRefused` when nothing was done, `OutcomeUnknown` when nobody knows.
        """

    def settle(self, http: "Http", clock: Clock, target: Target, since: datetime) -> bool:
        """Wait until no write that may have been ours is under way; tell whether that is so."""

    def reader(self, http: "Http", clock: Clock) -> GcoreReader:
        """Return what an apply reads live state with."""


BACKENDS: Mapping[ApiVersion, Backend] = {"v1": V1(), "v2": V2()}


def backend_of(request: Request) -> Backend:
    """Find who sends a request: a plan of one version may hold requests of the other."""
    return BACKENDS["v2" if request.path.startswith("/cloud/v2/") else "v1"]


class GcoreWriter:
    """Sends the writes of an apply through one connection. Everything that changes something passes here."""

    def __init__(self, http: "Http", clock: Clock) -> None:
        self._http = http
        self._clock = clock

    def send(self, request: Request, is_made: Callable[[], bool] = lambda: False) -> "Answer":
        """Send one write as it stands, as `Backend.send` does."""
        return backend_of(request).send(self._http, self._clock, request, is_made)

    def hint_when_gone(self, request: Request) -> str | None:
        """Say what to do when the API no longer offers such a request."""
        return backend_of(request).hint_when_gone

    def settle(self, request: Request, target: Target, since: datetime) -> bool:
        """Wait for what a write may have started, as `Backend.settle` does."""
        return backend_of(request).settle(self._http, self._clock, target, since)
