"""What an audit says of live groups, whoever manages them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain

from reconciler.model.desired import DesiredState
from reconciler.model.errors import InputError
from reconciler.model.live import Instances, LiveState, RefusedTarget
from reconciler.model.policies import Finding, Policies, Rulebook
from reconciler.planning.orphans import find_orphans
from reconciler.planning.resolve import Match, resolve
from reconciler.policy.flows import check_groups_exist
from reconciler.policy.judge import judge_group, unique_findings
from reconciler.policy.judging import Judging, judgings_of
from reconciler.policy.openings import Opening, live_openings
from reconciler.policy.subject import Subject, live_subject, names_of
from reconciler.policy.unused import orphan_findings, unattached_findings
from reconciler.policy.world import check_world_open
from reconciler.traffic import Traffic
from reconciler.traffic.exposure import may_be_world


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found, in how much, and what is open to the world; `refused` targets could not be looked through.

    `unknown` counts the groups of which it was asked and not told whether any instance has them.
    """

    findings: tuple[Finding, ...]
    groups: int
    rules: int
    openings: tuple[Opening, ...] = ()
    refused: tuple[RefusedTarget, ...] = ()
    unknown: int = 0


def audit(
    state: DesiredState,
    live: LiveState,
    today: date,
    outside: Rulebook | None = None,
    instances: Mapping[str, Instances] | None = None,
    *,
    whole: bool = True,
) -> Audit:
    """Judge. The files bring policies, places, exceptions and owners; `instances` are by group id, as far as known.

    Only where the files are the `whole` of what there is, a live group that none of them names is an orphan.
    Raises `InputError` where it is not clear which live group a desired one is.
    """
    matches, issues = resolve(state, live)
    if issues:
        raise InputError(issues)
    groups = [group for groups in live.values() for group in groups]
    findings = judge_live(matches, live, state.policies, today, outside)
    orphans = find_orphans(state, live, matches) if whole else ()
    unused = chain(orphan_findings(orphans), unattached_findings(groups, instances or {}))
    rules = sum(len(group.rules) for group in groups)
    return Audit(unique_findings(chain(findings, unused)), len(groups), rules, live_openings(live))


def judge_live(
    matches: Iterable[Match], live: LiveState, policies: Policies, today: date, outside: Rulebook | None = None
) -> tuple[Finding, ...]:
    """Judge every live group as it is, also those that no file names."""
    desired = {match.live.id: match.desired for match in matches if match.live is not None}
    ids = {target: {group.name: group.id for group in groups} for target, groups in live.items()}
    names = names_of(ids)
    both = judgings_of(policies, outside, today, sum(map(len, live.values())))
    subjects = (
        live_subject(group, desired.get(group.id), ids[target], names[target])
        for target, groups in live.items()
        for group in groups
    )
    all_names = {group.name for groups in live.values() for group in groups}
    found = chain.from_iterable(_judge_live_group(subject, judging) for subject in subjects for judging in both)
    missing = chain.from_iterable(check_groups_exist(judging, all_names) for judging in both)
    return unique_findings(chain(found, missing))


def _judge_live_group(subject: Subject, judging: Judging) -> Iterator[Finding]:
    yield from judge_group(subject, judging)
    if may_be_world(subject.admitted):
        yield from check_world_open(subject, Traffic.of(subject.admitted).flows(), judging)
