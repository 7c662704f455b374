"""Mends in files what can be meant in one way only: host bits of a prefix, and quotes that are missing or too many.

Each issue that has a `replacement` is an edit of one scalar. The result has to read as before but for those scalars,
with every comment, and the issues have to be gone; what cannot be shown to is left.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml
from yaml.nodes import Node, ScalarNode

from reconciler.lint.text import Edit, OverlapError, Text, comment_texts
from reconciler.loading.desired import desired_state
from reconciler.loading.document import YamlDocument, read_text
from reconciler.loading.head import Defaults
from reconciler.loading.issues import Budget, Issues, Source
from reconciler.loading.load import FoundSource, all_issues, parse_sources
from reconciler.loading.values import children
from reconciler.model.errors import Issue
from reconciler.model.place import FilePlace
from reconciler.model.policies import Policies

_BOM = b"\xef\xbb\xbf"
_MOST_PASSES = 4
"""A mended value may bring to light the next thing to mend; of a thousand mistakes a pass is enough."""

_MOST_TRIED = 1 << 25
"""Bytes of files that are read once more to try an edit, in all; of what is beyond, the user may ask again."""


class Mend(NamedTuple):
    """A value that was mended: its issue, and the text before and after."""

    issue: Issue
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mended:
    """What mending came to: the old and new bytes of each file that changes, what was mended, and what is left."""

    files: dict[str, tuple[bytes, bytes]]
    mends: tuple[Mend, ...]
    left: tuple[Issue, ...]


def mend(sources: Sequence[FoundSource], issues: Issues, defaults: Defaults, policies: Policies | None) -> Mended:
    """Mend files as they were read, `issues` being those of reading them. Pure: nothing is written."""
    first = {source.path: source.data for source, _ in sources}
    now = list(sources)
    mends: list[Mend] = []
    refused: set[tuple[str, int, str]] = set()
    left, tries = _issues_of(now, issues, defaults, policies), Budget(_MOST_TRIED)
    for _ in range(_MOST_PASSES):
        before = len(mends)
        for index, (source, found) in enumerate(now):
            here = [each for each in left if each.replacement is not None and each.place.source == source.path]
            wanted = [each for each in here if _key(each) not in refused]
            refused.update(map(_key, wanted))
            data, done = _mend_file(source, sorted(wanted, key=lambda each: each.place.order), tries)
            if done:
                now[index] = (Source(source.path, data), found)
                mends += done
                refused -= {_key(each.issue) for each in done}
        if len(mends) == before:
            break
        left = _issues_of(now, issues, defaults, policies)
    files = {source.path: (first[source.path], source.data) for source, _ in now if source.data != first[source.path]}
    return Mended(files, tuple(sorted(mends, key=lambda each: each.issue.place.order)), left)


def _issues_of(
    sources: Sequence[FoundSource], issues: Issues, defaults: Defaults, policies: Policies | None
) -> tuple[Issue, ...]:
    found = Issues()
    found.take(issues)
    documents, as_yaml = parse_sources(sources, found)
    return all_issues(as_yaml, desired_state(documents, defaults, policies)[1])


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
    mends, edits = [], []
    scalars = _scalar_ends(text)
    for issue in issues:
        place = issue.place
        new = issue.replacement or ""
        if not isinstance(place, FilePlace):
            continue
        start = text.line_start_of(place.line) + place.column - 1
        end = scalars.get(start)
        if end is None and text.text.startswith(new[1:-1], start):  # quotes that a text needs to be YAML at all
            end = start + len(new) - 2
        if end is not None:
            mends.append(Mend(issue, text.text[start:end], new))
            edits.append(Edit(start, end, new))
    try:
        data = (_BOM if source.data.startswith(_BOM) else b"") + text.replace(edits).encode()
    except OverlapError:
        return source.data, []
    if not mends or not _is_proven(source, data, mends, edits):
        return source.data, []
    return data, mends


def _scalar_ends(text: Text) -> dict[int, int]:
    """Return where each scalar of one line ends, by where it begins, as far as the text can be read."""
    ends: dict[int, int] = {}
    try:
        for token in yaml.scan(text.text, Loader=yaml.CSafeLoader):
            if isinstance(token, yaml.ScalarToken) and token.start_mark.line == token.end_mark.line:
                ends[text.offset(token.start_mark)] = text.offset(token.end_mark)
    except yaml.YAMLError:
        pass
    return ends


def _is_proven(source: Source, data: bytes, mends: Sequence[Mend], edits: Sequence[Edit]) -> bool:
    """Tell whether a text reads as before but for the scalars that were mended, and keeps its comments."""
    before, wrong = read_text(source.path, source.data)
    after, still_wrong = read_text(source.path, data)
    broken, left = Counter(map(_key, wrong)), Counter(map(_key, still_wrong))
    mended = Counter(_key(each.issue) for each in mends)
    if any(left[key] > broken[key] - mended[key] for key in broken.keys() & mended.keys()):
        return False
    expected = {edit.start: edit.new for edit in edits}
    old, new = Text.of(source.data), Text.of(data)
    pairs_before, pairs_after = list(_scalars(before)), list(_scalars(after))
    if not before or len(pairs_before) != len(pairs_after):
        return not before and _is_read(after, new, expected)
    if comment_texts(source.data) != comment_texts(data):
        return False
    for one, other in zip(pairs_before, pairs_after, strict=True):
        written = expected.pop(old.start(one), None)
        if written is not None and other.value == written.strip('"'):
            continue
        if written is not None or (one.value, one.tag, one.style) != (other.value, other.tag, other.style):
            return False
    return not expected


def _is_read(after: Sequence[YamlDocument], text: Text, expected: dict[int, str]) -> bool:
    """Tell whether what was no YAML before has in it each text that got quotes, as text."""
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
