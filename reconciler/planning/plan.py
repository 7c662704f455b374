"""Stage 5: differences -> a plan: ordered, bounded requests, and everything a reviewer has to know.

A plan is data. Pure: live state, instance counts and the time are passed in.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from reconciler.model.desired import DesiredRule, DesiredState, Target
from reconciler.model.errors import InputError, UsageError
from reconciler.model.live import Instances, LiveGroup, LiveState, UnreadTarget, fingerprint
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import Finding, Limits, Policies, PoliciesSource, Rulebook, RulebookSource
from reconciler.model.rounds import in_rounds
from reconciler.model.text import did_you_mean
from reconciler.planning import prune
from reconciler.planning.diff import Action, Difference, diff, names_of_remotes
from reconciler.planning.encode import ApiVersion, Encoder, Request, encode_create, encode_update
from reconciler.planning.ignored import count_ignored, deletion_notes, ignored_notes, left_alone_notes
from reconciler.planning.origins import address_group_notes, rule_set_notes
from reconciler.planning.orphans import UnmanagedGroup, find_orphans, is_ours
from reconciler.planning.refusals import refuse_groups, refuse_rules
from reconciler.planning.resolve import Match, resolve


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one group: the difference, the fingerprint of the live side, and the writes in order."""

    difference: Difference
    fingerprint: str
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """The size of what the plan looks after, so that guardrails can speak of shares when a saved plan is applied.

    It is what is managed in the targets where anything changes, or in all where nothing does: what is deleted in one
    region is no smaller a share for what there is in others. `ignored_rules` are live rules of these groups that are
    left to others; they are not among the `rules`.
    """

    groups: int = 0
    rules: int = 0
    owned_groups: int = 0
    ignored_rules: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts that every format ends with."""

    groups_to_create: int
    groups_to_update: int
    groups_to_delete: int
    rules_to_create: int
    rules_to_redescribe: int
    rules_to_delete: int


COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""How git writes a commit: SHA-1 or SHA-256."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What made a plan or a report: the version of this package, and the commit that was checked out, "" for none."""

    version: str
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that `apply` needs. Groups without a change are not in it.

    `created_at` is an ISO 8601 time in UTC. `lifted` names the guardrails that were lifted when the plan was made.
    `group_names` maps the ids of remote groups to their names, for people. `policies` and `limits` are those it was
    judged by, `outside` is what it was judged by beside them, and `protect_ssh_from` is the address that must not be
    locked out; it is judged again when it is applied.
    `orphans` are live groups with our owner that no file names, and that this plan leaves alone; with pruning, notes
    name them. `digest` is that of the file that the plan was read from, "" where it was made now.
    """

    created_at: str
    base_url: str
    api_version: ApiVersion
    changes: tuple[Change, ...]
    scope: Scope = Scope()
    two_phase: bool = False
    lifted: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    group_names: Mapping[str, str] = field(default_factory=dict)
    policies: PoliciesSource = field(default_factory=PoliciesSource)
    protect_ssh_from: str | None = None
    origin: Origin | None = None
    orphans: tuple[UnmanagedGroup, ...] = ()
    limits: Limits = field(default_factory=Limits)
    outside: RulebookSource | None = None
    unread: tuple[UnreadTarget, ...] = ()
    digest: str = field(default="", compare=False)

    @property
    def summary(self) -> Summary:
        """Count what the plan does."""
        differences = [change.difference for change in self.changes]
        actions = [difference.action for difference in differences]
        return Summary(
            groups_to_create=actions.count(Action.CREATE),
            groups_to_update=actions.count(Action.UPDATE),
            groups_to_delete=actions.count(Action.DELETE),
            rules_to_create=sum(len(difference.creates) for difference in differences),
            rules_to_redescribe=sum(len(difference.redescribes) for difference in differences),
            rules_to_delete=sum(len(difference.deletes) for difference in differences),
        )

    @property
    def stopped_by(self) -> tuple[Finding, ...]:
        """The findings that stop the plan: errors whose guardrail was not lifted."""
        lifted = frozenset(self.lifted)
        return tuple(finding for finding in self.findings if finding.stops and finding.guardrail not in lifted)


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How to plan. `groups` are names or globs to restrict the plan to; `lifted` are names of guardrails.

    `going` are ids of live groups to delete, whoever owns them, as pruning deletes orphans. `protect_ssh_from` is an
    address from which no changed group may stop to admit SSH. `policies` are those of a settings file; files may bring
    their own instead. `outside` is what no file can soften. Only where the files are the `whole` of what there is, a
    live group that none of them names is an orphan.
    """

    api_version: ApiVersion = "v1"
    two_phase: bool = False
    prune: bool = False
    take_over: bool = False
    groups: tuple[str, ...] = ()
    lifted: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    protect_ssh_from: str | None = None
    policies: Policies | None = None
    outside: Rulebook | None = None
    whole: bool = True
    going: frozenset[str] = frozenset()


def match_groups(state: DesiredState, live: LiveState, options: PlanOptions) -> tuple[Match, ...]:
    """Match all desired groups with live ones, also those that `choose` leaves out.

    Raises `InputError` with every issue, `UsageError` for a glob without a group and for options that exclude each
    other.
    """
    _check_options(state, options)
    matches, issues = resolve(state, live)
    if issues:
        raise InputError(issues)
    choose(matches, options.groups)
    return matches


def plan_groups(
    state: DesiredState,
    live: LiveState,
    matches: Sequence[Match],
    options: PlanOptions,
    encoder: Encoder,
    *,
    base_url: str,
    created_at: str,
    instances: Mapping[str, Instances] | None = None,
) -> Plan:
    """Compute everything that `apply` will send, from the matches of all groups.

    `instances` are, by group id, those of the orphans, one of which pruning deletes only where it has none. Raises
    `InputError` for what cannot be planned, each with its place. Guardrails judge the plan afterwards.
    """
    orphans = find_orphans(state, live, matches) if options.whole and not options.groups else ()
    matches = choose(matches, options.groups)
    compared = [diff(match) for match in matches]
    differences = [difference for difference in compared if not difference.is_empty]
    issues = (*refuse_groups(matches, take_over=options.take_over, orphans=orphans), *refuse_rules(differences, live))
    if issues:
        raise InputError(issues)
    pruning = prune.Pruning((), ())
    going = orphans if options.prune else _named(live, options.going)
    if going:
        pruning = prune.prune(going, instances or {}, live, matches)
        if lost := tuple(prune.refuse_lost(pruning, matches)):
            raise InputError(lost)
    differences += pruning.deletions
    if options.groups:
        differences = list(_without_left_out_names(differences, live))
    scope = _scope(state, live, matches, compared, {each.target for each in differences} or {*state.targets})
    plan = plan_differences(differences, live, options, encoder, base_url=base_url, created_at=created_at, scope=scope)
    left = () if options.prune else orphans
    notes = (
        *pruning.notes,
        *address_group_notes(matches, differences),
        *rule_set_notes(differences),
        *ignored_notes(compared),
        *left_alone_notes(matches, state.owners),
        *deletion_notes(pruning.deletions, matches),
    )
    return replace(plan, notes=notes, orphans=tuple(UnmanagedGroup.of(group) for group in left))


def plan_differences(
    differences: Sequence[Difference],
    live: LiveState,
    options: PlanOptions,
    encoder: Encoder,
    *,
    base_url: str,
    created_at: str,
    scope: Scope,
) -> Plan:
    """Turn differences, wherever they come from, into a plan that nobody has judged yet."""
    return Plan(
        created_at=created_at,
        base_url=base_url,
        api_version=encoder.version,
        changes=tuple(encode_changes(differences, encoder, two_phase=options.two_phase)),
        scope=scope,
        two_phase=options.two_phase,
        lifted=tuple(sorted(options.lifted)),
        group_names=names_of_remotes(differences, live),
        protect_ssh_from=options.protect_ssh_from,
    )


def _check_options(state: DesiredState, options: PlanOptions) -> None:
    if options.prune and options.groups:
        raise UsageError("--group and --prune exclude each other", hint="Pruning looks at everything the files name.")
    if options.prune and not any(state.owners.values()):
        raise UsageError(
            "--prune needs to know whose groups these are, and no file has `owner:`",
            hint="Add `owner: NAME` to the files and apply that first; only groups with this tag are ever deleted.",
        )


def choose(matches: Sequence[Match], patterns: Sequence[str]) -> Sequence[Match]:
    """Restrict matches to names or globs, to all where there are none. Raises `UsageError` for one without a group."""
    if not patterns:
        return matches
    for pattern in patterns:
        if not any(fnmatchcase(match.desired.name, pattern) for match in matches):
            near = did_you_mean(pattern, dict.fromkeys(match.desired.name for match in matches))
            raise UsageError(f"--group {pattern}: no file names such a group", hint=near)
    return tuple(match for match in matches if any(fnmatchcase(match.desired.name, pattern) for pattern in patterns))


def encode_changes(differences: Sequence[Difference], encoder: Encoder, *, two_phase: bool) -> Iterator[Change]:
    """Put changes in order and encode them: target by target, creates first, then updates, then deletions.

    A new group comes after those its rules refer to. What is in order already stays so: saved plans are encoded once
    more when they are read.
    """
    ready: set[str] = set()
    by_target: dict[Target, list[Difference]] = {}
    for difference in differences:
        by_target.setdefault(difference.target, []).append(difference)
    for here in by_target.values():
        ready.clear()
        for difference in _referred_first([each for each in here if each.action is Action.CREATE]):
            yield Change(difference, fingerprint(None), encode_create(encoder, difference, ready))
            ready.add(placeholder(difference.name))
        for difference in here:
            if difference.action is Action.UPDATE:
                yield _update(difference, encoder, two_phase=two_phase)
        for difference in here:
            if difference.action is Action.DELETE and difference.live is not None:
                request = encoder.delete(difference.target, difference.live.id)
                yield Change(difference, fingerprint(difference.live), (request,))


def _update(difference: Difference, encoder: Encoder, *, two_phase: bool) -> Change:
    requests, _ = encode_update(encoder, difference, two_phase=two_phase)
    difference = replace(difference, notes=(*difference.notes, *encoder.notes(difference)))
    return Change(difference, fingerprint(difference.live), requests)


def _referred_first(creates: Sequence[Difference]) -> Iterator[Difference]:
    """Order new groups so that a group comes after those its rules refer to; in a circle, as they come."""
    named = {placeholder(each.name): each for each in creates}
    refers_to = {key: {rule.rule.remote_group_id or "" for rule in each.creates} for key, each in named.items()}
    return (named[key] for key in in_rounds(refers_to))


def _without_left_out_names(differences: Sequence[Difference], live: LiveState) -> Iterator[Difference]:
    """Call a remote group as it is live, where `groups` leaves out the rename that gives it the name in the file."""
    changed = {each.live.id for each in differences if each.live is not None}
    names = {group.id: group.name for groups in live.values() for group in groups if group.id not in changed}

    def named(rule: DesiredRule) -> DesiredRule:
        name = names.get(rule.rule.remote_group_id or "", rule.remote_group)
        return rule if rule.remote_group in {None, name} else replace(rule, remote_group=name)

    for each in differences:
        yield replace(
            each,
            creates=tuple(map(named, each.creates)),
            redescribes=tuple(replace(one, desired=named(one.desired)) for one in each.redescribes),
        )


def _named(live: LiveState, ids: Collection[str]) -> tuple[LiveGroup, ...]:
    return tuple(group for groups in live.values() for group in groups if group.id in ids) if ids else ()


def _scope(
    state: DesiredState,
    live: LiveState,
    matches: Iterable[Match],
    compared: Iterable[Difference],
    targets: Collection[Target],
) -> Scope:
    """Measure what is managed in these targets."""
    here = [match for match in matches if match.desired.target in targets]
    managed = [match.live for match in here if match.live is not None and match.desired.rules is not None]
    ignored = count_ignored(each for each in compared if each.target in targets)
    return Scope(
        groups=len(here),
        rules=sum(len(group.rules) for group in managed) - ignored,
        owned_groups=sum(is_ours(group, state) for target in targets for group in live[target]),
        ignored_rules=ignored,
    )
