"""That an edit of the text changed what was meant, and no traffic: judged by the loader and the traffic algebra."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.lint.findings import Remedy
from reconciler.lint.text import Text, comment_texts
from reconciler.loading.document import YamlDocument
from reconciler.model.desired import DesiredGroup, DesiredRule, DesiredState
from reconciler.model.place import FilePlace, Key
from reconciler.model.placeholder import placeholder
from reconciler.model.rule import Rule
from reconciler.planning.group_view import desired_view
from reconciler.traffic import Traffic

RuleSets = Mapping[str, Sequence[DesiredRule]]
_NOWHERE = FilePlace("", 0, 0)


def same_documents(before: Sequence[YamlDocument], after: Sequence[YamlDocument], remedies: Sequence[Remedy]) -> str:
    """Say how the documents of a file are not what the remedies make of them; empty where they are.

    Beside the rules that a remedy touches nothing may differ, and every comment has to be there.
    """
    if comment_texts(Text.of(before[0].source.data)) != comment_texts(Text.of(after[0].source.data)):
        return "a comment would be lost"
    wanted = [_mended(document, remedies) for document in before]
    return "" if wanted == [document.value for document in after] else "its text cannot be edited"


def same_state(before: DesiredState, after: DesiredState) -> str:
    """Say how two states differ in more than the rules by which they say the same; empty where they do not."""
    if (before.targets, before.owners, before.policies) != (after.targets, after.owners, after.policies):
        return "targets, owners or policies would change"
    if [_head(group) for group in before.groups] != [_head(group) for group in after.groups]:
        return "more than rules would change"
    for old, new in zip(desired_view(before).groups, desired_view(after).groups, strict=True):
        rules = old.rules or (), new.rules or ()
        if Traffic.of(rule.rule for rule in rules[0]) != Traffic.of(rule.rule for rule in rules[1]):
            return "the traffic would change"
        if not {rule.description for rule in rules[1]} <= {rule.description for rule in rules[0]}:
            return "a description would change"
    return ""


def same_sets(before: RuleSets, after: RuleSets) -> str:
    """Say how rule sets differ in more than the rules by which they say the same, whether a group uses them or not."""
    for name, rules in before.items():
        if Traffic.of(map(_named, rules)) != Traffic.of(map(_named, after.get(name, ()))):
            return "the traffic of a rule set would change"
    return "" if before.keys() == after.keys() else "a rule set would come or go"


def _named(rule: DesiredRule) -> Rule:
    return rule.rule._replace(remote_group_id=placeholder(rule.remote_group)) if rule.remote_group else rule.rule


def _head(group: DesiredGroup) -> DesiredGroup:
    return replace(group, place=_NOWHERE, rules=None if group.rules is None else ())


def _mended(document: YamlDocument, remedies: Sequence[Remedy]) -> Any:
    """Carry out remedies on the plain value of a document."""
    removed = {rule.path for remedy in remedies for rule in remedy.removes if rule.document is document}
    changed: dict[tuple[Key, ...], dict[str, Any]] = {}
    for rewrite in (each for remedy in remedies for each in remedy.rewrites if each.rule.document is document):
        so_far = changed.get(rewrite.rule.path, rewrite.rule.value)
        kept = {key: value for key, value in so_far.items() if key not in rewrite.replaces}
        changed[rewrite.rule.path] = {**kept, rewrite.key: rewrite.value}
    if not removed and not changed:
        return document.value
    above = {path[:depth] for path in (*removed, *changed) for depth in range(len(path))}

    def mend(part: Any, path: tuple[Key, ...]) -> Any:
        if path not in above:
            return changed.get(path, part)
        if isinstance(part, dict):
            return {key: mend(value, (*path, key)) for key, value in part.items()}
        return [mend(item, at) for number, item in enumerate(part) if (at := (*path, number)) not in removed]

    return mend(document.value, ())
