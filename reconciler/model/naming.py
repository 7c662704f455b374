"""Groups by name with their targets, in few words: the same in every format, notification and audit; and new names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from reconciler.model.desired import Target, named

MOST_NAMES = 24
"""Names that are written out; the others are counted."""
_MOST_TARGETS = 4


def name_with_targets(groups: Iterable[tuple[Target, str]], most: int = MOST_NAMES) -> str:
    """Name groups with their targets: `app, web (project 1, regions 7 and 8); db (project 2, region 7)`."""
    targets: defaultdict[str, dict[Target, None]] = defaultdict(dict)
    for target, name in groups:
        targets[name][target] = None
    names: defaultdict[tuple[Target, ...], list[str]] = defaultdict(list)
    for name in sorted(targets, key=numbered):
        names[tuple(targets[name])].append(name)
    texts, left = [], 0
    for where, some in names.items():
        runs = list(runs_of(some))
        shown = [text for text, _ in runs[: max(0, most)]]
        most -= len(shown)
        left += sum(number for _, number in runs[len(shown) :])
        if shown:
            texts.append(f"{', '.join(shown)} ({_describe_targets(where)})")
    return "; ".join(texts) + (f" and {left:,} more" if left else "")


_RUN = 3
"""Names in a row that are shortened to the first and the last."""


def runs_of(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Write names whose numbers follow each other as one, with how many there are: `web-01 … web-17`, 17."""
    for _, run in groupby(enumerate(names), lambda each: (numbered(each[1])[0], numbered(each[1])[1] - each[0])):
        here = [name for _, name in run]
        stem, first, width = numbered(here[0])
        if len(here) < _RUN or here != [f"{stem}{first + index:0{width}}" for index in range(len(here))]:
            yield from ((name, 1) for name in here)
        else:
            yield f"{here[0]} … {here[-1]}", len(here)


_NUMBER = re.compile(r"[0-9]{1,9}\Z", re.ASCII)


@lru_cache(maxsize=1 << 14)
def numbered(name: str) -> tuple[str, int, int]:
    """Split a name at the number that it ends with; return what is before it, the number, and its digits."""
    found = _NUMBER.search(name)
    return (name[: found.start()], int(found[0]), len(found[0])) if found else (name, 0, 0)


def _describe_targets(targets: Sequence[Target]) -> str:
    if len(targets) > _MOST_TARGETS:
        return f"{len(targets)} targets"
    regions: defaultdict[str, list[str]] = defaultdict(list)
    for target in targets:
        regions[named(target.project, target.project_id)].append(named(target.region, target.region_id))
    return "; ".join(
        f"project {project}, region {here[0]}"
        if len(here) == 1
        else f"project {project}, regions {', '.join(here[:-1])} and {here[-1]}"
        for project, here in regions.items()
    )


def free_name(name: str, taken: dict[str, int]) -> str:
    """Return a name that no other has, in whatever case of letters: where it is taken, a number follows it.

    `taken` holds the names in lower case, each with how far it was counted: alike names take no longer than others.

    >>> free_name("Web", {"web": 1})
    'Web-2'
    """
    base, free = name.casefold(), name
    while free.casefold() in taken:
        taken[base] += 1
        free = f"{name}-{taken[base]}"
    taken[free.casefold()] = 1
    return free
