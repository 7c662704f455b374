"""Where cards and edges go: a layered layout from left to right, in the manner of Sugiyama.

Cards stand in columns; an edge goes from one column to a later one. Every edge ends in a slot of its own at its card,
on a straight piece that is as long as its label: so no label ever lies on another one, however full the picture. The
curves are between the columns, where no text is. An edge that would close a circle goes from right to left, into a slot
at the right of its card.

1. Circles are opened, each card gets the column after its furthest predecessor (`graph_columns`).
2. Edges over several columns get a place to pass in each column between (`_Item` without a card).
3. The order in each column follows the middle of the neighbours (`_order`), to and fro, a fixed number of times.
4. Heights: each item as near to its neighbours as order and distances allow (`spread`, least squares).

Deterministic: the same graph is the same picture.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from reconciler.render.graph.columns import Card, Link, columns, without_circles

PagePoint = tuple[float, float]

SLOT = 22.0
"""Height of a slot, in pixels as all lengths."""
HEADER = 42.0
CARD_GAP = 26.0
LANE = 14.0
CURVE = 72.0
_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Route:
    """Where an edge goes: curves through `points`, straight from the last but one to the last, where its head is."""

    points: tuple[PagePoint, ...]
    is_back: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """Positions of the top left corners of cards, their heights, the routes of links and the slots of stubs."""

    width: float
    height: float
    corners: Mapping[str, PagePoint]
    heights: Mapping[str, float]
    routes: tuple[Route, ...]
    stubs: Mapping[str, tuple[PagePoint, ...]]


@dataclass(slots=True, eq=False)
class _Item:
    """A card, or the place where a long edge passes a column."""

    card: Card | None
    column: int
    height: float
    before: "list[_Item]" = field(default_factory=list)
    after: "list[_Item]" = field(default_factory=list)
    y: float = 0.0

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def layout(cards: Sequence[Card], links: Sequence[Link]) -> Placed:
    """Place cards that are connected."""
    forward = without_circles(cards, links)
    placed = columns(cards, links, forward)
    slots = _Slots(cards, links, forward)
    items = {card.key: _Item(card, placed[card.key], slots.height(card)) for card in cards}
    chains = [_chain(link, is_forward, items) for link, is_forward in zip(links, forward, strict=True)]
    grid: defaultdict[int, list[_Item]] = defaultdict(list)
    for item in (*items.values(), *(passing for chain in chains for passing in chain[1:-1])):
        grid[item.column].append(item)
    order = [grid[column] for column in sorted(grid)]
    _order(order)
    _settle(order)
    slots.sort(chains)
    return _draw(order, items, chains, slots)


def _chain(link: Link, is_forward: bool, items: Mapping[str, _Item]) -> list[_Item]:  # noqa: FBT001 - private
    """Link two cards, with an item in each column between. The chain goes from left to right."""
    left, right = (link.tail, link.head) if is_forward else (link.head, link.tail)
    start, end = items[left], items[right]
    chain = [start, *(_Item(None, column, LANE) for column in range(start.column + 1, end.column)), end]
    for one, other in pairwise(chain):
        one.after.append(other)
        other.before.append(one)
    return chain


def _order(columns: Sequence[list[_Item]]) -> None:
    """Sort each column by the middle of its neighbours' positions, to and fro."""
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        position = {id(item): index for column in columns for index, item in enumerate(column)}
        for column in columns if forth else list(reversed(columns)):

            def weight(item: _Item, *, forth: bool = forth, position: Mapping[int, int] = position) -> float:
                near = [position[id(each)] for each in (item.before if forth else item.after)]
                return sum(near) / len(near) if near else float(position[id(item)])

            column.sort(key=weight)
            position = {**position, **{id(item): index for index, item in enumerate(column)}}


def _settle(columns: Sequence[Sequence[_Item]]) -> None:
    """Find heights: first one below the other, then near the neighbours, to and fro."""
    for column in columns:
        _place(column, [0.0] * len(column))
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for column in columns if forth else list(reversed(columns)):
            wanted = []
            for item in column:
                near = (item.before if forth else item.after) or item.before or item.after
                middle = sum(each.middle for each in near) / len(near) if near else item.middle
                wanted.append(middle - item.height / 2)
            _place(column, wanted)
    top = min(item.y for column in columns for item in column)
    for column in columns:
        for item in column:
            item.y -= top


def _place(column: Sequence[_Item], wanted: Sequence[float]) -> None:
    gaps = [0.0]
    for one, other in pairwise(column):
        between = CARD_GAP if one.card and other.card else LANE
        gaps.append(gaps[-1] + one.height + between)
    for item, y in zip(column, spread(wanted, gaps), strict=True):
        item.y = y


def spread(wanted: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """Return positions as near to those wanted as can be (least squares), each at least its gap after the first.

    `gaps` are distances from the first position, rising. Less its gap, each position must not be below the one before:
    an isotonic regression, which pooling neighbours that are out of order solves exactly.
    """
    blocks: list[tuple[float, int]] = []
    for position, gap in zip(wanted, gaps, strict=True):
        mean, number = position - gap, 1
        while blocks and blocks[-1][0] > mean:
            other, count = blocks.pop()
            mean = (mean * number + other * count) / (number + count)
            number += count
        blocks.append((mean, number))
    flat = [mean for mean, number in blocks for _ in range(number)]
    return [mean + gap for mean, gap in zip(flat, gaps, strict=True)]


class _Slots:
    """The slots at both sides of each card: stubs and links that come from the left, links that come from the right."""

    def __init__(self, cards: Sequence[Card], links: Sequence[Link], forward: Sequence[bool]) -> None:
        self._stubs = {card.key: len(card.stubs) for card in cards}
        self.left: defaultdict[str, list[int]] = defaultdict(list)
        self.right: defaultdict[str, list[int]] = defaultdict(list)
        self._links = links
        self._numbers: dict[int, int] = {}
        self.back: set[int] = set()
        for index, (link, is_forward) in enumerate(zip(links, forward, strict=True)):
            (self.left if is_forward else self.right)[link.head].append(index)

    def height(self, card: Card) -> float:
        """Return the height of a card that has room for its slots."""
        slots = max(len(self.left[card.key]) + len(card.stubs), len(self.right[card.key]))
        return max(card.height, HEADER + slots * SLOT + 6 if slots else HEADER)

    def sort(self, chains: Sequence[Sequence[_Item]]) -> None:
        """Order the slots of each card by where their edges come from, and number them."""
        for indices in self.left.values():
            indices.sort(key=lambda index: chains[index][-2].middle)
        for indices in self.right.values():
            indices.sort(key=lambda index: chains[index][1].middle)
        self.back = {index for indices in self.right.values() for index in indices}
        for side in (self.left, self.right):
            for key, indices in side.items():
                first = self._stubs[key] if side is self.left else 0
                self._numbers.update((index, first + number) for number, index in enumerate(indices))

    def stub_offsets(self, card: Card) -> list[float]:
        """Return the heights of the stubs below the top of a card."""
        return [HEADER + (number + 0.5) * SLOT for number in range(len(card.stubs))]

    def offset(self, index: int) -> float:
        """Return the height of a link's slot below the top of its card."""
        return HEADER + (self._numbers[index] + 0.5) * SLOT

    def gutters(self, column: Sequence[_Item]) -> tuple[float, float]:
        """Return the widths that the labels at the left and at the right of a column need."""
        cards = [item.card for item in column if item.card]
        left = [self._links[index].width for card in cards for index in self.left[card.key]]
        left += [width for card in cards for width in card.stubs]
        right = [self._links[index].width for card in cards for index in self.right[card.key]]
        return max(left, default=0.0), max(right, default=0.0)


@dataclass(frozen=True, slots=True)
class _Column:
    """Abscissas of a column: of its labels, its cards, and the end of the labels at its right."""

    start: float
    cards: float
    cards_end: float
    end: float


def _draw(
    columns: Sequence[Sequence[_Item]],
    items: Mapping[str, _Item],
    chains: Sequence[Sequence[_Item]],
    slots: _Slots,
) -> Placed:
    lines: dict[int, _Column] = {}
    x = 0.0
    for number, column in enumerate(columns):
        left, right = slots.gutters(column)
        width = max((item.card.width for item in column if item.card), default=0.0)
        lines[column[0].column] = _Column(x, x + left, x + left + width, x + left + width + right)
        crowd = sum(len(item.after) for item in column)
        x = lines[column[0].column].end + (CURVE + min(crowd * 3.0, 90.0) if number + 1 < len(columns) else 0.0)
    corners = {key: (lines[item.column].cards, item.y) for key, item in items.items()}
    stubs = {
        key: tuple((corners[key][0], corners[key][1] + offset) for offset in slots.stub_offsets(item.card))
        for key, item in items.items()
        if item.card
    }
    routes = tuple(_route(index, chain, lines, slots) for index, chain in enumerate(chains))
    height = max(item.y + item.height for column in columns for item in column)
    heights = {key: item.height for key, item in items.items()}
    return Placed(x, height, corners, heights, routes, stubs)


def _route(index: int, chain: Sequence[_Item], lines: Mapping[int, _Column], slots: _Slots) -> Route:
    """Go from the side of the tail through the lanes to the slot of the head."""
    first, last = chain[0], chain[-1]
    is_back = index in slots.back
    lanes = [
        point
        for item in chain[1:-1]
        for point in ((lines[item.column].start, item.middle), (lines[item.column].end, item.middle))
    ]
    if not is_back:
        y = last.y + slots.offset(index)
        start = (lines[first.column].cards_end, first.y + HEADER / 2)
        leave = (lines[first.column].end, first.y + HEADER / 2)
        return Route((start, leave, *lanes, (lines[last.column].start, y), (lines[last.column].cards, y)), is_back)
    y = first.y + slots.offset(index)
    start = (lines[last.column].cards, last.y + HEADER / 2)
    leave = (lines[last.column].start, last.y + HEADER / 2)
    back = [*reversed(lanes)]
    ends = (lines[first.column].end, y), (lines[first.column].cards_end, y)
    return Route((start, leave, *back, *ends), is_back)
