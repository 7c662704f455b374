"""What libyaml says is wrong, said by a person."""

from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from reconciler.loading.issues import Source
from reconciler.loading.nodes import TooMuch
from reconciler.model.errors import Issue
from reconciler.model.place import FilePlace, Place
from reconciler.model.problems import ProblemName

_WORDED = {
    "mapping values are not allowed in this context": (
        ProblemName.YAML_SYNTAX,
        "a `:` followed by a blank makes a key, and none can stand here",
        "quote the text that holds it, or put the key on a line of its own",
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
        "a list item has to begin with `-`",
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
    if problem == "found character that cannot start any token":
        return _unexpected_character(source, place)
    if isinstance(error, TooMuch):
        return Issue(place, error.name, str(problem))
    name, message, fix = _WORDED.get(problem or "", (ProblemName.YAML_SYNTAX, problem or "this is not YAML", None))
    return Issue(place, name, message, fix=fix, related=related)


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
    data = source.data
    before = data[: max(error.position, 0)]
    line = before.count(b"\n") + 1
    start = before.rfind(b"\n") + 1
    column = len(before[start:].decode("utf-8", "replace").removeprefix("\ufeff")) + 1
    place = FilePlace(source.path, line, column)
    if "control characters" in str(error.reason):
        code = error.character if isinstance(error.character, int) else ord(error.character)
        name = "a NUL" if code == 0 else f"the control character U+{code:04X}"
        fix = "remove it; in double quotes an escape can stand for it"
        return Issue(place, ProblemName.CONTROL_CHARACTER, f"{name} is not allowed in YAML", fix=fix)
    return Issue(place, ProblemName.NOT_UTF_8, "this is not UTF-8", fix="save the file as UTF-8")
