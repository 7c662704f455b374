"""What `trace` and `graph` share: which files and targets are meant, and reading either side.

Unlike a plan, they look at one project or region out of many: `--project-id` and `--region-id` choose among the targets
of the files, and fill in what documents leave out, but contradict nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from reconciler.api.live import read_live
from reconciler.cli import findings, options, settings
from reconciler.cli.progress import Progress
from reconciler.loading.document import YamlDocument
from reconciler.loading.head import Defaults
from reconciler.loading.load import load_documents, no_garbage_collection
from reconciler.model.desired import DesiredState, Target
from reconciler.model.errors import InputError, UsageError
from reconciler.model.live import LiveState
from reconciler.planning.group_view import StateView, live_view, planned_view
from reconciler.planning.resolve import resolve

Loaded = tuple[tuple[YamlDocument, ...], DesiredState]


def load_chosen(paths: tuple[str, ...], given: Mapping[str, Any]) -> Loaded:
    """Load the files, and keep the targets that the options choose."""
    project_id, region_id = given["project_id"], given["region_id"]
    outside = settings.defaults(None, None)
    fill = Defaults(
        environment_project_id=project_id or outside.environment_project_id,
        environment_region_id=region_id or outside.environment_region_id,
    )
    with no_garbage_collection():
        documents, state = load_documents(paths or settings.default_paths(), fill, findings.configured_policies())
    targets = tuple(
        target
        for target in state.targets
        if target.project_id == (project_id or target.project_id)
        and target.region_id == (region_id or target.region_id)
    )
    if state.targets and not targets:
        known = "; ".join(str(target) for target in state.targets)
        raise UsageError(f"no file is for the project and region asked for; they are for {known}")
    groups = tuple(group for group in state.groups if group.target in targets)
    return documents, replace(state, groups=groups, targets=targets)


def load_for_live(paths: tuple[str, ...], given: Mapping[str, Any]) -> Loaded:
    """Load the files that say which targets to read and where rules are written.

    They only add places, so where a project and a region are known from options or environment, and no PATH is given,
    the current folder may hold other files, or none.
    """
    target = _outside_target(given)
    if paths or target is None:
        return load_chosen(paths, given)
    try:
        loaded = load_chosen((), given)
    except InputError:
        click.echo("note: the files of this folder are not valid; places are not shown", err=True)
        loaded = (), DesiredState((), (), {})
    return loaded if loaded[1].targets else ((), DesiredState((), (target,), {}))


def read_targets(state: DesiredState, given: Mapping[str, Any]) -> LiveState:
    """Read the live groups of the targets of the files."""
    with options.connect(**given) as (_, reader), Progress("reading", quiet=given["quiet"]) as progress:
        progress.start(len(state.targets))
        return read_live(reader, state.targets, parallelism=given["parallelism"], progress=progress.read)


def live_with_places(state: DesiredState, given: Mapping[str, Any]) -> StateView:
    """Read what is live; the files only add where a rule is written, and need not fit it."""
    live = read_targets(state, given)
    return live_view(live, resolve(state, live)[0])


def before_and_after(state: DesiredState, given: Mapping[str, Any]) -> tuple[StateView, StateView]:
    """Read what is live, and what the files make of it. Raises `InputError` where they do not fit."""
    live = read_targets(state, given)
    matches, issues = resolve(state, live)
    if issues:
        raise InputError(issues)
    return live_view(live, matches), planned_view(live, matches)


def _outside_target(given: Mapping[str, Any]) -> Target | None:
    defaults = settings.defaults(given["project_id"], given["region_id"])
    project_id, region_id = defaults.fill("project_id"), defaults.fill("region_id")
    return None if project_id is None or region_id is None else Target(project_id, region_id)
