"""The order of things that wait for each other."""

from collections.abc import Collection, Hashable, Iterator, Mapping
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)


def in_rounds(waits_for: Mapping[Item, Collection[Item]]) -> Iterator[Item]:
    """Order items so that each comes after those it waits for: in rounds, in the given order within a round.

    A round is all that waits for nothing any more; where everything waits in a circle, it is the first that is left.
    What an item waits for and is not given itself, or is the item, counts as nothing. Takes linear time, but for the
    sorting of rounds.
    """
    number = {item: index for index, item in enumerate(waits_for)}
    left = {item: {each for each in needs if each in number and each != item} for item, needs in waits_for.items()}
    waiting: dict[Item, list[Item]] = {}
    for item, needs in left.items():
        for each in needs:
            waiting.setdefault(each, []).append(item)
    free = [item for item, needs in left.items() if not needs]
    rest = iter(waits_for)
    while left:
        now = sorted(free, key=number.__getitem__) or [next(item for item in rest if item in left)]
        free = []
        for item in now:
            del left[item]
        yield from now
        for item in now:
            for each in waiting.get(item, ()):
                if each in left:
                    left[each].discard(item)
                    if not left[each]:
                        free.append(each)
