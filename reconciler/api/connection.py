"""A connection to one API: who reads, who writes, and the clock that both wait by."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.api.backend import BACKENDS, GcoreWriter
from reconciler.api.live import MAX_TARGETS, Reader, Watch, nobody, read_live
from reconciler.api.reader import GcoreReader
from reconciler.api.threads import in_threads
from reconciler.model.clock import Clock, SystemClock
from reconciler.model.cloud import DEFAULT_BASE_URL, DEFAULT_LOCK_TIMEOUT, DEFAULT_PARALLELISM, DEFAULT_TIMEOUT
from reconciler.model.desired import Kind, Target
from reconciler.model.errors import ApiError, ApiRefused, UsageError
from reconciler.model.live import Directory, Instances, LiveGroup, LiveState
from reconciler.planning.encode import ApiVersion

if TYPE_CHECKING:
    from reconciler.api.http import Exchange
    from reconciler.api.retry import LockWait


MAX_INSTANCE_READS = 5_000
"""Groups whose instances are read in a run: a request each, less than a minute of work."""


@dataclass(frozen=True, slots=True)
class Api:
    """A connection made by `connect`, safe to share between threads. `parallelism` is in requests under way at once.

    `apply_readers` are what the apply of a plan of that version reads with.
    """

    reader: Reader
    writer: GcoreWriter
    clock: Clock
    parallelism: int = DEFAULT_PARALLELISM
    apply_readers: Mapping[ApiVersion, Reader] = field(default_factory=dict)
    _names: dict[Kind, Mapping[int, str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def base_url(self) -> str:
        """The address of the API."""
        return self.reader.base_url

    def for_apply(self, version: ApiVersion) -> "Api":
        """Return the same connection for an apply: on v2, reads wait for writes of an apply that was killed."""
        return replace(self, reader=self.apply_readers.get(version, self.reader))

    def read(self, targets: Iterable[Target], progress: Watch = nobody) -> LiveState:
        """Read all groups of the targets, several targets at a time. Raises what `read_live` raises."""
        return read_live(self.reader, targets, parallelism=self.parallelism, progress=progress)

    def read_instances(self, groups: Iterable[LiveGroup], *, lenient: bool = False) -> dict[str, Instances]:
        """Read the instances that each group is attached to, by the group's id: one read each, several at a time.

        `lenient` leaves out groups about which the API refuses to tell, which else raises `ApiRefused`. Raises
        `UsageError` for too many groups.
        """

        def read(group: LiveGroup) -> Instances | None:
            try:
                return self.reader.read_instances(group.target, group.id)
            except ApiRefused:
                if lenient:
                    return None
                raise

        groups = tuple(groups)
        if len(groups) > MAX_INSTANCE_READS:
            raise UsageError(
                f"{len(groups):,} groups may be deleted, and whether an instance uses them takes a request each, over "
                f"the limit of {MAX_INSTANCE_READS:,}",
                hint="Name fewer targets at a time; or give files that name most of these groups, and prune in steps.",
            )
        found = in_threads(read, groups, self.parallelism)
        return {group.id: each for group, each in zip(groups, found, strict=True) if each is not None}

    def list_names(self, kinds: Iterable[Kind]) -> Directory:
        """List the names of the projects, the regions or both that the key can see: a list each, read once."""
        lists = {"project": self.reader.list_projects, "region": self.reader.list_regions}
        for kind in sorted(set(kinds) - self._names.keys()):
            self._names[kind] = lists[kind]()
        return Directory(self._names.get("project", {}), self._names.get("region", {}))

    def list_targets(self) -> tuple[Target, ...]:
        """List every project in every region that the key can see, with their names.

        Raises `ApiError` where they are too many.
        """
        projects, regions = self.list_names(("project", "region"))
        if len(projects) * len(regions) > MAX_TARGETS:
            raise ApiError(
                f"the key can see {len(projects):,} projects in {len(regions):,} regions, over the limit of "
                f"{MAX_TARGETS:,} pairs",
                hint="Name projects and regions in files, and leave --all-targets out.",
            )
        return tuple(
            Target(project_id, region_id, project or None, region or None)
            for project_id, project in projects.items()
            for region_id, region in regions.items()
        )


@contextmanager
def connect(
    api_key: str,
    *,
    base_url: str = DEFAULT_BASE_URL,
    timeout: float = DEFAULT_TIMEOUT,
    lock_timeout: float = DEFAULT_LOCK_TIMEOUT,
    parallelism: int = DEFAULT_PARALLELISM,
    clock: Clock | None = None,
    observe: "Callable[[Exchange], None]" = nobody,
    on_lock: "Callable[[LockWait], None]" = nobody,
) -> Iterator[Api]:
    """Connect to an API for the time of a `with` block.

    `timeout` is in seconds, `parallelism` in requests at once; `observe` is told every request as it went. A write to
    what another task has locked waits for `lock_timeout` seconds at most, and `on_lock` is told each wait as it begins.
    Raises `UsageError` for an address that a key must not be sent to.

    >>> with connect(os.environ["GCORE_API_KEY"], base_url=os.environ["GCORE_BASE_URL"], timeout=10) as connected:
    ...     plan(desired, connected).summary.groups_to_create
    1
    """
    from reconciler.api.http import Http  # noqa: PLC0415 - httpx costs 0.1 s, which whoever stays offline need not pay
    from reconciler.api.retry import Locks  # noqa: PLC0415 - the same

    clock = clock or SystemClock()
    locks = Locks(clock, lock_timeout, on_lock)
    with Http(base_url, api_key, clock, timeout=timeout, connections=parallelism, observe=observe, locks=locks) as http:
        readers = {version: backend.reader(http, clock) for version, backend in BACKENDS.items()}
        yield Api(GcoreReader(http), GcoreWriter(http, clock), clock, parallelism, readers)
