"""One written security group: its attributes and its rules."""

from typing import Any, NamedTuple

from reconciler.loading.ignore_rules import read_ignore_rules, refuse_ignored
from reconciler.loading.issues import Problem
from reconciler.loading.report import report, report_malformed
from reconciler.loading.rules import RuleScope, names_group, read_review, read_rules
from reconciler.loading.structure import is_well_formed
from reconciler.model.cloud import DEFAULT_GROUP
from reconciler.model.desired import DesiredGroup, Target
from reconciler.model.ignore_rules import IgnoreRule
from reconciler.model.live import OWNER_TAG
from reconciler.model.problems import ProblemName


class Scope(NamedTuple):
    """What the groups of a document share. `ignore_rules` stand above the groups, and hold for each of them."""

    targets: tuple[Target, ...]
    owner: str | None
    rules: RuleScope
    ignore_rules: tuple[IgnoreRule, ...] = ()


def read_group(scope: Scope, index: int, group: Any) -> list[DesiredGroup]:
    """Read a group of a document, once for each target."""
    document, _, issues, _ = scope.rules
    path = ("security_groups", index)
    rules = None
    written_rules = group.get("rules") if isinstance(group, dict) else None
    if isinstance(written_rules, list):
        rules = read_rules(scope.rules, (*path, "rules"), written_rules, group.get("id"))
    head = {**group, "rules": []} if isinstance(written_rules, list) else group
    if not is_well_formed("security_group", head):
        report_malformed(document, path, "security_group", head, issues)
        return []
    review, wrong_review = read_review(group)
    report(document, path, (*_problems(group, scope), *wrong_review), issues)
    ignored = read_ignore_rules(document, path, group, issues, scope.ignore_rules)
    refuse_ignored(rules or (), ignored, issues)
    group_id = group.get("id")
    rules_of = next((each["security_group_id"].lower() for each in written_rules or () if names_group(each)), None)
    place = document.place(*path)
    return [
        DesiredGroup(
            target=target,
            name=group["name"],
            place=place,
            id=group_id.lower() if group_id else None,
            previous_name=group.get("previous_name"),
            description=group.get("description"),
            tags=group.get("tags"),
            rules=rules,
            owner=scope.owner,
            prevent_destroy=group.get("prevent_destroy"),
            exceptions=review.exceptions if review else (),
            ignore_rules=ignored,
            rules_of=rules_of,
        )
        for target in scope.targets
    ]


def _problems(group: dict[str, Any], scope: Scope) -> list[Problem]:
    """List what a schema cannot say about a group."""
    problems = []
    name, previous_name = group["name"], group.get("previous_name")
    if previous_name == name:
        problems.append(
            Problem(
                ("previous_name",), ProblemName.PREVIOUS_NAME_SAME, "`previous_name` is the name itself", "leave it out"
            )
        )
    elif DEFAULT_GROUP in {name, previous_name} and previous_name is not None:
        problems.append(
            Problem(
                ("previous_name",),
                ProblemName.DEFAULT_RENAMED,
                "the group `default` cannot be renamed",
                "leave previous_name out",
            )
        )
    if "id" in group and len(scope.targets) > 1:
        message = f"a group with an `id` is in one target, and the document is for {len(scope.targets)}"
        problems.append(
            Problem(
                ("id",),
                ProblemName.ID_IN_SEVERAL_TARGETS,
                message,
                "move the group to a document of its own",
                at_key=True,
            )
        )
    tag = group.get("tags", {}).get(OWNER_TAG)
    if tag is not None and tag != scope.owner:
        message = f"the tag `{OWNER_TAG}` is not set by hand"
        problems.append(
            Problem(
                ("tags", OWNER_TAG),
                ProblemName.OWNER_TAG,
                message,
                f"use `owner: {tag}` at the head of the document",
                at_key=True,
            )
        )
    return problems
