"""Which live groups to import."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from reconciler.errors import UsageError
from reconciler.loader.similar import did_you_mean
from reconciler.loader.source import shown
from reconciler.model.live import LiveGroup


def choose(groups: Iterable[LiveGroup], names: Sequence[str], tags: Sequence[str]) -> tuple[LiveGroup, ...]:
    """Choose the groups with any of the names (or globs) and all of the tags, `KEY` or `KEY=VALUE`.

    Raises `UsageError` where a name or the tags fit no group: a misspelt one must not look like nothing to do.
    """
    groups = tuple(groups)
    for name in names:
        if not any(_fits(group.name, name) for group in groups):
            fix = did_you_mean(name, [group.name for group in groups])
            raise UsageError(f"no live group is named {shown(name)}", hint=fix)
    chosen = tuple(group for group in groups if not names or any(_fits(group.name, name) for name in names))
    tagged = tuple(group for group in chosen if all(_carries(group, tag) for tag in tags))
    if tags and not tagged:
        raise UsageError(f"no live group {'of these ' if names else ''}has the tags asked for: {', '.join(tags)}")
    return tagged


def _fits(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _carries(group: LiveGroup, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    return any(tag.key == key and (not equals or tag.value == value) for tag in group.tags)
