"""What libyaml says is wrong, said by a person."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from reconciler.loading.issues import NO_TEMPLATING, TYPE_ANEW, Source, find_lookalike, is_template
from reconciler.loading.nodes import TooMuch
from reconciler.loading.walk import LOCK_NAME
from reconciler.model.errors import Issue
from reconciler.model.place import FilePlace, Place
from reconciler.model.problems import ProblemName
from reconciler.model.text import shown

_WORDED = {
    "mapping values are not allowed in this context": (
        ProblemName.YAML_SYNTAX,
        "a `:` followed by a blank makes a key, and none can stand here",
        "quote the text that holds it, or add the `:` that is missing in the line before",
    ),
    "found a tab character that violates indentation": (
        ProblemName.TAB_INDENT,
        "a tab cannot indent YAML",
        "use blanks",
    ),
    "did not find expected alphabetic or numeric character": (
        ProblemName.YAML_SYNTAX,
        "`*` begins an alias and `&` an anchor, and here is no name for it",
        "quote it if it is text; for every port, leave `ports` out",
    ),
    "found undefined alias": (
        ProblemName.UNKNOWN_ALIAS,
        "the alias has no anchor before it",
        "quote the text if the `*` belongs to it",
    ),
    "found duplicate anchor": (ProblemName.ANCHOR_TWICE, "the same anchor is there twice", None),
    "could not find expected ':'": (ProblemName.YAML_SYNTAX, "this is no key: it has no `:` followed by a blank", None),
    "did not find expected key": (
        ProblemName.YAML_SYNTAX,
        "no key can stand here",
        "check the indentation, and quotes and commas before it",
    ),
    "did not find expected ',' or ']'": (ProblemName.NOT_CLOSED, "the list is not closed", "add a `,` or a `]`"),
    "did not find expected ',' or '}'": (ProblemName.NOT_CLOSED, "the mapping is not closed", "add a `,` or a `}`"),
    "did not find expected '-' indicator": (
        ProblemName.YAML_SYNTAX,
        "a list item has to begin with `-` and a blank",
        "check the indentation",
    ),
    "block sequence entries are not allowed in this context": (
        ProblemName.YAML_SYNTAX,
        "a list item cannot begin here",
        "begin the list on a line of its own",
    ),
    "found unexpected end of stream": (
        ProblemName.NOT_CLOSED,
        "the quotes are not closed before the end of the file",
        None,
    ),
    "found unknown escape character": (
        ProblemName.YAML_SYNTAX,
        "this escape is unknown in double quotes",
        "use single quotes",
    ),
    "did not find expected <document start>": (
        ProblemName.YAML_SYNTAX,
        "a further document has to begin with `---`",
        None,
    ),
    "found undefined tag handle": (
        ProblemName.TAG_NOT_ALLOWED,
        "tags are not allowed: a file holds plain data only",
        "quote the text",
    ),
}
_IPV6_WITH_COLON = re.compile(r"(?<![^\s\[{,:])::?[0-9A-Fa-f:.]*+(?:/[0-9]+)?(?=[\s,\]}]|$)")
_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?: |$)")
_IN_QUOTES = frozenset("@`%|>")


def yaml_issue(source: Source, error: YAMLError) -> Issue:
    """Word an error of libyaml, with its place."""
    if isinstance(error, ReaderError):
        return _encoding_issue(source, error)
    mark: Mark | None = None
    related: tuple[tuple[str, Place], ...] = ()
    problem: str | None = None
    if isinstance(error, MarkedYAMLError):
        mark, problem = error.problem_mark or error.context_mark, error.problem
        start = error.context_mark
        if start is not None and mark is not None and (start.line, start.column) != (mark.line, mark.column):
            related = ((_context(error.context), _place(source, start)),)
        if problem == "second occurrence":
            problem = "found duplicate anchor"
    place = _place(source, mark) if mark is not None else FilePlace(source.path, 1, 1)
    if isinstance(error, TooMuch):
        return Issue(place, error.name, str(problem))
    if found := _cause(source, place, problem):
        return replace(found, related=related)
    name, message, fix = _WORDED.get(problem or "", (ProblemName.YAML_SYNTAX, problem or "this is not YAML", None))
    return Issue(place, name, message, fix=fix, related=related)


def _cause(source: Source, place: FilePlace, problem: str | None) -> Issue | None:
    """Say what libyaml does not: which text near the place is the cause."""
    line = source.lines[place.line - 1] if place.line <= len(source.lines) else ""
    starts = range(max(0, place.column - 3), place.column)
    prefix = next(filter(None, (_IPV6_WITH_COLON.match(line, start) for start in starts)), None)
    if problem == "did not find expected node content" and prefix:
        place, quoted = place._replace(column=prefix.start() + 1), f'"{prefix[0]}"'
        message = "text that begins with `:` needs quotes between brackets"
        return Issue(place, ProblemName.YAML_SYNTAX, message, fix=f"write {quoted}", replacement=quoted)
    if is_template(line):
        return Issue(place, ProblemName.YAML_SYNTAX, "this line is of a template, and no YAML", fix=NO_TEMPLATING)
    for number, text in enumerate(source.lines[max(place.line - 2, 0) : place.line], max(place.line - 1, 1)):
        if odd := find_lookalike(text):
            there = FilePlace(source.path, number, odd[0] + 1)
            return Issue(there, ProblemName.YAML_SYNTAX, odd[1], fix=TYPE_ANEW)
    return _unexpected_character(source, place) if problem == "found character that cannot start any token" else None


_HIDDEN_BREAKS = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9")
_HIDDEN_BREAK = re.compile(rb"\r(?!\n)|" + b"|".join(_HIDDEN_BREAKS))


def hidden_break(source: Source) -> Issue | None:
    """Find a character that ends a line for libyaml (YAML 1.1), and neither for git nor for those who read a diff.

    What follows it in a comment would be no part of that, and stand there as if it were.
    """
    data = source.data
    is_there = data.count(b"\r") != data.count(b"\r\n") or any(map(data.__contains__, _HIDDEN_BREAKS))
    found = _HIDDEN_BREAK.search(data) if is_there else None
    if found is None:
        return None
    place, code = _place_of_byte(source, found.start()), ord(found[0].decode())
    message = f"the character U+{code:04X} ends a line for YAML, and most who look at the file do not see that"
    fix = "begin a new line in its place; within a text, write it as an escape in double quotes"
    return Issue(place, ProblemName.HIDDEN_BREAK, message, fix=fix)


def conflicts(source: Source) -> Iterator[Issue]:
    """Find the merge conflicts that git left in a file: each is named at its first marker, with the lines of its sides.

    The markers are those of git's `merge.conflictStyle`, `merge` and `diff3`, and stand at the beginning of a line.
    """
    if b"<<<<<<<" not in source.data or b">>>>>>>" not in source.data:
        return
    marks: list[tuple[int, str]] = []
    for number, line in enumerate(source.lines, 1):
        found = _MARKER.match(line)
        if found and (marks or found[1] == "<<<<<<<"):
            marks.append((number, line))
        if found and found[1] == ">>>>>>>":
            yield _conflict(source.path, marks)
            marks = []


def _conflict(path: str, marks: Sequence[tuple[int, str]]) -> Issue:
    """Word a conflict. What stands behind `|||||||` is what both sides had before."""
    sides = [each for each in pairwise(marks) if not each[0][1].startswith("|")]
    related: list[tuple[str, Place]] = []
    for index, ((first, line), (last, end)) in enumerate(sides):
        label = _label(end if index and end[:1] == ">" else line, "theirs" if index else "ours")
        many = f"lines {first + 1} to {last - 1}" if last - first > 2 else f"line {first + 1}"
        related.append((f"{label}: {many if last - first > 1 else 'no line'}", FilePlace(path, first + 1, 1)))
    message = "git could not merge this, and nobody has decided between the two sides yet"
    fix = "keep the lines that are right, and remove the lines with <<<<<<<, ======= and >>>>>>>"
    if posixpath.basename(path) == LOCK_NAME:
        fix = f"take one side whole, as with `git checkout --ours {LOCK_NAME}`, and run `sgctl refresh`"
    place = FilePlace(path, marks[0][0], 1)
    return Issue(place, ProblemName.MERGE_CONFLICT, message, fix=fix, related=tuple(related))


def _label(marker: str, other: str) -> str:
    return shown(marker[8:].strip() or other)


def _place(source: Source, mark: Mark) -> FilePlace:
    """Place a mark; one behind the last line break is shown at the end of the last line."""
    place = FilePlace(source.path, mark.line + 1, mark.column + 1)
    last = len(source.lines)
    return place if place.line <= last or not last else FilePlace(source.path, last, len(source.lines[-1]) + 1)


def _context(context: str | None) -> str:
    if context and context.startswith("while "):
        what = context.split(" ", 2)[2].removeprefix("for ").replace("flow sequence", "list").replace("block ", "")
        return f"{what.replace('flow mapping', 'mapping').replace('quoted scalar', 'quoted text')} begins here"
    return "begins here"


def _unexpected_character(source: Source, place: FilePlace) -> Issue:
    text = source.lines[place.line - 1][place.column - 1 :] if place.line <= len(source.lines) else ""
    if text.startswith("\t"):
        return Issue(place, ProblemName.TAB_INDENT, "a tab cannot indent YAML", fix="use blanks")
    if text[:1] in _IN_QUOTES:
        return Issue(
            place, ProblemName.YAML_SYNTAX, f"text cannot begin with `{text[:1]}` without quotes", fix="quote the text"
        )
    return Issue(
        place, ProblemName.YAML_SYNTAX, "nothing can begin with this character here", fix="quote the text that holds it"
    )


def _encoding_issue(source: Source, error: ReaderError) -> Issue:
    """Place a byte that is no text: libyaml gives its offset in the file."""
    place = _place_of_byte(source, max(error.position, 0))
    if "control characters" in str(error.reason):
        code = error.character if isinstance(error.character, int) else ord(error.character)
        name = "a NUL" if code == 0 else f"the control character U+{code:04X}"
        fix = "remove it; in double quotes an escape can stand for it"
        return Issue(place, ProblemName.CONTROL_CHARACTER, f"{name} is not allowed in YAML", fix=fix)
    return Issue(place, ProblemName.NOT_UTF_8, "this is not UTF-8", fix="save the file as UTF-8")


def _place_of_byte(source: Source, offset: int) -> FilePlace:
    before = source.data[:offset]
    start = before.rfind(b"\n") + 1
    column = len(before[start:].decode("utf-8", "replace").removeprefix("\ufeff")) + 1
    return FilePlace(source.path, before.count(b"\n") + 1, column)
