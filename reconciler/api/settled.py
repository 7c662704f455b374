"""Live state that no write of v2 is about to change: for an apply that may follow one that was killed."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from reconciler.api.http import Http
from reconciler.api.reader import GcoreReader
from reconciler.api.tasks import Tasks
from reconciler.clock import Clock
from reconciler.errors import ApiRefused
from reconciler.model.desired import Target
from reconciler.model.live import LiveGroup

_LOOK_BACK = timedelta(hours=1)


class SettledReader(GcoreReader):
    """Waits, before it reads a whole target, until the tasks on security groups there have ended.

    A group whose creation is still under way is in no list, and creating it again would make two of one name. Tasks
    that do not end within the deadline are waited for no longer, and a key that may not see tasks waits for none.
    """

    def __init__(self, http: Http, clock: Clock) -> None:
        super().__init__(http)
        self._clock = clock
        self._tasks = Tasks(http, clock)

    def list_groups(
        self, target: Target, name: str | None = None, on_page: Callable[[int, int], None] = lambda *_: None
    ) -> tuple[LiveGroup, ...]:
        """Read all groups of a target, or all of one name, as `GcoreReader` does."""
        if name is None:
            with suppress(ApiRefused):
                self._tasks.settle(target, self._clock.now() - _LOOK_BACK)
        return super().list_groups(target, name, on_page)
