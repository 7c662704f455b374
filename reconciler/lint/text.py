"""The text of a file for editing: positions, comments, and replacing parts without losing a comment."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from typing import NamedTuple

import yaml
from yaml.error import Mark
from yaml.nodes import CollectionNode, MappingNode, Node

_BOM = "\ufeff"
_COMMENT = re.compile(r"#[^\r\n]*")


class Edit(NamedTuple):
    """Replace the text from `start` up to `end` by `new`."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Text:
    """A file's text without its byte order mark. Offsets count characters; lines are those that libyaml counts."""

    text: str

    @classmethod
    def of(cls, data: bytes) -> "Text":
        """Read UTF-8 that the loader has read before."""
        return cls(data.decode("utf-8").removeprefix(_BOM))

    @cached_property
    def _starts(self) -> list[int]:
        lines = self.text.splitlines(keepends=True)
        return [0, *accumulate(len(line) for line in lines)]

    @cached_property
    def newline(self) -> str:
        """The line break that the file uses."""
        return "\r\n" if "\r\n" in self.text else "\n"

    @cached_property
    def comments(self) -> tuple[tuple[int, int], ...]:
        """Where each comment begins and ends. Comments are what lies between two tokens, beside blanks."""
        if "#" not in self.text:
            return ()
        found = []
        end = 0
        for token in chain(tokens(self.text), [None]):
            start = len(self.text) if token is None else self.offset(token.start_mark)
            found += [match.span() for match in _COMMENT.finditer(self.text, end, start)] if start > end else []
            end = end if token is None else max(end, self.offset(token.end_mark))
        return tuple(found)

    def line_start_of(self, line: int) -> int:
        """Return where a line begins, counted from 1."""
        return self._starts[line - 1]

    def offset(self, mark: Mark) -> int:
        """Return the offset of a position."""
        return self._starts[mark.line] + mark.column

    def start(self, node: Node) -> int:
        """Return where a node begins."""
        return self.offset(node.start_mark)

    def end(self, node: Node) -> int:
        """Return where the last of a node's own text ends: libyaml ends a block where the next token begins."""
        if isinstance(node, CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self.end(last[1] if isinstance(node, MappingNode) else last)
        start = self.start(node)
        return start + len(self.text[start : self.offset(node.end_mark)].rstrip())

    def line_start(self, offset: int) -> int:
        """Return where the line of an offset begins."""
        return self._starts[bisect_right(self._starts, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Return where the line after that of an offset begins."""
        index = bisect_right(self._starts, offset)
        return self._starts[index] if index < len(self._starts) else len(self.text)

    def indent(self, offset: int) -> str:
        """Return the blanks with which the line of an offset begins."""
        line = self.text[self.line_start(offset) : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip(" "))]

    def replace(self, edits: Iterable[Edit]) -> str:
        """Make edits that do not overlap. A comment within replaced text moves to its own line, before that line."""
        moved = [
            Edit(at, at, lines) for edit in edits if (lines := self._kept(edit)) for at in [self.line_start(edit.start)]
        ]
        parts: list[str] = []
        position = 0
        for edit in sorted([*moved, *edits], key=lambda edit: (edit.start, edit.end)):
            if edit.start < position:
                raise OverlapError
            parts += [self.text[position : edit.start], edit.new]
            position = edit.end
        return "".join([*parts, self.text[position:]])

    def _kept(self, edit: Edit) -> str:
        """Write the comments of replaced text as lines."""
        indent = self.indent(edit.start)
        inside = [self.text[start:end] for start, end in self.comments if edit.start <= start < edit.end]
        return "".join(f"{indent}{comment}{self.newline}" for comment in inside)


class OverlapError(ValueError):
    """Two edits want to replace the same text."""


def tokens(text: str) -> Iterator[yaml.Token]:
    """Yield the tokens of a text, up to what is no YAML."""
    with suppress(yaml.YAMLError):
        yield from yaml.scan(text, Loader=yaml.CSafeLoader)


def comment_texts(text: Text) -> Sequence[str]:
    """List the comments of a text, in the order of the alphabet."""
    return sorted(text.text[start:end].rstrip() for start, end in text.comments)
