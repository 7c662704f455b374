"""What stands above the groups of a document: which projects and regions it is for, and its owner."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from reconciler.loading.document import Document
from reconciler.loading.ignore_rules import read_ignore_rules
from reconciler.loading.issues import Issues
from reconciler.loading.report import report_malformed
from reconciler.loading.structure import is_well_formed
from reconciler.loading.values import is_own_key
from reconciler.model import environment
from reconciler.model.desired import Kind, NamedTarget, NameUse, Target
from reconciler.model.ignore_rules import IgnoreRule
from reconciler.model.place import Key, Place
from reconciler.model.problems import ProblemName

_KINDS: tuple[Kind, ...] = ("project", "region")
_VARIABLES = {"project": environment.PROJECT_ID, "region": environment.REGION_ID}
_BESIDE_IT = "the id beside it"


class Said(NamedTuple):
    """A project or a region as one source outside of the files says it: by its id, its name, or both.

    `source` is where the name comes from, such as an option.
    """

    number: int | None = None
    name: str | None = None
    source: str = ""

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is said."""
        return self.number is None and self.name is None


@dataclass(frozen=True, slots=True)
class Defaults:
    """Project and region from outside the files: from flags, and from the environment.

    Both only fill what a document leaves out. A flag that contradicts a document is an error; the environment never is.
    `project` and `region` are flags that give names; those of the environment say where they come from.
    """

    project_id: int | None = None
    region_id: int | None = None
    environment_project_id: int | None = None
    environment_region_id: int | None = None
    project: str | None = None
    region: str | None = None
    environment_project: tuple[str, str] | None = None
    environment_region: tuple[str, str] | None = None

    def flag(self, kind: Kind) -> Said:
        """Return what the command line says."""
        if kind == "project":
            return Said(self.project_id, self.project, "--project")
        return Said(self.region_id, self.region, "--region")

    def fill(self, kind: Kind) -> Said:
        """Return what stands in for what a document leaves out."""
        flag = self.flag(kind)
        if not flag.is_nothing:
            return flag
        if kind == "project":
            return Said(self.environment_project_id, *(self.environment_project or ()))
        return Said(self.environment_region_id, *(self.environment_region or ()))

    def target(self) -> tuple[Target, tuple[NameUse, ...]] | None:
        """Return the target that is meant where no document says, and the names to look up; None without one."""
        project, region = self.fill("project"), self.fill("region")
        if project.is_nothing or region.is_nothing:
            return None
        uses = (*_use("project", project), *_use("region", region))
        return _target((project.number or 0, project.name), (region.number or 0, region.name)), uses


_Found = tuple[int, str | None]
"""The id of a project or a region, 0 where only its name is known; and the name, where it is written."""


def _use(kind: Kind, said: Said) -> tuple[NameUse, ...]:
    return () if said.name is None else (NameUse(kind, said.name, said.source, None, said.number, _BESIDE_IT),)


def _target(project: _Found, region: _Found) -> Target:
    kind = Target if project[1] is None and region[1] is None else NamedTarget
    return kind(project[0], region[0], project[1], region[1])


class Head(NamedTuple):
    """What stands above the groups: the targets, the owner, and the names of projects and regions to look up.

    `ignore_rules` hold for every group of the document.
    """

    targets: tuple[Target, ...] = ()
    owner: str | None = None
    names: tuple[NameUse, ...] = ()
    ignore_rules: tuple[IgnoreRule, ...] = ()


class _Reader:
    """Reads the targets of a document whose head is well-formed."""

    def __init__(self, document: Document, defaults: Defaults, issues: Issues) -> None:
        self._document = document
        self._head: dict[str, Any] = document.value
        self._defaults = defaults
        self._issues = issues
        self.names: list[NameUse] = []

    def targets(self) -> tuple[Target, ...]:
        """Return the targets, none where one of them is wrong."""
        before = len(self._issues)
        paths: list[tuple[Key, ...]] = [()]
        if "targets" in self._head:
            paths = [("targets", index) for index in range(len(self._head["targets"]))]
            self._find_unused()
        targets: dict[Target, tuple[Key, ...]] = {}
        for path in paths:
            project, region = (self._one(kind, path) for kind in _KINDS)
            if project is None or region is None:
                continue
            target = _target(project, region)
            if target in targets:
                other = ("the other", self._document.place(*targets[target]))
                fix = "keep one of the two"
                place = self._document.place(*path)
                self._issues.add(place, ProblemName.TARGET_TWICE, f"{target} is there twice", fix, (other,))
            targets[target] = path
        return tuple(targets) if len(self._issues) == before else ()

    def _find_unused(self) -> None:
        for kind in _KINDS:
            if all(_says(entry, kind) for entry in self._head["targets"]):
                for key in _says(self._head, kind):
                    message = f"`{key}` is in every entry of `targets` too"
                    place = self._document.key_place(key)
                    self._issues.add(place, ProblemName.UNUSED_HEAD, message, "leave it out here or there")

    def _one(self, kind: Kind, path: tuple[Key, ...]) -> _Found | None:
        """Read a project or a region: from the entry, from the document's head, from flag or environment."""
        entry: Any = self._head
        for step in path:
            entry = entry[step]
        level, path = (entry, path) if _says(entry, kind) else (self._head, ())
        number, name = level.get(f"{kind}_id"), level.get(kind)
        if number is None and name is None:
            return self._filled(kind, self._document.place(*path) if path else _first_group_key(self._document))
        if name is not None:
            place = self._document.place(*path, kind)
            self.names.append(NameUse(kind, name, None, place, number, f"{kind}_id"))
        self._compare_with_flag(kind, number, name, path)
        return number or 0, name

    def _filled(self, kind: Kind, place: Place) -> _Found | None:
        said = self._defaults.fill(kind)
        if said.is_nothing:
            key, variable = f"{kind}_id", _VARIABLES[kind]
            fix = f"write {key}, or {kind} with its name, into the file, pass --{kind}-id or set {variable}"
            self._issues.add(place, ProblemName.MISSING_TARGET, f"`{key}` is missing", fix)
            return None
        self.names += _use(kind, said)
        return said.number or 0, said.name

    def _compare_with_flag(self, kind: Kind, number: int | None, name: str | None, path: tuple[Key, ...]) -> None:
        """Report a flag that contradicts the document. Whether an id and a name do is known when they are looked up."""
        flag = self._defaults.flag(kind)
        for key, option, written, given in (
            (f"{kind}_id", f"--{kind}-id", number, flag.number),
            (kind, f"--{kind}", name, flag.name),
        ):
            if None not in (written, given) and written != given:
                message = f"{key} {written} contradicts {option} {given}"
                fix = f"leave {option} out, or {key} in the file"
                self._issues.add(self._document.place(*path, key), ProblemName.CONTRADICTS_FLAG, message, fix)
        if flag.number is not None and number is None and name is not None:
            place = self._document.place(*path, kind)
            self.names.append(NameUse(kind, name, None, place, flag.number, f"--{kind}-id"))
        if flag.name is not None and name is None:
            place = self._document.place(*path, f"{kind}_id")
            self.names.append(NameUse(kind, flag.name, flag.source, place, number, f"{kind}_id"))


def _says(level: dict[str, Any], kind: Kind) -> tuple[str, ...]:
    """Return the keys by which a document's head, or an entry of `targets`, says which project or region it is for."""
    return tuple(key for key in (f"{kind}_id", kind) if key in level)


def _first_group_key(document: Document) -> Place:
    return document.key_place("security_groups")


MAX_GROUPS = 100_000
"""Groups that a document may ask for, in all of its targets, and so may all documents of a run."""
_MAPPINGS = frozenset({"address_groups", "rule_sets", "policies"})


def read_head(document: Document, defaults: Defaults, issues: Issues) -> Head:
    """Read what stands above the groups."""
    value = document.value
    head = value
    if isinstance(value, dict):
        empty: dict[str, Any] = {"security_groups": [], **{key: {} for key in _MAPPINGS}}
        head = {key: empty[key] if _is_body(key, part) else part for key, part in value.items() if not is_own_key(key)}
    if not is_well_formed("document", head):
        report_malformed(document, (), "document", head, issues)
        return Head()
    groups = value.get("security_groups")
    reader = _Reader(document, defaults, issues)
    targets = reader.targets() if groups is not None else ()
    if len(targets) * len(groups or ()) > MAX_GROUPS:
        message = f"{len(groups):,} groups for {len(targets):,} targets are over the limit of {MAX_GROUPS:,} in all"
        issues.add(document.key_place("targets"), ProblemName.TOO_MANY_GROUPS, message, "split the document")
        targets = ()
    ignored = read_ignore_rules(document, (), value, issues)
    return Head(targets, value.get("owner"), tuple(reader.names), ignored)


def _is_body(key: str, part: Any) -> bool:
    return isinstance(part, list) if key == "security_groups" else key in _MAPPINGS and isinstance(part, dict)
