"""Settings of a repository: `sgctl.toml`, or `[tool.sgctl]` in `pyproject.toml`.

The file is looked for in the current folder and its parents, up to the root of the repository (a folder with `.git`) or
of the filesystem; the first one found holds alone. It never holds the API key.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from reconciler.config.keys import KEYS, POLICIES, Key
from reconciler.config.toml_places import KeyPath, key_positions
from reconciler.loading.issues import LIMIT, Source
from reconciler.model import environment
from reconciler.model.errors import InputError, Issue, UsageError
from reconciler.model.files import SETTINGS_LIMIT, parts_below, read_bounded, strays
from reconciler.model.place import FilePlace
from reconciler.model.problems import ProblemName
from reconciler.model.text import SHOWN_WIDTH, alike, one_of, shown

_MOST_DOTS = 64
_DOTTED = re.compile(rf"""(?<![\w-])(?:(?:"[^"\n]*+"|'[^'\n]*+'|[\w-]++)[ \t]*+\.[ \t]*+){{{_MOST_DOTS}}}""")
"""A key of so many parts that `tomllib`, which compares each part with all before it, would take long."""

_TOOL = re.compile(rb"""\[[ \t]*+(?:tool|'tool'|"tool")[ \t]*+\]""").search

FILE_NAME = "sgctl.toml"
PROJECT_FILE_NAME = "pyproject.toml"
PROJECT_TABLE = ("tool", "sgctl")

_SECRETS = ("apikey", "token", "secret", "passw")
"""What names of credentials have in them. The line of such a key is shown nowhere."""

_NOT_SHOWN = "(not shown here: it may hold a credential)"

_TABLES = ("limits", POLICIES)
_Said = tuple[ProblemName, str, str | None]
"""The name and the words of a problem, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a configuration file says; everything is empty where there is none.

    `values` are the checked settings by their names in `KEYS`; `policies` is handed on as it is, with `place` to say
    where something in it stands. `file` is its name as seen from the current folder.
    """

    file: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)
    source: Source | None = field(default=None, repr=False)
    table: KeyPath = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths as seen from the current folder; in the file they are relative to the file's folder."""
        folder = str(Path(self.file or "").parent)
        return tuple(os.path.normpath(Path(folder, path)) for path in self.values.get("paths", ()))

    @property
    def limits(self) -> dict[str, int]:
        """What `[limits]` says, without the table's name."""
        return {name.removeprefix("limits."): value for name, value in self.values.items() if "." in name}

    @property
    def without_limits(self) -> dict[str, Any]:
        """The settings that are no limits, as the file says them."""
        return {name: value for name, value in self.values.items() if "." not in name}

    def places(self, *names: str) -> dict[str, FilePlace]:
        """Find where settings stand, by their names in `KEYS`; without those that the file leaves out."""
        if self.source is None:
            return {}
        positions = _positions(self.source)
        found = {name: positions.get((*self.table, *name.split("."))) for name in names}
        return {name: FilePlace(self.source.path, *position) for name, position in found.items() if position}

    def place_in_policies(self, path: KeyPath) -> FilePlace:
        """Find where a key of the policies stands, or what it would be in."""
        positions = {} if self.source is None else _positions(self.source)
        return FilePlace(self.file or FILE_NAME, *_closest(positions, (*self.table, POLICIES, *path)))


def load_config(folder: Path) -> Config:
    """Load the settings that hold for a folder.

    Raises `InputError` with everything that is wrong in the file, and `UsageError` for one that cannot be read or is a
    stranger's; no message ever holds the value of a key that looks like a credential.
    """
    for candidate in _folders(folder):
        found = [each for name in (FILE_NAME, PROJECT_FILE_NAME) if (each := _read_settings(candidate / name, folder))]
        if len(found) > 1:
            message = f"{found[0][0].path} is there as well: settings stand in one file"
            place = FilePlace(found[1][0].path, *_positions(found[1][0])[PROJECT_TABLE])
            raise InputError(
                (
                    found[1][0].show(
                        Issue(place, ProblemName.SETTINGS_TWICE, message, fix="move them all to one of the two")
                    ),
                )
            )
        if found:
            _refuse_foreign(candidate / Path(found[0][0].path).name, folder)
            return _check(*found[0], folder)
    return Config()


def load_outside(path: str) -> Config:
    """Load `[policies]` and `[limits]` of a file that is named, not found; other settings have no place in it.

    Raises `InputError` with everything that is wrong, `UsageError` where the file cannot be read.
    """
    try:
        if (repository := repository_here()) is not None and strays(path, repository):
            raise UsageError(
                f"--policies {path}: a link leads out of the repository, or to what is hidden there, and it is not read"
            )
        source = Source(path, read_bounded(path, SETTINGS_LIMIT, or_pipe=True))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path holds such a character"
        raise UsageError(
            f"--policies {path}: it cannot be read: {reason}",
            hint=f"Name a file of policies; where there is no --policies, {environment.POLICIES} names it.",
        ) from None
    value = _parse(source)
    for key in value:
        if key not in _TABLES:
            said = (
                ProblemName.UNKNOWN_KEY,
                f"{shown(key)}: a file for --policies holds only `policies` and `limits`",
                None,
            )
            raise InputError((_issue(source, FilePlace(path, *_closest(_positions(source), (key,))), said, (key,)),))
    return _check(source, (), value, Path())


def _folders(folder: Path) -> Iterator[Path]:
    for candidate in (folder, *folder.parents):
        yield candidate
        if os.path.lexists(candidate / ".git"):
            return


def repository_of(folder: Path) -> Path:
    """Return the root of the repository that a folder is in, or the folder where it is in none."""
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each / ".git")), folder)


def repository_here() -> str | None:
    """Return the root of the repository that the current folder is in; None where it is in none."""
    root = repository_of(Path.cwd())
    return str(root) if os.path.lexists(root / ".git") else None


def leads_out(path: Path, repository: Path) -> bool:
    """Whether a path leads out of a repository, or through a link to what is hidden there, such as the files of git."""
    parts = parts_below(str(path), str(repository))
    return parts is None or ".git" in parts or strays(str(path), str(repository))


def _read_settings(path: Path, folder: Path) -> tuple[Source, KeyPath, Any] | None:
    """Read a file that has settings; None when it is not there or has none."""
    name = os.path.relpath(path, folder)
    try:
        if path.is_symlink() and path.exists() and leads_out(path, repository_of(path.parent)):
            raise UsageError(
                f"{FilePlace(name, 1, 1)}: it is a link that leads out of the repository, or to what is hidden there, "
                "and is not read",
                hint="Put the settings themselves there.",
            )
        source = Source(name, read_bounded(str(path), SETTINGS_LIMIT))
    except OSError as error:
        if not os.path.lexists(path):  # false as well where a folder above us may not be looked into
            return None
        raise UsageError(f"{FilePlace(name, 1, 1)}: it cannot be read: {error.strerror}") from None
    is_ours = path.name == FILE_NAME
    if not is_ours and not _may_name_us(source.data):
        return None
    value = _parse(source)
    if is_ours:
        return source, (), value
    tool = value.get("tool")
    return (source, PROJECT_TABLE, tool["sgctl"]) if isinstance(tool, dict) and "sgctl" in tool else None


def _may_name_us(data: bytes) -> bool:
    """Whether a project file may hold our table: nearly all of them do not, and reading TOML takes a while."""
    return b"sgctl" in data and (
        _TOOL(data) is not None or any(b"tool" in line for line in data.split(b"\n") if b"sgctl" in line)
    )


def _parse(source: Source) -> dict[str, Any]:
    from tomllib import TOMLDecodeError, loads  # noqa: PLC0415 - some 10 ms, needed only where there is such a file

    try:
        text = source.data.decode("utf-8-sig")
        if dotted := _DOTTED.search(text):
            place = FilePlace(source.path, text.count("\n", 0, dotted.start()) + 1, 1)
            raise UsageError(f"{place}: a key has more than {_MOST_DOTS} parts, over the limit of {_MOST_DOTS}")
        return loads(text)
    except UnicodeDecodeError as error:
        line = source.data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{FilePlace(source.path, line, 1)}: the file is not UTF-8 text") from None
    except (TOMLDecodeError, RecursionError) as error:
        raise InputError((_syntax_issue(source, str(error)),)) from None
    except ValueError:  # Python's words for it speak of a limit of its own
        raise InputError((_syntax_issue(source, "a number has more digits than any number of ours"),)) from None


def _syntax_issue(source: Source, text: str) -> Issue:
    """Word what `tomllib` says: "Expected '=' after a key in a key/value pair (at line 3, column 5)"."""
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", text, re.DOTALL)
    place = (
        FilePlace(source.path, int(match[2]), int(match[3]))
        if match
        else FilePlace(source.path, len(source.lines) or 1, 1)
    )
    message = f"this is not TOML: {match[1] if match else text.replace('(at end of document)', 'where the file ends')}"
    return _issue(source, place, (ProblemName.NOT_TOML, message, None), ())


def _refuse_foreign(path: Path, folder: Path) -> None:
    """Refuse settings that a stranger left in a folder above ours, such as /tmp: they say where the API key goes."""
    owner = path.stat().st_uid
    if owner not in {os.getuid(), folder.stat().st_uid, 0}:
        place = FilePlace(os.path.relpath(path, folder), 1, 1)
        raise UsageError(
            f"{place}: the file belongs to another user (uid {owner}), so its settings are not taken",
            hint="Remove it, or make it yours with `chown`.",
        )


def _check(source: Source, table: KeyPath, value: Any, folder: Path) -> Config:
    problems = dict(islice(_problems(value), LIMIT + 1)) or dict(
        islice(_paths_outside(value.get("paths", ()), folder / Path(source.path).parent), LIMIT + 1)
    )
    if problems:
        positions = _positions(source)
        issues = []
        for path, said in problems.items():
            place = FilePlace(source.path, *_closest(positions, (*table, *path)))
            issues.append(_issue(source, place, said, path))
        if len(issues) > LIMIT:
            issues[LIMIT:] = [Issue(issues[-1].place, ProblemName.MORE_PROBLEMS, "there are more errors, not shown")]
        raise InputError(tuple(sorted(issues, key=lambda issue: issue.place.order)))
    values = {".".join(path): item for path, item in _settings(value)}
    return Config(source.path, values, value.get(POLICIES, {}), source, table)


def _problems(value: Any) -> Iterator[tuple[KeyPath, _Said]]:
    if not isinstance(value, dict):
        yield (), (ProblemName.WRONG_VALUE, "`tool.sgctl` has to be a table", None)
        return
    for path, item in _settings(value):
        name = ".".join(path)
        key = KEYS.get(name)
        if len(path) == 1 and name in _TABLES:
            yield path, (ProblemName.WRONG_VALUE, f"`{name}` has to be a table, not {_said(item)}", None)
        elif key is None or any("." in part for part in path):
            yield path, _unknown(name)
        elif not key.in_files:
            yield (
                path,
                (
                    ProblemName.NOT_IN_FILES,
                    f"`{name}` stands in no file: it decides where the API key is sent",
                    f"set {key.variable}",
                ),
            )
        elif not key.is_valid(item):
            message = f"`{name}` has to be {key.expected}, not {_said(item)}"
            yield path, (ProblemName.WRONG_VALUE, message, _fix(key, item))


def _paths_outside(paths: Iterable[str], folder: Path) -> Iterator[tuple[KeyPath, _Said]]:
    """Refuse paths that lead out of the repository: whoever can change the settings cannot read all that we can."""
    root = repository_of(Path(os.path.normpath(folder)))
    for path in paths:
        if leads_out(folder / path, root):
            said = f"the path {shown(path)} leads out of {'the repository' if root != folder else 'its folder'}"
            yield ("paths",), (ProblemName.OUTSIDE_FOLDER, said, "name such a path on the command line")


def _issue(source: Source, place: FilePlace, said: _Said, path: KeyPath) -> Issue:
    name, message, fix = said
    if _has_secret(path, source, place.line):
        return Issue(place, name, message, _NOT_SHOWN, fix)
    return source.show(Issue(place, name, message, fix=fix))


def _has_secret(path: KeyPath, source: Source, line: int) -> bool:
    """Whether a line must not be shown: it may hold a credential, also as a part of a URL."""
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    return "@" in text or any(_is_secret(part) for part in (*path, text))


def _is_secret(text: str) -> bool:
    plain = text.lower().replace("_", "").replace("-", "")
    return any(word in plain for word in _SECRETS)


def _settings(value: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """List every setting with its path, but for the policies."""
    for key, item in value.items():
        if key == "limits" and isinstance(item, dict):
            yield from (((key, inner), each) for inner, each in item.items())
        elif key != POLICIES or not isinstance(item, dict):
            yield (key,), item


def _said(value: Any) -> str:
    if isinstance(value, str) and "@" in value:
        return "what it is"
    if value == "":
        return "an empty text"
    return shown(value if isinstance(value, str | int | float | list | dict) else str(value))


def _fix(key: Key, value: Any) -> str | None:
    """Write a value the way the key takes it; None where that is not certain, or may be a credential."""
    if not isinstance(value, str) or "@" in value or len(value) > SHOWN_WIDTH:
        return None
    if value.isascii() and value.isdigit() and len(value) < 10 and key.is_valid(int(value)):
        return f"write {int(value)} without the quotes"
    return f"write [{json.dumps(value)}]" if key.is_valid([value]) else None


def _unknown(name: str) -> _Said:
    if _is_secret(name):
        return (
            ProblemName.CREDENTIAL_IN_FILE,
            f"{shown(name)}: no credential stands in a file that is shared",
            "set GCORE_API_KEY, or GCORE_API_KEY_FILE to the name of a file; and replace a key that was written here",
        )
    if f"limits.{name}" in KEYS:
        return ProblemName.UNKNOWN_KEY, f"unknown key `{name}`", "it belongs into the table `limits`"
    near = alike(name, (*KEYS, *_TABLES))
    fix = f"did you mean {one_of(near)}?" if near else _ELSEWHERE.get(name)
    return ProblemName.UNKNOWN_KEY, f"unknown key {shown(name)}", fix


_ELSEWHERE = {
    **dict.fromkeys(("sgctl", "tool"), f"in {FILE_NAME} the settings stand at the top, in no table of their own"),
    **dict.fromkeys(("security_groups", "address_groups", "rule_sets"), "it belongs into a YAML file"),
}
"""What to do about keys that are right in other files."""


@lru_cache(2)
def _positions(source: Source) -> dict[KeyPath, tuple[int, int]]:
    return key_positions(source.data.decode("utf-8-sig"))


def _closest(positions: Mapping[KeyPath, tuple[int, int]], path: KeyPath) -> tuple[int, int]:
    """Find a key, or what it is in."""
    while path and path not in positions:
        path = path[:-1]
    return positions.get(path, (1, 1))
