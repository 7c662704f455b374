"""What is read and compared, a function each: files, live state, and all that only looks. Nothing here plans or writes.

The functions are the library, and what the commands call. Beside what each says of itself, all that take an `Api` raise
`ApiError` when live state cannot be read whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from reconciler.api.connection import Api
from reconciler.api.live import Watch, nobody, read_each, read_live
from reconciler.drift.compare import Drift, Severity, by_target, compare_target, join_targets, look_everywhere
from reconciler.drift.history import History, choose_entries, history_query
from reconciler.drift.who import Changed, attribute, what_to_ask
from reconciler.importing import run as importing
from reconciler.importing.run import Import, ImportOptions, find_existing
from reconciler.loading.head import Defaults
from reconciler.loading.load import load as load_all
from reconciler.loading.names import resolve_names
from reconciler.loading.plain import PlainDocument
from reconciler.loading.walk import Walk
from reconciler.model.action import ActionLog, name_groups
from reconciler.model.cloud import DEFAULT_GROUP
from reconciler.model.desired import DesiredState, Target
from reconciler.model.errors import InputError
from reconciler.model.live import LiveState, RefusedTarget, UnreadTarget
from reconciler.model.policies import Rulebook
from reconciler.planning.group_view import StateView, live_view, planned_view
from reconciler.planning.resolve import resolve
from reconciler.policy import audit as auditing
from reconciler.policy.audit import Audit


def load(
    *sources: str | PlainDocument,
    project_id: int | None = None,
    region_id: int | None = None,
    project: str | None = None,
    region: str | None = None,
    follow_links: bool = False,
) -> DesiredState:
    """Load desired state from files and folders, given by their paths, and from documents that are data already.

    Project and region, by id or by name, fill what documents leave out; names are looked up later, by `find_targets`.
    A link that leads out of its folder is an error unless `follow_links`: it could name any file that this process may
    read.

    Raises `InputError` with everything that is wrong, each issue with its place.

    >>> [group.name for group in load("groups.yaml").groups]
    ['web']
    >>> group = {"name": "database", "rules": []}
    >>> document = PlainDocument("inventory", {"project_id": 1, "region_id": 7, "security_groups": [group]})
    >>> [group.name for group in load("groups.yaml", document).groups]
    ['web', 'database']
    """
    paths = [source for source in sources if isinstance(source, str)]
    documents = [source for source in sources if not isinstance(source, str)]
    defaults = Defaults(project_id, region_id, project=project, region=region)
    return load_all(paths, defaults, documents=documents, walk=Walk(follow_links))


def find_targets(desired: DesiredState, api: Api) -> DesiredState:
    """Look up the projects and regions that files or options name, one list each; nothing is asked where none is named.

    All functions that take an `Api` do so first. Raises `InputError` for a name that none or several have, for a name
    and an id that are not the same one, and for a group that is there twice once names are ids.

    >>> document = {"project": "production", "region_id": 7, "security_groups": []}
    >>> named = load(PlainDocument("inventory", document))
    >>> [str(target) for target in find_targets(named, api).targets]
    ['project production (4242), region 7']
    """
    if not desired.names:
        return desired
    return resolve_names(desired, api.list_names({use.kind for use in desired.names}))


def read(desired: DesiredState, api: Api, *, progress: Watch = nobody) -> LiveState:
    """Read all live groups of the targets of a desired state, several targets at a time. Changes nothing.

    >>> [group.name for groups in read(desired, api).values() for group in groups]
    ['default']
    """
    return api.read(find_targets(desired, api).targets, progress)


def detect_drift(
    desired: DesiredState,
    api: Api,
    *,
    fail_on: Severity = Severity.COSMETIC,
    today: date | None = None,
    also: Sequence[Target] = (),
    whole: bool = True,
    partial: bool = False,
    progress: Watch = nobody,
) -> Drift:
    """Read the live state of one target after the other, and keep of each what differs from the files. Changes nothing.

    `today` is the day that the `expires` dates of rules are compared with: that of the clock when left out. `also` are
    targets that are looked through for orphans, such as those of `Api.list_targets`; one that refuses to be listed is
    told. There are no orphans where the files are not the `whole` of what there is. With `partial`, a target that
    cannot be read is one of the `unread`, unless none can. Raises `InputError` where it is not clear which live group a
    desired one is.

    >>> found = detect_drift(desired, api)
    >>> [(group.difference.name, str(group.severity)) for group in found.drifted]
    [('web', 'missing')]
    """
    desired = find_targets(desired, api)
    refusals = _Refusals(desired.targets)
    if also:
        desired = look_everywhere(desired, also)
    by_targets = by_target(desired)
    unread: list[UnreadTarget] = []
    parts = read_each(
        api.reader,
        desired.targets,
        lambda target, groups: compare_target(by_targets[target], groups, fail_on, whole=whole),
        parallelism=api.parallelism,
        progress=progress,
        on_refusal=refusals,
        unread=unread if partial else None,
    )
    found = join_targets(parts.values(), desired, fail_on, today or api.clock.now().date(), refusals.found)
    return replace(found, unread=tuple(unread))


class _Refusals:
    """Collects targets that refuse to be listed. Those that the files name have to be readable."""

    def __init__(self, required: Iterable[Target]) -> None:
        self._required = frozenset(required)
        self.found: list[RefusedTarget] = []

    def __call__(self, target: Target, status: int) -> bool:
        if target in self._required:
            return False
        self.found.append(RefusedTarget(target, status))
        return True


def find_who(drift: Drift, api: Api) -> Drift:
    """Add to what differs, and to orphans, who changed it since it was as written, from the API's log. Changes nothing.

    One request for up to 50 live groups, and one for all that were deleted. What could not be read is a note of `who`.

    >>> found = find_who(detect_drift(desired, api), api)
    >>> found.who.notes
    ()
    """
    groups: tuple[Changed, ...] = (*(each.difference for each in drift.drifted), *drift.orphans)
    logs: list[ActionLog] = []
    for each in what_to_ask(groups):
        logs.append(name_groups(api.reader.list_actions(each.query, each.is_enough), drift.group_names))
        if logs[-1].is_closed:
            break
    return replace(drift, who=attribute(groups, logs))


def read_history(
    targets: Sequence[Target],
    api: Api,
    groups: Sequence[str] = (),
    *,
    since: datetime | None = None,
    progress: Watch = nobody,
) -> History:
    """Read who changed groups, the newest change first, from the API's log: of all, or of those with a name or an id.

    Names may be globs. Raises `UsageError` for a group of which neither live state nor the log knows anything.

    >>> apply(plan(desired, api), api).error
    >>> history = read_history([Target(1, 7)], api, ["we*"])
    >>> [(entry.action.action, entry.groups) for entry in history.entries][-1]
    ('create', ('web',))
    """
    live = api.read(targets, progress)
    log = api.reader.list_actions(history_query(live, groups, since))
    names = {group.id: group.name for here in live.values() for group in here}
    return choose_entries(name_groups(log, names), live, groups)


MOST_INSTANCE_READS = 1000
"""Groups of a plan or an audit whose instances are read: a request each."""


def audit(
    desired: DesiredState,
    api: Api,
    *,
    today: date | None = None,
    outside: Rulebook | None = None,
    also: Sequence[Target] = (),
    unattached: bool = False,
    whole: bool = True,
    progress: Watch = nobody,
) -> Audit:
    """Judge every live group by the policies, also those that no file names. Changes nothing.

    The files bring policies, places and reviewed exceptions; `outside` is what they cannot soften, and `today` is as in
    `detect_drift`. `also` are further targets, of which one that refuses to be listed is told. `unattached` warns of
    groups that no instance has: one read a group, of `MOST_INSTANCE_READS` of them at most. There are no orphans where
    the files are not the `whole` of what there is.

    >>> audit(desired, api).groups
    1
    """
    desired = find_targets(desired, api)
    refusals = _Refusals(desired.targets)
    if also:
        desired = look_everywhere(desired, also)
    live = read_live(api.reader, desired.targets, parallelism=api.parallelism, progress=progress, on_refusal=refusals)
    groups = [group for groups in live.values() for group in groups if group.name != DEFAULT_GROUP]
    instances = api.read_instances(groups[:MOST_INSTANCE_READS], lenient=True) if unattached else {}
    found = auditing.audit(desired, live, today or api.clock.now().date(), outside, instances, whole=whole)
    return replace(
        found, refused=tuple(sorted(refusals.found)), unknown=len(groups) - len(instances) if unattached else 0
    )


def import_groups(
    target: Target, api: Api, options: ImportOptions, *, processes: int = 1, progress: Watch = nobody
) -> Import:
    """Write live groups as YAML, as texts that planning has shown to change nothing. Writes no file.

    Raises `UsageError` for names that no group has, and `InputError` where existing files are wrong.

    >>> (file,) = import_groups(Target(1, 7), api, ImportOptions(names=("default",))).files
    >>> "name: default" in file.text
    True
    """
    written_as = api.list_names(("project", "region")).by_name(target) if options.by_name else target
    live = api.read([target], progress)
    return importing.import_groups(
        live,
        target,
        options,
        find_existing(options),
        look_up=lambda state: find_targets(state, api),
        written_as=written_as,
        processes=processes,
    )


def view_live(desired: DesiredState, api: Api, *, progress: Watch = nobody) -> StateView:
    """Read what is live, for `trace` and `graph`; the files only add where a rule is written, and need not fit it."""
    desired = find_targets(desired, api)
    live = read(desired, api, progress=progress)
    return live_view(live, resolve(desired, live)[0])


def view_change(desired: DesiredState, api: Api, *, progress: Watch = nobody) -> tuple[StateView, StateView]:
    """Read what is live, and what the files make of it. Raises `InputError` where they do not fit."""
    desired = find_targets(desired, api)
    live = read(desired, api, progress=progress)
    matches, issues = resolve(desired, live)
    if issues:
        raise InputError(issues)
    return live_view(live, matches), planned_view(live, matches)
