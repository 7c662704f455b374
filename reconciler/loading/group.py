"""One written security group: its attributes and its rules."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from reconciler.loading.document import Document
from reconciler.loading.issues import Budget, Issues, Path, Problem
from reconciler.loading.remote import AddressGroup, count_prefixes, named_address_groups, read_remotes
from reconciler.loading.report import report, report_malformed, report_notes
from reconciler.loading.rule import expand
from reconciler.loading.structure import check_of, is_well_formed, well_formed_part
from reconciler.model.cloud import DEFAULT_GROUP, MAX_RULES
from reconciler.model.desired import DesiredGroup, DesiredRule, Target
from reconciler.model.live import OWNER_TAG
from reconciler.model.place import Key
from reconciler.model.policies import PolicyException, Review
from reconciler.model.problems import ProblemName
from reconciler.model.rule import Rule
from reconciler.model.text import shown


class ReadReview(NamedTuple):
    """The review, or what is wrong with it."""

    review: Review | None
    problems: tuple[Problem, ...] = ()


NO_TERMS = ReadReview(None)


def read_review(fragment: dict[str, Any]) -> ReadReview:
    """Read the review of a well-formed rule or group; None where it has none."""
    if "expires" not in fragment and "exception" not in fragment:
        return NO_TERMS
    problems: list[Problem] = []
    expires = _date(fragment["expires"], ("expires",), problems) if "expires" in fragment else None
    written = fragment.get("exception", [])
    exceptions = []
    for index, one in enumerate(written if isinstance(written, list) else [written]):
        path: Path = ("exception", index, "until") if isinstance(written, list) else ("exception", "until")
        until = _date(one["until"], path, problems)
        if until is not None:
            exceptions.append(PolicyException(one["policy"], one["reason"], until))
    return ReadReview(None, tuple(problems)) if problems else ReadReview(Review(expires, tuple(exceptions)))


def _date(text: str, path: Path, problems: list[Problem]) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems.append(
            Problem(
                path, ProblemName.NO_SUCH_DATE, f"{shown(text)} is no day of the calendar", "write it as year-month-day"
            )
        )
        return None


MAX_EXPANSIONS = 5_000_000
"""Rules that the written ones of a run are multiplied to, and prefixes looked at for it: a few seconds of work.

A rule of 50 bytes may name address groups of 100,000 prefixes, and stand there as often as fits.
"""


class Scope(NamedTuple):
    """What the groups of a document share; `expansions` is shared by all documents of a run."""

    document: Document
    targets: tuple[Target, ...]
    owner: str | None
    address_groups: Mapping[str, AddressGroup]
    issues: Issues
    expansions: Budget


def read_group(scope: Scope, index: int, group: Any) -> list[DesiredGroup]:
    """Read a group of a document, once for each target."""
    document, issues = scope.document, scope.issues
    path = ("security_groups", index)
    rules = None
    written_rules = group.get("rules") if isinstance(group, dict) else None
    if isinstance(written_rules, list):
        rules = _read_rules(scope, path, written_rules, group.get("id"))
    head = {**group, "rules": []} if isinstance(written_rules, list) else group
    if not is_well_formed("security_group", head):
        report_malformed(document, path, "security_group", head, issues)
        return []
    review, wrong_review = read_review(group)
    report(document, path, (*_problems(group, scope), *wrong_review), issues)
    group_id = group.get("id")
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


def _foreign(rule: dict[str, Any], group_id: object) -> tuple[Problem, ...]:
    """Refuse a rule whose `security_group_id` is not that of the group, or of the rules before it."""
    written = rule.get("security_group_id", group_id)
    if group_id is None or str(written).lower() == str(group_id).lower():
        return ()
    message = f"this rule belongs to the group {shown(written)}, and stands in {shown(group_id)}"
    fix = "move it there, or leave `security_group_id` out"
    return (Problem(("security_group_id",), ProblemName.RULE_OF_ANOTHER_GROUP, message, fix, at_key=True),)


def _kind_of(item: Any) -> str:
    """Return the name of the definition in the schema that an item of `rules` is held to."""
    return "preset_item" if item.__class__ is dict and "preset" in item else "rule"


def _read_rules(
    scope: Scope, path: tuple[Key, ...], written: Sequence[Any], group_id: object
) -> tuple[DesiredRule, ...]:
    """Read the rules of the group with this id; None where the file gives it none.

    Stops when the run has no expansions left, which whoever gave them has to report.
    """
    document, issues, expansions = scope.document, scope.issues, scope.expansions
    if expansions.is_spent:
        return ()
    path = (*path, "rules")
    places = document.item_places(*path)
    rules: dict[tuple[Rule, str | None], DesiredRule] = {}
    count = 0
    for index, (rule, place) in enumerate(zip(written, places, strict=True)):
        if not expansions.take(count_prefixes(rule, scope.address_groups)):
            return ()
        kind = _kind_of(rule)
        if not check_of(kind)(rule):
            _report_malformed_rule(scope, (*path, index), kind, rule)
            continue
        expansion = expand(rule, scope.address_groups)
        review, wrong_review = read_review(rule)
        foreign = _foreign(rule, group_id)
        group_id = group_id or rule.get("security_group_id")
        if expansion.problems or wrong_review or foreign:
            report(document, (*path, index), (*expansion.problems, *wrong_review, *foreign), issues)
            continue
        report_notes(document, (*path, index), expansion.notes, issues)
        description = rule.get("description") or ""
        count += expansion.number
        expansions.take(len(expansion.rules))
        for key in expansion.rules:
            known = rules.get(key)
            if known is None:
                rules[key] = DesiredRule(
                    key[0], description, place, key[1], review, expansion.address_groups.get(key[0])
                )
                continue
            count -= 1
            if known.description != description or known.review != review:
                what = "descriptions" if known.description != description else "dates or exceptions"
                message = f"the same rule is there twice, with different {what}"
                issues.add(
                    place, ProblemName.SAME_RULE_TWICE, message, "keep one of the two", (("the other", known.place),)
                )
    if count > MAX_RULES:
        _report_too_many(scope, path, written, count)
    return tuple(rules.values())


def _report_too_many(scope: Scope, path: tuple[Key, ...], written: Sequence[Any], count: int) -> None:
    message = f"the rules of this group are {count:,} when expanded, over the limit of {MAX_RULES}"
    fix = "split the group, or use wider prefixes and ranges"
    used = {name for rule in written for name in named_address_groups(rule, scope.address_groups)}
    longest = max(((len(scope.address_groups[name].prefixes), name) for name in used), default=(0, ""))
    if 2 * longest[0] > MAX_RULES:
        message += f"; the address group {shown(longest[1])} alone has {longest[0]:,} prefixes"
        fix = (
            "name it in fewer rules or with a range of ports, or split it between groups: an instance can have several"
        )
    scope.issues.add(scope.document.key_place(*path), ProblemName.TOO_MANY_RULES, message, fix)


def _report_malformed_rule(scope: Scope, path: tuple[Key, ...], kind: str, rule: Any) -> None:
    report_malformed(scope.document, path, kind, rule, scope.issues)
    if not scope.issues.full:
        remotes = read_remotes(well_formed_part(kind, rule), scope.address_groups)
        report(scope.document, path, remotes[1], scope.issues)
