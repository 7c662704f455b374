"""Stage 3: API -> live state. Only reads, several targets at a time, whole targets or an error."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from reconciler.api.threads import in_threads
from reconciler.model.action import ActionLog, ActionQuery, UserAction
from reconciler.model.desired import Target
from reconciler.model.errors import ApiError, ApiRefused, ApiUnreachable, Stopped, UsageError
from reconciler.model.live import Instances, LiveGroup, LiveState, Quota, UnreadTarget

Watch = Callable[[Target, int, int], None]
"""Told how many groups of a target have been read and how many it has: after each page, and equal when it is done."""

OnPage = Callable[[int, int], None]
"""Told the same of one target while more pages are to come."""

OnRefusal = Callable[[Target, int], bool]
"""Told of a target that refuses to be listed and with which status; says whether it is to be taken for empty."""

Result = TypeVar("Result")

_REFUSED = (403, 404)

LEAST_SILENT = 5
"""Targets in a row that get no answer, at least, before the others are not tried; as many as are at once, if more."""

MAX_TARGETS = 10_000
"""Targets that a run reads: a list of groups each, half a minute of work in all."""


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

    def read_instances(self, target: Target, group_id: str) -> Instances:
        """Read the instances that a group is attached to."""

    def list_projects(self) -> Mapping[int, str]:
        """List the projects that the key can see: their names by their ids."""

    def list_regions(self) -> Mapping[int, str]:
        """List the regions that the key can see: their names by their ids."""

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
    on_refusal: OnRefusal | None = None,
    unread: list[UnreadTarget] | None = None,
) -> LiveState:
    """Read all groups of all targets, `parallelism` targets at a time, told to `progress`.

    Raises the `ApiError` of the first target that could not be read whole: a part is never taken for the state.
    `unread` is as in `read_each`.
    """

    def whole(_: Target, groups: tuple[LiveGroup, ...]) -> tuple[LiveGroup, ...]:
        return groups

    return read_each(
        reader, targets, whole, parallelism=parallelism, progress=progress, on_refusal=on_refusal, unread=unread
    )


def read_each(
    reader: Reader,
    targets: Iterable[Target],
    use: Callable[[Target, tuple[LiveGroup, ...]], Result],
    *,
    parallelism: int = 16,
    progress: Watch = nobody,
    on_refusal: OnRefusal | None = None,
    unread: list[UnreadTarget] | None = None,
) -> dict[Target, Result]:
    """Read as `read_live` does, and keep of each target only what `use` makes of its groups.

    A target that refuses to be listed (403, or 404 for a project that is not in a region) is taken for empty where
    `on_refusal`, which is told, says so. With a list of the `unread`, a target that cannot be read goes there and is
    left out, unless that is all of them. Raises `UsageError` for too many targets, before anything is read.
    """
    failed: dict[Target, ApiError] = {}
    list_groups = _Lister(reader, progress, on_refusal, max(parallelism, LEAST_SILENT))

    def attempt(target: Target) -> tuple[Result, ...]:
        try:
            return (read(target),)
        except Stopped:
            raise
        except ApiError as error:
            if unread is None:
                raise
            failed[target] = error
            return ()

    def read(target: Target) -> Result:
        groups = list_groups(target)
        result = use(target, groups)
        progress(target, len(groups), len(groups))
        return result

    ordered = tuple(dict.fromkeys(targets))
    if len(ordered) > MAX_TARGETS:
        raise UsageError(
            f"{len(ordered):,} pairs of a project and a region would have to be read, over the limit of "
            f"{MAX_TARGETS:,} in one run",
            hint="Read fewer in each run: give some of the files, or split long `targets` over several files.",
        )
    if len(ordered) == 1:
        return {ordered[0]: read(ordered[0])}
    results = dict(zip(ordered, in_threads(attempt, ordered, parallelism), strict=True))
    if failed and len(failed) == len(ordered):
        raise failed[ordered[0]]
    if unread is not None:
        unread += [UnreadTarget(target, failed[target].message) for target in ordered if target in failed]
    return {target: result for target, results_of in results.items() for result in results_of}


@dataclass(slots=True)
class _Lister:
    """Lists the groups of one target after the other, for several threads.

    Once the API gave no answer about `patience` targets in a row, the others are not tried: each takes a minute.
    """

    reader: Reader
    progress: Watch
    on_refusal: OnRefusal | None
    patience: int
    silent: list[Target] = field(default_factory=list)

    def __call__(self, target: Target) -> tuple[LiveGroup, ...]:
        if len(self.silent) >= self.patience:
            raise ApiError(f"not tried: the API gave no answer about {len(self.silent)} others in a row")
        try:
            groups = self.reader.list_groups(target, on_page=partial(self.progress, target))
        except ApiUnreachable:
            self.silent.append(target)
            raise
        except ApiRefused as refused:
            self.silent.clear()
            if self.on_refusal is None or refused.status not in _REFUSED or not self.on_refusal(target, refused.status):
                raise
            return ()
        self.silent.clear()
        return groups
