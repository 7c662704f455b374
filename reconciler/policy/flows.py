"""`must_allow` and `must_deny`: traffic that a group has to admit, or may admit nothing of. Exact, by the algebra."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.model.errors import UsageError
from reconciler.model.placeholder import placeholder
from reconciler.model.policies import Finding, FlowPolicy, Policies
from reconciler.model.rule import Rule
from reconciler.policy.judging import Judging, finding, lifting_flag
from reconciler.policy.subject import Subject
from reconciler.traffic import Traffic, describe

MUST_ALLOW = "must_allow"
MUST_DENY = "must_deny"
_SHOWN = 5


def check_flows(subject: Subject, judging: Judging) -> Iterator[Finding]:
    """Judge everything that a group admits."""
    required, denied = judging.required.about(subject.name), judging.denied.about(subject.name)
    if not required and not denied:
        return
    admitted = Traffic.of(subject.admitted)
    for each in required:
        yield from _check_allowed(each, admitted, subject, judging)
    for each in denied:
        yield from _check_denied(each, admitted, subject, judging)


def check_groups_exist(judging: Judging, names: Iterable[str]) -> Iterator[Finding]:
    """Judge that `must_allow` is about something: with a group's name misspelled it would protect nothing."""
    for each in judging.required.about_none(frozenset(names)):
        if each.level != "off":
            message = (
                f"`must_allow` in {judging.policies.source.where} is about {each.group!r}, and no group has that name: "
                "nothing is protected by it; correct the name, or remove the entry"
            )
            yield Finding(MUST_ALLOW, each.level, message, lifting_flag(MUST_ALLOW), None, each.group)


def remote_names(policies: Policies) -> frozenset[str]:
    """Return the names of the remote groups that flows speak of."""
    return frozenset(
        name for each in (*policies.must_allow, *policies.must_deny) for _, name in each.rules or () if name
    )


def _check_allowed(policy: FlowPolicy, admitted: Traffic, subject: Subject, judging: Judging) -> Iterator[Finding]:
    rules = _rules(policy, subject.ids)
    if policy.level == "off" or all(map(admitted.admits_all, rules)):
        return
    missing = Traffic.of(rules).difference(admitted)
    verb = "does not admit" if subject.is_live else "would not admit"
    message = (
        f"{_label(subject)} {verb} what it must: "
        f"{_described(missing, policy, subject)}{_why(policy)}; add or keep a rule that admits it, or change "
        "`must_allow` in the policies"
    )
    yield finding(MUST_ALLOW, policy.level, message, subject, judging)


def _check_denied(policy: FlowPolicy, admitted: Traffic, subject: Subject, judging: Judging) -> Iterator[Finding]:
    rules = _rules(policy, subject.ids)
    if policy.level == "off" or not any(map(admitted.admits_some, rules)):
        return
    denied = Traffic.of(rules)
    verb = "admits" if subject.is_live else "would admit"
    for rule in subject.rules:
        if denied.admits_some(rule.rule):
            part = denied.part(rule.rule)
            yield finding(MUST_DENY, policy.level, _denial(verb, part, policy, subject), subject, judging, rule)
    if subject.result is not None:  # there are rules that are kept, and not judged one by one
        rest = admitted.intersection(denied).difference(Traffic.of(rule.rule for rule in subject.rules))
        if not rest.is_empty:
            yield finding(MUST_DENY, policy.level, _denial(verb, rest, policy, subject), subject, judging)


def _denial(verb: str, traffic: Traffic, policy: FlowPolicy, subject: Subject) -> str:
    return (
        f"{_label(subject)} {verb} what it must not: "
        f"{_described(traffic, policy, subject)}{_why(policy)}; remove or narrow the rule, or change `must_deny` in "
        "the policies"
    )


def _rules(policy: FlowPolicy, ids: Mapping[str, str]) -> Sequence[Rule]:
    if policy.rules is None:
        raise UsageError(
            f"a policy for {policy.group!r} names an address group, and there are no files that define it",
            hint="Pass the files, or write the prefixes into the policy.",
        )
    return [
        rule if name is None else rule._replace(remote_group_id=ids.get(name) or placeholder(name))
        for rule, name in policy.rules
    ]


def _described(traffic: Traffic, policy: FlowPolicy, subject: Subject) -> str:
    names = {placeholder(name): name for _, name in policy.rules or () if name}
    flows = traffic.flows()
    remotes = (remote for flow in flows[:_SHOWN] for remote in (flow.remote, *flow.except_remotes) if remote)
    names |= {key: subject.names[key] for remote in remotes if (key := remote.group) in subject.names and key}
    more = f" and {len(flows) - _SHOWN} more" if len(flows) > _SHOWN else ""
    return "; ".join(describe(flow, names) for flow in flows[:_SHOWN]) + more


def _label(subject: Subject) -> str:
    """Name the group and its target: the same group may do in one and not in another."""
    return subject.label if subject.is_live else f"{subject.label} ({subject.target})"


def _why(policy: FlowPolicy) -> str:
    return f" ({policy.description})" if policy.description else ""
