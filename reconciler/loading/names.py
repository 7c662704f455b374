"""Names of projects and regions -> their ids, once the API's lists of them are known. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from reconciler.loading.desired import find_conflicts
from reconciler.loading.issues import Issues
from reconciler.model.desired import DesiredGroup, DesiredState, NameUse, Target
from reconciler.model.errors import InputError, UsageError
from reconciler.model.live import Directory
from reconciler.model.place import Place
from reconciler.model.problems import ProblemName
from reconciler.model.text import did_you_mean, shown

_MOST = 10
"""Names and ids that a message lists."""


class _Problem(NamedTuple):
    name: ProblemName
    message: str
    fix: str | None = None


def resolve_names(state: DesiredState, directory: Directory) -> DesiredState:
    """Give every target the ids that its names stand for, and the names that its ids have in the lists.

    Raises `InputError` for names that no or several projects or regions have, for a name and an id that are not the
    same one, and for groups that are there twice once names are ids; `UsageError` where an option or a variable is
    wrong in such a way.
    """
    issues, outside = Issues(), dict[str, str | None]()
    for use in dict.fromkeys(state.names):
        problem = _problem(use, directory.of(use.kind))
        if problem is None:
            continue
        place = use.place if use.source is None or problem.name is ProblemName.CONTRADICTORY_TARGET else None
        if place is None:
            is_told = problem.name is ProblemName.CONTRADICTORY_TARGET
            outside[problem.message if is_told else f"{use.source}: {problem.message}"] = problem.fix
        else:
            issues.add(place, *problem)
    if outside:
        message, fix = next(iter(outside.items()))
        raise UsageError(
            message, hint=None if fix is None else f"{fix[0].upper()}{fix[1:]}{'' if fix[-1] == '?' else '.'}"
        )
    _raise(issues)
    found = {target: _resolve(target, directory) for target in state.targets}
    groups = tuple(replace(group, target=found[group.target]) for group in state.groups)
    _find_same_targets(state, groups, issues)
    _raise(issues)
    find_conflicts(groups, issues)
    _raise(issues)
    owners: dict[Target, frozenset[str]] = {}
    for target, names in state.owners.items():
        owners[found[target]] = owners.get(found[target], frozenset()) | names
    order = {target: index for index, target in enumerate(dict.fromkeys(found.values()))}
    groups = tuple(sorted(groups, key=lambda group: order[group.target]))
    return replace(state, groups=groups, targets=tuple(order), owners=owners, names=())


def _raise(issues: Issues) -> None:
    if len(issues):
        raise InputError(issues.worded())


def _problem(use: NameUse, names: Mapping[int, str]) -> _Problem | None:
    numbers = _numbers(use.name, names)
    if not numbers and use.name.isdecimal():
        return _Problem(ProblemName.UNKNOWN_TARGET, f"no {use.kind} is called {shown(use.name)}", _number_fix(use))
    if not numbers and use.number is not None and use.number in names:
        message = f"no {use.kind} is called {shown(use.name)}: {use.number} is {shown(names[use.number])}"
        return _Problem(ProblemName.UNKNOWN_TARGET, message, "write that name, or only one of name and id")
    if not numbers:
        near = did_you_mean(use.name, dict.fromkeys(names.values()))
        message = f"no {use.kind} that the key can see is called {shown(use.name)}"
        if near is None:
            few = [f"{shown(name)} ({number})" for number, name in list(names.items())[:_MOST]]
            more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
            near = f"it can see {', '.join(few)}{more}" if few else f"it can see no {use.kind} at all: check the key"
        return _Problem(ProblemName.UNKNOWN_TARGET, message, near)
    if use.number is not None and use.number not in numbers:
        there = f"{use.number_source} is {use.number}" + (
            f" ({shown(names[use.number])})" if use.number in names else ""
        )
        message = f"{use.source or use.kind} {shown(use.name)} is {_listed(numbers)}, and {there}"
        return _Problem(ProblemName.CONTRADICTORY_TARGET, message, "leave one of the two out")
    if use.number is None and len(numbers) > 1:
        message = f"{len(numbers)} {use.kind}s are called {shown(use.name)}: {_listed(numbers)}"
        return _Problem(ProblemName.UNKNOWN_TARGET, message, f"say which one by `{use.kind}_id`")
    return None


def _number_fix(use: NameUse) -> str:
    return f"a number goes into `{use.kind}_id`, `--{use.kind}-id` or the variable that ends in _ID"


def _numbers(name: str, names: Mapping[int, str]) -> list[int]:
    return sorted(number for number, known in names.items() if known == name)


def _listed(numbers: list[int]) -> str:
    more = f" and {len(numbers) - _MOST} more" if len(numbers) > _MOST else ""
    return ", ".join(map(str, numbers[:_MOST])) + more


def _resolve(target: Target, directory: Directory) -> Target:
    project_id = target.project_id or _numbers(target.project or "", directory.projects)[0]
    region_id = target.region_id or _numbers(target.region or "", directory.regions)[0]
    return directory.name(Target(project_id, region_id, target.project, target.region))


def _find_same_targets(state: DesiredState, groups: tuple[DesiredGroup, ...], issues: Issues) -> None:
    """Report documents that are for one target twice, by its name and by its id."""
    first: dict[tuple[Place, Target], Target] = {}
    places = {use.place.source: use.place for use in reversed(state.names) if use.place is not None}
    for written, group in zip(state.groups, groups, strict=True):
        other = first.setdefault((group.place, group.target), written.target)
        if other != written.target:
            message = f"{other} and {written.target} are both {group.target}, so it is there twice"
            place = places.get(group.place.source, group.place)
            issues.add(place, ProblemName.TARGET_TWICE, message, "keep one of the two")
