"""Sets of addresses as CIDR blocks, with exceptions where that is shorter.

Addresses are numbers here and sets of them flat sorted boundaries, as in `spans`.

The rule: a block that is not full is written "10.0.0.0/8 except 10.1.2.3/32" exactly where that takes fewer blocks,
exceptions counted, than listing what is in it (here 2 instead of 24). The exceptions are plain. That makes the shortest
writing with one level of exceptions, and since only the set decides, the same set is always written the same way.

No block is a /0: as a rule's remote a /0 means every remote, groups included. All addresses, and nothing else, are the
two /1.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from socket import AF_INET, AF_INET6, inet_ntop
from typing import NamedTuple

from reconciler.model.rule import Ethertype
from reconciler.traffic.extent import ADDRESS_BITS

Block = tuple[int, int]
"""First address and number of addresses, a power of two that divides the first address."""


class BlockWithExceptions(NamedTuple):
    """One block, less the blocks in it that are excepted."""

    block: Block
    exceptions: tuple[Block, ...] = ()


def write(bounds: Sequence[int], ethertype: Ethertype) -> list[BlockWithExceptions]:
    """Return the shortest writing of a set of addresses, in rising order."""
    count = _count(bounds)
    if count <= max(2, len(bounds) >> 1):
        # Each stretch is one block, or there are two blocks in all. Exceptions cannot win: a block with one takes two,
        # and n stretches have n - 1 gaps between them.
        return [BlockWithExceptions(block) for block in plain(bounds, ethertype)]
    # The smallest block around the set. A larger one would only need more exceptions.
    size = 1 << (bounds[0] ^ (bounds[-1] - 1)).bit_length()
    first = bounds[0] & -size
    middle = first + (size >> 1)
    gaps = [first, *bounds, first + size]
    gaps = gaps[2 * (gaps[0] == gaps[1]) : len(gaps) - 2 * (gaps[-1] == gaps[-2])]
    excepting = 1 + _count(gaps)
    everything = size >> ADDRESS_BITS[ethertype]
    if excepting > 2 or everything:  # more than two blocks are never written as two without an exception
        i, j = bisect_left(bounds, middle), bisect_right(bounds, middle)
        low, high = bounds[:i], bounds[j:]
        written = write([*low, middle] if i % 2 else low, ethertype)
        written += write([middle, *high] if j % 2 else high, ethertype)
        if cost(written) <= excepting or everything:
            return written
    return [BlockWithExceptions((first, size), tuple(plain(gaps, ethertype)))]


def _count(bounds: Sequence[int]) -> int:
    """Return the number of blocks that `plain` would need (a /0 counted as one), without making them.

    A stretch is cut where its ends first differ in binary; either side takes one block for each bit of its length.
    """
    total = 0
    for i in range(0, len(bounds), 2):
        start, end = bounds[i], bounds[i + 1]
        bit = (start ^ end).bit_length() - 1
        cut = end >> bit << bit
        total += (cut - start).bit_count() + (end - cut).bit_count()
    return total


def cost(written: Sequence[BlockWithExceptions]) -> int:
    """Return the number of blocks a reader has to take in, exceptions included."""
    return len(written) + sum([len(exceptions) for _, exceptions in written])


def plain(bounds: Sequence[int], ethertype: Ethertype) -> list[Block]:
    """Return the fewest blocks that make up a set of addresses, without exceptions, in rising order."""
    half = 1 << (ADDRESS_BITS[ethertype] - 1)
    blocks: list[Block] = []
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        first, size = start, end - start
        if is_block(first, size, ethertype):
            blocks.append((first, size))  # as it is, by far the most common stretch
            continue
        while first < end:
            largest = first & -first or half  # the alignment of the first address
            size = min(largest, half, 1 << ((end - first).bit_length() - 1))
            blocks.append((first, size))
            first += size
    return blocks


def is_block(first: int, size: int, ethertype: Ethertype) -> bool:
    """Tell whether a stretch of addresses is one block."""
    return not (size & (size - 1) or first & (size - 1) or size >> ADDRESS_BITS[ethertype])


def cidr(block: Block, ethertype: Ethertype) -> str:
    """Return a block as text, `10.0.0.0/8`."""
    first, size = block
    bits = ADDRESS_BITS[ethertype]
    packed = first.to_bytes(bits // 8, "big")
    return f"{inet_ntop(AF_INET if bits == 32 else AF_INET6, packed)}/{bits + 1 - size.bit_length()}"
