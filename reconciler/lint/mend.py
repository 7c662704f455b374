"""Mends in files what can be meant in one way only: host bits of a prefix, and quotes that are missing or too many.

Each issue that has a `replacement` is an edit of one scalar. The result has to read as before but for those scalars,
with every comment, and the issues have to be gone; what cannot be shown to is left.
"""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

import yaml
from yaml.nodes import Node, ScalarNode

from reconciler.lint.text import Edit, OverlapError, Text, comment_texts, tokens
from reconciler.loading.desired import desired_state
from reconciler.loading.document import YamlDocument, read_text
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Budget, Issues, Source
from reconciler.loading.load import FoundSource, all_issues, parse_sources
from reconciler.loading.values import children
from reconciler.model.errors import Issue
from reconciler.model.place import FilePlace
from reconciler.model.policies import Policies
from reconciler.model.problems import ProblemName

_BOM = b"\xef\xbb\xbf"
_MOST_PASSES = 4
"""A mended value may bring to light the next thing to mend."""

_MOST_MENDED = 250_000
"""Values that are mended in one pass: the next pass goes on."""

_MOST_TRIED = 1 << 25
"""Bytes of files that are read once more to try an edit, in all; beyond, the user is told to ask again."""


class Mend(NamedTuple):
    """A value that was mended: its issue, and the text before and after."""

    issue: Issue
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mended:
    """What mending came to: the old and new bytes of each file that changes, what was mended, and what is left.

    `note` says that a bound ended it, where another run may go on.
    """

    files: dict[str, tuple[bytes, bytes]]
    mends: tuple[Mend, ...]
    left: tuple[Issue, ...]
    note: str | None


def mend(sources: Sequence[FoundSource], issues: Issues, defaults: Defaults, policies: Policies | None) -> Mended:
    """Mend files as they were read, `issues` being those of reading them. Pure: nothing is written."""
    first = {source.path: source.data for source, _ in sources}
    now = list(sources)
    mends: list[Mend] = []
    refused: set[tuple[str, int, str]] = set()
    left, tries = _issues_of(now, issues, defaults, policies), Budget(_MOST_TRIED)
    for _ in range(_MOST_PASSES):
        before = len(mends)
        wanted = _wanted(left, refused)
        for index, (source, found) in enumerate(now):
            here = wanted.get(source.path, [])
            refused.update(map(_key, here))
            data, done = _mend_file(source, sorted(here, key=lambda each: each.place.order), tries)
            if done:
                now[index] = (Source(source.path, data), found)
                mends += done
                refused -= {_key(each.issue) for each in done}
        if len(mends) == before:
            break
        left = _issues_of(now, issues, defaults, policies)
    files = {source.path: (first[source.path], source.data) for source, _ in now if source.data != first[source.path]}
    is_cut = tries.is_spent or _wanted(left, refused)
    note = (
        f"mending stopped at {_MOST_TRIED >> 20} MB tried, or {_MOST_PASSES} passes: run it again" if is_cut else None
    )
    return Mended(files, tuple(sorted(mends, key=lambda each: each.issue.place.order)), left, note)


def _issues_of(
    sources: Sequence[FoundSource], issues: Issues, defaults: Defaults, policies: Policies | None
) -> tuple[Issue, ...]:
    found = Issues(most_mended=_MOST_MENDED)
    found.take(issues)
    documents, as_yaml = parse_sources(sources, found)
    return all_issues(as_yaml, desired_state(documents, defaults, policies, found.alike())[1])


def _wanted(issues: Sequence[Issue], refused: Container[tuple[str, int, str]]) -> dict[str, list[Issue]]:
    """Return what can be mended, and was not refused, by the path of its file."""
    wanted: dict[str, list[Issue]] = {}
    for each in issues:
        if each.replacement is not None and _key(each) not in refused:
            wanted.setdefault(each.place.source, []).append(each)
    return wanted


def _key(issue: Issue) -> tuple[str, int, str]:
    """Recognise an issue after columns have moved."""
    return (*issue.place.order[:2], issue.message)


def _mend_file(source: Source, issues: Sequence[Issue], tries: Budget) -> tuple[bytes, list[Mend]]:
    """Mend all of a file at once, or else one half after the other, down to what cannot be shown to come out right."""
    if not issues or not tries.take(len(source.data)):
        return source.data, []
    data, done = _try(source, issues)
    if done or len(issues) < 2:
        return data, done
    half = len(issues) // 2
    data, last = _mend_file(source, issues[half:], tries)  # from the end, so that places before it stay
    data, first = _mend_file(Source(source.path, data), issues[:half], tries)
    return data, [*first, *last]


def _try(source: Source, issues: Sequence[Issue]) -> tuple[bytes, list[Mend]]:
    """Edit a file and prove the result; the file as it is where it cannot be proven."""
    text = Text.of(source.data)
    wanted = [
        (text.line_start_of(each.place.line) + each.place.column - 1, each)
        for each in issues
        if isinstance(each.place, FilePlace)
    ]
    ends = _scalar_ends(text, {start for start, _ in wanted})
    mends, edits = [], []
    for start, issue in wanted:
        new = issue.replacement or ""
        end = ends.get(start)
        if end is None and text.text.startswith(new[1:-1], start):  # quotes that a text needs to be YAML at all
            end = start + len(new) - 2
        if end is not None:
            mends.append(Mend(issue, text.text[start:end], new))
            edits.append(Edit(start, end, new))
    try:
        data = (_BOM if source.data.startswith(_BOM) else b"") + text.replace(edits).encode()
    except OverlapError:
        return source.data, []
    expected = {edit.start: edit.new for edit in edits}
    was_no_yaml = any(each.issue.name is ProblemName.YAML_SYNTAX for each in mends)
    is_proven = (
        _is_read_at_last(source, data, mends, expected)
        if was_no_yaml
        else _reads_the_same(text, Text.of(data), expected)
    )
    return (data, mends) if mends and is_proven else (source.data, [])


def _scalar_ends(text: Text, starts: Container[int]) -> dict[int, int]:
    """Return where each scalar of one line ends that begins at one of the places, as far as the text can be read."""
    return {
        start: text.offset(token.end_mark)
        for token in tokens(text.text)
        if isinstance(token, yaml.ScalarToken) and token.start_mark.line == token.end_mark.line
        if (start := text.offset(token.start_mark)) in starts
    }


def _reads_the_same(old: Text, new: Text, expected: Mapping[int, str]) -> bool:
    """Tell whether two texts have the same tokens, but for the scalars at the places given, and the same comments."""
    mended = 0
    for one, other in zip_longest(tokens(old.text), tokens(new.text)):
        if isinstance(one, yaml.ScalarToken) and isinstance(other, yaml.ScalarToken):
            written = expected.get(old.offset(one.start_mark))
            if written is not None and other.value == written.strip('"'):
                mended += 1
                continue
            if written is not None or one.plain != other.plain or one.style != other.style:
                return False
        if type(one) is not type(other) or getattr(one, "value", None) != getattr(other, "value", None):
            return False
    return mended == len(expected) and comment_texts(old) == comment_texts(new)


def _is_read_at_last(source: Source, data: bytes, mends: Sequence[Mend], expected: Mapping[int, str]) -> bool:
    """Tell whether what was no YAML before has in it each text that got quotes, as text."""
    before, wrong = read_text(source.path, source.data)
    if before:
        return False
    after, still_wrong = read_text(source.path, data)
    broken, left = Counter(map(_key, wrong)), Counter(map(_key, still_wrong))
    mended = Counter(_key(each.issue) for each in mends)
    if any(left[key] > broken[key] - mended[key] for key in broken.keys() & mended.keys()):
        return False
    text = Text.of(data)
    moved = {start + 2 * index: new for index, (start, new) in enumerate(sorted(expected.items()))}
    found = {text.start(node): node.value for node in _scalars(after)}
    return all(found.get(start) == new.strip('"') for start, new in moved.items())


def _scalars(documents: Sequence[YamlDocument]) -> Iterator[ScalarNode]:
    """Yield the scalars of documents, each once, in one order for alike documents."""
    seen: set[int] = set()
    for document in documents:
        stack: list[Any] = [document.node]
        while stack:
            node: Node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, ScalarNode):
                yield node
            stack.extend(children(node))
