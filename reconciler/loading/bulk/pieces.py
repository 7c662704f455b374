"""Cuts the text of a large document into texts that are documents of their own: all but the groups, and some of those.

What stands between the pieces of a text becomes blank lines, so that every place is what it was. Where to cut is told
by the look of the lines, which YAML may belie; so each piece has to prove by its nodes that it was cut well (`fits`).

The proof: the list of groups is a value of a block mapping, stands in block style, and begins at the column of the
cuts, in the first piece as in each other; and behind it the mapping ends or goes on where the lines say. A piece that
ended within quotes or brackets would not get there, and a block scalar of an item stands further right, so a line at
that column with a dash is the next item and nothing else. Anchors and document marks are the only things that reach
from one item into another; a text that may have any is left whole.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from yaml.nodes import MappingNode, Node, SequenceNode

PIECES = 8
"""Into how many pieces a text is cut: small ones keep the memory low, but each repeats the head and the lines."""

SMALLEST = 1 << 18
"""Bytes below which a piece is not worth its head."""

SHARED_PART = 64
"""What is not groups, and so in every piece, is at most this part of the text."""

_GROUPS = re.compile(rb"^security_groups:[ \t]*(?:[ \t]#.*)?\n(?:[ \t]*(?:#.*)?\n)*( *)- ", re.MULTILINE)
_AFTER_THE_GROUPS = re.compile(rb"\n(?=[^\s#-])")
_DOCUMENT_MARK = re.compile(rb"\n(?:---|\.\.\.|%)")
_ANCHOR = re.compile(rb"&(?<!\w&)[\w-]")


class Cut(NamedTuple):
    """A text in pieces. `rest` is a document as well, with no groups at all.

    `line` is where the key of the groups is, `next_line` where the key after it is if there is one, counted from 0;
    `column` is where the items of the groups begin.
    """

    rest: bytes
    pieces: tuple[bytes, ...]
    line: int
    next_line: int | None
    column: int

    def fits(self, root: Node) -> bool:
        """Tell from the nodes of a piece whether its groups are what the lines looked like."""
        if not isinstance(root, MappingNode) or root.flow_style:
            return False
        keys = [(key.start_mark.line, key.start_mark.column) for key, _ in root.value]
        if (self.line, 0) not in keys:
            return False
        at = keys.index((self.line, 0))
        groups = root.value[at][1]
        return (
            isinstance(groups, SequenceNode)
            and not groups.flow_style
            and groups.start_mark.column == self.column
            and keys[at + 1 : at + 2] == ([] if self.next_line is None else [(self.next_line, 0)])
        )


def cut(data: bytes, smallest: int = SMALLEST) -> Cut | None:
    """Cut a text; None for one that is small, or may not be what it looks like."""
    found = _GROUPS.search(data)
    if found is None or len(data) < 2 * smallest:
        return None
    if _DOCUMENT_MARK.search(data, found.end()) or _ANCHOR.search(data) or b"\r" in data:
        return None
    after = _AFTER_THE_GROUPS.search(data, found.end())
    first, last = found.start(1), after.end() if after else len(data)
    head, tail = data[:first], data[last:]
    if (len(head) + len(tail)) * SHARED_PART > len(data):
        return None
    step = max(smallest, len(data) // PIECES)
    starts = [first]
    while (before := data.find(b"\n%b- " % found[1], starts[-1] + step, last)) >= 0:
        starts.append(before + 1)
    line = data.count(b"\n", 0, found.start())
    return Cut(
        rest=b"%bsecurity_groups: []%b%b" % (data[: found.start()], _blank(data, found.start(), last), tail),
        pieces=tuple(
            b"".join((head, _blank(data, first, start), data[start:end], _blank(data, end, last), tail))
            for start, end in pairwise([*starts, last])
        ),
        line=line,
        next_line=data.count(b"\n", 0, last) if after else None,
        column=len(found[1]),
    )


def _blank(data: bytes, start: int, end: int) -> bytes:
    """Keep nothing of a part of a text but its lines."""
    return b"\n" * data.count(b"\n", start, end)
