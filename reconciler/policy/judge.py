"""All policies about groups at once, on desired state, and what findings have in common. Pure."""

from collections.abc import Iterable, Iterator
from datetime import date

from reconciler.model.desired import DesiredState, Target
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import Finding, Rulebook
from reconciler.policy.flows import check_flows
from reconciler.policy.judging import Judging, judgings_of
from reconciler.policy.rules import (
    check_descriptions,
    check_expiry,
    check_prefixes,
    check_protocols,
    check_smtp,
    check_tags,
)
from reconciler.policy.subject import Subject, desired_subject, names_of

MAX_FINDINGS = 10_000
"""Findings of a run: more would be read by nobody, and take for ever. A run with more of them is stopped."""

FINDING_LIMIT = "finding-limit"


def judge_desired(state: DesiredState, today: date, outside: Rulebook | None = None) -> tuple[Finding, ...]:
    """Judge what the files ask for, offline: groups whose rules they leave out are left to `plan` and `audit`."""
    both = judgings_of(state.policies, outside, today, len(state.groups))
    ids: dict[Target, dict[str, str]] = {}
    for group in state.groups:
        ids.setdefault(group.target, {})[group.name] = group.id or placeholder(group.name)
    names = names_of(ids)
    written = [group for group in state.groups if group.rules is not None]
    subjects = ((desired_subject(each, ids[each.target], names[each.target]) for each in written) for _ in both)
    return unique_findings(
        found
        for judging, each in zip(both, subjects, strict=True)
        for subject in each
        for found in (*judge_group(subject, judging), *check_smtp(subject, judging))
    )


def judge_dates(state: DesiredState, today: date) -> tuple[Finding, ...]:
    """Judge nothing but the dates of rules, as the drift cron does."""
    judging = Judging(state.policies, today)
    subjects = (
        desired_subject(group, {}, {}) for group in state.groups if any(rule.review for rule in group.rules or ())
    )
    return unique_findings(found for subject in subjects for found in check_expiry(subject, judging))


def judge_group(subject: Subject, judging: Judging) -> Iterator[Finding]:
    """Judge a group by all policies that do not ask what changes."""
    yield from check_flows(subject, judging)
    yield from check_prefixes(subject, judging)
    yield from check_descriptions(subject, judging)
    yield from check_protocols(subject, judging)
    yield from check_tags(subject, judging)
    yield from check_expiry(subject, judging)


def unique_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep each finding once, as strictly as it was found; and stop at the limit.

    Several rules of one written rule say the same, and so do the policies of the files and those from outside.
    """
    found: dict[tuple[object, ...], Finding] = {}
    for each in findings:
        key = key_of(each)
        if len(found) == MAX_FINDINGS and key not in found:
            message = f"there are more than {MAX_FINDINGS:,} findings, and the rest is not judged; mend these first"
            return (*found.values(), Finding(FINDING_LIMIT, "error", message))
        if key not in found or _strictness(each) > _strictness(found[key]):
            found[key] = each
    return tuple(found.values())


def key_of(found: Finding) -> tuple[object, ...]:
    """Return what is found, without how strictly."""
    return found.guardrail, found.message, found.place, found.group


def _strictness(found: Finding) -> tuple[bool, bool]:
    return found.stops, found.exception is None
