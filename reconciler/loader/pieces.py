"""Cuts the text of a large document into texts that are documents of their own: one head, some of the groups each.

What stands between the head and a piece becomes blank lines, so that every place is what it was. Where to cut is told
by the look of the lines, which YAML may belie; so each piece has to prove by its nodes that it was cut well (`fits`).

The proof: the list of groups is the last thing of a block mapping, stands in block style, and begins at the column of
the cuts, in the first piece as in each other. A piece that ended within quotes or brackets would not parse, and a block
scalar of an item stands further right, so a line at that column with a dash is the next item and nothing else. Anchors
and document marks are the only things that reach from one item into another; a text that may have any is left whole.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from yaml.nodes import MappingNode, Node, SequenceNode

PIECES = 8
"""Into how many pieces a text is cut: small ones keep the memory low, but each repeats the head and the lines."""

SMALLEST = 1 << 18
"""Bytes below which a piece is not worth its head."""

HEAD_SHARE = 64
"""The head, read once a piece, is at most this part of the text."""

_GROUPS = re.compile(rb"^security_groups:[ \t]*(?:[ \t]#.*)?\n(?:[ \t]*(?:#.*)?\n)*( *)- ", re.MULTILINE)
_AFTER_THE_GROUPS = re.compile(rb"\n(?:[^\s#-]|---)")
_ANCHOR = re.compile(rb"&(?<!\w&)[\w-]")
_OTHER_LINE_BREAKS = (b"\r", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")


class Cut(NamedTuple):
    """A text in pieces. `head` is a document as well, with no groups at all."""

    head: bytes
    pieces: tuple[bytes, ...]
    line: int
    column: int

    def fits(self, root: Node) -> bool:
        """Tell from the nodes of a piece whether its groups are what the lines looked like."""
        if not isinstance(root, MappingNode) or root.flow_style:
            return False
        key, groups = root.value[-1]
        return (
            (key.start_mark.line, key.start_mark.column) == (self.line, 0)
            and isinstance(groups, SequenceNode)
            and not groups.flow_style
            and groups.start_mark.column == self.column
        )


def cut(data: bytes, smallest: int = SMALLEST) -> Cut | None:
    """Cut a text; None for one that is small, or may not be what it looks like."""
    found = _GROUPS.search(data)
    if found is None or len(data) < 2 * smallest or found.start(1) * HEAD_SHARE > len(data):
        return None
    if _AFTER_THE_GROUPS.search(data, found.end()) or _ANCHOR.search(data):
        return None
    if any(line_break in data for line_break in _OTHER_LINE_BREAKS):
        return None
    step = max(smallest, len(data) // PIECES)
    starts = [found.start(1)]
    while (before := data.find(b"\n%b- " % found[1], starts[-1] + step)) >= 0:
        starts.append(before + 1)
    head = data[: found.start(1)]
    pieces = [
        b"%b%b%b" % (head, b"\n" * data.count(b"\n", len(head), start), data[start:end])
        for start, end in pairwise([*starts, len(data)])
    ]
    return Cut(
        head=data[: found.start()] + b"security_groups: []\n",
        pieces=tuple(pieces),
        line=data.count(b"\n", 0, found.start()),
        column=len(found[1]),
    )
