"""Stage 3: API -> live state. Only reads, several targets at a time, whole targets or an error."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol, TypeVar

from reconciler.model.action import ActionLog, ActionQuery, UserAction
from reconciler.model.desired import Target
from reconciler.model.live import LiveGroup, LiveState, Quota

Watch = Callable[[Target, int, int], None]
"""Told how many groups of a target have been read and how many it has: after each page, and equal when it is done."""

OnPage = Callable[[int, int], None]
"""Told the same of one target while more pages are to come."""

Result = TypeVar("Result")


def nobody(*_: object) -> None:
    """Watch nothing."""


class Reader(Protocol):
    """What reading live state needs; it has no way to change anything."""

    @property
    def base_url(self) -> str:
        """The address of the API."""

    def list_groups(self, target: Target, name: str | None = None, on_page: OnPage = nobody) -> tuple[LiveGroup, ...]:
        """Read all groups of a target, or all of one name."""

    def get_group(self, target: Target, group_id: str) -> LiveGroup | None:
        """Read one group; None when it does not exist."""

    def count_instances(self, target: Target, group_id: str) -> int:
        """Count the instances that a group is attached to."""

    def list_actions(
        self, query: ActionQuery, is_enough: Callable[[Sequence[UserAction]], bool] = lambda _: False
    ) -> ActionLog:
        """Read the log of user actions, as far as that can be done."""

    def read_quotas(self) -> Mapping[int, Quota]:
        """Read how many groups each region may hold and holds, as far as that can be told."""


def read_live(
    reader: Reader,
    targets: Iterable[Target],
    *,
    parallelism: int = 16,
    progress: Watch = nobody,
) -> LiveState:
    """Read all groups of all targets, `parallelism` targets at a time, told to `progress`.

    Raises the `ApiError` of the first target that could not be read whole: a part is never taken for the state.
    """
    return read_each(reader, targets, lambda _, groups: groups, parallelism=parallelism, progress=progress)


def read_each(
    reader: Reader,
    targets: Iterable[Target],
    use: Callable[[Target, tuple[LiveGroup, ...]], Result],
    *,
    parallelism: int = 16,
    progress: Watch = nobody,
) -> dict[Target, Result]:
    """Read as `read_live` does, and keep of each target only what `use` makes of its groups."""

    def read(target: Target) -> Result:
        groups = reader.list_groups(target, on_page=partial(progress, target))
        result = use(target, groups)
        progress(target, len(groups), len(groups))
        return result

    ordered = tuple(dict.fromkeys(targets))
    if len(ordered) == 1:
        return {ordered[0]: read(ordered[0])}
    with ThreadPoolExecutor(max_workers=max(1, min(parallelism, len(ordered)))) as pool:
        return dict(zip(ordered, pool.map(read, ordered), strict=True))
