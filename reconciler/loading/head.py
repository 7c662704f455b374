"""What stands above the groups of a document: which projects and regions it is for, and its owner."""

from dataclasses import dataclass
from typing import Any

from reconciler.loading.document import Document
from reconciler.loading.issues import Issues
from reconciler.loading.report import report_malformed
from reconciler.loading.structure import is_well_formed
from reconciler.loading.values import is_own_key
from reconciler.model import environment
from reconciler.model.desired import Target
from reconciler.model.place import Key, Place
from reconciler.model.problems import ProblemName

_FLAGS = {"project_id": "--project-id", "region_id": "--region-id"}
_VARIABLES = {"project_id": environment.PROJECT_ID, "region_id": environment.REGION_ID}


@dataclass(frozen=True, slots=True)
class Defaults:
    """Project and region from outside the files: from flags, and from the environment.

    Both only fill what a document leaves out. A flag that contradicts a document is an error; the environment never is.
    """

    project_id: int | None = None
    region_id: int | None = None
    environment_project_id: int | None = None
    environment_region_id: int | None = None

    def flag(self, key: str) -> int | None:
        """Return what the command line says."""
        return self.project_id if key == "project_id" else self.region_id

    def fill(self, key: str) -> int | None:
        """Return what stands in for a key that a document leaves out."""
        outside = self.environment_project_id if key == "project_id" else self.environment_region_id
        return self.flag(key) if self.flag(key) is not None else outside


def read_targets(document: Document, defaults: Defaults, issues: Issues) -> tuple[Target, ...]:
    """Read the targets of a document with a well-formed head; none where one of them is wrong."""
    head: dict[str, Any] = document.value
    before = len(issues)
    paths: list[tuple[Key, ...]] = [()]
    if "targets" in head:
        paths = [("targets", index) for index in range(len(head["targets"]))]
        for key in _FLAGS:
            if key in head and all(key in entry for entry in head["targets"]):
                fix = "leave it out here or there"
                issues.add(
                    document.key_place(key), ProblemName.UNUSED_HEAD, f"`{key}` is in every entry of `targets` too", fix
                )
    targets: dict[Target, tuple[Key, ...]] = {}
    for path in paths:
        project_id = _read_id(document, defaults, issues, path, "project_id")
        region_id = _read_id(document, defaults, issues, path, "region_id")
        if project_id is None or region_id is None:
            continue
        target = Target(project_id, region_id)
        if target in targets:
            other = ("the other", document.place(*targets[target]))
            issues.add(
                document.place(*path),
                ProblemName.TARGET_TWICE,
                f"{target} is there twice",
                "keep one of the two",
                (other,),
            )
        targets[target] = path
    return tuple(targets) if len(issues) == before else ()


def _read_id(document: Document, defaults: Defaults, issues: Issues, path: tuple[Key, ...], key: str) -> int | None:
    """Read a project or a region: from the entry, from the document's head, from flag or environment."""
    head = document.value
    entry = head
    for step in path:
        entry = entry[step]
    written = entry.get(key, head.get(key))
    if written is None:
        value = defaults.fill(key)
        if value is None:
            place = document.place(*path) if path else _first_group_key(document)
            fix = f"write {key} into the file, pass {_FLAGS[key]} or set {_VARIABLES[key]}"
            issues.add(place, ProblemName.MISSING_TARGET, f"`{key}` is missing", fix)
        return value
    flag = defaults.flag(key)
    if flag is not None and flag != written:
        place = document.place(*path, key) if key in entry else document.place(key)
        fix = f"leave {_FLAGS[key]} out, or {key} in the file"
        issues.add(place, ProblemName.CONTRADICTS_FLAG, f"{key} {written} contradicts {_FLAGS[key]} {flag}", fix)
    return int(written)


def _first_group_key(document: Document) -> Place:
    return document.key_place("security_groups")


MAX_GROUPS = 100_000
"""Groups that a document may ask for, in all of its targets, and so may all documents of a run."""
_MAPPINGS = frozenset({"address_groups", "policies"})


def read_head(document: Document, defaults: Defaults, issues: Issues) -> tuple[tuple[Target, ...], str | None]:
    """Read what stands above the groups: the targets and the owner."""
    value = document.value
    head = value
    if isinstance(value, dict):
        empty: dict[str, Any] = {"security_groups": [], "address_groups": {}, "policies": {}}
        head = {key: empty[key] if _is_body(key, part) else part for key, part in value.items() if not is_own_key(key)}
    if not is_well_formed("document", head):
        report_malformed(document, (), "document", head, issues)
        return (), None
    groups = value.get("security_groups")
    targets = read_targets(document, defaults, issues) if groups is not None else ()
    if len(targets) * len(groups or ()) > MAX_GROUPS:
        message = f"{len(groups):,} groups for {len(targets):,} targets are over the limit of {MAX_GROUPS:,} in all"
        issues.add(document.key_place("targets"), ProblemName.TOO_MANY_GROUPS, message, "split the document")
        targets = ()
    return targets, value.get("owner")


def _is_body(key: str, part: Any) -> bool:
    return isinstance(part, list) if key == "security_groups" else key in _MAPPINGS and isinstance(part, dict)
