"""A list of rules, of a group or of a rule set -> the rules that it means, each once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from reconciler.loading.document import Document
from reconciler.loading.issues import Budget, Issues, Path, Problem
from reconciler.loading.remote import AddressGroup, count_prefixes, named_address_groups, read_remotes
from reconciler.loading.report import report, report_malformed, report_notes
from reconciler.loading.rule import expand
from reconciler.loading.structure import check_of, well_formed_part
from reconciler.model.cloud import MAX_RULES
from reconciler.model.desired import DesiredRule
from reconciler.model.place import Key, Place, UsedPlace, used_at
from reconciler.model.policies import PolicyException, Review
from reconciler.model.problems import ProblemName
from reconciler.model.rule import Rule
from reconciler.model.text import MOST_WORDS, is_uuid, shown


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
                path,
                ProblemName.NO_SUCH_DATE,
                f"{shown(text)} is no day of the calendar",
                "write a day that there is, as year-month-day",
            )
        )
        return None


MAX_EXPANSIONS = 5_000_000
"""Rules that the written ones of a run are multiplied to, and prefixes looked at for it: a few seconds of work.

A rule of 50 bytes may name address groups of 100,000 prefixes, and stand there as often as fits.
"""


class Shared(NamedTuple):
    """What the files of a run define for all of them, by name: address groups, and rule sets as the rules they mean."""

    address_groups: Mapping[str, AddressGroup]
    rule_sets: Mapping[str, tuple[DesiredRule, ...]]


NOTHING_SHARED = Shared({}, {})


class RuleScope(NamedTuple):
    """What the lists of rules of a document share; `expansions` is shared by all documents of a run."""

    document: Document
    shared: Shared
    issues: Issues
    expansions: Budget


def kind_of(item: Any) -> str:
    """Return the name of the definition in the schema that an item of a list of rules is held to."""
    if item.__class__ is dict:
        if "preset" in item:
            return "preset_item"
        if "use" in item:
            return "use_item"
    return "rule"


def is_use(item: Any) -> bool:
    """Tell whether an item of a list of rules is a well-formed `use`."""
    return kind_of(item) == "use_item" and bool(check_of("use_item")(item))


def names_of_use(item: Mapping[str, Any]) -> Sequence[tuple[Path, str]]:
    """List the names of a well-formed `use`, each with its path in the item."""
    names = item["use"]
    return [(("use",), names)] if isinstance(names, str) else [(("use", i), name) for i, name in enumerate(names)]


_Same = tuple[Rule, str | None]
"""What makes two rules the same: the rule, and the name of its remote group."""


def read_rules(
    scope: RuleScope, path: tuple[Key, ...], written: Sequence[Any], group_id: object = None
) -> tuple[DesiredRule, ...]:
    """Read the list at a path of the document, of the group with this id; None where the file gives it none.

    Stops when the run has no expansions left, which whoever gave them has to report.
    """
    document, (address_groups, _), issues, expansions = scope
    if expansions.is_spent:
        return ()
    places = document.item_places(*path)
    rules: dict[_Same, DesiredRule] = {}
    used: set[str] = set()
    not_made = 0
    for index, (rule, place) in enumerate(zip(written, places, strict=True)):
        if not expansions.take(count_prefixes(rule, address_groups)):
            return ()
        kind = kind_of(rule)
        if not check_of(kind)(rule):
            _report_malformed_rule(scope, (*path, index), kind, rule)
            continue
        if kind == "use_item":
            _add_used(scope, (*path, index), rule, place, rules, used)
            continue
        expansion = expand(rule, address_groups)
        review, wrong_review = read_review(rule)
        foreign = _foreign(rule, group_id if path[0] != "rule_sets" else None)  # those rules are of every group
        group_id = group_id or rule.get("security_group_id")
        if expansion.problems or wrong_review or foreign:
            report(document, (*path, index), (*expansion.problems, *wrong_review, *foreign), issues)
            continue
        report_notes(document, (*path, index), expansion.notes, issues)
        description = rule.get("description") or ""
        not_made += expansion.number - len(expansion.rules)
        expansions.take(len(expansion.rules))
        origins = expansion.address_groups
        for each, name in expansion.rules:
            _add(rules, DesiredRule(each, description, place, name, review, origins.get(each)), issues)
    if len(rules) + not_made > MAX_RULES:
        _report_too_many(scope, path, written, len(rules) + not_made)
    return tuple(rules.values())


def _foreign(rule: dict[str, Any], group_id: object) -> tuple[Problem, ...]:
    """Refuse a rule whose `security_group_id` is not that of the group, or of the rules before it.

    To some tools that key is the remote (Terraform for Yandex): without one, the rule would be for every address.
    """
    written = rule.get("security_group_id")
    if written is None:
        return ()
    name, message = ProblemName.RULE_OF_ANOTHER_GROUP, f"this rule belongs to the group {shown(written)}"
    if not is_uuid(str(written)):
        name = ProblemName.WRONG_VALUE
        message = f"`security_group_id` is the UUID of the rule's group, not {shown(written)}"
        fix = "use `remote_group` if it is the remote, and leave it out if not"
    elif group_id is not None and str(written).lower() != str(group_id).lower():
        message += f", and stands in {shown(group_id)}"
        fix = "move it there, or leave `security_group_id` out"
    else:
        return ()
    return (Problem(("security_group_id",), name, message, fix, at_key=True),)


def names_group(item: Any) -> bool:
    """Tell whether an item of a list of rules says to which group it belongs."""
    return isinstance(item, dict) and isinstance(item.get("security_group_id"), str)


def _add_used(
    scope: RuleScope,
    path: tuple[Key, ...],
    item: Mapping[str, Any],
    place: Place,
    rules: dict[_Same, DesiredRule],
    used: set[str],
) -> None:
    """Add the rules of the sets that an item names, and that are not `used` yet."""
    for inner, name in names_of_use(item):
        rule_set = scope.shared.rule_sets.get(name)
        if rule_set is None:
            guess = name, tuple(islice(scope.shared.rule_sets, MOST_WORDS))
            message = f"no file defines the rule set {shown(name)}"
            fix = "define it under `rule_sets` of any file, and give that file, or its folder, too"
            if name in scope.shared.address_groups:
                message += ": this is an address group"
                fix = f"write a rule with `remote_address_group: {name}`"
            problem = Problem(inner, ProblemName.UNKNOWN_RULE_SET, message, fix, guess=guess)
            report(scope.document, path, (problem,), scope.issues)
        elif scope.expansions.take(len(rule_set)) and name not in used:  # one that repeats costs others as much
            used.add(name)
            for rule in rule_set:
                known = rules.get((rule.rule, rule.remote_group))
                if known is None or what_differs(known, rule):
                    _add(rules, replace(rule, place=used_at(place, name, rule.place)), scope.issues)


def _add(rules: dict[_Same, DesiredRule], rule: DesiredRule, issues: Issues) -> None:
    """Add a rule, once; the same one with another description or review is an issue."""
    known = rules.setdefault((rule.rule, rule.remote_group), rule)
    if what := what_differs(known, rule):
        message = f"the same rule is there twice, with different {what}"
        is_of_set = isinstance(known.place, UsedPlace) or isinstance(rule.place, UsedPlace)
        fix = "keep one of the two" + (", or write the same in both" if is_of_set else "")
        issues.add(rule.place, ProblemName.SAME_RULE_TWICE, message, fix, (("the other", known.place),))


def what_differs(one: DesiredRule, other: DesiredRule) -> str:
    """Say in what two rules that are the same differ, so that not both can be meant; "" where in nothing."""
    if one.description != other.description:
        return "descriptions"
    return "dates or exceptions" if one.review != other.review else ""


def _report_too_many(scope: RuleScope, path: tuple[Key, ...], written: Sequence[Any], count: int) -> None:
    address_groups, rule_sets = scope.shared
    is_set = path[0] == "rule_sets"
    of_what = "this rule set" if is_set else "this group"
    message = (
        f"the rules of {of_what} are {count:,} when expanded, over the limit of {MAX_RULES}{' of a group' * is_set}"
    )
    fix = f"split the {'set' if is_set else 'group'}, or use wider prefixes and ranges"
    used = {name for rule in written for name in named_address_groups(rule, address_groups)}
    longest = max(((len(address_groups[name].prefixes), name) for name in used), default=(0, ""))
    if 2 * longest[0] > MAX_RULES:
        message += f"; the address group {shown(longest[1])} alone has {longest[0]:,} prefixes"
        fix = (
            "name it in fewer rules or with a range of ports, or split it between groups: an instance can have several"
        )
    sets = {name for item in written if is_use(item) for _, name in names_of_use(item) if name in rule_sets}
    if sets:
        largest = max((len(rule_sets[name]), name) for name in sets)
        message += f"; {largest[0]:,} are of the rule set {shown(largest[1])}"
    scope.issues.add(scope.document.key_place(*path), ProblemName.TOO_MANY_RULES, message, fix)


def _report_malformed_rule(scope: RuleScope, path: tuple[Key, ...], kind: str, rule: Any) -> None:
    if isinstance(rule, str) and rule in scope.shared.rule_sets:
        message = f"a rule is a mapping, not {shown(rule)}, which is a rule set"
        problem = Problem((), ProblemName.NOT_A_MAPPING, message, f"write {{use: {rule}}}")
        report(scope.document, path, (problem,), scope.issues)
        return
    report_malformed(scope.document, path, kind, rule, scope.issues)
    if not scope.issues.full:
        remotes = read_remotes(well_formed_part(kind, rule), scope.shared.address_groups)
        report(scope.document, path, remotes[1], scope.issues)
