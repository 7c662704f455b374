"""In which column each card of a layered picture stands, and which cards belong together."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.graph import Edge


@dataclass(frozen=True, slots=True)
class Card:
    """What is to be placed. `stubs` are the widths of the slots at the left that no edge of the layout ends in."""

    key: str
    width: float
    height: float
    stubs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """An edge between two different cards; `width` is that of its label."""

    tail: str
    head: str
    width: float


def columns_of(cards: Sequence[Card], links: Sequence[Link]) -> dict[str, int]:
    """Return the column of each card."""
    return columns(cards, links, without_circles(cards, links))


def without_circles(cards: Sequence[Card], links: Sequence[Link]) -> list[bool]:
    """Tell for each link whether it goes forward: the others, which close circles, are drawn from right to left."""
    after: defaultdict[str, list[str]] = defaultdict(list)
    entering: defaultdict[str, int] = defaultdict(int)
    for link in links:
        after[link.tail].append(link.head)
        entering[link.head] += 1
    back: set[tuple[str, str]] = set()
    done: set[str] = set()
    # Cards that little leads to come first: a circle is opened where it is entered from outside.
    for start in sorted((card.key for card in cards), key=lambda key: entering[key]):
        if start in done:
            continue
        open_: dict[str, None] = {start: None}
        stack = [(start, iter(after[start]))]
        done.add(start)
        while stack:
            key, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                del open_[key]
            elif following in open_:
                back.add((key, following))
            elif following not in done:
                done.add(following)
                open_[following] = None
                stack.append((following, iter(after[following])))
    return [(link.tail, link.head) not in back for link in links]


def columns(cards: Sequence[Card], links: Sequence[Link], forward: Sequence[bool]) -> dict[str, int]:
    """Put each card behind its furthest predecessor, and a card without one right before its nearest successor."""
    before: defaultdict[str, set[str]] = defaultdict(set)
    after: defaultdict[str, set[str]] = defaultdict(set)
    for link, is_forward in zip(links, forward, strict=True):
        tail, head = (link.tail, link.head) if is_forward else (link.head, link.tail)
        before[head].add(tail)
        after[tail].add(head)
    found: dict[str, int] = {}
    waiting = {card.key: len(before[card.key]) for card in cards}
    ready = [key for key, number in waiting.items() if not number]
    for key in ready:  # grows while it is gone through
        found[key] = max((found[each] + 1 for each in before[key]), default=0)
        for head in sorted(after[key]):
            waiting[head] -= 1
            if not waiting[head]:
                ready.append(head)
    for key in reversed(ready):
        if not before[key] and after[key]:
            found[key] = min(found[head] for head in after[key]) - 1
    return found


def components(keys: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Split a graph into its connected parts, the largest first."""
    near: defaultdict[str, list[str]] = defaultdict(list)
    for one, other in pairs:
        near[one].append(other)
        near[other].append(one)
    found: list[list[str]] = []
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            continue
        part = [key]
        seen.add(key)
        for each in part:  # grows while it is gone through
            new = [other for other in near[each] if other not in seen]
            seen.update(new)
            part += dict.fromkeys(new)
        found.append(part)
    return sorted(found, key=len, reverse=True)


_HUB = 6
"""Edges of one tail from which on it is named at each head."""
_FAR = 2
"""Columns that a line may go."""
_BAND = 4
"""Columns that stand side by side; what follows is a part of its own."""


def near_links(keys: Sequence[str], edges: Sequence[Edge]) -> tuple[Edge, ...]:
    """Choose the edges between different groups that are drawn as lines."""
    heads = Counter(tail for tail, _ in {(edge.tail, edge.head) for edge in edges})
    links = [edge for edge in edges if edge.tail != edge.head and heads[edge.tail] < _HUB]
    cards = [Card(key, 0, 0) for key in keys]
    columns = columns_of(cards, [Link(edge.tail, edge.head, 0) for edge in links])
    return tuple(edge for edge in links if _is_near(columns[edge.tail], columns[edge.head]))


def _is_near(tail: int, head: int) -> bool:
    return abs(head - tail) <= _FAR and head // _BAND == tail // _BAND
