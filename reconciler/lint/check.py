"""All findings of a run."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from reconciler.lint.findings import Kind, LintFinding
from reconciler.lint.merge import find_mergeable
from reconciler.lint.redundant import MAX_UNIONS, find_redundant
from reconciler.lint.written import read_written
from reconciler.loading.document import YamlDocument
from reconciler.loading.issues import Budget
from reconciler.loading.rule_sets import rule_sets_of
from reconciler.model.desired import DesiredState
from reconciler.model.egress import smtp_protocols
from reconciler.model.live import LiveState
from reconciler.model.place import Place, written_at
from reconciler.policy.rules import SMTP, SMTP_WAY_OUT, describe_smtp


def lint(
    documents: Sequence[YamlDocument], state: DesiredState, live: LiveState | None = None
) -> tuple[LintFinding, ...]:
    """Find what could be better in valid documents and the state they ask for, in the order of places."""
    found = [
        *find_rules(documents),
        *find_unknown_groups(state, live),
        *find_smtp_egress(state),
        *find_unused(documents, state.policies.source.address_groups),
    ]
    return tuple(sorted(found, key=lambda finding: (finding.place.order, finding.kind)))


def find_rules(documents: Sequence[YamlDocument]) -> Iterator[LintFinding]:
    """Find superfluous rules, and what could be merged of the others."""
    unions = Budget(MAX_UNIONS)
    for group in read_written(documents):
        redundant = list(find_redundant(group, unions))
        yield from redundant
        gone = [rule for finding in redundant if finding.remedy for rule in finding.remedy.removes]
        yield from find_mergeable(group, gone)


def find_unknown_groups(state: DesiredState, live: LiveState | None) -> Iterator[LintFinding]:
    """Find remote groups that no file defines; where live state was read, only those that are not live either.

    Each place is named once, for the first target in which the group is missing.
    """
    defined = {(group.target, name) for group in state.groups for name in (group.name, group.id)}
    there = {
        (target, name) for target, groups in (live or {}).items() for group in groups for name in (group.name, group.id)
    }
    seen: set[tuple[Place, str]] = set()
    for group in state.groups:
        for rule in group.rules or ():
            # An id says nothing offline: groups are looked up live, and files seldom name theirs.
            name = rule.remote_group or (rule.rule.remote_group_id if live is not None else None)
            key = (group.target, name)
            if name is None or key in defined or key in there or (written_at(rule.place), name) in seen:
                continue
            seen.add((written_at(rule.place), name))
            message = f"no file defines the group `{name}` for {group.target}"
            known = ", and none is live" if live is not None else ": it has to be live (--live asks)"
            left = "only its author knows which group is meant"
            yield LintFinding(Kind.UNKNOWN_GROUP, rule.place, message + known, group.name, left=left)


def find_smtp_egress(state: DesiredState) -> Iterator[LintFinding]:
    """Find written rules that cover egress to port 25, unless the policy is off or an exception stands beside them."""
    if state.policies.smtp_egress == "off":
        return
    seen: set[Place] = set()
    for group in state.groups:
        for rule in group.rules or ():
            excepted = (*group.exceptions, *(rule.review.exceptions if rule.review else ()))
            if (
                not smtp_protocols(rule.rule)
                or written_at(rule.place) in seen
                or any(each.policy == SMTP for each in excepted)
            ):
                continue
            seen.add(written_at(rule.place))
            message = f"this rule {describe_smtp(rule.rule)}: {SMTP_WAY_OUT}"
            left = "only its author knows which ports it is for"
            yield LintFinding(Kind.SMTP_EGRESS, rule.place, message, group.name, left=left)


def find_unused(documents: Sequence[YamlDocument], elsewhere: Collection[str]) -> Iterator[LintFinding]:
    """Find rule sets that nothing uses; and address groups, unless a policy does (`elsewhere` are those names)."""
    used: dict[str, set[str]] = {"remote_address_group": set(elsewhere), "use": set()}
    for item in (item for document in documents for item in _items(document)):
        for key, names in used.items():
            written = item.get(key) or ()
            names.update([written] if isinstance(written, str) else written)
    for section, kind, key, what in (
        ("address_groups", Kind.UNUSED_ADDRESS_GROUP, "remote_address_group", "address group"),
        ("rule_sets", Kind.UNUSED_RULE_SET, "use", "rule set"),
    ):
        for document in documents:
            for name in document.value.get(section) or ():
                if name not in used[key]:
                    message, left = f"nothing uses the {what} `{name}`", "files of another run may use it"
                    yield LintFinding(kind, document.key_place(section, name), message, left=left)


def _items(document: YamlDocument) -> Iterator[dict[str, Any]]:
    """Yield the items of all lists of rules."""
    for group in document.value.get("security_groups") or ():
        yield from group.get("rules") or ()
    for rule_set in rule_sets_of(document).values():
        yield from rule_set
