"""Finds the files of desired state below the paths of a run."""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from reconciler.model.errors import Issue
from reconciler.model.files import parts_below, resolved, strays
from reconciler.model.pattern import compile_pattern
from reconciler.model.place import FilePlace
from reconciler.model.problems import ProblemName

ENDINGS = (".yaml", ".yml")
LOCK_NAME = "sgctl.lock.yaml"
"""The file that holds the address groups that others publish, beside the files that name them."""


class Walk(NamedTuple):
    """What a walk through a folder takes: links out of it, and not what matches one of `exclude`.

    `repository` is the root of the git repository where the program runs: a path given that is in it by its name may be
    a link, for whoever changes the repository can make it one, but none that leads out of it, or to what is hidden.

    Those are globs of paths below `root`: `*` and `?` stay within a name, `**` stands for any folders, one without a
    slash matches a name in any folder, and a folder that matches is left out with all that is in it.
    """

    follow_links: bool = False
    exclude: tuple[str, ...] = ()
    root: str = "."
    repository: str | None = None

    def leads_out(self, path: str) -> bool:
        """Tell whether a path given is in the repository by its name, and in truth elsewhere, or hidden there."""
        return not self.follow_links and self.repository is not None and strays(path, self.repository)

    def matcher(self) -> Callable[[str], object] | None:
        """Return what tells whether a path is left out; None where nothing is."""
        if not self.exclude:
            return None
        patterns = compile_pattern("(?s)" + "|".join(map(_regex, self.exclude)))

        def is_excluded(path: str) -> object:
            name = Path(os.path.relpath(path, self.root)).as_posix()
            return patterns.fullmatch(name.encode("utf-8", "replace").decode())  # names need not be text

        return is_excluded


WALK = Walk()


def _regex(glob: str) -> str:
    """Translate a glob; Python's own has no `**` that matches before version 3.13."""
    glob = glob.removeprefix("./").rstrip("/")
    if glob.endswith("/**"):
        glob += "/*"
    parts = [_part(part) for part in ("**/" + glob if "/" not in glob else glob.lstrip("/")).split("/")]
    return "(?:" + "".join(parts).removesuffix("/") + ")"


def _part(part: str) -> str:
    if part == "**":
        return "(?:[^/]+/)*"
    signs = {"*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(sign) or re.escape(sign) for sign in part) + "/"


def find_files(paths: Sequence[str], *, walk: Walk = WALK) -> tuple[tuple[str, ...], tuple[Issue, ...]]:
    """List the files to read, as `walk_paths` does."""
    files, issues = walk_paths(paths, walk=walk)
    return tuple(files), issues


def walk_paths(paths: Sequence[str], *, walk: Walk = WALK) -> tuple[dict[str, str | None], tuple[Issue, ...]]:
    """List the files to read, each once, in the order given and sorted within a folder; paths stay as they were given.

    Of each it tells the folder in which it was found, from the root and without links; None where it was named.

    A folder stands for its `*.yaml` and `*.yml` files and those of its subfolders, without what is hidden. Whoever may
    write to a folder can put a link there, to a file that only the reader may read: unless the walk follows links, what
    leads out of the folder is an issue. A path that was given may be a link (within the repository, see `Walk`), or a
    pipe, and is never excluded. With a file comes the lock that is in its folder.
    """
    files: dict[tuple[int, int], tuple[str, str | None]] = {}
    issues: list[Issue] = []
    for path in paths:
        before = len(issues)
        try:
            if walk.leads_out(path):
                message = f"the path leads out of the repository ({walk.repository}), or to what is hidden there"
                issues.append(_outside(path, f"{message}, and is not read"))
                continue
            walker, is_folder = _Walker(path, issues, walk), Path(path).is_dir()
            folder = resolved(path) if is_folder else None
            for file in walker.files(path) if is_folder else [path, *walker.lock_beside(path)]:
                status = Path(file).stat()
                files.setdefault((status.st_dev, status.st_ino), (file, folder))
            if is_folder and not walker.found and len(issues) == before:
                message = "the folder holds no *.yaml or *.yml file"
                message += " but those that `exclude` in the settings leaves out" if walker.left_out else ""
                issues.append(path_issue(path, ProblemName.NO_FILES, message))
        except (OSError, ValueError) as error:
            issues.append(path_issue(getattr(error, "filename", None) or path, *reason_of(error)))
    return dict(files.values()), tuple(issues)


def find_excluded(paths: Sequence[str], walk: Walk) -> tuple[str, ...]:
    """List what `exclude` leaves out of the folders of a run: YAML files, and folders as wholes."""
    excluded: dict[str, None] = {}
    for path in paths if walk.exclude else ():
        with suppress(OSError, ValueError):
            walker = _Walker(path, [], walk)
            for _ in walker.files(path) if Path(path).is_dir() else ():
                pass
            excluded |= dict.fromkeys(walker.left_out)
    return tuple(excluded)


class _Walker:
    """Finds the YAML files below `root`; what is not to be read is noted in `issues`, and not opened."""

    def __init__(self, root: str, issues: list[Issue], walk: Walk) -> None:
        self.found = 0
        self.left_out: list[str] = []
        self._root = root
        self._issues = issues
        self._follow_links = walk.follow_links
        self._excludes = walk.matcher()
        self._seen: set[tuple[int, int]] = set()

    def files(self, folder: str) -> Iterator[str]:
        """List the files of a folder and its subfolders; links are followed, but into no folder twice."""
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in self._seen:
            return
        self._seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            visible = sorted(
                (entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name
            )
        for entry in visible:
            path = entry.name if folder == os.curdir else entry.path
            try:
                yield from self._files_of(entry, path)
            except OSError as error:
                self._refuse(path, *reason_of(error))

    def _files_of(self, entry: os.DirEntry[str], path: str) -> Iterator[str]:
        is_yaml = entry.name.endswith(ENDINGS)
        is_shouted = not is_yaml and entry.name.lower().endswith(ENDINGS)
        if entry.is_symlink() and not (is_yaml or is_shouted) and not Path(path).is_dir():
            return
        if self._excludes is not None and self._excludes(path):
            if is_yaml or entry.is_dir():
                self.left_out.append(path if is_yaml else f"{path}/")
            return
        if entry.is_symlink() and not self._follow_links and (where := self._out_of(path)):
            self._refuse(path, ProblemName.OUTSIDE_FOLDER, f"the link leads {where}, and is not read")
        elif entry.is_dir():
            yield from self.files(path)
        elif is_yaml and not stat.S_ISREG(entry.stat().st_mode):
            self._refuse(path, ProblemName.NOT_READABLE, "this is neither a file nor a folder")
        elif is_yaml:
            self.found += 1
            yield path
        elif is_shouted:  # left out in silence, its groups would be orphans
            message = (
                f"only {' and '.join(ENDINGS)} in small letters are read: rename it, or leave it out with `exclude`"
            )
            self._refuse(path, ProblemName.NOT_READABLE, message)

    def lock_beside(self, file: str) -> Iterator[str]:
        """Find the lock in the folder of a file; a link out of that is refused."""
        path = os.path.join(os.path.dirname(file), LOCK_NAME)  # noqa: PTH118, PTH120 - pathlib would drop a leading ./
        if not Path(path).is_file():
            return
        self._root = os.path.dirname(file) or os.curdir  # noqa: PTH120 - the same
        if Path(path).is_symlink() and not self._follow_links and (where := self._out_of(path)):
            self._refuse(path, ProblemName.OUTSIDE_FOLDER, f"the link leads {where}, and is not read")
        else:
            yield path

    def _out_of(self, path: str) -> str | None:
        """Say where a link leads that must not: also to what is hidden, as `.git/config`, which may hold a token."""
        parts = parts_below(path, self._root)
        if parts is None:
            return f"out of {self._root}"
        return "to what is hidden" if any(part.startswith(".") for part in parts) else None

    def _refuse(self, path: str, name: ProblemName, message: str) -> None:
        self._issues.append(
            _outside(path, message) if name is ProblemName.OUTSIDE_FOLDER else path_issue(path, name, message)
        )


def _outside(path: str, message: str) -> Issue:
    fix = "pass --follow-links if whoever may write to that folder may read all that you may read"
    return replace(path_issue(path, ProblemName.OUTSIDE_FOLDER, message), fix=fix)


def path_issue(path: str, name: ProblemName, message: str) -> Issue:
    """Make an issue of a path as a whole."""
    return Issue(FilePlace(path, 1, 1), name, message)


def reason_of(error: OSError | ValueError) -> tuple[ProblemName, str]:
    """Word why a path cannot be read."""
    if isinstance(error, FileNotFoundError):
        return ProblemName.NOT_FOUND, "there is no such file or folder"
    if isinstance(error, PermissionError):
        return ProblemName.NOT_READABLE, "no permission to read it"
    if isinstance(error, ValueError):
        # Python's words change from version to version.
        return ProblemName.NOT_READABLE, "it cannot be read: a path holds no such character"
    if error.errno == errno.ELOOP:
        return ProblemName.NOT_READABLE, "it cannot be read: the link leads to itself"
    return ProblemName.NOT_READABLE, f"it cannot be read: {error.strerror or error}"
