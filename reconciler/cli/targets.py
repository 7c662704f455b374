"""Which files a command loads, and which projects and regions it is about: as options, environment and settings say."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from stat import S_ISREG

import click

from reconciler import process
from reconciler.cli import settings
from reconciler.cli.log import current_log, tell
from reconciler.cli.options import ConnectionOptions, TargetOptions, connect
from reconciler.config.config import Config
from reconciler.loading.document import YamlDocument
from reconciler.loading.head import Defaults
from reconciler.loading.load import load, load_documents
from reconciler.loading.walk import Walk, find_excluded, find_files
from reconciler.model.desired import DesiredState, NameUse, Target
from reconciler.model.errors import InputError, UsageError
from reconciler.model.policies import Policies

Loaded = tuple[tuple[YamlDocument, ...], DesiredState]


def load_files(paths: Sequence[str], target: TargetOptions, policies: Policies | None) -> DesiredState:
    """Load files and folders; project and region fill what documents leave out, and contradict none.

    Large input is read by several processes, and where there is but one processor as a whole, which is quicker there.
    Raises `InputError` with every issue of the files.
    """
    defaults = defaults_of(target)
    processes = process.usable_processes()
    walk = settings.walk(target.follow_links)
    if processes == 1:
        state = load_documents(paths, defaults, policies, walk=walk)[1]
    else:
        state = load(paths, defaults, policies, processes=processes, walk=walk)
    return warned(state)


def defaults_of(target: TargetOptions) -> Defaults:
    """Return what documents get that name no project or region, as options, environment and settings say."""
    return settings.defaults(target.project_id, target.region_id, target.project, target.region)


_MOST_NAMED = 5


def excluded_notes(paths: Sequence[str], target: TargetOptions) -> tuple[str, ...]:
    """Say what `exclude` keeps out of sight, in a sentence: a policy may be in there, or a group."""
    found = find_excluded(paths, settings.walk(target.follow_links))
    if not found:
        return ()
    where = settings.config().places("exclude").get("exclude")
    named = ", ".join(found[:_MOST_NAMED])
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return (f"what `exclude` leaves out is not looked at ({where}): {named}{more}",)


def warned(state: DesiredState) -> DesiredState:
    """Tell on stderr what was noticed while files were read, and is no error; return what they ask for."""
    for note in state.notes:
        current_log().warning(f"{note.place}: {note.message}")
    return state


def load_chosen(paths: Sequence[str], target: TargetOptions, connection: ConnectionOptions | None = None) -> Loaded:
    """Load the files for a question about one project or region out of many.

    Unlike for a plan, the options choose among the targets of the files. Where they say by name what a file says by id,
    or the reverse, that is looked up by the `connection`. Raises `UsageError` where that leaves no target, or cannot be
    told without one.
    """
    outside = settings.defaults()
    fill = Defaults(
        environment_project_id=target.project_id,
        environment_region_id=target.region_id,
        environment_project=(target.project, "--project") if target.project else None,
        environment_region=(target.region, "--region") if target.region else None,
    )
    if fill.fill("project").is_nothing:
        fill = replace(
            fill,
            environment_project_id=outside.environment_project_id,
            environment_project=outside.environment_project,
        )
    if fill.fill("region").is_nothing:
        fill = replace(
            fill, environment_region_id=outside.environment_region_id, environment_region=outside.environment_region
        )
    documents, state = load_documents(
        paths or settings.default_paths(), fill, settings.policies(), walk=settings.walk(target.follow_links)
    )
    fits = [_fits(each, target) for each in state.targets]
    if None in fits:
        state = _look_up(state, target, connection)
        fits = [_fits(each, target) for each in state.targets]
    targets = tuple(each for each, is_meant in zip(state.targets, fits, strict=True) if is_meant)
    if state.targets and not targets:
        known = "; ".join(str(each) for each in state.targets)
        raise UsageError(f"no file is for the project and region asked for; they are for {known}")
    meant = frozenset(targets)
    groups = tuple(group for group in warned(state).groups if group.target in meant)
    return documents, replace(state, groups=groups, targets=targets)


def _fits(target: Target, asked: TargetOptions) -> bool | None:
    """Tell whether a target is of the project and region asked for; None where one has a name and the other an id."""
    answers = [
        *(_agree(target.project_id, asked.project_id), _agree(target.project, asked.project)),
        *(_agree(target.region_id, asked.region_id), _agree(target.region, asked.region)),
    ]
    return False if False in answers else None if None in answers else True


def _agree(there: int | str | None, asked: int | str | None) -> bool | None:
    return True if asked is None else there == asked if there else None


def _look_up(state: DesiredState, target: TargetOptions, connection: ConnectionOptions | None) -> DesiredState:
    if connection is None:
        raise UsageError(
            "offline nobody knows which id a name of a project or a region stands for",
            hint="Say it as the files do: by --project-id and --region-id, or by --project and --region.",
        )
    from reconciler import reading  # noqa: PLC0415 - what validates offline need not load it

    uses = [NameUse("project", target.project, "--project")] if target.project else []
    uses += [NameUse("region", target.region, "--region")] if target.region else []
    with connect(connection) as api:
        return reading.find_targets(replace(state, names=(*state.names, *uses)), api)


def load_for_live(paths: Sequence[str], target: TargetOptions, connection: ConnectionOptions) -> Loaded:
    """Load the files that say which targets to read and where rules are written.

    They only add places, so where a project and a region are known from options or environment, and no PATH is given,
    the current folder may hold other files, or none.
    """
    known = known_target(target)
    if paths or known is None:
        return load_chosen(paths, target, connection)
    try:
        loaded = load_chosen((), target, connection)
    except InputError:
        click.echo("note: the files of this folder are not valid; places are not shown", err=True)
        return (), known
    return loaded if loaded[1].targets else ((), known)


def known_target(target: TargetOptions) -> DesiredState | None:
    """Return the one target that options, environment or settings name; None where project or region is missing."""
    found = defaults_of(target).target()
    return None if found is None else DesiredState((), found[:1], {}, names=found[1])


def refuse_partial_prune(config: Config, paths: Sequence[str], *, walk: Walk) -> None:
    """Refuse to prune by paths that leave out some of those that the configuration file names.

    A file left out would look like groups that nobody names any more. Files are compared, not names: a folder may be
    given by another name, or file by file. Raises `UsageError`.
    """
    if (left_out := find_left_out(config, paths, walk=walk)) is not None:
        raise UsageError(
            f"--prune has to see everything, and {left_out} is left out: {config.places('paths')['paths']} names it",
            hint="Leave the paths out to plan all of them, or plan without --prune.",
        )


def refuse_no_owner(state: DesiredState) -> None:
    """Refuse to look for orphans without an owner. Raises `UsageError`."""
    if not any(state.owners.values()):
        raise UsageError(
            "--all-targets needs to know whose groups these are, and no file has `owner:`",
            hint="Add `owner: NAME` to the files; groups with this tag that no file names are what is looked for.",
        )


def sees_all(paths: Sequence[str], state: DesiredState, target: TargetOptions) -> bool:
    """Tell whether the files are the whole of what there is, so that a group that none of them names is an orphan.

    A file that `sgctl.toml` names and the paths leave out may name it, and where it names none, one beside a given file
    that is of the same owner. Which it is, is said on stderr.
    """
    if not any(state.owners.values()):
        return True
    walk = settings.walk(target.follow_links)
    left_out = find_left_out(settings.config(), paths, walk=walk) or (
        None if settings.config().paths else _find_beside(paths, frozenset().union(*state.owners.values()), walk)
    )
    if left_out is not None:
        tell(f"note: live groups that no file names are not looked for: {left_out} was not given, and may name them")
    return left_out is None


_OWNER = re.compile(r"^owner:([^#\r\n]*)", re.MULTILINE)
_MOST_READ = 1 << 16
"""Bytes of a file in which its `owner:` is looked for."""


def _find_beside(paths: Sequence[str], owners: frozenset[str], walk: Walk) -> str | None:
    """Find a file of one of the owners in the folders of the files given, that was not given."""
    folders = dict.fromkeys(str(Path(path).parent) for path in paths if Path(path).is_file())
    if not folders:
        return None
    given = _identities(paths, walk=walk)
    for folder in folders:
        for file in sorted(each for pattern in ("*.yaml", "*.yml") for each in Path(folder).glob(pattern)):
            try:
                status = file.stat()
                if not S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) in given:
                    continue
                with file.open("rb") as stream:
                    text = stream.read(_MOST_READ).decode("utf-8", "replace")
            except OSError:
                continue
            if any(found.strip(" \t\"'") in owners for found in _OWNER.findall(text)):
                return str(file)
    return None


def find_left_out(config: Config, paths: Sequence[str], *, walk: Walk) -> str | None:
    """Find a file that the configuration file names and the paths given leave out: they do not see everything then."""
    given = None if tuple(paths) == config.paths else _identities(paths, walk=walk)
    for path in config.paths:
        if not Path(path).exists():
            return path
        named = {} if given is None else _identities((path,), walk=walk)
        if left_out := [name for identity, name in named.items() if identity not in (given or ())]:
            return left_out[0]
    return None


def _identities(paths: Sequence[str], *, walk: Walk) -> dict[tuple[int, int], str]:
    found = {}
    for name in find_files(paths, walk=walk)[0]:
        status = Path(name).stat()
        found[status.st_dev, status.st_ino] = name
    return found
